/* SliceGrad: dX[.., k, ..] = dY[.., i, ..] where k = start + i step for an i that dY has, else 0. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *dy = &call->in[0], *dx = &call->out[0];
    const int64_t *start = assay_node_attr(call->node, "starts")->list, *step = assay_node_attr(call->node, "steps")->list;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t rest = index[i], from = 0, stride = 1;
        bool    inside = true;
        for (int32_t d = dx->rank - 1; d >= 0; d--) {
            int64_t away = rest % dx->dims[d] - start[d], k = away / step[d];
            inside &= away % step[d] == 0 && k >= 0 && k < dy->dims[d];
            from += k * stride;
            stride *= dy->dims[d];
            rest /= dx->dims[d];
        }
        struct assay_bounded v = inside ? bounded_of(dy, (size_t)from) : bounded(0, 0);
        value[i] = v.value;
        bound[i] = v.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(SliceGrad) = {.at = at, .exact = true};
