/* Flatten: X as a matrix, the axes before `axis` by the others (ONNX Flatten-24).
 * Cost: bytes only. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t                   axis = assay_node_i64(in->node, "axis", 1);
    if (axis < -x->rank || axis > x->rank)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId64 " is not before, in or behind it", axis);
    axis += axis < 0 ? x->rank : 0;
    assay_infer_set_i64(in, "axis", axis);
    assay_infer_output(in, 0, x->dtype, 2,
                       (int64_t[]){(int64_t)assay_shape_count(x->dims, 0, (int32_t)axis),
                                   (int64_t)assay_shape_count(x->dims, (int32_t)axis, x->rank)});
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_shape_as(q, q->dy[0], q->node->inputs[0]);
}

ASSAY_OP_IR(Flatten) = {.attrs = attrs, .infer = infer, .gradient = gradient};
