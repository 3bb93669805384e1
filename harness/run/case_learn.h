/* A case whose workload has a lesson is trained until it is good enough; the net it ends with is the witness. */
#ifndef ASSAY_RUN_CASE_LEARN_H
#define ASSAY_RUN_CASE_LEARN_H

#include "assay/error.h"
#include "harness/run/course.h"

/* The device is open and accepts the step and the evaluation. */
enum assay_code assay_case_learn(struct assay_course *course, struct assay_error *err);

#endif
