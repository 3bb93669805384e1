/* Transpose: out[i] = in[i permuted]; without perm the order of the axes is reversed. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *in = &call->in[0];
    const struct assay_attr *perm = assay_node_attr(call->node, "perm");
    int64_t stride[ASSAY_MAX_RANK] = {1}, permuted[ASSAY_MAX_RANK] = {0};
    (void)err;
    for (int32_t d = in->rank - 1; d >= 0; d--)
        stride[d] = d == in->rank - 1 ? 1 : stride[d + 1] * in->dims[d + 1];
    for (int32_t d = 0; d < in->rank; d++)
        permuted[d] = stride[perm && perm->n ? perm->list[d] : in->rank - 1 - d];
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded x = bounded_of(in, (size_t)assay_ref_offset(&call->out[0], permuted, index[i]));
        value[i] = x.value;
        bound[i] = x.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Transpose) = {.at = at, .exact = true};
