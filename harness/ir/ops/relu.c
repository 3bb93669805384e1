/* Relu: Y = max(X, 0) (ONNX Relu-14).
 * Cost: none, comparisons are not counted. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_SIGNED, err);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_binary(q, "assay.ReluGrad", q->dy[0], q->node->outputs[0]);
}

ASSAY_OP_IR(Relu) = {.infer = infer, .gradient = gradient};
