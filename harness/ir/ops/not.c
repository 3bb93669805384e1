/* Not: does X not hold (ONNX Not-1)?
 * Cost: none. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPE(ASSAY_BOOL), err);
}

ASSAY_OP_IR(Not) = {.infer = infer, .gradient = assay_gradient_zero};
