/* Abs: Y = |X| (ONNX Abs-13).
 * Cost: none, a sign is not arithmetic. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_NUMERIC, err);
}

ASSAY_OP_IR(Abs) = {.infer = infer};
