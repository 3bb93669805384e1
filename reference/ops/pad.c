/* Pad: out[i] = in[i - before], or the value where there is no such element; exactly. */
#include "reference/arithmetic.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *x = &call->in[0], *y = &call->out[0], *given = assay_ref_input(call, 2);
    const struct assay_attr *widths = assay_node_attr(call->node, "widths");
    struct assay_bounded fill = given ? bounded_of(given, 0) : bounded(0, 0);
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t rest = index[i], offset = 0, stride = 1;
        bool inside = true;
        for (int32_t d = x->rank - 1; d >= 0; d--) {
            int64_t place = rest % y->dims[d] - widths->list[d];
            inside = inside && place >= 0 && place < x->dims[d];
            offset += place * stride;
            stride *= x->dims[d];
            rest /= y->dims[d];
        }
        struct assay_bounded from = inside ? bounded_of(x, (size_t)offset) : fill;
        value[i] = from.value;
        bound[i] = from.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Pad) = {.at = at, .exact = true};
