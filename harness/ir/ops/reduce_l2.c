/* ReduceL2: the square root of the sum of squares along the axes (ONNX ReduceL2-18), of floats only.
 * Cost: n squares and n - 1 additions for n elements that fold into one, and its root. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_reduce(in, ASSAY_TYPES_FLOAT, true, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t from = assay_input_elements(g, node, 0), to = assay_output_elements(g, node, 0);
    assay_cost_flops(cost, 1, from);
    assay_cost_flops(cost, 1, from > to ? from - to : 0);
    assay_cost_transcendentals(cost, 1, to);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t share = assay_gradient_kept(q, assay_gradient_binary(q, "Div", q->dy[0], q->node->outputs[0]));
    q->dx[0] = assay_gradient_binary(q, "Mul", q->node->inputs[0], share); /* x dy / y; of a zero there is none */
}

ASSAY_OP_IR(ReduceL2) = {.attrs = assay_reduce_attrs, .infer = infer, .cost = cost, .gradient = gradient};
