/* Like requests, so many in flight at a time: continuous batching followed event by event. A step with prompts in it is an event; the steps
 * between two of them, in which nobody comes or goes, are one. Who is in which step does not depend on how long steps take, so times are
 * followed by components (of kernels, of hosts …) and weighed afterwards. The general engine, for requests of any lengths and arrivals, is
 * harness/load/serving; its tests hold this form to it. */
#ifndef ASSAY_MODEL_SERVING_LOOP_H
#define ASSAY_MODEL_SERVING_LOOP_H

#include <stdint.h>

#include "harness/model/cluster/serving_step.h"

enum { ASSAY_SERVING_COMPONENTS = 24 };
struct assay_serving_time {
    double of[ASSAY_SERVING_COMPONENTS];
};
/* What a step takes, in any unit. */
typedef enum assay_code assay_serving_step_time(void *self, const struct assay_serving_work *w, struct assay_serving_time *out, struct assay_error *err);

struct assay_serving_loop {
    double prompt_tokens, output_tokens; /* of each request, at least 1 */
    double in_flight;                    /* requests that wait or are served */
    double seats;                        /* sequences at once: as many as keys and values have room, or the server takes */
    double step_tokens;                  /* the most in a step, sequences that generate first */
    bool   cuts_prompts;                 /* prompts may be computed in pieces over several steps */
    bool   prompts_alone;                /* while somebody's prompt is not computed nobody generates */
    double rounds;                       /* requests of the run over those in flight; at least 1. The last counts for nobody: the server empties */
    double settling;                     /* rounds behind the first that count for nobody */
    double spread;                       /* of outputs: the longest less the shortest over their mean; 0: all go on in step */
};
/* Whose means these are: of who all came at once at the begin; of those behind them, when what the begin did has worn off. */
enum assay_serving_crowd { ASSAY_SERVING_FIRST, ASSAY_SERVING_LATER, ASSAY_SERVING_CROWDS };
/* To the first token; per further token (0 where there is one). */
struct assay_serving_means {
    double                    requests[ASSAY_SERVING_CROWDS]; /* that were followed */
    struct assay_serving_time ttft[ASSAY_SERVING_CROWDS], tpot[ASSAY_SERVING_CROWDS];
    struct assay_serving_time whole;          /* from the first arrival to the last token */
    double                    steps, busiest; /* busiest: sequences in a step, at most */
};
/* Output tokens of the i-th request of a run with that spread. */
double assay_serving_output_tokens(double mean, double spread, uint64_t i);
/* ASSAY_CONFIG: no seat, lengths below 1; what `step` says. */
enum assay_code assay_serving_loop_run(const struct assay_serving_loop *l, assay_serving_step_time *step, void *self, struct assay_serving_means *out,
                                       struct assay_error *err);

#endif
