/* Concat: out[.., k, ..] = in[i][.., k - what stands before i, ..]. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int32_t               axis = (int32_t)assay_node_i64(call->node, "axis", 0);
    struct assay_ref_axis a = assay_ref_axis_of(&call->out[0], axis);
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t  k = index[i] / a.inner % a.length, outer = index[i] / a.inner / a.length;
        uint32_t from = 0;
        for (; k >= call->in[from].dims[axis]; from++)
            k -= call->in[from].dims[axis];
        struct assay_bounded x =
            bounded_of(&call->in[from], (size_t)((outer * call->in[from].dims[axis] + k) * a.inner + index[i] % a.inner));
        value[i] = x.value;
        bound[i] = x.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Concat) = {.at = at, .exact = true};
