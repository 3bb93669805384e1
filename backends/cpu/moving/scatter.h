/* Indices, and sums of slices that go where indices say. */
#ifndef CPU_MOVING_SCATTER_H
#define CPU_MOVING_SCATTER_H

#include "backends/cpu/cpu.h"

/* Index i of a list of i32 or i64. */
static inline int64_t cpu_index_at(const void *list, bool wide, size_t i)
{
    return wide ? ((const int64_t *)list)[i] : ((const int32_t *)list)[i];
}
/* Number of the first index outside [low, high), or n. */
size_t cpu_index_bad(const void *list, bool wide, size_t n, int64_t low, int64_t high);
/* Refuses an execution whose input has such an index. */
enum assay_code cpu_index_check(const char *what, const void *list, bool wide, size_t n, int64_t low, int64_t high,
                                struct assay_error *err);

/* y[o, index[t], :] += scale[t] * x[o, slice[t], :] for t = 0, 1, … in that order, from zeros; whatever the number of
 * threads, every sum is added up in the same order. Indices are in -length .. length - 1 and were checked. */
struct cpu_scatter {
    size_t        outer, length, inner, terms;
    size_t        slices; /* of x for one o */
    const void   *index;
    bool          wide;
    const size_t *slice; /* NULL: t itself */
    const float  *scale; /* NULL: 1 */
};
void cpu_scatter_run(const struct cpu_engine *engine, const struct cpu_scatter *s, const float *x, float *y);

#endif
