/* Tiles of the sums of units whose arithmetic is a chain of fused multiply-adds in f32, at the speed of this machine's own. The
 * chain of an element is never cut: where its terms are taken in stretches, the sum so far is loaded again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "reference/unit/unit.h"

#include "assay/banned.h"

#define STRETCH 256 /* terms of a chain at a time: panels stay in the second cache */
#define UNROLLED _Pragma("GCC unroll 16")

/* sum[i * step + j] += chain over k < terms of x[k * rows + i] * y[k * columns + j]. */
typedef void tile_fn(size_t terms, const float *x, const float *y, float *sum, size_t step);

/* n numbers to floats that are numbers of `format`. */
typedef bool round_fn(const struct assay_unit_format *format, size_t n, const double *from, float *to);

struct kernel {
    size_t    rows, columns;
    tile_fn  *tile;
    round_fn *round;
};

#ifdef __x86_64__
/* By name and not as x * y + sum, which a compiler may or may not fuse: here the fusing is what is asked for. */
#define TILE(name, instructions, R, C, LANES, vector, load, store, all, fused)                             \
    __attribute__((target(instructions))) static void name(size_t terms, const float *x, const float *y, float *sum, size_t step) \
    {                                                                                                            \
        vector v[R][C];                                                                                          \
        UNROLLED for (int i = 0; i < R; i++)                                                                     \
            UNROLLED for (int j = 0; j < C; j++) v[i][j] = load(sum + (size_t)i * step + (size_t)j * LANES);     \
        for (size_t k = 0; k < terms; k++, x += R, y += C * LANES) {                                             \
            vector line[C];                                                                                      \
            UNROLLED for (int j = 0; j < C; j++) line[j] = load(y + (size_t)j * LANES);                          \
            UNROLLED for (int i = 0; i < R; i++) {                                                               \
                vector factor = all(x[i]);                                                                       \
                UNROLLED for (int j = 0; j < C; j++) v[i][j] = fused(factor, line[j], v[i][j]);                  \
            }                                                                                                    \
        }                                                                                                        \
        UNROLLED for (int i = 0; i < R; i++)                                                                     \
            UNROLLED for (int j = 0; j < C; j++) store(sum + (size_t)i * step + (size_t)j * LANES, v[i][j]);     \
    }
TILE(tile_512, "avx512f", 8, 3, 16, __m512, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps)
TILE(tile_256, "avx2,fma", 4, 3, 8, __m256, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps)

/* To nearest even on the bits, as long as all is in the format's normal range, as what graphs hold mostly is. false: it is not. */
#define ROUND(name, instructions)                                                                                \
    __attribute__((target(instructions), optimize("O3"))) static bool name(const struct assay_unit_format *format, size_t n, \
                                                                           const double *from, float *to)        \
    {                                                                                                            \
        const unsigned dropped = 53 - (unsigned)format->precision;                                               \
        const uint64_t half = (UINT64_C(1) << (dropped - 1)) - 1, kept = ~UINT64_C(0) << dropped;                \
        const double   least = ldexp(1, format->min_exponent), most = format->largest;                           \
        uint64_t       wrong = 0;                                                                                \
        for (size_t i = 0; i < n; i++) {                                                                         \
            uint64_t bits;                                                                                       \
            double   x = from[i], size = fabs(x);                                                                \
            memcpy(&bits, &x, sizeof bits);                                                                      \
            bits = (bits + half + (bits >> dropped & 1)) & kept;                                                 \
            memcpy(&x, &bits, sizeof bits);                                                                      \
            wrong |= !((size >= least) & (fabs(x) <= most)) & (size != 0);                                       \
            to[i] = (float)x;                                                                                    \
        }                                                                                                        \
        return !wrong;                                                                                           \
    }
ROUND(round_512, "avx512f,avx512dq")
ROUND(round_256, "avx2")

static struct kernel kernel_here(void)
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        return (struct kernel){8, 48, tile_512, round_512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct kernel){4, 24, tile_256, round_256};
    return (struct kernel){0, 0, NULL, NULL};
}
#else
static struct kernel kernel_here(void)
{
    return (struct kernel){0, 0, NULL, NULL};
}
#endif

static bool is_chain(const struct assay_matrix_unit *u)
{
    const struct assay_unit_put *put = &u->accumulator.put;
    return u->a->is_float && !u->product && u->block.length == 1 && u->block.sum == ASSAY_UNIT_ROUNDED &&
           u->accumulator.order == ASSAY_UNIT_SEQUENTIAL && put->format == assay_unit_format_named("f32") &&
           put->rounding == ASSAY_UNIT_NEAREST_EVEN && !put->flush;
}

bool assay_unit_is_fast(const struct assay_matrix_unit *unit)
{
    return is_chain(unit) && kernel_here().tile;
}

/* ---- operands ---------------------------------------------------------------------------------------------------- */

/* Numbers side by side become a column of a panel `wide` across. */
static void put_column(size_t n, const float *from, size_t wide, float *to)
{
    for (size_t k = 0; k < n; k++)
        to[k * wide] = from[k];
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

struct walk {
    const struct assay_matrix_unit *unit;
    const struct assay_unit_tile   *t;
    struct kernel                   kernel;
    size_t                          high, wide;      /* rows and columns, whole tiles */
    float                          *x, *y, *chain, *sum; /* panels of a stretch; sums of the section; of all sections before */
    float                          *line;                /* operands side by side */
};

static void take_operands(const struct walk *w, const struct assay_unit_format *format, size_t n, const double *from)
{
    if (w->kernel.round(format, n, from, w->line))
        return;
    for (size_t i = 0; i < n; i++)
        w->line[i] = (float)assay_unit_operand(w->unit, format, from[i]);
}

/* Panels of columns [panel][k][column], zeros beyond the last. Rows of numbers side by side are cut into panels; columns of them
 * are laid across. */
static void pack_y(const struct walk *w, size_t first, size_t terms)
{
    const struct assay_unit_tile *t = w->t;
    size_t                        across = w->kernel.columns;
    const double                 *from = t->y + first * t->y_term;
    memset(w->line, 0, w->wide * sizeof *w->line);
    for (size_t k = 0; t->y_column == 1 && k < terms; k++) {
        take_operands(w, w->unit->b, t->columns, from + k * t->y_term);
        for (size_t at = 0; at < w->wide; at += across)
            memcpy(w->y + at * terms + k * across, w->line + at, across * sizeof *w->y);
    }
    if (t->y_column == 1)
        return;
    memset(w->y, 0, w->wide * terms * sizeof *w->y);
    for (size_t j = 0; j < t->columns; j++) {
        take_operands(w, w->unit->b, terms, from + j * t->y_column);
        put_column(terms, w->line, across, w->y + j / across * across * terms + j % across);
    }
}

/* A panel of rows [k][row]. */
static void pack_x(const struct walk *w, size_t row, size_t first, size_t terms)
{
    const struct assay_unit_tile *t = w->t;
    for (size_t i = 0; i < w->kernel.rows; i++) {
        if (row + i < t->rows)
            take_operands(w, w->unit->a, terms, t->x + (row + i) * t->x_row + first);
        else
            memset(w->line, 0, terms * sizeof *w->line);
        put_column(terms, w->line, w->kernel.rows, w->x + i);
    }
}

static void do_stretch(const struct walk *w, size_t first, size_t terms)
{
    pack_y(w, first, terms);
    for (size_t row = 0; row < w->high; row += w->kernel.rows) {
        pack_x(w, row, first, terms);
        for (size_t column = 0; column < w->wide; column += w->kernel.columns)
            w->kernel.tile(terms, w->x, w->y + column * terms, w->chain + row * w->wide + column, w->wide);
    }
}

static void promote(const struct walk *w)
{
    for (size_t i = 0; i < w->high * w->wide; i++) {
        w->sum[i] += w->chain[i];
        w->chain[i] = 0;
    }
}

static void do_terms(const struct walk *w)
{
    size_t section = w->unit->promotion ? w->unit->promotion : w->t->terms;
    for (size_t at = 0; at < w->t->terms;) {
        size_t end = w->t->terms - at < section ? w->t->terms : at + section;
        for (size_t n; at < end; at += n) {
            n = end - at < STRETCH ? end - at : STRETCH;
            do_stretch(w, at, n);
        }
        if (w->unit->promotion)
            promote(w);
    }
}

static void put_values(const struct walk *w)
{
    const struct assay_unit_put *put = &w->unit->output;
    const float                 *from = w->unit->promotion ? w->sum : w->chain;
    bool                         as_it_is = put->format == w->unit->accumulator.put.format && !put->flush;
    for (size_t i = 0; i < w->t->rows; i++)
        for (size_t j = 0; j < w->t->columns; j++) {
            double x = (double)from[i * w->wide + j];
            w->t->value[i * w->t->step + j] = as_it_is ? x : assay_unit_round(put, x);
        }
}

/* false: no memory. */
static bool by_tiles(struct walk *w)
{
    size_t rows = w->kernel.rows, columns = w->kernel.columns;
    w->high = (w->t->rows + rows - 1) / rows * rows;
    w->wide = (w->t->columns + columns - 1) / columns * columns;
    size_t all = w->high * w->wide, panels = STRETCH * (w->wide + rows);
    float *room = calloc(2 * all + panels + w->wide + STRETCH, sizeof *room);
    if (!room)
        return false;
    w->chain = room;
    w->sum = room + all;
    w->y = room + 2 * all;
    w->x = w->y + STRETCH * w->wide;
    w->line = w->x + STRETCH * rows;
    do_terms(w);
    put_values(w);
    free(room);
    return true;
}

void assay_unit_tiles(const struct assay_matrix_unit *unit, const struct assay_unit_tile *t)
{
    struct walk w = {.unit = unit, .t = t, .kernel = kernel_here()};
    if (is_chain(unit) && w.kernel.rows > 0 && w.kernel.columns > 0 && by_tiles(&w))
        return;
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->columns; j++)
            t->value[i * t->step + j] =
                assay_unit_dot(unit, t->terms, t->x + i * t->x_row, 1, t->y + j * t->y_column, t->y_term, 0);
}
