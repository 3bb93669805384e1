/* The counters that a back end's session tells, with their texts ended. */
#ifndef ASSAY_RUN_SESSION_COUNTERS_H
#define ASSAY_RUN_SESSION_COUNTERS_H

#include "harness/run/loader.h"

enum { ASSAY_SESSION_COUNTERS = 64 }; /* a record has no room for more */

/* How many rows were filled; 0: the back end tells none. */
size_t assay_session_counters(const struct assay_opened *opened, struct assay_counter_row rows[ASSAY_SESSION_COUNTERS]);
/* The level of that name now, or `if_absent`. */
double assay_session_level(const struct assay_opened *opened, const char *name, double if_absent);
/* Joules of the session so far; NaN where the device tells none. */
double assay_session_joules(const struct assay_opened *opened);

#endif
