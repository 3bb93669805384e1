/* assay.TensorScatterGrad: dY with zeros where was written, and what it has there; exact. */
#include "reference/scattered.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_scattered s = assay_ref_scattered_of(call, 1, assay_node_i64(call->node, "length", 0));
    int64_t along = call->output == 0 ? s.axis.length : s.length;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t inner = index[i] % s.axis.inner, place = index[i] / s.axis.inner % along, outer = index[i] / s.axis.inner / along;
        int64_t begin, from = index[i];
        bool known = assay_ref_scattered_begin(&s, outer, &begin), written = false;
        if (call->output == 0) {
            int64_t j = s.circular ? (place - begin + s.axis.length) % s.axis.length : place - begin;
            written = j >= 0 && j < s.length;
        } else {
            from = known ? (outer * s.axis.length + (begin + place) % s.axis.length) * s.axis.inner + inner : 0;
        }
        struct assay_bounded x = written ? bounded(0, 0) : bounded_of(&call->in[0], (size_t)from);
        value[i] = x.value;
        bound[i] = known ? x.error : INFINITY;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(TensorScatterGrad) = {.at = at, .exact = true};
