/* assay.LambApply: P - R (norm_p / norm_u) U; a norm that may or may not be zero leaves the ratio open. */
#include "reference/update.h"

#include "assay/banned.h"

enum { R, P, U, NORM_P, NORM_U };

struct job {
    const struct assay_ref_call *call;
    struct assay_bounded rate;
    const int64_t *index;
    double *value, *bound;
};

static struct assay_bounded rate_of(const struct assay_ref_call *call)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    struct assay_bounded r = assay_ref_scalar(call, R, 0), p = assay_ref_scalar(call, NORM_P, 0);
    struct assay_bounded u = assay_ref_scalar(call, NORM_U, 0);
    bool open = (p.error > 0 && p.value <= p.error) || (u.error > 0 && u.value <= u.error);
    bool one = p.value <= 0 || u.value <= 0; /* no NaN */
    struct assay_bounded ratio = one ? bounded(1, 0) : assay_bounded_divide(a, p, u);
    return open ? bounded(0, INFINITY) : bounded_multiply(a, r, ratio);
}

static void each(const void *self, size_t i)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    struct assay_bounded step = bounded_multiply(a, j->rate, bounded_of(&j->call->in[U], (size_t)j->index[i]));
    assay_ref_put(j->call, i, bounded_subtract(a, bounded_of(&j->call->in[P], (size_t)j->index[i]), step), j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {call, rate_of(call), index, value, bound};
    (void)err;
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(LambApply) = {.at = at};
