/* Erf: Y = the error function of X (ONNX Erf-13). Integers, for which ONNX says nothing useful, are refused.
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
    int32_t x = q->node->inputs[0]; /* 2 / sqrt(pi) exp(-x^2) */
    int32_t bell = assay_gradient_unary(q, "Exp", assay_gradient_unary(q, "Neg", assay_gradient_binary(q, "Mul", x, x)));
    int32_t scaled = assay_gradient_binary(q, "Mul", q->dy[0], assay_gradient_number(q, q->dy[0], 1.1283791670955125739));
    q->dx[0] = assay_gradient_binary(q, "Mul", scaled, bell);
}

ASSAY_OP_IR(Erf) = {.infer = infer, .cost = cost, .gradient = gradient};
