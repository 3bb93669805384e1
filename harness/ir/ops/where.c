/* Where: X where the condition holds, else Y, with broadcasting of the three (ONNX Where-16).
 * Cost: bytes only. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *c = in->in[0], *x = in->in[1], *y = in->in[2];
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   rank;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPE(ASSAY_BOOL), err);
    if (!code)
        code = assay_infer_same_type(in, 1, 2, err);
    if (code)
        return code;
    if (!assay_shape_broadcast(x->rank, x->dims, y->rank, y->dims, &rank, dims))
        return ASSAY_INFER_REFUSE(in, err, 1, 2, "the shapes do not broadcast");
    if (!assay_shape_broadcast(c->rank, c->dims, rank, dims, &rank, dims))
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "it does not broadcast with the choices");
    assay_infer_output(in, 0, x->dtype, rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    for (int i = 1; i < 3; i++)
        if (q->wanted[i])
            q->dx[i] = assay_gradient_where(q, q->node->inputs[0], q->dy[0], i == 2, q->node->inputs[i]);
}

ASSAY_OP_IR(Where) = {.infer = infer, .gradient = gradient};
