/* Slice: out[.., i, ..] = in[.., start + i step, ..]. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

struct ranges {
    int64_t start[ASSAY_MAX_RANK], step[ASSAY_MAX_RANK];
};

/* Only starts and steps matter: how many there are says the shape of the output. */
static struct ranges ranges_of(const struct assay_ref_call *call)
{
    const struct assay_ref_tensor *x = &call->in[0], *axes = assay_ref_input(call, 3), *steps = assay_ref_input(call, 4);
    struct ranges                  r;
    for (int32_t d = 0; d < ASSAY_MAX_RANK; d++) {
        r.start[d] = 0;
        r.step[d] = 1;
    }
    for (uint64_t i = 0; i < call->in[1].elements; i++) {
        int32_t axis = axes ? (int32_t)axes->value[i] : (int32_t)i;
        axis += axis < 0 ? x->rank : 0;
        double start = call->in[1].value[i], step = steps ? steps->value[i] : 1, length = (double)x->dims[axis];
        start += start < 0 ? length : 0;
        start = fmin(fmax(start, 0), step > 0 ? length : length - 1);
        r.start[axis] = (int64_t)start;
        r.step[axis] = call->out[0].dims[axis] > 1 ? (int64_t)step : 1;
    }
    return r;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *x = &call->in[0];
    struct ranges                  r = ranges_of(call);
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t rest = index[i], from = 0, stride = 1;
        for (int32_t d = x->rank - 1; d >= 0; d--) {
            from += (r.start[d] + rest % call->out[0].dims[d] * r.step[d]) * stride;
            rest /= call->out[0].dims[d];
            stride *= x->dims[d];
        }
        struct assay_bounded v = bounded_of(x, (size_t)from);
        value[i] = v.value;
        bound[i] = v.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Slice) = {.at = at, .exact = true};
