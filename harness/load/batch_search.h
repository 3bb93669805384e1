/* The batch that has the highest rate within a latency limit: a ladder of powers of two, a search for the peak (peak.h)
 * on each, from the best rate so far upwards, which ends where a larger batch cannot help any more, or where two in a
 * row did not: one may have met a neighbour of a busy machine. All looks of all searches share one error probability.
 */
#ifndef ASSAY_LOAD_BATCH_SEARCH_H
#define ASSAY_LOAD_BATCH_SEARCH_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/load/peak.h"

#define ASSAY_BATCH_STEPS 7u /* 1, 2, 4 … 64 */

/* What executions of up to so many samples take, before any search. */
struct assay_batch_offer {
    uint64_t execution_ns; /* a full one */
    double capacity_qps;   /* samples a second, executions one after another */
};
struct assay_batch_search {
    uint64_t latency_ns; /* the limit */
    double percentile;
    /* Makes ready for up to max_batch samples in an execution. ASSAY_MEMORY, ASSAY_CONFIG and ASSAY_UNSUPPORTED say
     * that there is no such batch, and end the ladder unless it is the first. */
    enum assay_code (*offer)(void *self, uint32_t max_batch, struct assay_batch_offer *out, struct assay_error *err);
    enum assay_code (*look)(void *self, const struct assay_peak_asked *asked, struct assay_peak_look *out,
                            struct assay_error *err);
    void *self;
};
struct assay_batch_step {
    uint32_t max_batch;
    struct assay_peak peak; /* n 0: it was not looked for, because … */
    char why[160];          /* why it is not better than those before; empty: it is */
};
struct assay_batches {
    uint32_t n, best; /* best: of step[]; the first where no rate was valid with any */
    struct assay_batch_step step[ASSAY_BATCH_STEPS];
};
enum assay_code assay_batch_search(const struct assay_batch_search *how, struct assay_batches *out,
                                   struct assay_error *err);

#endif
