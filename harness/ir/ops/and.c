/* And: do A and B both hold, with broadcasting; the result is bool (ONNX And-7).
 * Cost: none, comparisons are not counted. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_comparison(in, ASSAY_TYPE(ASSAY_BOOL), err);
}

ASSAY_OP_IR(And) = {.infer = infer, .gradient = assay_gradient_zero};
