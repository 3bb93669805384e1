/* ReduceSumSquare: the sum of squares along the axes (ONNX ReduceSumSquare-18).
 * Cost: n squares and n - 1 additions for n elements that fold into one. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_reduce(in, ASSAY_TYPES_WIDE, true, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t from = assay_input_elements(g, node, 0), to = assay_output_elements(g, node, 0);
    assay_cost_flops(cost, 1, from);
    assay_cost_flops(cost, 1, from > to ? from - to : 0);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t two = assay_gradient_number(q, q->dy[0], 2);
    int32_t twice = assay_gradient_kept(q, assay_gradient_binary(q, "Mul", q->dy[0], two));
    q->dx[0] = assay_gradient_binary(q, "Mul", q->node->inputs[0], twice);
}

ASSAY_OP_IR(ReduceSumSquare) = {.attrs = assay_reduce_attrs, .infer = infer, .cost = cost, .gradient = gradient};
