/* assay.LayerNormalizationGrad(dY, X, Scale): with h = (X - mean) r, r = 1 / sqrt(variance + epsilon) over the axes from
 * `axis` to the last, and g = dY Scale: dX = r (g - mean(g) - h mean(g h)); dScale and dBias have Scale's shape and are
 * dY h and dY, summed over what Scale was stretched along. The statistics are computed again, not stored.
 * Cost of a row of n: 4 n - 1 flops for the statistics and n for h as in layer_normalization.c, n for g, n - 1 to add it
 * up, 2 n - 1 for the other mean, 4 n to join; two divisions by n for the statistics and two for the means, a square root
 * and a reciprocal. dScale a product an element of X and the additions that fold them, dBias those additions. */
#include "harness/ir/along.h"

#include "assay/banned.h"

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[ASSAY_NORM_GRADIENT_X]);
    uint64_t n = assay_shape_count(x->dims, (int32_t)assay_node_i64(node, "axis", 0), x->rank);
    uint64_t folded = x->elements - assay_input_elements(g, node, ASSAY_NORM_GRADIENT_SCALE);
    assay_cost_flops(cost, 13 * n - 3, x->elements / n);
    assay_cost_transcendentals(cost, 6, x->elements / n);
    if (assay_output_elements(g, node, 1))
        assay_cost_flops(cost, 1, assay_count_add(x->elements, folded));
    if (assay_output_elements(g, node, 2))
        assay_cost_flops(cost, 1, folded);
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_same_type(in, ASSAY_NORM_GRADIENT_DY, ASSAY_NORM_GRADIENT_X, err);
    return code ? code : assay_infer_norm_gradient(in, err);
}

ASSAY_OP_IR(LayerNormalizationGrad) = {.attrs = assay_norm_gradient_attrs, .infer = infer, .cost = cost};
