/* Expand: out[i] = in at i, 0 along the axes that are stretched. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int64_t strides[ASSAY_MAX_RANK];
    (void)err;
    assay_ref_broadcast(&call->out[0], &call->in[0], strides);
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded x = bounded_of(&call->in[0], (size_t)assay_ref_offset(&call->out[0], strides, index[i]));
        value[i] = x.value;
        bound[i] = x.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Expand) = {.at = at, .exact = true};
