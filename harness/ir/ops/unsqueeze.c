/* Unsqueeze: X with axes of length 1 where const input 1 names them, counted in the result (ONNX Unsqueeze-24).
 * Cost: bytes only. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    const int64_t            *list;
    bool                      named[ASSAY_MAX_RANK];
    int64_t                   dims[ASSAY_MAX_RANK];
    size_t                    n;
    enum assay_code           code = assay_infer_const_i64s(in, 1, ASSAY_MAX_RANK, &list, &n, err);
    if (code)
        return code;
    int32_t rank = x->rank + (int32_t)n;
    if (rank > ASSAY_MAX_RANK)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "more than %d axes", ASSAY_MAX_RANK);
    if ((code = assay_infer_axes(in, 1, rank, named, err)))
        return code;
    for (int32_t d = 0, from = 0; d < rank; d++)
        dims[d] = named[d] ? 1 : x->dims[from++];
    assay_infer_output(in, 0, x->dtype, rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_shape_as(q, q->dy[0], q->node->inputs[0]);
}

ASSAY_OP_IR(Unsqueeze) = {.infer = infer, .gradient = gradient};
