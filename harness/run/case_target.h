/* The graph of a course on its device, filled and compiled, with as many input sets as there is memory for. */
#ifndef ASSAY_RUN_CASE_TARGET_H
#define ASSAY_RUN_CASE_TARGET_H

#include "assay/error.h"
#include "harness/run/course.h"

/* Sets course->target, course->sets (at most `sets`) and what the record says of them. */
enum assay_code assay_case_target_make(struct assay_course *course, uint32_t sets, struct assay_error *err);

#endif
