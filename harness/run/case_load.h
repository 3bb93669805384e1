/* A case with a scenario: work arrives at the device as the scenario says, and every query is timed from when it was due. */
#ifndef ASSAY_RUN_CASE_LOAD_H
#define ASSAY_RUN_CASE_LOAD_H

#include "assay/error.h"
#include "harness/run/course.h"

/* The device is open and accepts the graph. */
enum assay_code assay_case_load(struct assay_course *course, struct assay_error *err);
/* How many queries a worker had issued and completed that was ended before it could tell, from the file that its series would have been;
 * those in flight have failed. Without such a file *out stays as it is. */
void assay_case_load_recover(const char *folder, const char *id, const char *backend, uint32_t launch, struct assay_load *out);

#endif
