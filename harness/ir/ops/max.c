/* Max: C = the greater of A and B, NaN if either is, with broadcasting (ONNX Max-13 of two).
 * Cost: none, comparisons are not counted. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_binary(in, ASSAY_TYPES_NUMERIC, err);
}

ASSAY_OP_IR(Max) = {.infer = infer};
