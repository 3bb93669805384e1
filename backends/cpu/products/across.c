#include "backends/cpu/products/across.h"

#include "backends/cpu/layout/transpose.h"
#include "backends/cpu/products/tile.h"

#include "assay/banned.h"

/* A panel of A this deep and the rows of B it meets stay in the second-level cache together. */
enum { DEPTH = 768, LEAST_ROWS = 5, ENOUGH_ROWS = 24, MOST_ROWS = 384, LEAST_DEPTH = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* From where on packing B no longer matters, and below what panels would be too empty. Of few rows, reading B once is what counts: a
 * library that packs it first takes 1.4 times as long with 8 rows and 1.8 times with 16 (six-hundred megabytes of weights, one core). */
bool cpu_across_is_good(const struct cpu_kernels *kernels, size_t m, size_t n, size_t k)
{
    size_t whole = (m + kernels->tile->lanes - 1) / kernels->tile->lanes * kernels->tile->lanes;
    return m >= LEAST_ROWS && m <= MOST_ROWS && n >= 2 * CPU_ACROSS_ROWS && k >= LEAST_DEPTH && (m < ENOUGH_ROWS || 8 * m >= 7 * whole);
}

size_t cpu_across_panels(const struct cpu_kernels *kernels, size_t m)
{
    return (m + kernels->tile->columns - 1) / kernels->tile->columns;
}

size_t cpu_across_panels_floats(const struct cpu_kernels *kernels, size_t m, size_t k)
{
    return cpu_across_panels(kernels, m) * kernels->tile->columns * k;
}

size_t cpu_across_sums_floats(const struct cpu_kernels *kernels, size_t m)
{
    return cpu_across_panels(kernels, m) * kernels->tile->columns * CPU_ACROSS_ROWS;
}

void cpu_across_pack(const struct cpu_kernels *kernels, const struct cpu_across *p, size_t panel, float *panels)
{
    size_t wide = kernels->tile->columns, row = panel * wide, n = least(wide, p->m - row);
    float *to = panels + panel * wide * p->k;
    kernels->transpose->matrix(n, p->k, p->a + row * p->k, p->k, to, wide);
    for (size_t k = 0; n < wide && k < p->k; k++)
        memset(to + k * wide + n, 0, (wide - n) * sizeof *to);
}

void cpu_across_multiply(const struct cpu_kernels *kernels, const struct cpu_across *p, const float *panels, size_t column,
                         size_t columns, float *sums)
{
    const struct cpu_tile_kernels *tile = kernels->tile;
    size_t                         wide = tile->columns, stride = cpu_across_panels(kernels, p->m) * wide;
    for (size_t k = 0; k < p->k; k += DEPTH)
        for (size_t row = 0; row < p->m; row += wide)
            for (size_t j = 0; j < columns; j += tile->rows)
                tile->strided(&(struct cpu_tile){
                    .rows = least(tile->rows, columns - j),
                    .columns = least(wide, (p->m - row + tile->lanes - 1) / tile->lanes * tile->lanes),
                    .depth = least(DEPTH, p->k - k),
                    .a = p->b + (column + j) * p->k + k,
                    .a_row = (ptrdiff_t)p->k,
                    .a_depth = 1,
                    .b = panels + row * p->k + k * wide,
                    .b_depth = (ptrdiff_t)wide,
                    .c = sums + j * stride + row,
                    .c_row = (ptrdiff_t)stride,
                    .add = k > 0,
                });
    kernels->transpose->matrix(columns, p->m, sums, stride, p->y + column, p->n);
}
