/* assay.LogSoftmaxGrad(dY, Y): dX = dY - exp(Y) sum(dY) along `axis`.
 * Cost of a row of n: n - 1 additions, n multiplications and n subtractions; n exponentials. */
#include "harness/ir/along.h"

#include "assay/banned.h"

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t n = (uint64_t)x->dims[assay_node_i64(node, "axis", 0)];
    if (n) {
        assay_cost_flops(cost, 3 * n - 1, x->elements / n);
        assay_cost_transcendentals(cost, n, x->elements / n);
    }
}

ASSAY_OP_IR(LogSoftmaxGrad) = {.attrs = assay_softmax_attrs, .infer = assay_infer_softmax_gradient, .cost = cost};
