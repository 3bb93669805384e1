/* Outputs of a launch as mlperf_log_accuracy.json has them: an entry an input, "data" its output's bytes in upper-case hex; of served requests
 * the tokens as 32-bit words, low byte first, and how many. A run keeps few outputs whole (its witness: those of a few input sets; the answers
 * of 16 requests, 100 of an audit), so there are few entries: enough to compare, none to score. */
#ifndef ASSAY_MLPERF_ACCURACY_H
#define ASSAY_MLPERF_ACCURACY_H

#include "assay/error.h"
#include "harness/store/run_folder.h"
#include "reports/sink.h"

/* How many entries were written is in *n; without a witness none, and still a list. ASSAY_DATA: the witness is not what was written. */
enum assay_code assay_mlperf_accuracy(const struct assay_run_folder *folder, const struct assay_record *record, struct assay_sink *to, uint64_t *n,
                                      struct assay_error *err);

#endif
