#include "backends/cpu/products/across.h"

#include "backends/cpu/converting/converting.h"
#include "backends/cpu/layout/transpose.h"
#include "backends/cpu/products/tile.h"

#include "assay/banned.h"

/* A panel of A this deep and the rows of B it meets stay in the second-level cache together; what is read of a row of B is long enough
 * to be worth fetching. */
enum { DEPTH = 384, LEAST_ROWS = 5, ENOUGH_ROWS = 24, MOST_ROWS = 384, LEAST_DEPTH = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* From where on packing B no longer matters, and below what panels would be too empty. Of few rows, reading B once is what counts: a
 * library that packs it first takes 1.4 times as long with 8 rows and 1.8 times with 16 (six-hundred megabytes of weights, one core). */
bool cpu_across_is_good(const struct cpu_kernels *kernels, size_t m, size_t n, size_t k)
{
    size_t whole = (m + kernels->tile->lanes - 1) / kernels->tile->lanes * kernels->tile->lanes;
    return m >= LEAST_ROWS && m <= MOST_ROWS && n >= 2 * CPU_ACROSS_FEWER_ROWS && k >= LEAST_DEPTH && (m < ENOUGH_ROWS || 8 * m >= 7 * whole);
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

size_t cpu_across_wide_floats(enum cpu_stored stored)
{
    return stored == CPU_STORED_F32 ? 0 : (size_t)CPU_ACROSS_ROWS * DEPTH;
}

/* Rows of B from depth `at` on as floats; returns where they are, and in *row the distance from one to the next. */
static const float *rows_of_b(const struct cpu_kernels *kernels, const struct cpu_across *p, size_t first, size_t rows, size_t at,
                              size_t depth, float *wide, size_t *row)
{
    static const struct {
        enum assay_dtype dtype;
        size_t           bytes;
    } formats[CPU_STORED] = {{ASSAY_F32, 4}, {ASSAY_BF16, 2}, {ASSAY_F16, 2}, {ASSAY_I8, 1}};
    const char *b = (const char *)p->b + (first * p->k + at) * formats[p->stored].bytes;
    *row = p->stored == CPU_STORED_F32 ? p->k : depth;
    if (p->stored == CPU_STORED_F32)
        return (const float *)p->b + first * p->k + at;
    for (size_t j = 0; j < rows; j++)
        kernels->converting->load_float[formats[p->stored].dtype](depth, b + j * p->k * formats[p->stored].bytes, wide + j * depth);
    return wide;
}

void cpu_across_multiply(const struct cpu_kernels *kernels, const struct cpu_across *p, const float *panels, size_t column,
                         size_t columns, float *sums, float *wide)
{
    const struct cpu_tile_kernels *tile = kernels->tile;
    size_t                         high = tile->columns, stride = cpu_across_panels(kernels, p->m) * high;
    for (size_t k = 0; k < p->k; k += DEPTH) {
        size_t       depth = least(DEPTH, p->k - k), b_row;
        const float *b = rows_of_b(kernels, p, column, columns, k, depth, wide, &b_row);
        for (size_t row = 0; row < p->m; row += high)
            for (size_t j = 0; j < columns; j += tile->rows) {
                bool fetched = row > 0 || p->stored != CPU_STORED_F32, last = j + 2 * tile->rows > columns;
                tile->strided(&(struct cpu_tile){
                    .rows = least(tile->rows, columns - j),
                    .columns = least(high, (p->m - row + tile->lanes - 1) / tile->lanes * tile->lanes),
                    .depth = depth,
                    .a = b + j * b_row,
                    .a_row = (ptrdiff_t)b_row,
                    .a_depth = 1,
                    .a_next = fetched || last ? NULL : b + (j + tile->rows) * b_row,
                    .b = panels + row * p->k + k * high,
                    .b_depth = (ptrdiff_t)high,
                    .c = sums + j * stride + row,
                    .c_row = (ptrdiff_t)stride,
                    .add = k > 0,
                });
            }
    }
    kernels->transpose->matrix(columns, p->m, sums, stride, p->y + column, p->n);
}
