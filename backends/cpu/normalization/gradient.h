/* Kernels of the gradients along one axis. */
#ifndef CPU_NORMALIZATION_GRADIENT_H
#define CPU_NORMALIZATION_GRADIENT_H

#include <stddef.h>

struct cpu_norm_gradient_row {
    size_t       n;
    const float *dy, *x, *scale; /* n each */
    float        epsilon;
    float       *dx;             /* may be dy or x itself */
    float       *dscale, *dbias; /* what this row adds to them, n each; NULL: not wanted */
};

struct cpu_normalization_gradient_kernels {
    /* dx may be dy or y itself. */
    void (*softmax_row)(size_t n, const float *dy, const float *y, float *dx);
    void (*log_softmax_row)(size_t n, const float *dy, const float *y, float *dx);
    /* Side by side, element i of one at [i * stride]. */
    void (*softmax_columns)(size_t n, size_t columns, size_t stride, const float *dy, const float *y, float *dx);
    void (*log_softmax_columns)(size_t n, size_t columns, size_t stride, const float *dy, const float *y, float *dx);
    void (*layer_row)(const struct cpu_norm_gradient_row *row);
    void (*rms_row)(const struct cpu_norm_gradient_row *row);
};

#endif
