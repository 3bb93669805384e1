/* How a case of phase `serve` is served: a case's name ends in it, behind its scenario:
 * `decoder.serve/model=tiny-dense@server/qps=4+serving/chunk=256,output=64,prompt=uniform-32-512`. Rules: harness/load/serving/README.md. */
#ifndef ASSAY_PLAN_SERVING_H
#define ASSAY_PLAN_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/option.h"
#include "assay/text.h"
#include "harness/plan/lengths.h"

struct assay_serving {
    char     prompt[48], output[48]; /* lengths.h */
    char     table[160];             /* "" or a CSV of prompt_tokens,output_tokens */
    int64_t  shared_tokens, shared_prompts;
    int64_t  chunk;                  /* tokens of one prompt in one step, at most; 0: prompts are never cut */
    int64_t  max_sequences, max_tokens; /* of a step; 0: what the graph is compiled for */
    int64_t  blocks;                 /* of the cache; 0: as many as all sequences need at their longest */
    bool     prefix_reuse, is_static;
    double   link_bytes_per_s;       /* between an engine for prompts and one for further tokens; 0: there is one */
    uint64_t link_latency_ns;
    double   prompt_share;           /* of a system's devices, for prompts alone; 0: there is no such part */
    double   demand_per_s;           /* requests that devices are wanted for; 0: none */
    uint64_t skip_ns;                /* what was scheduled, and came, earlier does not count */
    uint64_t timeout_ns;             /* of a request; 0: none */
    char     engine[48];             /* on a model clock: a description in suites/engines */
};
extern const struct assay_option assay_serving_options[];

/* What follows "serving" in a name: "" or "/key=value,…". ASSAY_CONFIG also for lengths that are none. */
enum assay_code assay_serving_parse(const char *text, struct assay_serving *out, struct assay_error *err);
/* The canonical form: "serving/" and all keys, sorted. */
void            assay_serving_write(const struct assay_serving *s, struct assay_text *out);

#endif
