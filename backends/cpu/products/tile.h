/* The inner block of every product here: a few rows times a few vectors of columns, accumulated in registers.
 * Matrix products, convolution and attention differ only in how they address its operands. */
#ifndef CPU_PRODUCTS_TILE_H
#define CPU_PRODUCTS_TILE_H

#include <stdbool.h>
#include <stddef.h>

struct cpu_tile {
    size_t       rows, columns, depth; /* rows <= kernels' rows, columns <= kernels' columns */
    const float *a;      /* element (m, k): packed, a[k * kernels' rows + m]; strided, a[m * a_row + k * a_depth] */
    ptrdiff_t    a_row, a_depth;
    const float *a_next; /* strided: as many rows, as far apart and as deep, that are wanted soon and fetched by the way; or NULL */
    const float *b;      /* element (k, n): b[(offset ? offset[k] : k * b_depth) + n], readable up to whole vectors of n */
    const ptrdiff_t *offset;
    ptrdiff_t    b_depth;
    float       *c;      /* element (m, n): c[m * c_row + n] */
    ptrdiff_t    c_row;
    bool         add;    /* to what c holds, else in its place */
};

struct cpu_tile_kernels {
    size_t rows, columns, lanes;
    void (*packed)(const struct cpu_tile *tile);
    void (*strided)(const struct cpu_tile *tile);
};

#endif
