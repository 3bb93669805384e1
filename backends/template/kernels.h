/* The arithmetic of the template: f32, one core, the plain loops. Replace these by your device's. */
#ifndef TEMPLATE_KERNELS_H
#define TEMPLATE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* c[m,n] = a[m,k] * b[k,n], row-major; c overlaps neither. */
void kernel_matmul(const float *a, const float *b, float *c, int64_t m, int64_t k, int64_t n);

/* A shape with up to 8 axes, and of each operand the elements to step per axis: 0 where it is broadcast. */
struct kernel_walk {
    int32_t rank;
    int64_t dims[8], a_step[8], b_step[8];
};
void kernel_add(const struct kernel_walk *walk, const float *a, const float *b, float *c);
void kernel_mul(const struct kernel_walk *walk, const float *a, const float *b, float *c);

/* y may be x. */
void kernel_relu(const float *x, float *y, size_t n);
/* Along the middle axis of [outer, length, inner]; y may be x. */
void kernel_softmax(const float *x, float *y, int64_t outer, int64_t length, int64_t inner);

#endif
