/* Expand: X broadcast with the shape that const input 1 gives (ONNX Expand-13); where that says 1, X's length stays.
 * Cost: nothing but bytes. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    const int64_t            *shape;
    size_t                    n;
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   rank;
    enum assay_code           code = assay_infer_const_i64s(in, 1, ASSAY_MAX_RANK, &shape, &n, err);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++)
        if (shape[i] < 0)
            return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "a length below zero");
    if (!assay_shape_broadcast(x->rank, x->dims, (int32_t)n, shape, &rank, dims))
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "it does not broadcast with the shape asked for");
    assay_infer_output(in, 0, x->dtype, rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_sum_to(q, q->dy[0], q->node->inputs[0]);
}

ASSAY_OP_IR(Expand) = {.infer = infer, .gradient = gradient};
