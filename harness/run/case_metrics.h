/* What the executions of a course come to: the metrics and counters of its record. */
#ifndef ASSAY_RUN_CASE_METRICS_H
#define ASSAY_RUN_CASE_METRICS_H

#include <stdint.h>

#include "harness/run/course.h"
#include "harness/store/record.h"

/* All that course->loop and the instruments tell, the counts of the proof with it. */
void assay_case_summarize(const struct assay_course *course);

#endif
