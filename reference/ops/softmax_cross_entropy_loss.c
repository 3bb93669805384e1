/* SoftmaxCrossEntropyLoss: minus the logarithm of the softmax at the label, weighted; its sum or mean; and the logarithms
 * themselves. A label that is no class, and a mean of nothing, leave everything open. */
#include <stdlib.h>
#include <string.h>

#include "reference/cross_entropy.h"

#include "assay/banned.h"

struct job {
    struct assay_ref_cross_entropy x;
    const int64_t *index;
    double *value, *bound;
    struct assay_bounded *losses; /* of every label, where they are reduced */
};

static size_t row_itself(const void *self, int64_t index)
{
    (void)self;
    return (size_t)index;
}

static size_t row_of_element(const void *self, int64_t index)
{
    const struct assay_ref_axis *a = &((const struct job *)self)->x.axis;
    return (size_t)(index / (a->length * a->inner) * a->inner + index % a->inner);
}

/* The row's scores, and the logarithm of its sum of exponentials; scratch: 4 C. */
static struct assay_ref_log_sum sum_of_row(const struct job *j, int64_t row, double *scratch)
{
    size_t n = (size_t)j->x.axis.length;
    (void)assay_ref_scores(&j->x, row, scratch);
    memcpy(scratch + 2 * n, scratch, 2 * n * sizeof *scratch);
    return assay_ref_log_sum(&j->x.call->arithmetic, n, scratch + 2 * n, scratch + 3 * n);
}

static struct assay_bounded loss_of(const struct job *j, int64_t row, double *scratch)
{
    const struct assay_arithmetic *a = &j->x.call->arithmetic;
    int64_t label = assay_ref_label(&j->x, row), n = j->x.axis.length;
    if (label < 0)
        return bounded(0, label == -1 ? 0 : INFINITY);
    struct assay_ref_log_sum sum = sum_of_row(j, row, scratch);
    struct assay_bounded log = assay_ref_log_weight(a, bounded(scratch[label], scratch[n + label]), &sum);
    log.value = -log.value;
    return j->x.weights ? bounded_multiply(a, log, assay_ref_label_weight(&j->x, label)) : log;
}

static void each_loss(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    struct assay_bounded loss = loss_of(j, (int64_t)row, scratch);
    for (size_t i = 0; i < count; i++) {
        if (j->losses)
            j->losses[row] = loss;
        else
            assay_ref_put(j->x.call, places[i], loss, j->value, j->bound);
    }
}

static void each_log(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    int64_t n = j->x.axis.length;
    struct assay_ref_log_sum sum = sum_of_row(j, (int64_t)row, scratch);
    for (size_t i = 0; i < count; i++) {
        int64_t k = j->index[places[i]] / j->x.axis.inner % n;
        struct assay_bounded log = assay_ref_log_weight(&j->x.call->arithmetic, bounded(scratch[k], scratch[n + k]), &sum);
        assay_ref_put(j->x.call, places[i], log, j->value, j->bound);
    }
}

static struct assay_bounded reduced(const struct job *j)
{
    const struct assay_arithmetic *a = &j->x.call->arithmetic;
    struct assay_ref_sum s = {0};
    double terms = (double)j->x.labels->elements;
    for (uint64_t r = 0; r < j->x.labels->elements; r++) {
        assay_ref_sum_take(&s, j->losses[r]);
    }
    s.own = assay_ref_gamma(terms + 8, ASSAY_REF_OWN) * s.magnitude;
    struct assay_bounded sum = assay_ref_sum_close(a, &s, terms, terms - 1);
    if (j->x.reduction == ASSAY_REF_LOSS_SUM)
        return sum;
    struct assay_bounded by = assay_ref_total_weight(&j->x);
    return by.value == 0 ? bounded(0, INFINITY) : assay_bounded_divide(a, sum, by);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.x = assay_ref_cross_entropy_of(call, 0), .index = index, .value = value, .bound = bound};
    size_t rows = j.x.labels->elements;
    struct assay_ref_groups groups = {.n_groups = rows,
                                      .scratch = 4 * (size_t)j.x.axis.length,
                                      .group_of = call->output == 0 ? row_itself : row_of_element,
                                      .each = call->output == 0 ? each_loss : each_log,
                                      .self = &j};
    if (call->output == 1 || j.x.reduction == ASSAY_REF_LOSS_NONE)
        return assay_ref_by_group(&groups, n, index, err);
    int64_t *all = malloc((rows + 1) * sizeof *all);
    enum assay_code code = ASSAY_OK;
    j.losses = malloc((rows + 1) * sizeof *j.losses);
    if (!all || !j.losses) {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the losses of %zu labels", rows);
    } else {
        for (size_t r = 0; r < rows; r++)
            all[r] = (int64_t)r;
        code = assay_ref_by_group(&groups, rows, all, err);
        struct assay_bounded loss = code ? bounded(0, 0) : reduced(&j);
        for (size_t i = 0; !code && i < n; i++)
            assay_ref_put(call, i, loss, value, bound);
    }
    free(all);
    free(j.losses);
    return code;
}

ASSAY_OP_REFERENCE(SoftmaxCrossEntropyLoss) = {.at = at};
