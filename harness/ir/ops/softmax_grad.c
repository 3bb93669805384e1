/* assay.SoftmaxGrad(dY, Y): dX = Y (dY - sum(dY Y)) along `axis`.
 * Cost of a row of n: n products and n - 1 additions for the sum, n subtractions and n multiplications. */
#include "harness/ir/along.h"

#include "assay/banned.h"

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t n = (uint64_t)x->dims[assay_node_i64(node, "axis", 0)];
    if (n)
        assay_cost_flops(cost, 4 * n - 1, x->elements / n);
}

ASSAY_OP_IR(SoftmaxGrad) = {.attrs = assay_softmax_attrs, .infer = assay_infer_softmax_gradient, .cost = cost};
