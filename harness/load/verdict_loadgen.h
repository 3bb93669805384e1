/* MLPerf's early stopping, exactly as published (inference policies, appendix): is a run long enough to say that a percentile is
 * below its limit? c = 0.99, d = 0. Stored as `loadgen_valid`. */
#ifndef ASSAY_LOAD_VERDICT_LOADGEN_H
#define ASSAY_LOAD_VERDICT_LOADGEN_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/text.h"

/* The least h such that I_p(h, t + 1) < 0.01: within-limit latencies that t over it need. 0 < p < 1. */
uint64_t assay_early_stopping_within(double p, uint64_t over);
/* Server: is t over of n enough to pass. */
bool assay_early_stopping_passes(double p, uint64_t n, uint64_t over);
/* single_stream, multi_stream: the largest t with n >= h(t) + t, t >= 1; the estimate is sorted[n - t]. 0: n is too small. */
uint64_t assay_early_stopping_discard(double p, uint64_t n);
/* What n queries are good for: "p99 if at most 1 of 662 is over". */
void assay_early_stopping_tell(double p, uint64_t n, struct assay_text *out);

#endif
