/* TensorScatter: the update where it was written, the cache elsewhere; exact. */
#include "reference/scattered.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int32_t axis = (int32_t)assay_node_i64(call->node, "axis", -2);
    struct assay_ref_scattered s = assay_ref_scattered_of(call, 2, call->in[1].dims[axis < 0 ? axis + call->in[1].rank : axis]);
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t inner = index[i] % s.axis.inner, place = index[i] / s.axis.inner % s.axis.length;
        int64_t outer = index[i] / s.axis.inner / s.axis.length, begin;
        bool known = assay_ref_scattered_begin(&s, outer, &begin);
        int64_t j = s.circular ? (place - begin + s.axis.length) % s.axis.length : place - begin;
        struct assay_bounded x = known && j >= 0 && j < s.length
                                     ? bounded_of(&call->in[1], (size_t)((outer * s.length + j) * s.axis.inner + inner))
                                     : bounded_of(&call->in[0], (size_t)index[i]);
        value[i] = x.value;
        bound[i] = known ? x.error : INFINITY;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(TensorScatter) = {.at = at, .exact = true};
