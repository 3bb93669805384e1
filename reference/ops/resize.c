/* Resize by whole factors: out[i] = in[i / factor], exactly. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *x = &call->in[0], *y = &call->out[0];
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t rest = index[i], offset = 0, stride = 1;
        for (int32_t d = x->rank - 1; d >= 0; d--) {
            offset += rest % y->dims[d] / (y->dims[d] / x->dims[d]) * stride;
            stride *= x->dims[d];
            rest /= y->dims[d];
        }
        struct assay_bounded from = bounded_of(x, (size_t)offset);
        value[i] = from.value;
        bound[i] = from.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Resize) = {.at = at, .exact = true};
