/* ReduceMax: the greatest along the axes, NaN if one is (ONNX ReduceMax-20).
 * Cost: none, comparisons are not counted. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_reduce(in, ASSAY_TYPES_ORDERED, true, err);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_reduce_extreme(q, true);
}

ASSAY_OP_IR(ReduceMax) = {.attrs = assay_reduce_attrs, .infer = infer, .gradient = gradient};
