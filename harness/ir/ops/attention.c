/* Attention (ONNX 23; the seventh input that version 24 adds, nonpad_kv_seqlen, is not taken): for every batch and
 * head Y = softmax(scale Q K^T [capped] + mask) V.
 *   Q [B, Hq, S, D]     K [B, Hkv, T, D]     V [B, Hkv, T, E]     Y [B, Hq, S, E]
 * or, with q_num_heads and kv_num_heads given, [B, S, Hq D], [B, T, Hkv D], [B, T, Hkv E], Y [B, S, Hq E]. Hkv divides
 * Hq: query head h reads key head h / (Hq / Hkv).
 *   past_key [B, Hkv, P, D], past_value [B, Hkv, P, E], both or neither, stand before K and V, N = P + T long together;
 *   the optional outputs present_key and present_value are the two joined, qk_matmul_output [B, Hq, S, N] the scores
 *   at the stage that qk_matmul_output_mode names: 0 product, 1 capped, 2 masked, 3 softmax.
 *   attn_mask stretches to [B, Hq, S, N]; a last axis shorter than N, one of 1 too, is not stretched: what it lacks is
 *   masked. bool keeps where true, else it is added. is_causal keeps key j of query i where j <= i + P.
 *   softcap c > 0 makes scores c tanh(score / c); softmax_precision is 1 f32, 10 f16, 11 f64, 16 bf16.
 * In a built graph scale, q_num_heads and kv_num_heads always stand in the node.
 * Cost: of the pairs (query, key) that is_causal keeps (a mask's content is data, not cost), each 2 D + 2 E flops for
 * the products, one for the scale, one to add a mask that is not bool, two to cap; softmax as in softmax.c: three
 * flops a pair less one a row that keeps any. An exponential a pair, a division a row, a tanh a pair to cap. */
#include <inttypes.h>
#include <math.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "is_causal", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "kv_num_heads", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "q_num_heads", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "qk_matmul_output_mode", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "scale", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "softcap", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.0},
    {.name = "softmax_precision", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = NULL},
};

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, INPUTS };

struct sizes {
    bool packed; /* heads and their width in one axis */
    int64_t batch, q_heads, kv_heads, queries, keys, past, key_width, value_width;
};

/* Heads, sequence and width of one of Q, K, V in either layout. */
static enum assay_code read_operand(const struct assay_infer *in, int i, int64_t *heads, int64_t *sequence,
                                    int64_t *width, struct assay_error *err)
{
    const struct assay_value *v = in->in[i];
    const char *name = i == Q ? "q_num_heads" : "kv_num_heads";
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

static enum assay_code read_sizes(const struct assay_infer *in, struct sizes *s, struct assay_error *err)
{
    int64_t v_heads, v_keys, k_width;
    s->packed = in->in[Q]->rank == 3;
    s->batch = in->in[Q]->dims[0];
    enum assay_code code = read_operand(in, Q, &s->q_heads, &s->queries, &s->key_width, err);
    for (int i = K; !code && i <= V; i++) {
        if (in->in[i]->rank != in->in[Q]->rank)
            code = ASSAY_INFER_REFUSE(in, err, Q, i, "the ranks must be equal");
        else if (in->in[i]->dims[0] != s->batch)
            code = ASSAY_INFER_REFUSE(in, err, Q, i, "the batches differ");
    }
    if (!code)
        code = read_operand(in, K, &s->kv_heads, &s->keys, &k_width, err);
    if (!code)
        code = read_operand(in, V, &v_heads, &v_keys, &s->value_width, err);
    if (code)
        return code;
    if (k_width != s->key_width)
        return ASSAY_INFER_REFUSE(in, err, Q, K, "heads %" PRId64 " and %" PRId64 " wide have no product", s->key_width,
                                  k_width);
    if (v_heads != s->kv_heads || v_keys != s->keys)
        return ASSAY_INFER_REFUSE(in, err, K, V, "keys and values differ in heads or length");
    if (s->q_heads % s->kv_heads)
        return ASSAY_INFER_REFUSE(in, err, Q, K, "%" PRId64 " query heads do not share %" PRId64 " key heads evenly",
                                  s->q_heads, s->kv_heads);
    return ASSAY_OK;
}

static enum assay_code read_past(const struct assay_infer *in, struct sizes *s, struct assay_error *err)
{
    s->past = 0;
    if (!in->in[PAST_KEY] != !in->in[PAST_VALUE])
        return ASSAY_INFER_REFUSE(in, err, in->in[PAST_KEY] ? PAST_KEY : PAST_VALUE, ASSAY_INFER_NONE,
                                  "past_key and past_value come together");
    for (int i = PAST_KEY; i <= PAST_VALUE && in->in[i]; i++) {
        const struct assay_value *past = in->in[i];
        int64_t width = i == PAST_KEY ? s->key_width : s->value_width;
        if (past->rank != 4 || past->dims[0] != s->batch || past->dims[1] != s->kv_heads || past->dims[3] != width)
            return ASSAY_INFER_REFUSE(in, err, i, i == PAST_KEY ? K : V,
                                      "the past must be [%" PRId64 ",%" PRId64 ",P,%" PRId64 "]", s->batch, s->kv_heads,
                                      width);
        if (i == PAST_VALUE && past->dims[2] != s->past)
            return ASSAY_INFER_REFUSE(in, err, PAST_KEY, PAST_VALUE, "the pasts differ in length");
        s->past = past->dims[2];
    }
    return ASSAY_OK;
}

static enum assay_code check_mask(const struct assay_infer *in, const struct sizes *s, struct assay_error *err)
{
    const struct assay_value *mask = in->in[MASK];
    int64_t total = s->past + s->keys, to[4] = {s->batch, s->q_heads, s->queries, total};
    if (!mask)
        return ASSAY_OK;
    if (mask->dtype != ASSAY_BOOL && mask->dtype != in->in[Q]->dtype)
        return ASSAY_INFER_REFUSE(in, err, Q, MASK, "a mask is bool or of the queries' type");
    /* A last axis that ends early is padded, so it is compared with its own length. */
    if (mask->rank >= 1 && mask->dims[mask->rank - 1] < total)
        to[3] = mask->dims[mask->rank - 1];
    if (mask->rank < 1 || !assay_shape_stretches(mask->rank, mask->dims, 4, to))
        return ASSAY_INFER_REFUSE(in, err, MASK, ASSAY_INFER_NONE,
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

static enum assay_code check_types(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = ASSAY_OK;
    for (int i = Q; !code && i <= V; i++)
        code = assay_infer_type(in, i, ASSAY_TYPES_FLOAT, err);
    for (int i = Q; !code && i <= V; i++)
        code = assay_infer_rank(in, i, 3, 4, err);
    if (!code)
        code = assay_infer_same_type(in, Q, K, err);
    if (!code)
        code = assay_infer_same_type(in, Q, PAST_KEY, err);
    if (!code)
        code = assay_infer_same_type(in, V, PAST_VALUE, err);
    return code;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    struct sizes s;
    enum assay_code code = check_types(in, err);
    if (!code)
        code = check_attrs(in, err);
    if (!code)
        code = read_sizes(in, &s, err);
    if (!code)
        code = read_past(in, &s, err);
    if (!code)
        code = check_mask(in, &s, err);
    if (code)
        return code;
    if (s.packed && __builtin_mul_overflow(s.q_heads, s.value_width, &(int64_t){0}))
        return ASSAY_INFER_REFUSE(in, err, Q, V, "the output is too wide");
    enum assay_dtype type = in->in[Q]->dtype;
    if (s.packed)
        assay_infer_output(in, 0, type, 3, (int64_t[]){s.batch, s.queries, s.q_heads * s.value_width});
    else
        assay_infer_output(in, 0, type, 4, (int64_t[]){s.batch, s.q_heads, s.queries, s.value_width});
    int64_t total = s.past + s.keys;
    assay_infer_output(in, 1, type, 4, (int64_t[]){s.batch, s.kv_heads, total, s.key_width});
    assay_infer_output(in, 2, in->in[V]->dtype, 4, (int64_t[]){s.batch, s.kv_heads, total, s.value_width});
    assay_infer_output(in, 3, type, 4, (int64_t[]){s.batch, s.q_heads, s.queries, total});
    assay_infer_set_i64(in, "q_num_heads", s.q_heads);
    assay_infer_set_i64(in, "kv_num_heads", s.kv_heads);
    if (!assay_node_attr(in->node, "scale"))
        assay_infer_set_f64(in, "scale", s.key_width ? 1.0 / sqrt((double)s.key_width) : 1.0);
    return ASSAY_OK;
}

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

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *q = assay_graph_value(g, node->inputs[Q]), *k = assay_graph_value(g, node->inputs[K]);
    const struct assay_value *v = assay_graph_value(g, node->inputs[V]);
    const struct assay_value *mask = node->n_inputs > MASK ? assay_graph_value(g, node->inputs[MASK]) : NULL;
    const struct assay_value *past = node->n_inputs > PAST_KEY ? assay_graph_value(g, node->inputs[PAST_KEY]) : NULL;
    uint64_t q_heads = (uint64_t)assay_node_i64(node, "q_num_heads", 1);
    uint64_t kv_heads = (uint64_t)assay_node_i64(node, "kv_num_heads", 1);
    bool packed = q->rank == 3;
    uint64_t key_width = packed ? (uint64_t)q->dims[2] / q_heads : (uint64_t)q->dims[3];
    uint64_t value_width = packed ? (uint64_t)v->dims[2] / kv_heads : (uint64_t)v->dims[3];
    uint64_t queries = (uint64_t)q->dims[packed ? 1 : 2], before = past ? (uint64_t)past->dims[2] : 0;
    uint64_t total = before + (uint64_t)k->dims[packed ? 1 : 2];
    uint64_t heads = assay_count_multiply((uint64_t)q->dims[0], q_heads);
    uint64_t pairs = assay_node_i64(node, "is_causal", 0) ? causal_pairs(queries, before, total)
                                                          : assay_count_multiply(queries, total);
    uint64_t rows = total ? assay_count_multiply(heads, queries) : 0;
    bool capped = assay_node_f64(node, "softcap", 0.0) > 0.0, added = mask && mask->dtype != ASSAY_BOOL;
    pairs = assay_count_multiply(heads, pairs);
    assay_cost_flops(cost, 2 * (key_width + value_width) + 1 + (added ? 1 : 0) + (capped ? 2 : 0), pairs);
    assay_cost_flops(cost, 1, assay_count_multiply(3, pairs) - rows);
    assay_cost_transcendentals(cost, capped ? 2 : 1, pairs);
    assay_cost_transcendentals(cost, 1, rows);
}

ASSAY_OP_IR(Attention) = {.attrs = attrs, .infer = infer, .cost = cost};
