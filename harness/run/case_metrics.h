/* What the executions of a course come to: the metrics and counters of its record. */
#ifndef ASSAY_RUN_CASE_METRICS_H
#define ASSAY_RUN_CASE_METRICS_H

#include <stdint.h>

#include "harness/run/course.h"
#include "harness/store/record.h"

/* A metric has a value, or the reason why it has none. */
void assay_metric_set(struct assay_record *record, enum assay_metric metric, double value, uint64_t n, enum assay_clock clock);
void assay_metric_absent(struct assay_record *record, enum assay_metric metric, const char *why);

/* All that course->loop and the instruments tell, the counts of the proof with it. */
void assay_case_summarize(const struct assay_course *course);

#endif
