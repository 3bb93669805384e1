/* assay.AttentionGrad(dY, Q, K, V, attn_mask?): dQ, dK, dV of Attention without a past, from its operands; P, the weights,
 * are made again. With S the scores, S' the capped ones:
 *   dV = P^T dY    dP = dY V^T    D = sum over the row of P dP    dS' = P (dP - D)    dS = dS' (1 - (S'/softcap)^2)
 *   dQ = scale dS K    dK = scale dS^T Q; dK and dV are sums over the query heads that share a key head.
 * Operands, mask and attributes are Attention's; a row whose keys are all masked has no gradient to be asked for.
 * Cost: of the pairs that is_causal keeps, each 2 D for the score, 2 E for dP, one for the scale, one to add a mask that is
 * not bool, two to cap, three for the softmax less one a row, two for the sum D less one a row, two for dS', three for dS if
 * capped and one multiplication for scale dS; then 2 D for dQ, 2 D for dK, 2 E for dV as far as they are wanted. An
 * exponential a pair, a division a row, a tanh a pair to cap. */
#include "harness/ir/attention.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "is_causal", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "kv_num_heads", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "q_num_heads", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "scale", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "softcap", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.0},
    {.name = "softmax_precision", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = NULL},
};

enum { DY, Q, K, V };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    struct assay_attention s;
    enum assay_code code = assay_infer_attention(in, Q, &s, err);
    if (!code)
        code = assay_infer_same_type(in, Q, DY, err);
    if (code)
        return code;
    int64_t packed[] = {s.batch, s.queries, s.q_heads * s.value_width}, apart[] = {s.batch, s.q_heads, s.queries, s.value_width};
    struct assay_value y = {.rank = s.packed ? 3 : 4};
    for (int32_t i = 0; i < y.rank; i++)
        y.dims[i] = s.packed ? packed[i] : apart[i];
    if (!assay_value_same_shape(in->in[DY], &y))
        return ASSAY_INFER_REFUSE(in, err, DY, Q, "the first is not of the shape of Attention's output");
    for (int i = Q; i <= V; i++)
        assay_infer_output(in, i - Q, in->in[i]->dtype, in->in[i]->rank, in->in[i]->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    struct assay_attention_count c = assay_attention_count(g, node, Q);
    uint64_t each = 2 * (c.key_width + c.value_width) + 1 + (c.added ? 1 : 0) + (c.capped ? 5 : 0) + 3 + 2 + 2 + 1;
    each += 2 * c.key_width + (assay_output_elements(g, node, 1) ? 2 * c.key_width : 0) +
            (assay_output_elements(g, node, 2) ? 2 * c.value_width : 0);
    assay_cost_flops(cost, each, c.pairs);
    cost->flops -= 2 * c.rows < cost->flops ? 2 * c.rows : cost->flops;
    assay_cost_transcendentals(cost, c.capped ? 2 : 1, c.pairs);
    assay_cost_transcendentals(cost, 1, c.rows);
}

ASSAY_OP_IR(AttentionGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
