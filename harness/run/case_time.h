/* A case is executed over and over, its outputs are kept as a witness, and a few executions are traced. */
#ifndef ASSAY_RUN_CASE_TIME_H
#define ASSAY_RUN_CASE_TIME_H

#include "assay/error.h"
#include "harness/run/course.h"

/* The device is open and accepts the graph. */
enum assay_code assay_case_time(struct assay_course *course, struct assay_error *err);

#endif
