/* Squeeze: X without the axes of length 1 that const input 1 names, or without all of them (ONNX Squeeze-24).
 * Cost: bytes only. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    bool                      named[ASSAY_MAX_RANK];
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   rank = 0;
    enum assay_code           code = in->in[1] ? assay_infer_axes(in, 1, x->rank, named, err) : ASSAY_OK;
    if (code)
        return code;
    for (int32_t d = 0; d < x->rank; d++) {
        bool drop = in->in[1] ? named[d] : x->dims[d] == 1;
        if (drop && x->dims[d] != 1)
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId32 " is not of length 1", d);
        if (!drop)
            dims[rank++] = x->dims[d];
    }
    assay_infer_output(in, 0, x->dtype, rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_shape_as(q, q->dy[0], q->node->inputs[0]);
}

ASSAY_OP_IR(Squeeze) = {.infer = infer, .gradient = gradient};
