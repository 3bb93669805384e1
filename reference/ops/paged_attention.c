/* PagedAttention: the new rows go into the cache, then every row sees the tokens of its sequence up to itself, as the cache has
 * them. A slot's content is known by its last writer: a row of k and v, rounded once to the cache's format, or what stood there
 * before. Errors as in attention.c: that of a score enters the exponent. Without v, values are what stands in front in the keys. */
#include <stdlib.h>

#include "reference/attention_scores.h"
#include "reference/formats/formats.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

enum { Q, K, V, KEYS, VALUES, TABLE, STARTS, PAST };

struct paged {
    const struct assay_ref_call *call;
    int64_t  tokens, heads, group, width, v_width; /* group: query heads of one key head */
    int      values;                               /* the cache that holds them: VALUES, or KEYS */
    int64_t  value_stride;                         /* from one head's value to the next one's */
    int64_t  sequences, blocks, block, row;        /* row: entries of a sequence in the table */
    int64_t  most;                                 /* tokens of the longest sequence */
    int64_t *writer;                               /* a slot's row, or -1 */
    double   scale;
    const int64_t *index;
    double        *value, *bound;
};

/* 2^63 - 1 has become 2^63 in double. */
static int64_t whole(const struct paged *p, int input, int64_t i)
{
    double x = p->call->in[input].value[i];
    return x < 0x1p63 ? (int64_t)x : INT64_MAX;
}

static int64_t slot_of(const struct paged *p, int64_t sequence, int64_t token)
{
    return whole(p, TABLE, sequence * p->row + token / p->block) * p->block + token % p->block;
}

/* In double, exact as far as a number may be right: what a file says may leave 64 bits. */
static enum assay_code check_sequence(const struct paged *p, int64_t s, struct assay_error *err)
{
    double begin = p->call->in[STARTS].value[s], end = p->call->in[STARTS].value[s + 1], past = p->call->in[PAST].value[s];
    double room = (double)p->row * (double)p->block, all = past + (end - begin);
    if (begin < 0 || end < begin || end > (double)p->tokens || (s == 0 && begin != 0))
        return ASSAY_FAIL(err, ASSAY_DATA, "sequence %lld owns rows %.0f to %.0f of %lld", (long long)s, begin, end, (long long)p->tokens);
    if (begin == end)
        return ASSAY_OK;
    if (past < 0 || past > room || all > room)
        return ASSAY_FAIL(err, ASSAY_DATA, "sequence %lld has %.0f tokens behind %.0f; its row of block_table has room for %.0f",
                          (long long)s, end - begin, past, room);
    for (int64_t b = 0; b * p->block < all; b++)
        if (whole(p, TABLE, s * p->row + b) < 0 || whole(p, TABLE, s * p->row + b) >= p->blocks)
            return ASSAY_FAIL(err, ASSAY_DATA, "block_table[%lld,%lld] is %lld; the cache has %lld blocks", (long long)s, (long long)b,
                              (long long)whole(p, TABLE, s * p->row + b), (long long)p->blocks);
    return ASSAY_OK;
}

/* Sizes, and the check of what the sequences say. */
static enum assay_code setup(const struct assay_ref_call *call, struct paged *p, struct assay_error *err)
{
    const struct assay_ref_tensor *in = call->in;
    *p = (struct paged){.call = call, .tokens = in[Q].dims[0], .heads = assay_node_i64(call->node, "q_num_heads", 1),
                        .sequences = in[TABLE].dims[0], .row = in[TABLE].dims[1], .blocks = in[KEYS].dims[0], .block = in[KEYS].dims[1],
                        .scale = assay_node_f64(call->node, "scale", 1)};
    int64_t kv_heads = assay_node_i64(call->node, "kv_num_heads", 1);
    p->group = p->heads / kv_heads;
    p->width = in[Q].dims[1] / p->heads;
    p->values = call->node->inputs[V] == ASSAY_NO_VALUE ? KEYS : VALUES;
    p->v_width = p->values == KEYS ? assay_node_i64(call->node, "v_head_size", 1) : in[V].dims[1] / kv_heads;
    p->value_stride = p->values == KEYS ? p->width : p->v_width;
    for (int64_t s = 0; s < p->sequences; s++)
        if (check_sequence(p, s, err))
            return err->code;
    return ASSAY_OK;
}

static void find_writers(struct paged *p)
{
    for (int64_t i = 0; i < p->blocks * p->block; i++)
        p->writer[i] = -1;
    for (int64_t s = 0; s < p->sequences; s++) {
        int64_t begin = whole(p, STARTS, s), n = whole(p, STARTS, s + 1) - begin, past = whole(p, PAST, s);
        for (int64_t i = 0; i < n; i++)
            p->writer[slot_of(p, s, past + i)] = begin + i;
        p->most = n > 0 && past + n > p->most ? past + n : p->most;
    }
}

/* Element c of a slot of a cache, after the writing. What is new and known to the last bit is rounded to the cache's format as the
 * definition says, so that nothing is left to a device; what has a bound is what it was before, with the bound on what a device holds. */
static struct assay_bounded cached(const struct paged *p, int cache, int64_t slot, int64_t c)
{
    const struct assay_ref_tensor *t = &p->call->in[cache], *from = &p->call->in[cache - KEYS + K];
    if (p->writer[slot] < 0)
        return bounded_of(t, (size_t)(slot * t->dims[2] + c));
    struct assay_bounded              x = bounded_of(from, (size_t)(p->writer[slot] * from->dims[1] + c));
    const struct assay_number_format *f = assay_format_of(t->dtype);
    struct assay_arithmetic           a = p->call->arithmetic;
    if (t->dtype == from->dtype || !f)
        return x;
    if (x.error == 0 && isfinite(assay_round_to(t->dtype, x.value)))
        return bounded(assay_round_to(t->dtype, x.value), 0);
    a.store = f->unit_roundoff;
    a.store_tiny = f->smallest_normal;
    struct assay_bounded stored = assay_bounded_store(&a, t->dtype, x);
    return isfinite(stored.value) || !isfinite(x.value) ? stored : bounded(x.value, INFINITY); /* beyond the format: left open */
}

/* ---- y ----------------------------------------------------------------------------------------------------------- */

static struct assay_bounded score(const struct paged *p, int64_t row, int64_t head, int64_t slot, double *key)
{
    const struct assay_arithmetic *a = &p->call->arithmetic;
    const struct assay_ref_tensor *q = &p->call->in[Q];
    struct assay_ref_vector        x = {q->value, NULL, q->error}, y = {key, NULL, key + p->width};
    for (int64_t c = 0; c < p->width; c++) {
        struct assay_bounded k = cached(p, KEYS, slot, head / p->group * p->width + c);
        key[c] = k.value;
        key[p->width + c] = k.error;
    }
    return assay_ref_scaled_product(a, p->scale, (size_t)p->width, assay_ref_vector_at(x, row * q->dims[1] + head * p->width), y);
}

static size_t head_of(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct paged *)self)->v_width);
}

static int64_t sequence_of(const struct paged *p, int64_t row)
{
    int64_t s = 0;
    while (s < p->sequences && row >= whole(p, STARTS, s + 1))
        s++;
    return s;
}

/* A group is one head of one row. Weights may be rounded to the format of v before they meet it. */
static void each_head(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct paged            *p = self;
    const struct assay_arithmetic *a = &p->call->arithmetic;
    int64_t row = (int64_t)group / p->heads, head = (int64_t)group % p->heads, s = sequence_of(p, row);
    double *x = scratch, *e = x + p->most, *column = e + p->most, *key = column + 2 * p->most;
    if (s == p->sequences) {
        for (size_t i = 0; i < count; i++)
            p->value[places[i]] = p->bound[places[i]] = 0;
        return;
    }
    int64_t keys = whole(p, PAST, s) + row - whole(p, STARTS, s) + 1;
    for (int64_t j = 0; j < keys; j++) {
        struct assay_bounded b = score(p, row, head, slot_of(p, s, j), key);
        x[j] = b.value;
        e[j] = b.error;
    }
    struct assay_ref_softmax soft = assay_ref_softmax_row(a, (size_t)keys, x, e);
    assay_ref_round_weights(a, p->call->in[p->values - KEYS + K].dtype, (size_t)keys, soft.sum.value, x, e);
    for (size_t i = 0; i < count; i++) {
        int64_t c = p->index[places[i]] % p->v_width;
        for (int64_t j = 0; j < keys; j++) {
            struct assay_bounded v = cached(p, p->values, slot_of(p, s, j), head / p->group * p->value_stride + c);
            column[j] = v.value;
            column[keys + j] = v.error;
        }
        struct assay_ref_vector w = {x, NULL, e}, values = {column, NULL, column + keys};
        struct assay_ref_sum    top = assay_ref_dot(a, (size_t)keys, w, values);
        struct assay_bounded    y = assay_ref_softmax_divide(a, assay_ref_sum_close(a, &top, (double)keys, (double)keys), soft.sum);
        assay_ref_put(p->call, places[i], y, p->value, p->bound);
    }
}

/* ---- the caches -------------------------------------------------------------------------------------------------- */

static void put_cached(const struct paged *p, size_t n)
{
    int     cache = p->call->output == 1 ? KEYS : VALUES;
    int64_t width = p->call->in[cache].dims[2];
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded x = cached(p, cache, p->index[i] / width, p->index[i] % width);
        p->value[i] = x.value;
        p->bound[i] = x.error;
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value, double *bound,
                          struct assay_error *err)
{
    struct paged    p;
    enum assay_code code = setup(call, &p, err);
    if (code)
        return code;
    p.writer = malloc((size_t)(p.blocks * p.block + 1) * sizeof *p.writer);
    if (!p.writer)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a cache of %lld blocks", (long long)p.blocks);
    find_writers(&p);
    p.index = index;
    p.value = value;
    p.bound = bound;
    if (call->output > 0) {
        put_cached(&p, n);
    } else {
        struct assay_ref_groups groups = {.n_groups = (size_t)(p.tokens * p.heads), .scratch = 4 * (size_t)p.most + 2 * (size_t)p.width,
                                          .group_of = head_of, .each = each_head, .self = &p};
        code = assay_ref_by_group(&groups, n, index, err);
    }
    free(p.writer);
    return code;
}

ASSAY_OP_REFERENCE(PagedAttention) = {.at = at};
