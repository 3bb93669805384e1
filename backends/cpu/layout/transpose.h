/* Moving elements. */
#ifndef CPU_LAYOUT_TRANSPOSE_H
#define CPU_LAYOUT_TRANSPOSE_H

#include <stddef.h>

struct cpu_transpose_kernels {
    /* to[j * to_stride + i] = from[i * from_stride + j], i < rows, j < columns. */
    void (*matrix)(size_t rows, size_t columns, const float *from, size_t from_stride, float *to, size_t to_stride);
};

#endif
