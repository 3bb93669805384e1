/* GatherGrad: dX[.., k, ..] = sum of dY[.., i.., ..] over the indices that are k: a sum like any other, in any order. */
#include "reference/scatter.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_axis    a = assay_ref_axis_of(&call->out[0], (int32_t)assay_node_i64(call->node, "axis", 0));
    struct assay_ref_scatter s = {.call = call, .indices = &call->in[1], .length = a.length, .inner = a.inner,
                                  .terms = (int64_t)call->in[1].elements, .from = {call->in[0].value, NULL, call->in[0].error}};
    enum assay_code          code = assay_ref_check_indices(call, 1, -a.length, a.length, err);
    return code ? code : assay_ref_scatter_at(&s, n, index, value, bound, err);
}

ASSAY_OP_REFERENCE(GatherGrad) = {.at = at};
