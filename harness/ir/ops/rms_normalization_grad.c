/* assay.RMSNormalizationGrad(dY, X, Scale): with h = X r, r = 1 / sqrt(mean(X * X) + epsilon) over the axes from `axis` to
 * the last, and g = dY Scale: dX = r (g - h mean(g h)), of X's type; dScale has Scale's shape and is dY h summed over what
 * Scale was stretched along. The statistics are computed again, not stored.
 * Cost of a row of n: 2 n flops for the statistics as in rms_normalization.c, n for h, n for g, 2 n - 1 for the mean, 3 n
 * to join; two divisions by n, a square root and a reciprocal. dScale a product an element of X and the additions that
 * fold them. */
#include "harness/ir/along.h"

#include "assay/banned.h"

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[ASSAY_NORM_GRADIENT_X]);
    uint64_t n = assay_shape_count(x->dims, (int32_t)assay_node_i64(node, "axis", 0), x->rank);
    uint64_t folded = x->elements - assay_input_elements(g, node, ASSAY_NORM_GRADIENT_SCALE);
    assay_cost_flops(cost, 9 * n - 1, x->elements / n);
    assay_cost_transcendentals(cost, 4, x->elements / n);
    if (assay_output_elements(g, node, 1))
        assay_cost_flops(cost, 1, assay_count_add(x->elements, folded));
}

ASSAY_OP_IR(RMSNormalizationGrad) = {.attrs = assay_norm_gradient_attrs, .infer = assay_infer_norm_gradient, .cost = cost};
