/* GlobalAveragePool: the sum of a channel of one image, over its n elements. gamma_(n-1), then a division. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    size_t length;
    const int64_t *index;
    double *value, *bound;
};

static size_t itself(const void *self, int64_t index)
{
    (void)self;
    return (size_t)index;
}

static void each(const void *self, size_t plane, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *x = &j->call->in[0];
    struct assay_ref_vector whole = {x->value, NULL, x->error};
    double n = (double)j->length;
    struct assay_ref_sum s = assay_ref_total(a, j->length, assay_ref_vector_at(whole, (int64_t)(plane * j->length)));
    struct assay_bounded sum = assay_ref_sum_close(a, &s, n, n - 1);
    (void)scratch;
    for (size_t i = 0; i < count; i++)
        assay_ref_put(j->call, places[i], n > 1 ? assay_bounded_divide(a, sum, bounded(n, 0)) : sum, j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .length = 1, .index = index, .value = value, .bound = bound};
    for (int32_t d = 2; d < call->in[0].rank; d++)
        j.length *= (size_t)call->in[0].dims[d];
    struct assay_ref_groups groups = {
        .n_groups = (size_t)call->out[0].elements, .group_of = itself, .each = each, .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(GlobalAveragePool) = {.at = at};
