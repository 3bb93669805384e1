/* Gather: out[.., i.., ..] = in[.., index[i..], ..]. An index that is not one of the axis is refused, as ONNX has it. */
#include "reference/index.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *indices = &call->in[1];
    struct assay_ref_axis          a = assay_ref_axis_of(&call->in[0], (int32_t)assay_node_i64(call->node, "axis", 0));
    int64_t                        many = (int64_t)indices->elements;
    enum assay_code                code = assay_ref_check_indices(call, 1, -a.length, a.length, err);
    for (size_t i = 0; !code && i < n; i++) {
        int64_t which = index[i] / a.inner % many, outer = index[i] / a.inner / many, k = (int64_t)indices->value[which];
        k += k < 0 ? a.length : 0;
        struct assay_bounded x = bounded_of(&call->in[0], (size_t)((outer * a.length + k) * a.inner + index[i] % a.inner));
        value[i] = x.value;
        bound[i] = assay_ref_uncertain(indices, (size_t)which) ? INFINITY : x.error;
    }
    return code;
}

ASSAY_OP_REFERENCE(Gather) = {.at = at, .exact = true};
