/* The requests of a run: when they come, how long they are, what they say. A function of (scenario, seeds, setup); same seed, same
 * stream. The next one is made when somebody looks for it. */
#ifndef ASSAY_LOAD_SERVING_REQUESTS_H
#define ASSAY_LOAD_SERVING_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/serving/engine.h"
#include "harness/plan/lengths.h"
#include "harness/plan/scenario.h"
#include "harness/plan/seed_set.h"

struct assay_requests_setup {
    const struct assay_scenario *scenario; /* any but multi_stream; copied, as all here */
    const struct assay_seeds    *seeds;
    struct assay_lengths         prompt, output; /* drawn for each sample of the data set, so that a sample is always the same */
    const char                  *table;          /* "" or a CSV of prompt_tokens,output_tokens: sample i has row i mod rows */
    uint32_t                     shared_tokens;  /* of every prompt: it begins with one of `shared_prompts`; the rest is its own */
    uint32_t                     shared_prompts;
    uint32_t                     vocabulary;     /* tokens are below */
    uint64_t                     seed, admission_ns; /* a request is ready so long after it was scheduled */
};

struct assay_requests;
/* ASSAY_CONFIG, ASSAY_DATA: what cannot be served, a table that is none. */
enum assay_code assay_requests_new(const struct assay_requests_setup *how, struct assay_requests **out, struct assay_error *err);
void            assay_requests_free(struct assay_requests *r);

/* Can the engine serve the longest there can be? ASSAY_CONFIG with what is too small for it, and the line of a trace. */
enum assay_code assay_requests_fit(const struct assay_requests *r, const struct assay_engine *e, uint32_t context, struct assay_error *err);

/* As a source of an engine. */
struct assay_engine_source assay_requests_source(struct assay_requests *r);
/* One of them has ended: where a number in flight is fixed, the next comes now. */
void                       assay_requests_ended(struct assay_requests *r, uint64_t at_ns);
/* The run breaks off: what waited for a completion does not come any more. */
void                       assay_requests_stop(struct assay_requests *r);
/* How much of what decides the run's length is done, 0 to 1: requests or time, whichever takes longer. */
double                     assay_requests_share(const struct assay_requests *r);
/* The tokens of a prompt. */
void                       assay_requests_prompt(const struct assay_requests *r, uint64_t id, uint32_t n, int32_t *tokens);

#endif
