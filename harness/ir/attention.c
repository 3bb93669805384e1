/* What Attention and its gradient share: operands in either layout, sizes, the pairs that causality keeps. */
#include "harness/ir/attention.h"

#include <inttypes.h>
#include <math.h>

#include "assay/banned.h"

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTHS };

/* Heads, sequence and width of one of Q, K, V in either layout. */
static enum assay_code read_operand(const struct assay_infer *in, bool queries, int i, int64_t *heads, int64_t *sequence,
                                    int64_t *width, struct assay_error *err)
{
    const struct assay_value *v = in->in[i];
    const char *name = queries ? "q_num_heads" : "kv_num_heads";
    int64_t given = assay_node_i64(in->node, name, 0);
    if (v->rank == 4) {
        *heads = v->dims[1];
        *sequence = v->dims[2];
        *width = v->dims[3];
        if (assay_node_attr(in->node, name) && given != *heads)
            return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "%s says %" PRId64, name, given);
    } else {
        if (!assay_node_attr(in->node, name))
            return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "of rank 3 it needs %s", name);
        if (given < 1 || v->dims[2] % given)
            return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE,
                                      "its last axis does not divide into %" PRId64 " heads (%s)", given, name);
        *heads = given;
        *sequence = v->dims[1];
        *width = v->dims[2] / given;
    }
    if (*heads < 1)
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "it has no heads");
    return ASSAY_OK;
}

static enum assay_code read_sizes(const struct assay_infer *in, struct assay_attention *s, struct assay_error *err)
{
    int64_t v_heads, v_keys, k_width;
    s->packed = in->in[s->first + Q]->rank == 3;
    s->batch = in->in[s->first + Q]->dims[0];
    enum assay_code code = read_operand(in, true, s->first + Q, &s->q_heads, &s->queries, &s->key_width, err);
    for (int i = s->first + K; !code && i <= s->first + V; i++) {
        if (in->in[i]->rank != in->in[s->first + Q]->rank)
            code = ASSAY_INFER_REFUSE(in, err, s->first + Q, i, "the ranks must be equal");
        else if (in->in[i]->dims[0] != s->batch)
            code = ASSAY_INFER_REFUSE(in, err, s->first + Q, i, "the batches differ");
    }
    if (!code)
        code = read_operand(in, false, s->first + K, &s->kv_heads, &s->keys, &k_width, err);
    if (!code)
        code = read_operand(in, false, s->first + V, &v_heads, &v_keys, &s->value_width, err);
    if (code)
        return code;
    if (k_width != s->key_width)
        return ASSAY_INFER_REFUSE(in, err, s->first + Q, s->first + K, "heads %" PRId64 " and %" PRId64 " wide have no product",
                                  s->key_width,
                                  k_width);
    if (v_heads != s->kv_heads || v_keys != s->keys)
        return ASSAY_INFER_REFUSE(in, err, s->first + K, s->first + V, "keys and values differ in heads or length");
    if (s->q_heads % s->kv_heads)
        return ASSAY_INFER_REFUSE(in, err, s->first + Q, s->first + K,
                                  "%" PRId64 " query heads do not share %" PRId64 " key heads evenly",
                                  s->q_heads, s->kv_heads);
    return ASSAY_OK;
}

static enum assay_code read_past(const struct assay_infer *in, struct assay_attention *s, struct assay_error *err)
{
    s->past = 0;
    if (!in->in[s->first + PAST_KEY] != !in->in[s->first + PAST_VALUE])
        return ASSAY_INFER_REFUSE(in, err, s->first + (in->in[s->first + PAST_KEY] ? PAST_KEY : PAST_VALUE), ASSAY_INFER_NONE,
                                  "past_key and past_value come together");
    for (int i = PAST_KEY; i <= PAST_VALUE && in->in[s->first + i]; i++) {
        const struct assay_value *past = in->in[s->first + i];
        int64_t width = i == PAST_KEY ? s->key_width : s->value_width;
        if (past->rank != 4 || past->dims[0] != s->batch || past->dims[1] != s->kv_heads || past->dims[3] != width)
            return ASSAY_INFER_REFUSE(in, err, s->first + i, s->first + (i == PAST_KEY ? K : V),
                                      "the past must be [%" PRId64 ",%" PRId64 ",P,%" PRId64 "]", s->batch, s->kv_heads,
                                      width);
        if (i == PAST_VALUE && past->dims[2] != s->past)
            return ASSAY_INFER_REFUSE(in, err, s->first + PAST_KEY, s->first + PAST_VALUE, "the pasts differ in length");
        s->past = past->dims[2];
    }
    return ASSAY_OK;
}

static enum assay_code check_mask(const struct assay_infer *in, const struct assay_attention *s, struct assay_error *err)
{
    const struct assay_value *mask = in->in[s->first + MASK];
    int64_t total = s->past + s->keys, to[4] = {s->batch, s->q_heads, s->queries, total};
    if (!mask)
        return ASSAY_OK;
    if (mask->dtype != ASSAY_BOOL && mask->dtype != in->in[s->first + Q]->dtype)
        return ASSAY_INFER_REFUSE(in, err, s->first + Q, s->first + MASK, "a mask is bool or of the queries' type");
    /* A last axis that ends early is padded, so it is compared with its own length. */
    if (mask->rank >= 1 && mask->dims[mask->rank - 1] < total)
        to[3] = mask->dims[mask->rank - 1];
    if (mask->rank < 1 || !assay_shape_stretches(mask->rank, mask->dims, 4, to))
        return ASSAY_INFER_REFUSE(in, err, s->first + MASK, ASSAY_INFER_NONE,
                                  "it does not stretch to [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]", s->batch,
                                  s->q_heads, s->queries, total);
    return ASSAY_OK;
}

static enum assay_code check_attrs(const struct assay_infer *in, struct assay_error *err)
{
    int64_t precision = assay_node_i64(in->node, "softmax_precision", 1);
    enum assay_code code = assay_infer_range(in, "is_causal", 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "qk_matmul_output_mode", 0, 3, err);
    if (code)
        return code;
    if (precision != 1 && precision != 10 && precision != 11 && precision != 16)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "softmax_precision must be 1, 10, 11 or 16, got %" PRId64, precision);
    if (assay_node_f64(in->node, "softcap", 0.0) < 0.0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "softcap must not be negative");
    if (assay_node_f64(in->node, "scale", 1.0) <= 0.0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "scale must be positive");
    return ASSAY_OK;
}

static enum assay_code check_types(const struct assay_infer *in, int first, struct assay_error *err)
{
    enum assay_code code = ASSAY_OK;
    for (int i = Q; !code && i <= V; i++)
        code = assay_infer_type(in, first + i, ASSAY_TYPES_FLOAT, err);
    for (int i = Q; !code && i <= V; i++)
        code = assay_infer_rank(in, first + i, 3, 4, err);
    if (!code)
        code = assay_infer_same_type(in, first + Q, first + K, err);
    if (!code)
        code = assay_infer_same_type(in, first + Q, first + PAST_KEY, err);
    if (!code)
        code = assay_infer_same_type(in, first + V, first + PAST_VALUE, err);
    return code;
}

static enum assay_code check_lengths(const struct assay_infer *in, const struct assay_attention *s, struct assay_error *err)
{
    const struct assay_value *lengths = in->in[s->first + LENGTHS];
    int i = s->first + LENGTHS;
    if (!lengths)
        return ASSAY_OK;
    if (lengths->dtype != ASSAY_I64 || lengths->rank != 1 || lengths->dims[0] != s->batch)
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "nonpad_kv_seqlen must be i64[%" PRId64 "]", s->batch);
    if (in->in[s->first + PAST_KEY])
        return ASSAY_INFER_REFUSE(in, err, i, s->first + PAST_KEY, "nonpad_kv_seqlen does not go together with a past");
    if (in->out[1] || in->out[2])
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "nonpad_kv_seqlen does not go together with present outputs");
    return ASSAY_OK;
}

enum assay_code assay_infer_attention(const struct assay_infer *in, int first, struct assay_attention *s,
                                      struct assay_error *err)
{
    *s = (struct assay_attention){.first = first};
    enum assay_code code = check_types(in, first, err);
    if (!code)
        code = check_attrs(in, err);
    if (!code)
        code = read_sizes(in, s, err);
    if (!code)
        code = read_past(in, s, err);
    if (!code)
        code = check_mask(in, s, err);
    if (!code && first == 0)
        code = check_lengths(in, s, err);
    if (code)
        return code;
    if (s->packed && __builtin_mul_overflow(s->q_heads, s->value_width, &(int64_t){0}))
        return ASSAY_INFER_REFUSE(in, err, first + Q, first + V, "the output is too wide");
    assay_infer_set_i64(in, "q_num_heads", s->q_heads);
    assay_infer_set_i64(in, "kv_num_heads", s->kv_heads);
    if (!assay_node_attr(in->node, "scale"))
        assay_infer_set_f64(in, "scale", s->key_width ? 1.0 / sqrt((double)s->key_width) : 1.0);
    return ASSAY_OK;
}

/* ---- counting -------------------------------------------------------------------------------------------------- */

/* Sum over queries i of min(total, i + past + 1): full rows once i reaches total - past - 1. */
static uint64_t causal_pairs(uint64_t queries, uint64_t past, uint64_t total)
{
    uint64_t growing = total - past < queries ? total - past : queries;
    /* growing * (growing + 1) / 2 without losing the half */
    uint64_t triangle =
        growing % 2 ? assay_count_multiply(growing, (growing + 1) / 2) : assay_count_multiply(growing / 2, growing + 1);
    uint64_t full = assay_count_multiply(queries - growing, total);
    return assay_count_add(assay_count_add(assay_count_multiply(growing, past), triangle), full);
}

struct assay_attention_count assay_attention_count(const struct assay_graph *g, const struct assay_node *node, uint32_t first)
{
    const struct assay_value *q = assay_graph_value(g, node->inputs[first + Q]);
    const struct assay_value *k = assay_graph_value(g, node->inputs[first + K]);
    const struct assay_value *v = assay_graph_value(g, node->inputs[first + V]);
    const struct assay_value *mask = node->n_inputs > first + MASK ? assay_graph_value(g, node->inputs[first + MASK]) : NULL;
    const struct assay_value *past =
        node->n_inputs > first + PAST_KEY ? assay_graph_value(g, node->inputs[first + PAST_KEY]) : NULL;
    struct assay_attention_count c = {0};
    uint64_t q_heads = (uint64_t)assay_node_i64(node, "q_num_heads", 1);
    uint64_t kv_heads = (uint64_t)assay_node_i64(node, "kv_num_heads", 1);
    bool packed = q->rank == 3;
    c.key_width = packed ? (uint64_t)q->dims[2] / q_heads : (uint64_t)q->dims[3];
    c.value_width = packed ? (uint64_t)v->dims[2] / kv_heads : (uint64_t)v->dims[3];
    uint64_t queries = (uint64_t)q->dims[packed ? 1 : 2], before = past ? (uint64_t)past->dims[2] : 0;
    uint64_t total = before + (uint64_t)k->dims[packed ? 1 : 2];
    uint64_t heads = assay_count_multiply((uint64_t)q->dims[0], q_heads);
    c.pairs = assay_node_i64(node, "is_causal", 0) ? causal_pairs(queries, before, total) : assay_count_multiply(queries, total);
    c.rows = total ? assay_count_multiply(heads, queries) : 0;
    c.capped = assay_node_f64(node, "softcap", 0.0) > 0.0;
    c.added = mask && mask->dtype != ASSAY_BOOL;
    c.pairs = assay_count_multiply(heads, c.pairs);
    return c;
}
