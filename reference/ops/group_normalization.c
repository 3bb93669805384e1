/* GroupNormalization: (x - mean) / sqrt(variance + epsilon) * scale + bias, the statistics over a group of channels of one
 * image. The bounds are BatchNormalization's; stash_type 16 lets a device take the statistics in bf16. */
#include "reference/channels.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_channels shape;
    int64_t length; /* elements of a group */
    double epsilon;
    struct assay_arithmetic stash; /* of the statistics */
    const int64_t *index;
    double *value, *bound;
};

static size_t group_of(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct job *)self)->length);
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *in = j->call->in;
    struct assay_ref_runs runs = {(int64_t)group * j->length, 1, j->length, 0};
    (void)assay_ref_runs_copy(&in[0], &runs, scratch);
    struct assay_ref_moments m = assay_ref_centre(&j->stash, (size_t)j->length, j->epsilon, scratch);
    for (size_t i = 0; i < count; i++) {
        int64_t index = j->index[places[i]];
        size_t channel = (size_t)(index / j->shape.each % j->shape.channels);
        struct assay_bounded factor = bounded_multiply(a, m.inverse, bounded_of(&in[1], channel));
        struct assay_bounded y =
            assay_ref_shifted(a, bounded_of(&in[0], (size_t)index), m.mean, factor, bounded_of(&in[2], channel));
        assay_ref_put(j->call, places[i], y, j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .shape = assay_ref_channels_of(&call->in[0]), .index = index, .value = value, .bound = bound};
    int64_t groups_each = assay_node_i64(call->node, "num_groups", 1);
    j.epsilon = (double)(float)assay_node_f64(call->node, "epsilon", 1e-5); /* an attribute is a float */
    j.length = j.shape.channels / groups_each * j.shape.each;
    j.stash = call->arithmetic;
    if (assay_node_i64(call->node, "stash_type", 1) == 16) {
        j.stash.accumulate = 0x1p-8;
        j.stash.compensated = false;
    }
    struct assay_ref_groups groups = {.n_groups = (size_t)(j.shape.images * groups_each),
                                      .scratch = 2 * (size_t)j.length,
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(GroupNormalization) = {.at = at};
