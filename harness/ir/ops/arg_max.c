/* ArgMax: where along `axis` the greatest of X stands; of equals the first, with select_last_index the last (ONNX ArgMax-13).
 * Cost: none, comparisons are not counted. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "keepdims", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "select_last_index", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   axis, rank = 0;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_NUMERIC, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (!code)
        code = assay_infer_range(in, "keepdims", 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "select_last_index", 0, 1, err);
    if (code)
        return code;
    if (x->dims[axis] == 0)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId32 " is empty, and of nothing none is the greatest", axis);
    for (int32_t d = 0; d < x->rank; d++)
        if (d != axis || assay_node_i64(in->node, "keepdims", 1))
            dims[rank++] = d == axis ? 1 : x->dims[d];
    assay_infer_output(in, 0, ASSAY_I64, rank, dims);
    return ASSAY_OK;
}

ASSAY_OP_IR(ArgMax) = {.attrs = attrs, .infer = infer, .gradient = assay_gradient_zero};
