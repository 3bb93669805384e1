#include "harness/ir/quantize.h"

#include <inttypes.h>

#include "assay/banned.h"

static enum assay_code blocked(const struct assay_infer *in, int32_t axis, int64_t block, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *scale = in->in[1];
    for (int32_t d = 0; d < x->rank; d++) {
        int64_t want = d == axis ? x->dims[d] / block + (x->dims[d] % block != 0) : x->dims[d];
        if (scale->rank != x->rank || scale->dims[d] != want)
            return ASSAY_INFER_REFUSE(in, err, 0, 1, "not a scale for each block of %" PRId64 " along axis %" PRId32, block, axis);
    }
    return ASSAY_OK;
}

enum assay_code assay_infer_scales(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *scale = in->in[1];
    int64_t                   block = assay_node_i64(in->node, "block_size", 0);
    int32_t                   axis = 0;
    enum assay_code           code = ASSAY_OK;
    if (block < 0)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "block_size must not be negative, got %" PRId64, block);
    if (scale->rank > 0)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (!code && in->in[2] && !assay_value_same_shape(scale, in->in[2]))
        code = ASSAY_INFER_REFUSE(in, err, 1, 2, "scale and zero point need one shape");
    if (code)
        return code;
    if (block && scale->rank == 0)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "blocks need a scale each");
    if (block)
        return blocked(in, axis, block, err);
    if (scale->rank == 0 || (scale->rank == 1 && scale->dims[0] == x->dims[axis]))
        return ASSAY_OK;
    return ASSAY_INFER_REFUSE(in, err, 0, 1, "neither one scale nor one for each place along axis %" PRId32, axis);
}
