/* Identity: Y = X (ONNX Identity-24).
 * Cost: bytes only. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_ANY, err);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = q->dy[0];
}

ASSAY_OP_IR(Identity) = {.infer = infer, .gradient = gradient};
