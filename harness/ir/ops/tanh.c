/* Tanh: Y = the hyperbolic tangent of X (ONNX Tanh-13).
 * Cost: one transcendental an element. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_transcendentals(cost, 1, assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_binary(q, "assay.TanhGrad", q->dy[0], q->node->outputs[0]);
}

ASSAY_OP_IR(Tanh) = {.infer = infer, .cost = cost, .gradient = gradient};
