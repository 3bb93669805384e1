/* assay.TopKGrad: zeros, `length` along `axis`, with the elements of dY where the indices say: TopK's gradient. No index
 * stands twice in a row.
 * Cost: bytes only. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -1},
    {.name = "length", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0], *indices = in->in[1];
    int64_t                   dims[ASSAY_MAX_RANK], length = assay_node_i64(in->node, "length", 0);
    int32_t                   axis;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_type(in, 1, ASSAY_TYPES_INDEX, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (code)
        return code;
    if (!assay_value_same_shape(dy, indices))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the shapes must be equal");
    if (length < dy->dims[axis])
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%" PRId64 " along an axis of length %" PRId64, dy->dims[axis], length);
    memcpy(dims, dy->dims, sizeof dims);
    dims[axis] = length;
    assay_infer_output(in, 0, dy->dtype, dy->rank, dims);
    return ASSAY_OK;
}

ASSAY_OP_IR(TopKGrad) = {.attrs = attrs, .infer = infer};
