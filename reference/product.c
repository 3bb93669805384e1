/* Chosen elements of matrix products. Columns are copied side by side, a few neighbours at a time (they share cache
 * lines), and meet the rows of all the elements asked for in them. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/parallel.h"
#include "reference/arithmetic.h"

#include "assay/banned.h"

#define BLOCK 16 /* columns to a group */

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

static void finish(const struct assay_ref_product *p, size_t place, struct assay_ref_sum s)
{
    double terms = (double)p->terms, roundings = terms + p->extra_roundings;
    if (p->after)
        p->after(p->self, p->index[place], &s);
    if (p->weights > 0) {
        struct assay_bounded x = assay_ref_fold_close(p->call, &s, terms, roundings, p->weights);
        p->value[place] = x.value;
        p->bound[place] = x.error;
    } else {
        assay_ref_put(p->call, place, assay_ref_sum_close(&p->call->arithmetic, &s, terms, roundings), p->value,
                      p->bound);
    }
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
        finish(p, places[i],
               assay_ref_dot(&p->call->arithmetic, (size_t)p->terms, x, assay_ref_vector_at(y, c * y_step)));
    }
}

enum assay_code assay_ref_product_at(const struct assay_ref_product *p, size_t n, struct assay_error *err)
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
