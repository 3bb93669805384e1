#include "suites/weights/tensor_parts.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "harness/base/parallel.h"
#include "reference/formats/scaled.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define PIECE 4096 /* numbers converted at a time */
#define TILE 64    /* of a transposition: a cache line or two in each direction */

bool assay_tensor_converts(enum assay_dtype from, enum assay_dtype to, bool quantizes)
{
    bool floats = assay_format_of(from) && from != ASSAY_F8E8M0;
    if (from == to)
        return true;
    return floats && (to == ASSAY_F32 || to == ASSAY_F64 || to == ASSAY_BF16 || to == ASSAY_F16 || (to == ASSAY_I8 && quantizes));
}

bool assay_tensor_rounds(enum assay_dtype from, enum assay_dtype to)
{
    const struct assay_number_format *a = assay_format_of(from), *b = assay_format_of(to);
    return a && b && (a->precision > b->precision || a->largest > b->largest || a->smallest < b->smallest);
}

/* Numbers [first, first + n), n <= PIECE, of one tensor. The file may have them at any address. */
static void numbers_of(const struct assay_tensor *t, uint64_t first, size_t n, double *out)
{
    double               aligned[PIECE];
    const unsigned char *from = (const unsigned char *)t->data + assay_dtype_bytes(t->dtype, first);
    memcpy(aligned, from, assay_dtype_bytes(t->dtype, n));
    assay_to_double(t->dtype, aligned, n, out);
}

struct job {
    const struct assay_tensor_parts *p;
    const struct assay_value        *v;
    unsigned char                   *to;
    signed char                     *quantized;
    float                           *scales;
};

/* ---- the same order ---------------------------------------------------------------------------------------------- */

static void fill_range(void *self, size_t begin, size_t end)
{
    const struct job          *job = self;
    const struct assay_tensor *t = job->p->part[0]->tensor;
    double                     x[PIECE];
    for (size_t i = begin; i < end; i += PIECE) {
        size_t n = end - i < PIECE ? end - i : PIECE;
        numbers_of(t, i, n, x);
        assay_from_double(job->v->dtype, x, n, job->to + assay_dtype_bytes(job->v->dtype, i));
    }
}

static void fill_plain(const struct job *job)
{
    const struct assay_tensor *t = job->p->part[0]->tensor;
    if (t->dtype == job->v->dtype)
        memcpy(job->to, t->data, t->bytes);
    else
        assay_parallel_for(t->elements, (size_t)PIECE * 16, fill_range, (void *)(uintptr_t)job);
}

/* ---- stacked and transposed -------------------------------------------------------------------------------------- */

/* Rows [o, o + rows) and columns [i, i + columns) of tensor [out, in], as tile[column][row]. */
static void transposed_tile(const struct assay_tensor *t, int64_t o, size_t rows, int64_t i, size_t columns,
                            double tile[TILE][TILE])
{
    double row[TILE];
    for (size_t r = 0; r < rows; r++) {
        numbers_of(t, (uint64_t)((o + (int64_t)r) * t->dims[1] + i), columns, row);
        for (size_t c = 0; c < columns; c++)
            tile[c][r] = row[c];
    }
}

static size_t at_most_a_tile(int64_t left)
{
    return left < TILE ? (size_t)left : TILE;
}

/* Calls `each` for all tiles of one expert. */
static void walk_tiles(const struct job *job, size_t expert,
                       void (*each)(const struct job *job, size_t expert, int64_t i, size_t columns, int64_t o, size_t rows,
                                    double tile[TILE][TILE], void *state),
                       void *state)
{
    const struct assay_tensor *t = job->p->part[expert]->tensor;
    double                     tile[TILE][TILE];
    for (int64_t i = 0; i < t->dims[1]; i += TILE)
        for (int64_t o = 0; o < t->dims[0]; o += TILE) {
            size_t columns = at_most_a_tile(t->dims[1] - i), rows = at_most_a_tile(t->dims[0] - o);
            transposed_tile(t, o, rows, i, columns, tile);
            each(job, expert, i, columns, o, rows, tile, state);
        }
}

/* Where param [expert, i, o] stands. */
static uint64_t place(const struct job *job, size_t expert, int64_t i, int64_t o)
{
    const int64_t *dims = job->v->dims;
    return (uint64_t)(((int64_t)expert * dims[1] + i) * dims[2] + o);
}

static void store_tile(const struct job *job, size_t expert, int64_t i, size_t columns, int64_t o, size_t rows,
                       double tile[TILE][TILE], void *state)
{
    (void)state;
    for (size_t c = 0; c < columns; c++)
        assay_from_double(job->v->dtype, tile[c], rows,
                          job->to + assay_dtype_bytes(job->v->dtype, place(job, expert, i + (int64_t)c, o)));
}

static void fill_experts(void *self, size_t begin, size_t end)
{
    for (size_t e = begin; e < end; e++)
        walk_tiles(self, e, store_tile, NULL);
}

void assay_tensor_parts_fill(const struct assay_tensor_parts *p, const struct assay_value *v, void *to)
{
    struct job job = {.p = p, .v = v, .to = to};
    if (p->stacked)
        assay_parallel_for(p->n, 1, fill_experts, &job);
    else
        fill_plain(&job);
}

/* ---- int8 -------------------------------------------------------------------------------------------------------- */

static double larger(double most, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

static float scale_of(double most)
{
    return (float)assay_scaled_block_scale(assay_scaled_format_named("int8"), 1, most);
}

static void quantize(const double *x, size_t n, float scale, signed char *to)
{
    assay_scaled_elements(assay_scaled_format_named("int8"), 1, (double)scale, x, n, to);
}

static void quantize_rows(void *self, size_t begin, size_t end)
{
    const struct job          *job = self;
    const struct assay_tensor *t = job->p->part[0]->tensor;
    uint64_t                   width = job->v->elements / (uint64_t)job->v->dims[0];
    double                     x[PIECE];
    for (size_t row = begin; row < end; row++) {
        double most = 0;
        for (uint64_t i = 0; i < width; i += PIECE) {
            size_t n = width - i < PIECE ? (size_t)(width - i) : PIECE;
            numbers_of(t, row * width + i, n, x);
            most = larger(most, x, n);
        }
        if (job->scales)
            job->scales[row] = scale_of(most);
        for (uint64_t i = 0; job->quantized && i < width; i += PIECE) {
            size_t n = width - i < PIECE ? (size_t)(width - i) : PIECE;
            numbers_of(t, row * width + i, n, x);
            quantize(x, n, scale_of(most), job->quantized + row * width + i);
        }
    }
}

static void largest_of_tile(const struct job *job, size_t expert, int64_t i, size_t columns, int64_t o, size_t rows,
                            double tile[TILE][TILE], void *state)
{
    double *most = state;
    (void)job, (void)expert, (void)i, (void)o;
    for (size_t c = 0; c < columns; c++)
        *most = larger(*most, tile[c], rows);
}

static void quantize_tile(const struct job *job, size_t expert, int64_t i, size_t columns, int64_t o, size_t rows,
                          double tile[TILE][TILE], void *state)
{
    for (size_t c = 0; c < columns; c++)
        quantize(tile[c], rows, scale_of(*(double *)state), job->quantized + place(job, expert, i + (int64_t)c, o));
}

static void quantize_experts(void *self, size_t begin, size_t end)
{
    const struct job *job = self;
    for (size_t e = begin; e < end; e++) {
        double most = 0;
        walk_tiles(job, e, largest_of_tile, &most);
        if (job->scales)
            job->scales[e] = scale_of(most);
        if (job->quantized)
            walk_tiles(job, e, quantize_tile, &most);
    }
}

void assay_tensor_parts_quantize(const struct assay_tensor_parts *p, const struct assay_value *v, signed char *to, float *scales)
{
    struct job job = {.p = p, .v = v, .quantized = to, .scales = scales};
    if (p->stacked)
        assay_parallel_for(p->n, 1, quantize_experts, &job);
    else
        assay_parallel_for((size_t)v->dims[0], 16, quantize_rows, &job);
}

/* ---- contents ---------------------------------------------------------------------------------------------------- */

struct search {
    const struct assay_tensor *t;
    enum assay_dtype           to; /* NONE: it holds whatever `t` holds */
    _Atomic uint64_t           first;
};

/* What lies between the largest and half a step beyond it rounds to the largest. */
static bool is_bad(const struct search *s, double x)
{
    return !isfinite(x) ||
           (s->to != ASSAY_DTYPE_NONE && fabs(x) > assay_format_of(s->to)->largest && !isfinite(assay_round_to(s->to, x)));
}

static void search_range(void *self, size_t begin, size_t end)
{
    struct search *s = self;
    double         x[PIECE];
    for (size_t i = begin; i < end && i < atomic_load(&s->first); i += PIECE) {
        size_t n = end - i < PIECE ? end - i : PIECE;
        numbers_of(s->t, i, n, x);
        for (size_t k = 0; k < n; k++)
            if (is_bad(s, x[k])) {
                uint64_t best = atomic_load(&s->first);
                while (i + k < best && !atomic_compare_exchange_weak(&s->first, &best, i + k))
                    ;
                return;
            }
    }
}

int64_t assay_tensor_first_bad(const struct assay_tensor *t, enum assay_dtype to, double *found)
{
    struct search s = {.t = t, .to = assay_tensor_rounds(t->dtype, to) ? to : ASSAY_DTYPE_NONE};
    atomic_init(&s.first, UINT64_MAX);
    if (!assay_format_of(t->dtype))
        return -1;
    assay_parallel_for(t->elements, (size_t)PIECE * 16, search_range, &s);
    uint64_t first = atomic_load(&s.first);
    if (first == UINT64_MAX)
        return -1;
    numbers_of(t, first, 1, found);
    return (int64_t)first;
}
