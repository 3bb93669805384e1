#include "backends/cpu/reduction/reduction.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* Independent results in a row; rows added up in registers before they join what is there, so that a long sum is a sum
 * of short ones and its rounding errors grow with the shorter length. */
enum { LINES = 8, BLOCK = 64, ROW_BLOCK = 4096 };

#define INLINE static inline __attribute__((always_inline))

INLINE vf join(const enum cpu_reduce how, vf a, vf b)
{
    return how == CPU_REDUCE_SUM || how == CPU_REDUCE_SQUARES ? a + b : how == CPU_REDUCE_MAX ? vf_max_nan(a, b)
           : vf_min_nan(a, b);
}

INLINE float start(const enum cpu_reduce how)
{
    return how == CPU_REDUCE_SUM || how == CPU_REDUCE_SQUARES ? 0.0f : how == CPU_REDUCE_MAX ? -__builtin_inff()
           : __builtin_inff();
}

INLINE float join_one(const enum cpu_reduce how, float a, float b)
{
    if (how == CPU_REDUCE_SUM || how == CPU_REDUCE_SQUARES)
        return a + b;
    if (a != a)
        return a;
    return (how == CPU_REDUCE_MAX ? a > b : a < b) ? a : b;
}

/* What is reduced of an element. */
INLINE vf take(const enum cpu_reduce how, vf x)
{
    return how == CPU_REDUCE_SQUARES ? x * x : x;
}

INLINE float row_block(const enum cpu_reduce how, size_t n, const float *x)
{
    vf     line[LINES];
    size_t i = 0;
    CPU_UNROLL(8)
    for (int l = 0; l < LINES; l++)
        line[l] = vf_all(start(how));
    for (; i + LINES * VL <= n; i += LINES * VL) {
        CPU_UNROLL(8)
        for (int l = 0; l < LINES; l++)
            line[l] = join(how, take(how, vf_load(x + i + (size_t)l * VL)), line[l]);
    }
    for (; i + VL <= n; i += VL)
        line[0] = join(how, take(how, vf_load(x + i)), line[0]);
    for (int width = LINES / 2; width; width /= 2)
        for (int l = 0; l < width; l++)
            line[l] = join(how, line[l], line[l + width]);
    float all = how == CPU_REDUCE_SUM || how == CPU_REDUCE_SQUARES ? vf_sum(line[0])
                                      : how == CPU_REDUCE_MAX ? vf_largest(line[0]) : vf_smallest(line[0]);
    for (; i < n; i++)
        all = join_one(how, how == CPU_REDUCE_SQUARES ? x[i] * x[i] : x[i], all);
    return all;
}

INLINE float row(const enum cpu_reduce how, size_t n, const float *x)
{
    float all = start(how);
    for (size_t i = 0; i < n; i += ROW_BLOCK)
        all = join_one(how, row_block(how, n - i < ROW_BLOCK ? n - i : ROW_BLOCK, x + i), all);
    return all;
}

/* `vectors` vectors of columns, the last of them `last` lanes wide. */
INLINE void columns_block(const enum cpu_reduce how, const int vectors, size_t last, size_t n, size_t stride,
                          const float *x, float *y)
{
    vf sum[4];
    for (int v = 0; v < vectors; v++)
        sum[v] = vf_all(start(how));
    for (size_t i = 0; i < n; i++, x += stride) {
        CPU_UNROLL(4)
        for (int v = 0; v < vectors; v++)
            sum[v] = join(how, take(how, last == VL ? vf_load(x + v * VL) : vf_load_part(x + v * VL, last)), sum[v]);
    }
    for (int v = 0; v < vectors; v++) {
        if (last == VL)
            vf_store(y + v * VL, join(how, sum[v], vf_load(y + v * VL)));
        else
            vf_store_part(y + v * VL, join(how, sum[v], vf_load_part(y + v * VL, last)), last);
    }
}

INLINE void columns(const enum cpu_reduce how, size_t n, size_t stride, size_t width, const float *x, float *y)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        const float *from = x + i * stride;
        size_t       rows = n - i < BLOCK ? n - i : BLOCK, j = 0;
        for (; j + 4 * VL <= width; j += 4 * VL)
            columns_block(how, 4, VL, rows, stride, from + j, y + j);
        for (; j + VL <= width; j += VL)
            columns_block(how, 1, VL, rows, stride, from + j, y + j);
        if (j < width)
            columns_block(how, 1, width - j, rows, stride, from + j, y + j);
    }
}

#define X(id, name)                                                                              \
    static float row_##name(size_t n, const float *x)                                            \
    {                                                                                            \
        return row(id, n, x);                                                                    \
    }                                                                                            \
    static void columns_##name(size_t n, size_t stride, size_t width, const float *x, float *y)  \
    {                                                                                            \
        columns(id, n, stride, width, x, y);                                                     \
    }
X(CPU_REDUCE_SUM, sum)
X(CPU_REDUCE_MAX, max)
X(CPU_REDUCE_MIN, min)
X(CPU_REDUCE_SQUARES, squares)
#undef X

const struct cpu_reduction_kernels CPU_ISA_NAME(reduction) = {
    .row = {row_sum, row_max, row_min, row_squares},
    .columns = {columns_sum, columns_max, columns_min, columns_squares},
};
