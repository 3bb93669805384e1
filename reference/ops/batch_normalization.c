/* BatchNormalization: (x - mean) * scale / sqrt(variance + epsilon) + bias, a channel at a time, with given statistics or
 * with the channel's own; then optional outputs move the given ones towards them. The bound of the statistics is that of
 * two passes, that of the elements allows statistics folded into a factor and a shift (channels.h). */
#include "reference/channels.h"
#include "reference/elementwise.h"
#include "reference/normalize.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_channels shape;
    bool training;
    double epsilon, momentum;
    const int64_t *index;
    double *value, *bound;
};

static size_t group_of(const void *self, int64_t index)
{
    const struct job *j = self;
    return (size_t)(j->call->output ? index : index / j->shape.each % j->shape.channels);
}

static struct assay_ref_moments moments_of(const struct job *j, int64_t channel, double *scratch)
{
    const struct assay_ref_tensor *in = j->call->in;
    struct assay_ref_moments m;
    if (j->training) {
        struct assay_ref_runs runs = assay_ref_channel(&j->shape, channel);
        (void)assay_ref_runs_copy(&in[0], &runs, scratch);
        return assay_ref_centre(&j->call->arithmetic, assay_ref_runs_count(&runs), j->epsilon, scratch);
    }
    m.mean = bounded_of(&in[3], (size_t)channel);
    m.variance = bounded_of(&in[4], (size_t)channel);
    m.inverse = assay_ref_inverse_deviation(&j->call->arithmetic, m.variance, j->epsilon);
    return m;
}

static struct assay_bounded running(const struct job *j, struct assay_bounded was, struct assay_bounded now)
{
    const struct assay_arithmetic *a = &j->call->arithmetic;
    return bounded_add(a, bounded_multiply(a, was, bounded(j->momentum, 0)),
                       bounded_multiply(a, now, assay_bounded_constant(a, 1 - j->momentum)));
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *in = j->call->in;
    struct assay_ref_moments m = moments_of(j, (int64_t)group, scratch);
    struct assay_bounded factor = bounded_multiply(a, m.inverse, bounded_of(&in[1], group)), bias = bounded_of(&in[2], group);
    for (size_t i = 0; i < count; i++) {
        struct assay_bounded y;
        if (j->call->output == 0)
            y = assay_ref_shifted(a, bounded_of(&in[0], (size_t)j->index[places[i]]), m.mean, factor, bias);
        else
            y = j->call->output == 1 ? running(j, bounded_of(&in[3], group), m.mean)
                                     : running(j, bounded_of(&in[4], group), m.variance);
        assay_ref_put(j->call, places[i], y, j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .shape = assay_ref_channels_of(&call->in[0]), .index = index, .value = value, .bound = bound};
    j.training = assay_node_i64(call->node, "training_mode", 0);
    j.epsilon = (double)(float)assay_node_f64(call->node, "epsilon", 1e-5); /* an attribute is a float */
    j.momentum = (double)(float)assay_node_f64(call->node, "momentum", 0.9);
    struct assay_ref_groups groups = {.n_groups = (size_t)j.shape.channels,
                                      .scratch = j.training ? 2 * (size_t)(j.shape.images * j.shape.each) : 0,
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(BatchNormalization) = {.at = at};
