/* Our own product: blocks of B packed for the second-level cache, blocks of A beside it, the tile kernel inside. The
 * loops are those of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008. */
#include <string.h>

#include "backends/cpu/layout/transpose.h"
#include "backends/cpu/products/sgemm.h"
#include "backends/cpu/products/tile.h"

#include "assay/banned.h"

/* Sums go through memory once a block of depth, B's block stays in the second-level cache, A's in what is left of it. Rows and
 * columns are at most these; the depth is the same whatever K is, so that the order of additions can be told in one sentence. */
enum { DEPTH = 384, ROWS = 96, COLUMNS = 528 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The length of equal pieces of `n`, each at most `most` and all but the last a multiple of `grain`. */
static size_t even(size_t n, size_t most, size_t grain)
{
    size_t pieces = (n + most - 1) / most, each = pieces ? (n + pieces - 1) / pieces : most;
    return least(most, (each + grain - 1) / grain * grain);
}

size_t cpu_sgemm_own_scratch(const struct cpu_kernels *kernels)
{
    return (size_t)DEPTH * (ROWS + kernels->tile->rows + COLUMNS + kernels->tile->columns);
}

/* Zeros in columns [n, wide) of `depth` rows. */
static void clear_rest(size_t n, size_t wide, size_t depth, float *to)
{
    for (size_t k = 0; n < wide && k < depth; k++)
        memset(to + k * wide + n, 0, (wide - n) * sizeof *to);
}

/* Rows [row, row + rows) and depth [at, at + depth) of A into panels of `high` rows, [panel][k][m], zeros below. */
static void pack_a(const struct cpu_kernels *kernels, const struct cpu_sgemm *p, size_t row, size_t rows, size_t at, size_t depth,
                   float *to)
{
    size_t high = kernels->tile->rows;
    for (size_t m0 = 0; m0 < rows; m0 += high, to += high * depth) {
        size_t n = least(high, rows - m0);
        if (p->a_transposed)
            for (size_t k = 0; k < depth; k++)
                memcpy(to + k * high, p->a + (at + k) * p->lda + row + m0, n * sizeof *to);
        else
            kernels->transpose->matrix(n, depth, p->a + (row + m0) * p->lda + at, p->lda, to, high);
        clear_rest(n, high, depth, to);
        for (size_t i = 0; p->alpha != 1.0f && i < high * depth; i++)
            to[i] *= p->alpha;
    }
}

/* Columns of B into panels of `wide` columns, [panel][k][n], zeros to the right. */
static void pack_b(const struct cpu_kernels *kernels, const struct cpu_sgemm *p, size_t column, size_t columns, size_t at,
                   size_t depth, float *to)
{
    size_t wide = kernels->tile->columns;
    for (size_t n0 = 0; n0 < columns; n0 += wide, to += wide * depth) {
        size_t n = least(wide, columns - n0);
        if (p->b_transposed)
            kernels->transpose->matrix(n, depth, p->b + (column + n0) * p->ldb + at, p->ldb, to, wide);
        else
            for (size_t k = 0; k < depth; k++)
                memcpy(to + k * wide, p->b + (at + k) * p->ldb + column + n0, n * sizeof *to);
        clear_rest(n, wide, depth, to);
    }
}

static void multiply_block(const struct cpu_tile_kernels *tile, const struct cpu_sgemm *p, const float *a, const float *b,
                           size_t row, size_t rows, size_t column, size_t columns, size_t depth, bool add)
{
    for (size_t m = 0; m < rows; m += tile->rows)
        for (size_t n = 0; n < columns; n += tile->columns)
            tile->packed(&(struct cpu_tile){
                .rows = least(tile->rows, rows - m),
                .columns = least(tile->columns, columns - n),
                .depth = depth,
                .a = a + m * depth,
                .b = b + n * depth,
                .b_depth = (ptrdiff_t)tile->columns,
                .c = p->c + (row + m) * p->ldc + column + n,
                .c_row = (ptrdiff_t)p->ldc,
                .add = add,
            });
}

void cpu_sgemm_own(const struct cpu_kernels *kernels, const struct cpu_sgemm *p, float *scratch)
{
    const struct cpu_tile_kernels *tile = kernels->tile;
    size_t                         wide = even(p->n, COLUMNS - COLUMNS % tile->columns, tile->columns);
    size_t                         high = even(p->m, ROWS, tile->rows);
    float *b = scratch, *a = scratch + (size_t)DEPTH * (COLUMNS + tile->columns);
    if (!p->k && !p->add)
        for (size_t m = 0; m < p->m; m++)
            memset(p->c + m * p->ldc, 0, p->n * sizeof *p->c);
    for (size_t n = 0; n < p->n; n += wide)
        for (size_t k = 0; k < p->k; k += DEPTH) {
            size_t columns = least(wide, p->n - n), depth = least(DEPTH, p->k - k);
            pack_b(kernels, p, n, columns, k, depth, b);
            for (size_t m = 0; m < p->m; m += high) {
                size_t rows = least(high, p->m - m);
                pack_a(kernels, p, m, rows, k, depth, a);
                multiply_block(tile, p, a, b, m, rows, n, columns, depth, p->add || k > 0);
            }
        }
}
