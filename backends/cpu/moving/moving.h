/* Kernels for adding slices up, choosing, comparing and functions of a few numbers. */
#ifndef CPU_MOVING_MOVING_H
#define CPU_MOVING_MOVING_H

#include <stddef.h>
#include <stdint.h>

struct cpu_moving_kernels {
    void (*add_scaled)(size_t n, float scale, const float *x, float *y); /* y += scale x */
    void (*scaled)(size_t n, float scale, const float *x, float *y);     /* y = scale x */
    float (*dot)(size_t n, const float *x, const float *y);
};

#endif
