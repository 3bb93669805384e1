/* Sums and extremes. */
#ifndef CPU_REDUCTION_REDUCTION_H
#define CPU_REDUCTION_REDUCTION_H

#include <stdbool.h>
#include <stddef.h>

enum cpu_reduce { CPU_REDUCE_SUM, CPU_REDUCE_MAX, CPU_REDUCE_MIN, CPU_REDUCE_SQUARES, CPU_REDUCES };

struct cpu_reduction_kernels {
    /* Of n contiguous numbers; of none: 0, -inf, inf, 0. Squares are summed; what is summed already joins as a sum. */
    float (*row[CPU_REDUCES])(size_t n, const float *x);
    /* y[j] = y[j] (op) x[j] (op) x[stride + j] … over n rows, j < columns. */
    void (*columns[CPU_REDUCES])(size_t n, size_t stride, size_t columns, const float *x, float *y);
};

#endif
