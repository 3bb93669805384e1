/* Sign: Y = 1, 0 or -1 as X is above, at or below zero; what is no number stays so (ONNX Sign-13).
 * Cost: none, comparisons are not counted. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_NUMERIC, err);
}

ASSAY_OP_IR(Sign) = {.infer = infer, .gradient = assay_gradient_zero};
