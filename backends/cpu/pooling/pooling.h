/* Kernels of pools over one plane. Rows of windows are combined down first, row by row as they stand in memory; then a
 * stride's phases (every stride-th column) are set apart, so that each tap of a row of windows is a vector. Gradients go the
 * way back: what each tap gives is summed in its phase, phases become a row, and that is added to the rows it came from.
 * `scratch` is all zeros at first and belongs to one plan. */
#ifndef CPU_POOLING_POOLING_H
#define CPU_POOLING_POOLING_H

#include <stddef.h>
#include <stdint.h>

/* Windows over a plane; height, then width. */
struct cpu_pool_plan {
    size_t    in[2], out[2], kernel[2], stride[2], dilation[2];
    ptrdiff_t pad[2];  /* at the beginning */
    size_t    phase;   /* floats of one phase of a row, whole vectors */
    size_t    margin;  /* zeros before and behind a row of gradients: as far as a tap reaches, whole vectors */
    struct cpu_pool_tap {
        size_t phase, column; /* where a tap of a row begins: in which phase, at which of its columns */
        size_t at;            /* and so at which float, phase after phase */
    } *tap;
    size_t    scratch; /* floats that a thread needs */
    /* averages: 1 / count for a row of windows, [rows counted][out[1]], and how many rows each row of windows counts */
    float    *factor;
    uint32_t *rows_counted;
    int32_t  *inside; /* gradient of the greatest: all ones where a phase's column is in the input, [stride[1]][phase] */
};

struct cpu_pooling_kernels {
    size_t lanes;
    void (*max)(const struct cpu_pool_plan *p, const float *x, float *y, float *scratch);
    void (*average)(const struct cpu_pool_plan *p, const float *x, float *y, float *scratch);
    void (*max_grad)(const struct cpu_pool_plan *p, const float *dy, const float *x, float *dx, float *scratch);
    void (*average_grad)(const struct cpu_pool_plan *p, const float *dy, float *dx, float *scratch);
};

#endif
