/* The graph of a course on its device, filled and compiled, with as many input sets as there is memory for. */
#ifndef ASSAY_RUN_CASE_TARGET_H
#define ASSAY_RUN_CASE_TARGET_H

#include "assay/error.h"
#include "harness/run/course.h"

/* Another graph of the same workload, whose target shares the weights of the course's. */
struct assay_case_beside {
    const struct assay_graph        *graph;
    const struct assay_value_source *source; /* may be NULL */
    struct assay_graph_target       *target; /* made; freed before the course's */
};

/* Sets course->target, course->sets (at most `sets`) and what the record says of them. */
enum assay_code assay_case_target_make(struct assay_course *course, uint32_t sets, struct assay_error *err);
/* The same with n others beside it, all with as many sets. Those that were made when one fails are freed. */
enum assay_code assay_case_targets_make(struct assay_course *course, uint32_t sets, struct assay_case_beside *beside, uint32_t n,
                                        struct assay_error *err);

#endif
