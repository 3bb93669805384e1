/* Would the submission checker take it? Its rules for a folder of one submitter, written anew from what it was seen to do; and two that it
 * lacks: a result has to be valid, and a log without error lines. Says for every rule that does not hold which file, what stands there
 * and what is wanted. */
#ifndef ASSAY_MLPERF_CHECK_H
#define ASSAY_MLPERF_CHECK_H

#include "reports/mlperf/log_file.h"
#include "reports/mlperf/submission.h"

/* Looks at <out>/<division>/<submitter>; adds a note REFUSED for each rule that does not hold. ASSAY_IO: there is no such folder. */
enum assay_code assay_mlperf_check(const char *out, const struct assay_mlperf_how *how, struct assay_mlperf_notes *notes, struct assay_error *err);

/* The rules for a performance log of that benchmark and scenario; `where` is put in front of each note. */
void assay_mlperf_check_performance(const struct assay_mlperf_log *log, const struct assay_mlperf_how *how, const struct assay_mlperf_benchmark *b,
                                    enum assay_mlperf_scenario s, const char *where, struct assay_mlperf_notes *notes);
/* Those for an accuracy log. */
void assay_mlperf_check_accuracy(const struct assay_mlperf_log *log, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s,
                                 const char *where, struct assay_mlperf_notes *notes);

#endif
