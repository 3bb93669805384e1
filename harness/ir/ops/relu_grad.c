/* assay.ReluGrad(dY, Y): dX = dY where Y > 0, else 0.
 * Cost: none, comparisons are not counted. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_pair(in, ASSAY_TYPES_FLOAT, err);
}

ASSAY_OP_IR(ReluGrad) = {.infer = infer};
