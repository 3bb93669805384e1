/* Div: C = A / B with broadcasting (ONNX Div-14); of integers, rounded toward zero.
 * Cost: one division (a transcendental) an output element. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_binary(in, ASSAY_TYPES_NUMERIC, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_transcendentals(cost, 1, assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    int32_t a = assay_gradient_binary(q, "Div", q->dy[0], q->node->inputs[1]); /* dy / b */
    if (q->wanted[0])
        q->dx[0] = assay_gradient_sum_to(q, a, q->node->inputs[0]);
    if (q->wanted[1]) /* -dy y / b */
        q->dx[1] = assay_gradient_unary(
            q, "Neg", assay_gradient_sum_to(q, assay_gradient_binary(q, "Mul", a, q->node->outputs[0]), q->node->inputs[1]));
}

ASSAY_OP_IR(Div) = {.infer = infer, .cost = cost, .gradient = gradient};
