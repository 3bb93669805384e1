/* Two operands broadcast to one result, as few runs as possible: axes along which both go on alike are merged. */
#ifndef CPU_ELEMENTWISE_BROADCAST_H
#define CPU_ELEMENTWISE_BROADCAST_H

#include <stddef.h>

#include "assay/graph.h"

struct cpu_broadcast {
    int    rank; /* at least 1; the last axis is the run */
    size_t dims[ASSAY_MAX_RANK];
    size_t step_a[ASSAY_MAX_RANK], step_b[ASSAY_MAX_RANK]; /* in elements, 0 where repeated */
};

/* numpy's rule: shapes are aligned at their last axes. */
void cpu_broadcast_plan(const struct assay_value_view *a, const struct assay_value_view *b,
                        const struct assay_value_view *out, struct cpu_broadcast *plan);

/* Where the operands of element i of the result are. For what goes number by number. */
static inline void cpu_broadcast_at(const struct cpu_broadcast *p, size_t i, size_t *a, size_t *b)
{
    *a = *b = 0;
    for (int d = p->rank - 1; d >= 0; d--) {
        *a += i % p->dims[d] * p->step_a[d];
        *b += i % p->dims[d] * p->step_b[d];
        i /= p->dims[d];
    }
}

#endif
