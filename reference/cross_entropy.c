#include "reference/cross_entropy.h"

#include <string.h>

#include "assay/banned.h"

struct assay_ref_cross_entropy assay_ref_cross_entropy_of(const struct assay_ref_call *call, uint32_t first)
{
    const char *reduction = assay_node_text(call->node, "reduction", "mean");
    struct assay_ref_cross_entropy x = {
        .call = call, .scores = &call->in[first], .labels = &call->in[first + 1], .weights = assay_ref_input(call, first + 2)};
    x.axis = assay_ref_axis_of(x.scores, 1);
    x.reduction = !strcmp(reduction, "none")  ? ASSAY_REF_LOSS_NONE
                  : !strcmp(reduction, "sum") ? ASSAY_REF_LOSS_SUM
                                              : ASSAY_REF_LOSS_MEAN;
    x.ignores = assay_node_attr(call->node, "ignore_index") != NULL;
    x.ignored = assay_node_i64(call->node, "ignore_index", 0);
    return x;
}

int64_t assay_ref_label(const struct assay_ref_cross_entropy *x, int64_t row)
{
    double label = x->labels->value[row];
    if (x->ignores && label == (double)x->ignored)
        return -1;
    return label >= 0 && label < (double)x->axis.length ? (int64_t)label : -2;
}

struct assay_bounded assay_ref_label_weight(const struct assay_ref_cross_entropy *x, int64_t label)
{
    return x->weights ? bounded_of(x->weights, (size_t)label) : bounded(1, 0);
}

struct assay_ref_vector assay_ref_scores(const struct assay_ref_cross_entropy *x, int64_t row, double *to)
{
    const struct assay_ref_axis *a = &x->axis;
    int64_t first = row / a->inner * a->length * a->inner + row % a->inner;
    for (int64_t k = 0; k < a->length; k++) {
        struct assay_bounded b = bounded_of(x->scores, (size_t)(first + k * a->inner));
        to[k] = b.value;
        to[a->length + k] = b.error;
    }
    return (struct assay_ref_vector){to, NULL, to + a->length};
}

struct assay_bounded assay_ref_total_weight(const struct assay_ref_cross_entropy *x)
{
    struct assay_ref_sum s = {0};
    double terms = 0;
    for (uint64_t r = 0; r < x->labels->elements; r++) {
        int64_t label = assay_ref_label(x, (int64_t)r);
        if (label == -1)
            continue;
        struct assay_bounded one = label < 0 ? bounded(0, INFINITY) : assay_ref_label_weight(x, label);
        assay_ref_sum_take(&s, one);
        terms++;
    }
    if (!x->weights) /* a number of labels is exact */
        return bounded(s.value, s.error);
    s.own = assay_ref_gamma(terms + 8, ASSAY_REF_OWN) * s.magnitude;
    return assay_ref_sum_close(&x->call->arithmetic, &s, terms, terms - 1);
}
