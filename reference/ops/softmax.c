/* Softmax along one axis: exp(x - max) / sum of exp(x - max). */
#include "reference/softmax_row.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_axis axis;
    const int64_t *index;
    double *value, *bound;
};

/* A group is a row: everything but the place along the axis. */
static size_t group_of(const void *self, int64_t index)
{
    const struct assay_ref_axis *a = &((const struct job *)self)->axis;
    return (size_t)(index / (a->length * a->inner) * a->inner + index % a->inner);
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_ref_axis *a = &j->axis;
    int64_t first = (int64_t)group / a->inner * a->length * a->inner + (int64_t)group % a->inner;
    double *x = scratch, *e = scratch + a->length;
    for (int64_t k = 0; k < a->length; k++) {
        struct assay_bounded b = bounded_of(&j->call->in[0], (size_t)(first + k * a->inner));
        x[k] = b.value;
        e[k] = b.error;
    }
    if (j->call->values_only) {
        double sum = assay_ref_softmax_values((size_t)a->length, x);
        for (size_t i = 0; i < count; i++)
            j->value[places[i]] = x[j->index[places[i]] / a->inner % a->length] / sum;
        return;
    }
    struct assay_ref_softmax s = assay_ref_softmax_row(&j->call->arithmetic, (size_t)a->length, x, e);
    for (size_t i = 0; i < count; i++) {
        int64_t k = j->index[places[i]] / a->inner % a->length;
        assay_ref_put(j->call, places[i], assay_ref_softmax_divide(&j->call->arithmetic, bounded(x[k], e[k]), s.sum),
                      j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .index = index, .value = value, .bound = bound};
    j.axis = assay_ref_axis_of(&call->in[0], (int32_t)assay_node_i64(call->node, "axis", -1));
    struct assay_ref_groups groups = {.n_groups = (size_t)(j.axis.outer * j.axis.inner),
                                      .scratch = 2 * (size_t)j.axis.length,
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(Softmax) = {.at = at};
