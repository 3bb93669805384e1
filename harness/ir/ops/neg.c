/* Neg: Y = -X (ONNX Neg-13).
 * Cost: none, a sign is not arithmetic. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_SIGNED, err);
}

ASSAY_OP_IR(Neg) = {.infer = infer};
