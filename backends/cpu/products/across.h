/* A product with a matrix that lies across, Y = alpha A B^T, of few enough rows that packing B would cost a good part of
 * the arithmetic: B's rows are read as they stand (of other formats than f32, widened a block at a time), A's are laid out in panels once, and Y comes out turned, block by block. */
#ifndef CPU_PRODUCTS_ACROSS_H
#define CPU_PRODUCTS_ACROSS_H

#include "backends/cpu/cpu.h"
#include "backends/cpu/products/gemv.h"

struct cpu_across {
    size_t          m, n, k;
    const float    *a; /* m x k */
    const void     *b; /* n x k, in its own format */
    enum cpu_stored stored;
    float          *y; /* m x n */
};

/* Rows of B that are multiplied at a time, at most: as many as stay in the second-level cache while each panel meets them. Fewer where
 * a thread would get too few pieces else. */
enum { CPU_ACROSS_ROWS = 128, CPU_ACROSS_FEWER_ROWS = 64 };

bool cpu_across_is_good(const struct cpu_kernels *kernels, size_t m, size_t n, size_t k);
/* Floats of all panels, and of a thread's sums. */
size_t cpu_across_panels_floats(const struct cpu_kernels *kernels, size_t m, size_t k);
size_t cpu_across_sums_floats(const struct cpu_kernels *kernels, size_t m);
/* Floats in which a thread widens rows of B: none of f32. */
size_t cpu_across_wide_floats(enum cpu_stored stored);
/* Panels of A, of which there are this many; each may be made by another thread. */
size_t cpu_across_panels(const struct cpu_kernels *kernels, size_t m);
void   cpu_across_pack(const struct cpu_kernels *kernels, const struct cpu_across *p, size_t panel, float *panels);
/* Columns [column, column + columns) of Y; at most CPU_ACROSS_ROWS of them. */
void cpu_across_multiply(const struct cpu_kernels *kernels, const struct cpu_across *p, const float *panels, size_t column,
                         size_t columns, float *sums, float *wide);

#endif
