/* ReduceSum: the sum along the axes (ONNX ReduceSum-13).
 * Cost: n - 1 additions for n elements that fold into one. */
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
    assay_cost_flops(cost, 1, from > to ? from - to : 0);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_expand_reduced(q, q->dy[0]);
}

ASSAY_OP_IR(ReduceSum) = {.attrs = assay_reduce_attrs, .infer = infer, .cost = cost, .gradient = gradient};
