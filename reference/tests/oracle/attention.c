/* Attention and its gradient. The memo holds, for each (batch, head, query, key), the stages of a score: product, capped,
 * masked, weight; for the gradient also dP and dS. */
#include "oracle.h"

#include <math.h>

enum { PRODUCT, CAPPED, MASKED, WEIGHT, DP, DS, STAGES };

/* Q, K, V, mask, past_key, past_value, lengths are inputs from `first` on. */
struct shape {
    uint32_t first;
    bool     packed;
    int64_t  batches, heads, kv_heads, queries, past, keys, width, v_width;
};

static struct shape shape_of(const struct oracle *o, uint32_t first)
{
    const struct oracle_tensor *q = &o->in[first], *k = &o->in[first + 1], *v = &o->in[first + 2];
    struct shape s = {.first = first, .packed = q->rank == 3, .batches = q->dims[0]};
    s.heads = s.packed ? attr_i(o, "q_num_heads") : q->dims[1];
    s.kv_heads = s.packed ? attr_i(o, "kv_num_heads") : k->dims[1];
    s.queries = q->dims[s.packed ? 1 : 2];
    s.past = is_there(&o->in[first + 4]) ? o->in[first + 4].dims[2] : 0;
    s.keys = s.past + k->dims[s.packed ? 1 : 2];
    s.width = s.packed ? q->dims[2] / s.heads : q->dims[3];
    s.v_width = s.packed ? v->dims[2] / s.kv_heads : v->dims[3];
    return s;
}

/* Number c of position i of a head, in either layout. */
static number of_head(const struct oracle_tensor *t, bool packed, int64_t b, int64_t head, int64_t i, int64_t c, int64_t width)
{
    return element_at(t, packed ? (int64_t[]){b, i, head * width + c} : (int64_t[]){b, head, i, c});
}

/* Number c of key (or value) j of the head that query head h reads. */
static number key_at(const struct oracle *o, const struct shape *s, bool value, int64_t b, int64_t h, int64_t j, int64_t c)
{
    int64_t head = h / (s->heads / s->kv_heads);
    if (j < s->past)
        return element_at(&o->in[s->first + (value ? 5 : 4)], (int64_t[]){b, head, j, c});
    return of_head(&o->in[s->first + (value ? 2 : 1)], s->packed, b, head, j - s->past, c, value ? s->v_width : s->width);
}

static number *stage(const struct oracle *o, const struct shape *s, int what, int64_t b, int64_t h, int64_t i, int64_t j)
{
    return &o->memo[((((int64_t)what * s->batches + b) * s->heads + h) * s->queries + i) * s->keys + j];
}

/* The default scale is a root and not the double that a node holds of it. */
static number scale_of(const struct oracle *o, const struct shape *s)
{
    double given = assay_node_f64(o->node, "scale", 0);
    return given == 1 / sqrt((double)s->width) ? over(num(1), root(whole((long)s->width))) : num(given);
}

static bool is_kept(const struct oracle *o, const struct shape *s, int64_t b, int64_t i, int64_t j)
{
    const struct oracle_tensor *lengths = &o->in[s->first + 6];
    bool    padded = s->first == 0 && is_there(lengths);
    int64_t length = padded ? whole_at(lengths, b) : s->keys;
    if (j >= length)
        return false;
    return !attr_i(o, "is_causal") || j <= i + (padded ? length - s->queries : s->past);
}

/* What the mask adds to a score; minus infinity where it takes the key away. A last axis that ends early lacks keys. */
static number mask_at(const struct oracle *o, const struct shape *s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    const struct oracle_tensor *mask = &o->in[s->first + 3];
    if (!is_there(mask))
        return num(0);
    if (j >= mask->dims[mask->rank - 1])
        return num(-(double)INFINITY);
    number m = stretched_at(mask, 4, (int64_t[]){b, h, i, j});
    if (mask->dtype != ASSAY_BOOL)
        return m;
    return num(is_equal(m, num(0)) ? -(double)INFINITY : 0);
}

static void score(const struct oracle *o, const struct shape *s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    number dot = num(0), cap = attr_f(o, "softcap");
    for (int64_t c = 0; c < s->width; c++)
        dot = plus(dot, times(of_head(&o->in[s->first], s->packed, b, h, i, c, s->width), key_at(o, s, false, b, h, j, c)));
    dot = times(dot, scale_of(o, s));
    *stage(o, s, PRODUCT, b, h, i, j) = dot;
    dot = is_above(cap, num(0)) ? times(cap, tanh_of(over(dot, cap))) : dot;
    *stage(o, s, CAPPED, b, h, i, j) = dot;
    number added = mask_at(o, s, b, h, i, j), none = num(-(double)INFINITY);
    *stage(o, s, MASKED, b, h, i, j) = is_kept(o, s, b, i, j) && !is_equal(added, none) ? plus(dot, added) : none;
}

static number weight(const struct oracle *o, const struct shape *s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    number own = *stage(o, s, MASKED, b, h, i, j), sum = num(0), none = num(-(double)INFINITY);
    if (is_equal(own, none))
        return num(0);
    for (int64_t k = 0; k < s->keys; k++)
        if (!is_equal(*stage(o, s, MASKED, b, h, i, k), none))
            sum = plus(sum, exp_of(minus(*stage(o, s, MASKED, b, h, i, k), own)));
    return over(num(1), sum);
}

#define EACH(variable, end) for (int64_t variable = 0; variable < (end); variable++)

static void make_weights(const struct oracle *o, const struct shape *s)
{
    EACH(b, s->batches) EACH(h, s->heads) EACH(i, s->queries)
    {
        EACH(j, s->keys) score(o, s, b, h, i, j);
        EACH(j, s->keys) *stage(o, s, WEIGHT, b, h, i, j) = weight(o, s, b, h, i, j);
    }
}

/* ---- Attention ----------------------------------------------------------------------------------------------------------- */

static size_t memos_of(const struct oracle *o, uint32_t first)
{
    struct shape s = shape_of(o, first);
    return (size_t)(STAGES * s.batches * s.heads * s.queries * s.keys);
}

static size_t memos(const struct oracle *o)
{
    return memos_of(o, 0);
}

static void prepare(struct oracle *o)
{
    struct shape s = shape_of(o, 0);
    make_weights(o, &s);
}

static number attention(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct shape s = shape_of(o, 0);
    number sum = num(0);
    if (out == 3)
        return *stage(o, &s, (int)attr_i(o, "qk_matmul_output_mode"), at[0], at[1], at[2], at[3]);
    if (out > 0) /* of the key head itself: that of the first query head that reads it */
        return key_at(o, &s, out == 2, at[0], at[1] * (s.heads / s.kv_heads), at[2], at[3]);
    int64_t h = s.packed ? at[2] / s.v_width : at[1], i = at[s.packed ? 1 : 2], c = s.packed ? at[2] % s.v_width : at[3];
    EACH(j, s.keys) sum = plus(sum, times(*stage(o, &s, WEIGHT, at[0], h, i, j), key_at(o, &s, true, at[0], h, j, c)));
    return sum;
}
ORACLE(Attention) = {.element = attention, .memos = memos, .prepare = prepare};

/* ---- its gradient: operands dY, Q, K, V, mask ----------------------------------------------------------------------------- */

/* dS = P (dP - sum P dP), written as P sum over k of P_k (dP - dP_k), times the slope of the cap; of a key that is masked, 0. */
static void make_slopes(const struct oracle *o, const struct shape *s, int64_t b, int64_t h, int64_t i)
{
    number cap = attr_f(o, "softcap");
    EACH(j, s->keys)
    {
        number sum = num(0);
        EACH(c, s->v_width) sum = plus(sum, times(of_head(&o->in[0], s->packed, b, h, i, c, s->v_width), key_at(o, s, true, b, h, j, c)));
        *stage(o, s, DP, b, h, i, j) = sum;
    }
    EACH(j, s->keys)
    {
        number sum = num(0), dp = *stage(o, s, DP, b, h, i, j);
        EACH(k, s->keys) sum = plus(sum, times(*stage(o, s, WEIGHT, b, h, i, k), minus(dp, *stage(o, s, DP, b, h, i, k))));
        sum = times(sum, *stage(o, s, WEIGHT, b, h, i, j));
        if (is_equal(*stage(o, s, MASKED, b, h, i, j), num(-(double)INFINITY)))
            sum = num(0);
        else if (is_above(cap, num(0)))
            sum = times(sum, minus(num(1), squared(over(*stage(o, s, CAPPED, b, h, i, j), cap))));
        *stage(o, s, DS, b, h, i, j) = sum;
    }
}

static size_t grad_memos(const struct oracle *o)
{
    return memos_of(o, 1);
}

static void grad_prepare(struct oracle *o)
{
    struct shape s = shape_of(o, 1);
    make_weights(o, &s);
    EACH(b, s.batches) EACH(h, s.heads) EACH(i, s.queries) make_slopes(o, &s, b, h, i);
}

/* Over all queries of all heads that read key head `head`: of keys scale dS Q, of values P dY. */
static number key_grad(const struct oracle *o, const struct shape *s, bool value, int64_t b, int64_t head, int64_t j, int64_t c)
{
    int64_t each = s->heads / s->kv_heads;
    number  sum = num(0);
    for (int64_t h = head * each; h < (head + 1) * each; h++)
        EACH(i, s->queries)
            sum = plus(sum, value ? times(*stage(o, s, WEIGHT, b, h, i, j), of_head(&o->in[0], s->packed, b, h, i, c, s->v_width))
                                  : times(*stage(o, s, DS, b, h, i, j), of_head(&o->in[1], s->packed, b, h, i, c, s->width)));
    return value ? sum : times(sum, scale_of(o, s));
}

static number attention_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct shape s = shape_of(o, 1);
    int64_t width = out == 2 ? s.v_width : s.width, head = s.packed ? at[2] / width : at[1];
    int64_t i = at[s.packed ? 1 : 2], c = s.packed ? at[2] % width : at[3];
    number  sum = num(0);
    if (out > 0)
        return key_grad(o, &s, out == 2, at[0], head, i, c);
    EACH(j, s.keys) sum = plus(sum, times(*stage(o, &s, DS, at[0], head, i, j), key_at(o, &s, false, at[0], head, j, c)));
    return times(sum, scale_of(o, &s));
}
ORACLE(AttentionGrad) = {.element = attention_grad, .memos = grad_memos, .prepare = grad_prepare};

/* ---- PagedAttention: operands q, k, v, caches, table, starts, past --------------------------------------------------------- */

static int64_t paged_slot(const struct oracle *o, int64_t s, int64_t token)
{
    const struct oracle_tensor *table = &o->in[5];
    int64_t each = o->in[3].dims[1];
    return whole_at(table, s * table->dims[1] + token / each) * each + token % each;
}

/* The row that is written to a slot; -1: none. Read from the end, as later ones win. */
static int64_t row_in_slot(const struct oracle *o, int64_t slot)
{
    const struct oracle_tensor *table = &o->in[5], *starts = &o->in[6], *past = &o->in[7];
    for (int64_t s = table->dims[0] - 1; s >= 0; s--)
        for (int64_t row = whole_at(starts, s + 1) - 1; row >= whole_at(starts, s); row--) {
            int64_t token = whole_at(past, s) + row - whole_at(starts, s);
            if (paged_slot(o, s, token) == slot)
                return row;
        }
    return -1;
}

/* Without values of their own, keys begin with them. */
static bool values_are_keys(const struct oracle *o)
{
    return o->node->inputs[2] == ASSAY_NO_VALUE;
}

static number paged_at(const struct oracle *o, bool value, int64_t slot, int64_t c)
{
    value = value && !values_are_keys(o);
    const struct oracle_tensor *cache = &o->in[value ? 4 : 3], *fresh = &o->in[value ? 2 : 1];
    int64_t row = row_in_slot(o, slot);
    if (row < 0)
        return element_at(cache, (int64_t[]){slot / cache->dims[1], slot % cache->dims[1], c});
    return num(rounded_to(cache->dtype, element_at(fresh, (int64_t[]){row, c}), false)); /* the definition's own rounding, of what is exact */
}

static number paged_attention(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *table = &o->in[5], *starts = &o->in[6];
    int64_t heads = attr_i(o, "q_num_heads"), kv = attr_i(o, "kv_num_heads"), each = o->in[3].dims[1], s = 0;
    int64_t width = o->in[0].dims[1] / heads, v_width = values_are_keys(o) ? attr_i(o, "v_head_size") : o->in[2].dims[1] / kv;
    int64_t v_stride = values_are_keys(o) ? width : v_width, h = at[1] / v_width, row = at[0];
    if (out > 0)
        return paged_at(o, out == 2, at[0] * each + at[1], at[2]);
    while (s < table->dims[0] && row >= whole_at(starts, s + 1))
        s++;
    if (s == table->dims[0])
        return num(0);
    double given = assay_node_f64(o->node, "scale", 0);
    number scale = given == 1 / sqrt((double)width) ? over(num(1), root(whole((long)width))) : num(given), scores[16], y = num(0);
    int64_t keys = whole_at(&o->in[7], s) + row - whole_at(starts, s) + 1; /* no more than 16 in any sample */
    EACH(j, keys)
    {
        scores[j] = num(0);
        EACH(c, width) scores[j] = plus(scores[j], times(element_at(&o->in[0], (int64_t[]){row, h * width + c}),
                                                         paged_at(o, false, paged_slot(o, s, j), h / (heads / kv) * width + c)));
        scores[j] = times(scores[j], scale);
    }
    EACH(j, keys)
    {
        number sum = num(0);
        EACH(i, keys) sum = plus(sum, exp_of(minus(scores[i], scores[j])));
        y = plus(y, over(paged_at(o, true, paged_slot(o, s, j), h / (heads / kv) * v_stride + at[1] % v_width), sum));
    }
    return y;
}
ORACLE(PagedAttention) = {.element = paged_attention};
