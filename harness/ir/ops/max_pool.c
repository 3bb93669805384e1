/* MaxPool (ONNX 22): the greatest element that each window of X [n, c, d1, ..] sees; pads are seen by none. A window is
 * kernel_shape taps, `dilations` apart, and moves by `strides`; pads, auto_pad and ceil_mode as in window.h. A window that
 * sees nothing but padding is refused. Output Indices, and with it storage_order, does not exist here.
 * Cost: none, comparisons are not counted. */
#include "harness/ir/gradient.h"
#include "harness/ir/pool.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_POOL_ATTRS,
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_pool_infer(in, ASSAY_TYPES_FLOAT | ASSAY_TYPE(ASSAY_I8) | ASSAY_TYPE(ASSAY_U8), err);
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
    (void)assay_gradient_attrs(q, list);
    q->dx[0] = assay_gradient_op(q, "assay.MaxPoolGrad", (int32_t[]){q->dy[0], q->node->inputs[0]}, 2, list);
}

ASSAY_OP_IR(MaxPool) = {.attrs = attrs, .infer = infer, .gradient = gradient};
