/* LogSoftmax along one axis: x - max - log(sum of exp(x - max)), the subtractions in either order. */
#include <string.h>

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

/* Row number `group` of an operand, copied side by side: values, then errors. */
static struct assay_ref_vector row_of(const struct job *j, uint32_t operand, size_t group, double *to)
{
    const struct assay_ref_axis *a = &j->axis;
    int64_t first = (int64_t)group / a->inner * a->length * a->inner + (int64_t)group % a->inner;
    for (int64_t k = 0; k < a->length; k++) {
        struct assay_bounded b = bounded_of(&j->call->in[operand], (size_t)(first + k * a->inner));
        to[k] = b.value;
        to[a->length + k] = b.error;
    }
    return (struct assay_ref_vector){to, NULL, to + a->length};
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    size_t length = (size_t)j->axis.length;
    struct assay_ref_vector x = row_of(j, 0, group, scratch);
    double *weight = scratch + 2 * length, *error = scratch + 3 * length;
    memcpy(weight, x.value, length * sizeof *weight);
    memcpy(error, x.error, length * sizeof *error);
    struct assay_ref_log_sum sum = assay_ref_log_sum(a, length, weight, error);
    for (size_t i = 0; i < count; i++) {
        int64_t k = j->index[places[i]] / j->axis.inner % j->axis.length;
        assay_ref_put(j->call, places[i], assay_ref_log_weight(a, bounded(x.value[k], x.error[k]), &sum), j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .index = index, .value = value, .bound = bound};
    j.axis = assay_ref_axis_of(&call->in[0], (int32_t)assay_node_i64(call->node, "axis", -1));
    struct assay_ref_groups groups = {.n_groups = (size_t)(j.axis.outer * j.axis.inner),
                                      .scratch = 4 * (size_t)j.axis.length,
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(LogSoftmax) = {.at = at};
