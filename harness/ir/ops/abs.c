/* Abs: Y = |X| (ONNX Abs-13).
 * Cost: none, a sign is not arithmetic. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_NUMERIC, err);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_binary(q, "Mul", q->dy[0], assay_gradient_unary(q, "Sign", q->node->inputs[0]));
}

ASSAY_OP_IR(Abs) = {.infer = infer, .gradient = gradient};
