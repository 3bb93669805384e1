/* Neg: Y = -X (ONNX Neg-13).
 * Cost: none, a sign is not arithmetic. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_SIGNED, err);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_unary(q, "Neg", q->dy[0]);
}

ASSAY_OP_IR(Neg) = {.infer = infer, .gradient = gradient};
