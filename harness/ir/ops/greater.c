/* Greater: is A greater than B, with broadcasting; the result is bool (ONNX Greater-13).
 * Cost: none, comparisons are not counted. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_comparison(in, ASSAY_TYPES_NUMERIC, err);
}

ASSAY_OP_IR(Greater) = {.infer = infer, .gradient = assay_gradient_zero};
