#include "harness/run/ranks/reduce.h"

#include <stdint.h>

#include "assay/banned.h"

/* `wide` adds without overflow: whole numbers as unsigned ones. */
#define OF_TYPE(name, type, wide)                                            \
    static void sum_##name(void *to, const void *from, size_t n)            \
    {                                                                        \
        type       *y = to;                                                  \
        const type *x = from;                                                \
        for (size_t i = 0; i < n; i++)                                       \
            y[i] = (type)((wide)y[i] + (wide)x[i]);                          \
    }                                                                        \
    static void max_##name(void *to, const void *from, size_t n)            \
    {                                                                        \
        type       *y = to;                                                  \
        const type *x = from;                                                \
        for (size_t i = 0; i < n; i++)                                       \
            y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];                \
    }                                                                        \
    static void min_##name(void *to, const void *from, size_t n)            \
    {                                                                        \
        type       *y = to;                                                  \
        const type *x = from;                                                \
        for (size_t i = 0; i < n; i++)                                       \
            y[i] = x[i] < y[i] || x[i] != x[i] ? x[i] : y[i];                \
    }
OF_TYPE(f64, double, double)
OF_TYPE(f32, float, float)
OF_TYPE(i64, int64_t, uint64_t)
OF_TYPE(i32, int32_t, uint32_t)

assay_reduce_fn *assay_reduce_of(enum assay_dtype dtype, enum assay_reduce how)
{
    static assay_reduce_fn *const table[][3] = {{sum_f64, max_f64, min_f64}, {sum_f32, max_f32, min_f32}, {sum_i64, max_i64, min_i64},
                                                {sum_i32, max_i32, min_i32}};
    static const enum assay_dtype dtypes[] = {ASSAY_F64, ASSAY_F32, ASSAY_I64, ASSAY_I32};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i] == dtype && how >= ASSAY_REDUCE_SUM && how <= ASSAY_REDUCE_MIN)
            return table[i][how - ASSAY_REDUCE_SUM];
    return NULL;
}
