/* Elements of matrix products: whole rows by blocks (dense.h), others one by one. For these columns are copied side by side, a few neighbours at a time (they share cache
 * lines), and meet the rows of all the elements asked for in them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/parallel.h"
#include "reference/arithmetic.h"
#include "reference/dense.h"

#include "assay/banned.h"

#define BLOCK 16 /* columns to a group */
#define MULTIPLIER_COLUMNS 480

static int64_t blocks_of(const struct assay_ref_product *p)
{
    return (p->columns + BLOCK - 1) / BLOCK;
}

static size_t group_of(const void *self, int64_t index)
{
    const struct assay_ref_product *p = self;
    return (size_t)(index / (p->rows * p->columns) * blocks_of(p) + index % p->columns / BLOCK);
}

/* Which of the block's columns are asked for, as bits. */
static uint32_t columns_asked(const struct assay_ref_product *p, size_t count, const size_t *places)
{
    uint32_t asked = 0;
    for (size_t i = 0; i < count && asked != (1u << BLOCK) - 1; i++)
        asked |= 1u << (p->index[places[i]] % p->columns % BLOCK);
    return asked;
}

static void pack(const struct assay_ref_product *p, const double *from, uint32_t asked, double *to)
{
    int64_t at[BLOCK] = {0}, n = 0;
    for (int64_t c = 0; c < BLOCK; c++) {
        if (asked >> c & 1)
            at[n++] = c;
    }
    for (int64_t k = 0; k < p->terms; k++) {
        for (int64_t i = 0; i < n; i++)
            to[at[i] * p->terms + k] = from[k * p->y_term + at[i] * p->y_column];
    }
}

static struct assay_ref_vector pack_block(const struct assay_ref_product *p, int64_t offset, uint32_t asked,
                                          double *scratch)
{
    struct assay_ref_vector y = assay_ref_vector_at(p->y, offset);
    int64_t size = BLOCK * p->terms;
    pack(p, y.value, asked, scratch);
    y.value = scratch;
    if (y.magnitude) {
        pack(p, y.magnitude, asked, scratch + size);
        y.magnitude = scratch + size;
    }
    if (y.error) {
        pack(p, y.error, asked, scratch + 2 * size);
        y.error = scratch + 2 * size;
    }
    return y;
}

/* The sum by its address: a copy in one piece would wait for the stores of its parts. */
static void finish(const struct assay_ref_product *p, size_t place, struct assay_ref_sum *s)
{
    double terms = (double)p->terms, roundings = terms + p->extra_roundings;
    if (p->call->values_only) {
        if (p->after)
            p->after(p->self, p->index[place], s);
        assay_ref_put(p->call, place, bounded(s->value, 0), p->value, p->bound);
        return;
    }
    if (p->after)
        p->after(p->self, p->index[place], s);
    if (p->weights > 0) {
        struct assay_bounded x = assay_ref_fold_close(p->call, s, terms, roundings, p->weights);
        p->value[place] = x.value;
        p->bound[place] = x.error;
    } else {
        assay_ref_put(p->call, place, assay_ref_sum_close(&p->call->arithmetic, s, terms, roundings), p->value,
                      p->bound);
    }
}

static struct assay_ref_sum sum_of(const struct assay_ref_product *p, struct assay_ref_vector x, struct assay_ref_vector y)
{
    struct assay_ref_sum s = {.value = 0};
    struct assay_ref_dense d = {.rows = 1, .columns = 1, .terms = p->terms, .x = x.value, .x_row = p->terms, .y = y.value,
                                .y_row = p->terms, .value = &s.value, .step = 1};
    if (!p->call->multiplier)
        return assay_ref_dot(&p->call->arithmetic, (size_t)p->terms, x, y);
    assay_ref_multiply(p->call->multiplier, &d);
    return s;
}

static void do_block(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_product *p = self;
    int64_t batch = (int64_t)group / blocks_of(p), column = (int64_t)group % blocks_of(p) * BLOCK;
    int64_t offset = p->y_offset[batch] + column * p->y_column, y_step = p->y_column;
    struct assay_ref_vector y = assay_ref_vector_at(p->y, offset);
    if (p->y_term != 1) {
        y = pack_block(p, offset, columns_asked(p, count, places), scratch);
        y_step = p->terms;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t index = p->index[places[i]];
        int64_t row = index / p->columns % p->rows, c = index % p->columns - column;
        struct assay_ref_vector x = assay_ref_vector_at(p->x, p->x_offset[batch] + row * p->x_row);
        struct assay_ref_sum s = sum_of(p, x, assay_ref_vector_at(y, c * y_step));
        finish(p, places[i], &s);
    }
}

/* ---- whole rows ---------------------------------------------------------------------------------------------- */

/* Rows [first, last) of all batches' rows together; element `place` is the first one of row `first`. */
struct whole {
    const struct assay_ref_product *p;
    int64_t first, last, place;
    int64_t block, blocks; /* columns to a block, blocks */
    int64_t stretch;       /* rows to a piece of work */
    atomic_bool no_memory;
};

static bool by_blocks(const struct assay_ref_product *p)
{
    return !assay_ref_compensates(&p->call->arithmetic) && p->weights == 0 && !p->x.error && !p->y.error &&
           !p->x.magnitude && !p->y.magnitude && p->rows * p->columns > 0;
}

/* Is index[] a run of consecutive numbers? */
static bool consecutive(size_t n, const int64_t *index)
{
    for (size_t i = 1; i < n; i++) {
        if (index[i] != index[0] + (int64_t)i)
            return false;
    }
    return n > 0;
}

/* Columns side by side, by squares of eight: they share the lines that are read and fill those that are written. */
static void turn_columns(const struct assay_ref_product *p, const double *from, int64_t count, double *to)
{
    for (int64_t c = 0; c < count; c += 8) {
        int64_t some = count - c < 8 ? count - c : 8;
        for (int64_t k = 0; k < p->terms; k += 8) {
            int64_t terms = p->terms - k < 8 ? p->terms - k : 8;
            for (int64_t i = 0; i < some; i++) {
                for (int64_t t = 0; t < terms; t++)
                    to[(c + i) * p->terms + k + t] = from[(k + t) * p->y_term + (c + i) * p->y_column];
            }
        }
    }
}

/* A multiplier packs for itself, so that larger blocks pay. */
static int64_t rows_at_a_time(const struct whole *w)
{
    return w->p->call->multiplier ? w->stretch : assay_ref_dense_rows(w->p->terms);
}

/* Rows [r, r + rows) of one batch with the columns [c, c + columns) at y. */
static void do_rows(const struct whole *w, int64_t r, int64_t rows, int64_t c, int64_t columns, const double *y,
                    int64_t y_row, double *sums)
{
    const struct assay_ref_product *p = w->p;
    int64_t batch = r / p->rows, most = rows_at_a_time(w);
    bool values_only = p->call->values_only;
    for (int64_t done = 0; done < rows; done += most) {
        struct assay_ref_dense d = {.rows = rows - done < most ? rows - done : most,
                                    .columns = columns,
                                    .terms = p->terms,
                                    .x = p->x.value + p->x_offset[batch] + (r + done) % p->rows * p->x_row,
                                    .y = y,
                                    .x_row = p->x_row,
                                    .y_row = y_row,
                                    .y_term = p->y_term,
                                    .value = sums,
                                    .magnitude = values_only ? NULL : sums + most * w->block,
                                    .step = columns};
        assay_ref_multiply(p->call->multiplier, &d);
        for (int64_t i = 0; i < d.rows; i++) {
            size_t place = (size_t)(w->place + (r + done + i - w->first) * p->columns + c);
            for (int64_t j = 0; values_only && !p->after && j < columns; j++)
                assay_ref_put(p->call, place + (size_t)j, bounded(d.value[i * columns + j], 0), p->value, p->bound);
            for (int64_t j = 0; (!values_only || p->after) && j < columns; j++) {
                double value = d.value[i * columns + j];
                if (values_only) {
                    struct assay_ref_sum s = {.value = value};
                    finish(p, place + (size_t)j, &s);
                } else {
                    struct assay_ref_sum s = assay_ref_sum_made(&p->call->arithmetic, (size_t)p->terms, value,
                                                                d.magnitude[i * columns + j]);
                    finish(p, place + (size_t)j, &s);
                }
            }
        }
    }
}

/* ---- few rows: y is read once as it lies, columns side by side ---------------------------------------------------- */

#define STRIP 256 /* columns whose partial sums stay in the first cache */
#define FEW_ROWS 3

typedef double pair __attribute__((vector_size(16)));
typedef double loose_pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef long long pair_bits __attribute__((vector_size(16)));

/* The partial sums of assay_ref_dot, number k in row k mod 8, what is left over in row 8. */
struct strip {
    double value[9][STRIP], magnitude[9][STRIP];
};

static void add_terms(struct strip *s, int row, double x, const double *y, int64_t columns, bool values_only)
{
    int64_t c = 0;
    double *value = s->value[row], *magnitude = s->magnitude[row];
    for (; c + 2 <= columns; c += 2) {
        pair product = x * *(const loose_pair *)(y + c);
        *(loose_pair *)(value + c) += product;
        if (!values_only)
            *(loose_pair *)(magnitude + c) += (pair)((pair_bits)product & INT64_MAX);
    }
    for (; c < columns; c++) {
        value[c] += x * y[c];
        magnitude[c] += fabs(x * y[c]);
    }
}

static double strip_sum(double s[9][STRIP], int64_t c)
{
    double even = (s[0][c] + s[2][c]) + (s[4][c] + s[6][c]), odd = (s[1][c] + s[3][c]) + (s[5][c] + s[7][c]);
    return even + odd + s[8][c];
}

/* Numbers count (row, strip). */
static void do_strips(void *self, size_t begin, size_t end)
{
    struct whole *w = self;
    const struct assay_ref_product *p = w->p;
    struct strip *s = malloc(sizeof *s);
    if (!s) {
        atomic_store(&w->no_memory, true);
        begin = end;
    }
    for (size_t i = begin; i < end; i++) {
        int64_t r = w->first + (int64_t)i / w->blocks, batch = r / p->rows, c = (int64_t)i % w->blocks * STRIP;
        int64_t columns = p->columns - c < STRIP ? p->columns - c : STRIP;
        const double *x = p->x.value + p->x_offset[batch] + r % p->rows * p->x_row, *y = p->y.value + p->y_offset[batch] + c;
        memset(s, 0, sizeof *s);
        for (int64_t k = 0; k < p->terms; k++)
            add_terms(s, k < p->terms / 8 * 8 ? (int)(k % 8) : 8, x[k], y + k * p->y_term, columns, p->call->values_only);
        for (int64_t j = 0; j < columns; j++) {
            struct assay_ref_sum sum = assay_ref_sum_made(&p->call->arithmetic, (size_t)p->terms, strip_sum(s->value, j),
                                                          strip_sum(s->magnitude, j));
            finish(p, (size_t)(w->place + (r - w->first) * p->columns + c + j), &sum);
        }
    }
    free(s);
}

static int64_t stretches_of(const struct whole *w)
{
    return (w->last - w->first + w->stretch - 1) / w->stretch;
}

/* One piece of work: a stretch of rows, with a block of the columns. */
static void do_whole(void *self, size_t begin, size_t end)
{
    struct whole *w = self;
    const struct assay_ref_product *p = w->p;
    int64_t terms = p->terms, packed = p->y_term == 1 || p->call->multiplier ? 0 : w->block * terms;
    double *scratch = malloc((size_t)(packed + 2 * rows_at_a_time(w) * w->block + 1) * sizeof *scratch);
    if (!scratch) {
        atomic_store(&w->no_memory, true);
        return;
    }
    for (size_t i = begin; i < end; i++) {
        int64_t stretch = (int64_t)i / w->blocks, c = (int64_t)i % w->blocks * w->block;
        int64_t columns = p->columns - c < w->block ? p->columns - c : w->block;
        int64_t r = w->first + stretch * w->stretch, last = r + w->stretch < w->last ? r + w->stretch : w->last;
        for (int64_t rows; r < last; r += rows) { /* batch by batch */
            const double *y = p->y.value + p->y_offset[r / p->rows] + c * p->y_column;
            rows = p->rows - r % p->rows < last - r ? p->rows - r % p->rows : last - r;
            if (packed)
                turn_columns(p, y, columns, scratch);
            do_rows(w, r, rows, c, columns, packed ? scratch : y, packed ? terms : p->y_column, scratch + packed);
        }
    }
    free(scratch);
}

static enum assay_code whole_rows(const struct assay_ref_product *p, int64_t first, int64_t last, int64_t place,
                                  struct assay_error *err)
{
    struct whole w = {.p = p, .first = first, .last = last, .place = place, .stretch = 256};
    w.block = p->call->multiplier ? MULTIPLIER_COLUMNS : assay_ref_dense_rows(p->terms);
    w.block = w.block < p->columns ? w.block : p->columns;
    w.blocks = (p->columns + w.block - 1) / w.block;
    atomic_init(&w.no_memory, false);
    if (!p->call->multiplier && p->rows <= FEW_ROWS && p->y_column == 1 && p->y_term != 1) {
        w.blocks = (p->columns + STRIP - 1) / STRIP;
        assay_parallel_for((size_t)((last - first) * w.blocks), 1, do_strips, &w);
    } else {
        assay_parallel_for((size_t)(stretches_of(&w) * w.blocks), 1, do_whole, &w);
    }
    return atomic_load(&w.no_memory) ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for products of %lld terms",
                                                  (long long)p->terms)
                                     : ASSAY_OK;
}

/* ---- chosen elements ----------------------------------------------------------------------------------------- */

static enum assay_code chosen(const struct assay_ref_product *p, size_t n, struct assay_error *err)
{
    size_t scratch = 0;
    if (p->y_term != 1 && !assay_size_multiply((size_t)p->terms, 3 * BLOCK, &scratch))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "a product of %lld terms is too long", (long long)p->terms);
    struct assay_ref_groups groups = {.n_groups = (size_t)(p->batches * blocks_of(p)),
                                      .scratch = scratch,
                                      .group_of = group_of,
                                      .each = do_block,
                                      .self = p};
    return assay_ref_by_group(&groups, n, p->index, err);
}

/* Elements [from, to) of those asked for. */
static enum assay_code chosen_of(const struct assay_ref_product *p, int64_t from, int64_t to, struct assay_error *err)
{
    struct assay_ref_product q = *p;
    q.index += from;
    q.value += from;
    q.bound += from;
    return from < to ? chosen(&q, (size_t)(to - from), err) : ASSAY_OK;
}

enum assay_code assay_ref_product_at(const struct assay_ref_product *p, size_t n, struct assay_error *err)
{
    if (!by_blocks(p) || (int64_t)n < p->columns || !consecutive(n, p->index))
        return chosen(p, n, err);
    /* A torn row at either end is done by its elements: the bits are the same. */
    int64_t first = (p->index[0] + p->columns - 1) / p->columns, last = (p->index[0] + (int64_t)n) / p->columns;
    int64_t head = first * p->columns - p->index[0], tail = last * p->columns - p->index[0];
    if (last <= first)
        return chosen(p, n, err);
    if (chosen_of(p, 0, head, err) || chosen_of(p, tail, (int64_t)n, err))
        return err->code;
    return whole_rows(p, first, last, head, err);
}

/* ---- folds --------------------------------------------------------------------------------------------------- */

/* One operand folded: for every batch and term, sums over the folded rows or columns. */
struct folded {
    const struct assay_ref_product *p;
    bool columns;
    const double *weight;
    double *value, *magnitude, *error;
};

/* `length` terms from `first` on, whose operands begin at `at`. Memory is walked along its rows either way. */
static void fold_piece(const struct folded *f, struct assay_ref_vector from, int64_t at, size_t first, size_t length)
{
    const struct assay_ref_product *p = f->p;
    int64_t step = f->columns ? p->y_column : p->x_row, term = f->columns ? p->y_term : 1;
    int64_t count = f->columns ? p->columns : p->rows;
    bool terms_inside = term == 1;
    int64_t outer = terms_inside ? count : (int64_t)length, inner = terms_inside ? (int64_t)length : count;
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < inner; i++) {
            int64_t j = terms_inside ? o : i, k = terms_inside ? i : o, here = at + k * term + j * step;
            size_t to = first + (size_t)k;
            f->value[to] += f->weight[j] * from.value[here];
            f->magnitude[to] += fabs(f->weight[j] * from.value[here]);
            if (f->error)
                f->error[to] += fabs(f->weight[j]) * from.error[here];
        }
    }
}

/* Numbers count (batch, term). In pieces whose sums stay in the first cache while the folded axis runs by. */
static void fold_terms(void *self, size_t begin, size_t end)
{
    const struct folded *f = self;
    const struct assay_ref_product *p = f->p;
    const int64_t *offset = f->columns ? p->y_offset : p->x_offset;
    size_t terms = (size_t)p->terms;
    for (size_t i = begin, length; i < end; i += length) {
        size_t batch = i / terms, k = i % terms;
        length = end - i < terms - k ? end - i : terms - k;
        length = length < 512 ? length : 512;
        fold_piece(f, f->columns ? p->y : p->x, offset[batch] + (int64_t)k * (f->columns ? p->y_term : 1), i, length);
    }
}

enum assay_code assay_ref_product_fold(const struct assay_ref_product *p, bool columns, const double *weight, size_t n,
                                       struct assay_error *err)
{
    bool errors = (columns ? p->y.error : p->x.error) != NULL;
    size_t size = (size_t)(p->batches * p->terms);
    double *sums = calloc(3 * size + 1, sizeof *sums);
    int64_t *offset = malloc(((size_t)p->batches + 1) * sizeof *offset);
    enum assay_code code;
    if (!sums || !offset) {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to fold a product of %lld terms", (long long)p->terms);
        goto out;
    }
    struct folded f = {p, columns, weight, sums, sums + size, errors ? sums + 2 * size : NULL};
    assay_parallel_for(size, 64, fold_terms, &f);

    struct assay_ref_product q = *p;
    struct assay_ref_vector v = {f.value, f.magnitude, f.error};
    for (int64_t b = 0; b < p->batches; b++)
        offset[b] = b * p->terms;
    q.weights = 0;
    for (int64_t j = 0; j < (columns ? p->columns : p->rows); j++)
        q.weights += fabs(weight[j]);
    if (columns) {
        q.y = v;
        q.y_offset = offset;
        q.columns = 1;
        q.y_term = 1;
        q.y_column = 0;
    } else {
        q.x = v;
        q.x_offset = offset;
        q.rows = 1;
        q.x_row = 0;
    }
    code = q.weights > 0 || n == 0 ? assay_ref_product_at(&q, n, err) : ASSAY_OK;
    if (q.weights == 0) {
        memset(p->value, 0, n * sizeof *p->value);
        memset(p->bound, 0, n * sizeof *p->bound);
    }
out:
    free(offset);
    free(sums);
    return code;
}
