/* LogSoftmax: Y = X - m - log(sum(exp(X - m))) along `axis`, m the greatest along it (ONNX LogSoftmax-13).
 * Cost of a row of n: n subtractions of m, n - 1 additions, n subtractions of the logarithm; n exponentials and that
 * logarithm. */
#include "harness/ir/along.h"
#include "harness/ir/gradient.h"

#include "assay/banned.h"

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t n = (uint64_t)x->dims[assay_node_i64(node, "axis", 0)];
    if (n) {
        assay_cost_flops(cost, 3 * n - 1, x->elements / n);
        assay_cost_transcendentals(cost, n + 1, x->elements / n);
    }
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr attrs_of_node[ASSAY_GRADIENT_MAX_ATTRS];
    (void)assay_gradient_attrs(q, attrs_of_node);
    q->dx[0] = assay_gradient_op(q, "assay.LogSoftmaxGrad", (int32_t[]){q->dy[0], q->node->outputs[0]}, 2, attrs_of_node);
}

ASSAY_OP_IR(LogSoftmax) = {.attrs = assay_softmax_attrs, .infer = assay_infer_softmax, .cost = cost, .gradient = gradient};
