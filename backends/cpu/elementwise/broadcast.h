/* Two operands broadcast to one result, as few runs as possible: axes along which both go on alike are merged. */
#ifndef CPU_ELEMENTWISE_BROADCAST_H
#define CPU_ELEMENTWISE_BROADCAST_H

#include "assay/graph.h"

struct cpu_broadcast {
    int    rank; /* at least 1; the last axis is the run */
    size_t dims[ASSAY_MAX_RANK];
    size_t step_a[ASSAY_MAX_RANK], step_b[ASSAY_MAX_RANK]; /* in elements, 0 where repeated */
};

/* numpy's rule: shapes are aligned at their last axes. */
void cpu_broadcast_plan(const struct assay_value_view *a, const struct assay_value_view *b,
                        const struct assay_value_view *out, struct cpu_broadcast *plan);

#endif
