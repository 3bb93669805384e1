/* Where: one of two; where the condition is not certain the bound covers both. */
#include "reference/choose.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    int64_t                      strides[3][ASSAY_MAX_RANK];
    const int64_t               *index;
    double                      *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job    *j = self;
    struct assay_bounded in[3];
    for (int k = 0; k < 3; k++)
        in[k] = bounded_of(&j->call->in[k], (size_t)assay_ref_offset(&j->call->out[0], j->strides[k], j->index[i]));
    bool                 holds = in[0].value != 0;
    struct assay_bounded x = assay_bounded_either(!(in[0].error > 0), in[holds ? 1 : 2], in[holds ? 2 : 1]);
    x = bounded_settle(x.value, x.error);
    j->value[i] = x.value;
    j->bound[i] = x.error;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .index = index, .value = value, .bound = bound};
    (void)err;
    for (int k = 0; k < 3; k++)
        assay_ref_broadcast(&call->out[0], &call->in[k], j.strides[k]);
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Where) = {.at = at, .exact = true};
