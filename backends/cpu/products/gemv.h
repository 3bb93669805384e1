/* Products of a matrix and a vector: bound by reading the matrix once. */
#ifndef CPU_PRODUCTS_GEMV_H
#define CPU_PRODUCTS_GEMV_H

#include <stddef.h>

enum cpu_stored { CPU_STORED_F32, CPU_STORED_BF16, CPU_STORED_F16, CPU_STORED_I8, CPU_STORED };

struct cpu_gemv_kernels {
    /* y[j] = sum over i < rows of x[i] * w[i * stride + j], j < columns. */
    void (*combine)(size_t rows, size_t columns, const float *x, const float *w, size_t stride, float *y);
    /* y[i] = sum over j < columns of w[i * stride + j] * x[j], i < rows. */
    void (*dots)(size_t rows, size_t columns, const float *w, size_t stride, const float *x, float *y);
    /* The same of rows in other formats, widened in registers; strides count elements. */
    void (*stored_dots[CPU_STORED])(size_t rows, size_t columns, const void *w, size_t stride, const float *x, float *y);
    /* y[j] += z[j] */
    void (*add)(size_t n, const float *z, float *y);
    /* y[j] = scale * y[j] + c[j * c_step] * c_scale; c may be NULL */
    void (*finish)(size_t n, float scale, const float *c, size_t c_step, float c_scale, float *y);
};

#endif
