/* Kernels along one axis: softmax and the norms. */
#ifndef CPU_NORMALIZATION_NORMALIZATION_H
#define CPU_NORMALIZATION_NORMALIZATION_H

#include <stddef.h>

struct cpu_norm_row {
    size_t       n;
    const float *x, *scale, *bias; /* n each; bias may be NULL */
    float        epsilon;
    float       *y;
    float       *mean, *inverse; /* one number each, or NULL: not wanted */
};

struct cpu_normalization_kernels {
    /* One contiguous row. */
    void (*softmax_row)(size_t n, const float *x, float *y);
    /* `columns` independent softmaxes side by side, element i of one at x[i * stride]. */
    void (*softmax_columns)(size_t n, size_t columns, size_t stride, const float *x, float *y);
    void (*log_softmax_row)(size_t n, const float *x, float *y);
    void (*log_softmax_columns)(size_t n, size_t columns, size_t stride, const float *x, float *y);
    /* The greatest and the sum of exp(x - greatest): of a row, and of every column. */
    void (*weigh_row)(size_t n, const float *x, float *top, float *sum);
    void (*weigh_columns)(size_t n, size_t columns, size_t stride, const float *x, float *top, float *sum);
    /* y = exp(x - top) * factor: of a row, and of every column. */
    void (*spread_row)(size_t n, const float *x, float top, float factor, float *y);
    void (*spread_columns)(size_t n, size_t columns, size_t stride, const float *x, const float *top, const float *factor,
                           float *y);
    void (*layer_row)(const struct cpu_norm_row *row);
    void (*rms_row)(const struct cpu_norm_row *row);
};

#endif
