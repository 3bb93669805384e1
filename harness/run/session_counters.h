/* The counters that a back end's session tells, with their texts ended. */
#ifndef ASSAY_RUN_SESSION_COUNTERS_H
#define ASSAY_RUN_SESSION_COUNTERS_H

#include "harness/run/course.h"

enum { ASSAY_SESSION_COUNTERS = 64, ASSAY_COURSE_COUNTERS = 2 * ASSAY_SESSION_COUNTERS };

/* How many rows were filled; 0: the back end tells none. */
size_t assay_session_counters(const struct assay_opened *opened, struct assay_counter_row rows[ASSAY_SESSION_COUNTERS]);
/* Those of a case: of the device of further tokens, where there is one, its levels follow under names of their own, "further_…". */
size_t assay_course_counters(const struct assay_course *course, struct assay_counter_row rows[ASSAY_COURSE_COUNTERS]);
/* The level of that name now, or `if_absent`. */
double assay_session_level(const struct assay_opened *opened, const char *name, double if_absent);
/* Joules of the session so far; NaN where the device tells none. */
double assay_session_joules(const struct assay_opened *opened);

#endif
