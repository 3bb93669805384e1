/* Lines along an axis: what TopK, ArgMax and their like share. */
#ifndef CPU_CHOOSING_LINES_H
#define CPU_CHOOSING_LINES_H

#include "backends/cpu/cpu.h"

struct cpu_lines {
    size_t outer, length, inner;
};

static inline struct cpu_lines cpu_lines_of(const struct assay_value_view *v, int64_t axis)
{
    struct cpu_lines l = {1, (size_t)v->dims[axis], 1};
    for (int64_t d = 0; d < v->rank; d++)
        if (d != axis)
            *(d < axis ? &l.outer : &l.inner) *= (size_t)v->dims[d];
    return l;
}

/* Keeps the k best of n numbers, best first, in heap[]; best is greatest, or least if `least`; of equals the first, and NaN
 * before all others. */
struct cpu_ranked {
    float   value;
    int32_t index;
};
void cpu_best(size_t n, const float *x, size_t step, bool least, size_t k, struct cpu_ranked *heap);

#endif
