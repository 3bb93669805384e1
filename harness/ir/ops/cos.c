/* Cos: Y = the cosine of X (ONNX Cos-22).
 * Cost: one cosine (a transcendental) an element. */
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
    int32_t sine = assay_gradient_unary(q, "Sin", q->node->inputs[0]);
    q->dx[0] = assay_gradient_unary(q, "Neg", assay_gradient_binary(q, "Mul", q->dy[0], sine));
}

ASSAY_OP_IR(Cos) = {.infer = infer, .cost = cost, .gradient = gradient};
