/* assay.AdamW: see update.h. Decay may also shrink P by 1 - R weight_decay before the step, two roundings of P. */
#include "reference/update.h"

#include "assay/banned.h"

enum { R, T, P, G, M, V, SCALE };

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_adam adam;
    const int64_t *index;
    double *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    struct assay_ref_moments m = assay_ref_adam_at(j->call, &j->adam, P, (size_t)j->index[i]);
    struct assay_bounded p = bounded_of(&j->call->in[P], (size_t)j->index[i]);
    struct assay_bounded next = bounded_subtract(a, p, bounded_multiply(a, assay_ref_scalar(j->call, R, 0), m.direction));
    if (j->adam.decays)
        next.error += 2 * a->accumulate * (fabs(p.value) + p.error);
    assay_ref_put(j->call, i, j->call->output == 0 ? next : j->call->output == 1 ? m.first : m.second, j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {call, assay_ref_adam_of(call, T, SCALE), index, value, bound};
    (void)err;
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(AdamW) = {.at = at};
