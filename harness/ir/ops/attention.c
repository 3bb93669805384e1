/* Attention (ONNX 24): for every batch and head Y = softmax(scale Q K^T [capped] + mask) V.
 *   Q [B, Hq, S, D]     K [B, Hkv, T, D]     V [B, Hkv, T, E]     Y [B, Hq, S, E]
 * or, with q_num_heads and kv_num_heads given, [B, S, Hq D], [B, T, Hkv D], [B, T, Hkv E], Y [B, S, Hq E]. Hkv divides
 * Hq: query head h reads key head h / (Hq / Hkv).
 *   past_key [B, Hkv, P, D], past_value [B, Hkv, P, E], both or neither, stand before K and V, N = P + T long together;
 *   the optional outputs present_key and present_value are the two joined, qk_matmul_output [B, Hq, S, N] the scores
 *   at the stage that qk_matmul_output_mode names: 0 product, 1 capped, 2 masked, 3 softmax.
 *   attn_mask stretches to [B, Hq, S, N]; a last axis shorter than N, one of 1 too, is not stretched: what it lacks is
 *   masked. bool keeps where true, else it is added. is_causal keeps key j of query i where j <= i + P.
 *   nonpad_kv_seqlen [B] (i64, without a past) says how many keys L of each batch are no padding: keys from L on are
 *   masked, and is_causal keeps j <= i + L - S, so that the last query sees the last key.
 *   softcap c > 0 makes scores c tanh(score / c); softmax_precision is 1 f32, 10 f16, 11 f64, 16 bf16.
 * In a built graph scale, q_num_heads and kv_num_heads always stand in the node.
 * Cost: of the pairs (query, key) that is_causal keeps (the content of a mask and of nonpad_kv_seqlen is data, not cost:
 * the static shape counts, and j <= i), each 2 D + 2 E flops for the products, one for the scale, one to add a mask that
 * is not bool, two to cap; softmax as in softmax.c: three flops a pair less one a row that keeps any. An exponential a
 * pair, a division a row, a tanh a pair to cap. */
#include "harness/ir/attention.h"
#include "harness/ir/gradient.h"

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

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTHS };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    struct assay_attention s;
    enum assay_code code = assay_infer_attention(in, 0, &s, err);
    if (code)
        return code;
    enum assay_dtype type = in->in[Q]->dtype;
    int64_t total = s.past + s.keys;
    if (s.packed)
        assay_infer_output(in, 0, type, 3, (int64_t[]){s.batch, s.queries, s.q_heads * s.value_width});
    else
        assay_infer_output(in, 0, type, 4, (int64_t[]){s.batch, s.q_heads, s.queries, s.value_width});
    assay_infer_output(in, 1, type, 4, (int64_t[]){s.batch, s.kv_heads, total, s.key_width});
    assay_infer_output(in, 2, in->in[V]->dtype, 4, (int64_t[]){s.batch, s.kv_heads, total, s.value_width});
    assay_infer_output(in, 3, type, 4, (int64_t[]){s.batch, s.q_heads, s.queries, total});
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    struct assay_attention_count c = assay_attention_count(g, node, 0);
    assay_cost_flops(cost, 2 * (c.key_width + c.value_width) + 1 + (c.added ? 1 : 0) + (c.capped ? 2 : 0), c.pairs);
    assay_cost_flops(cost, 1, assay_count_multiply(3, c.pairs) - c.rows);
    assay_cost_transcendentals(cost, c.capped ? 2 : 1, c.pairs);
    assay_cost_transcendentals(cost, 1, c.rows);
}

/* Why the rule below does not hold for the node; NULL: it does. */
static const char *no_gradient(const struct assay_gradient *q)
{
    const struct assay_node *node = q->node;
    if (node->n_inputs > PAST_KEY && (node->inputs[PAST_KEY] != ASSAY_NO_VALUE || node->inputs[PAST_VALUE] != ASSAY_NO_VALUE))
        return "through a cache in front of the keys";
    if (node->n_inputs > LENGTHS)
        return "with nonpad_kv_seqlen, which is for inference";
    if (q->dy[1] != ASSAY_NO_VALUE || q->dy[2] != ASSAY_NO_VALUE || q->dy[3] != ASSAY_NO_VALUE)
        return "through its outputs other than the first";
    if (node->n_inputs > MASK && q->wanted[MASK])
        return "of its mask";
    return NULL;
}

static void gradient(const struct assay_gradient *q)
{
    static const char *const passed[] = {"is_causal", "kv_num_heads", "q_num_heads", "scale", "softcap", "softmax_precision"};
    const struct assay_node *node = q->node;
    struct assay_attr list[sizeof passed / sizeof *passed + 1];
    const char *why = no_gradient(q);
    size_t n = 0;
    if (why) {
        assay_graph_refuse(q->graph, ASSAY_UNSUPPORTED, "Attention '%s' has no gradient %s", node->name, why);
        return;
    }
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        if (assay_node_attr(node, passed[i]))
            list[n++] = *assay_node_attr(node, passed[i]);
    list[n] = ASSAY_ATTR_END;
    int32_t in[] = {q->dy[0], node->inputs[Q], node->inputs[K], node->inputs[V],
                    node->n_inputs > MASK ? node->inputs[MASK] : ASSAY_NO_VALUE};
    assay_gradient_op_outputs(q, "assay.AttentionGrad", in, 5, list, (bool[]){true, q->wanted[K], q->wanted[V]}, 3, q->dx);
}

ASSAY_OP_IR(Attention) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
