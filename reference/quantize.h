/* Where the scale of an element stands: QuantizeLinear and DequantizeLinear. */
#ifndef ASSAY_REFERENCE_QUANTIZE_H
#define ASSAY_REFERENCE_QUANTIZE_H

#include "reference/arithmetic.h"

static inline size_t assay_ref_scale_of(const struct assay_ref_call *call, int64_t index)
{
    const struct assay_ref_tensor *x = &call->in[0], *scale = &call->in[1];
    int64_t                        axis = assay_node_i64(call->node, "axis", 1), block = assay_node_i64(call->node, "block_size", 0);
    int64_t                        offset = 0, stride = 1;
    if (scale->rank == 0)
        return 0;
    for (int32_t d = x->rank - 1; d >= 0; index /= x->dims[d--]) {
        int64_t place = index % x->dims[d];
        if (!block && d == axis)
            return (size_t)place;
        if (block) {
            offset += (d == axis ? place / block : place) * stride;
            stride *= scale->dims[d];
        }
    }
    return (size_t)offset;
}

#endif
