/* A case is executed over and over, its outputs are kept as a witness, and a few executions are traced. */
#ifndef ASSAY_RUN_CASE_TIME_H
#define ASSAY_RUN_CASE_TIME_H

#include "assay/error.h"
#include "harness/plan/plan.h"
#include "harness/run/course.h"

/* Why no bursts of the ceiling (harness/measure/ceiling.h) are run beside the case on the device: of every course, and of the launcher, who
 * keeps them. NULL: they are, if they can be. */
const char *assay_case_without_bursts(const struct assay_case *c, const struct assay_device_info *device);

/* The device is open and accepts the graph. */
enum assay_code assay_case_time(struct assay_course *course, struct assay_error *err);

#endif
