/* assay.SoftmaxCrossEntropyGrad: g (softmax - 1 at the label). The softmax may come from a stored logarithm of its sum, which
 * rounds that and the difference. */
#include <string.h>

#include "reference/cross_entropy.h"

#include "assay/banned.h"

struct job {
    struct assay_ref_cross_entropy x;
    struct assay_bounded by; /* of a mean */
    const int64_t *index;
    double *value, *bound;
};

static size_t row_of(const void *self, int64_t index)
{
    const struct assay_ref_axis *a = &((const struct job *)self)->x.axis;
    return (size_t)(index / (a->length * a->inner) * a->inner + index % a->inner);
}

static struct assay_bounded factor_of(const struct job *j, int64_t row, int64_t label)
{
    const struct assay_arithmetic *a = &j->x.call->arithmetic;
    struct assay_bounded g = bounded_of(&j->x.call->in[0], j->x.reduction == ASSAY_REF_LOSS_NONE ? (size_t)row : 0);
    if (j->x.weights)
        g = bounded_multiply(a, g, assay_ref_label_weight(&j->x, label));
    return j->x.reduction == ASSAY_REF_LOSS_MEAN ? assay_bounded_divide(a, g, j->by) : g;
}

static void each(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->x.call->arithmetic;
    int64_t label = assay_ref_label(&j->x, (int64_t)row), n = j->x.axis.length;
    for (size_t i = 0; label < 0 && i < count; i++)
        assay_ref_put(j->x.call, places[i], bounded(0, label == -1 ? 0 : INFINITY), j->value, j->bound);
    if (label < 0)
        return;
    struct assay_bounded g = factor_of(j, (int64_t)row, label);
    (void)assay_ref_scores(&j->x, (int64_t)row, scratch);
    struct assay_ref_log_sum sum = assay_ref_log_sum(a, (size_t)n, scratch, scratch + n);
    double stored = a->accumulate * (fabs(sum.greatest) + (2 + 2 * assay_reference_ulps.log) * fabs(sum.log.value));
    for (size_t i = 0; i < count; i++) {
        int64_t k = j->index[places[i]] / j->x.axis.inner % n;
        struct assay_bounded p = assay_ref_softmax_divide(a, bounded(scratch[k], scratch[n + k]), sum.softmax.sum);
        p.error += stored * p.value;
        p = k == label ? bounded_subtract(a, p, bounded(1, 0)) : p;
        assay_ref_put(j->x.call, places[i], bounded_multiply(a, p, g), j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.x = assay_ref_cross_entropy_of(call, 1), .index = index, .value = value, .bound = bound};
    if (j.x.reduction == ASSAY_REF_LOSS_MEAN)
        j.by = assay_ref_total_weight(&j.x);
    struct assay_ref_groups groups = {.n_groups = j.x.labels->elements,
                                      .scratch = 2 * (size_t)j.x.axis.length,
                                      .group_of = row_of,
                                      .each = each,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(SoftmaxCrossEntropyGrad) = {.at = at};
