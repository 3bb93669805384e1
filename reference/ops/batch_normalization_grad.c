/* BatchNormalizationGrad, a channel of n elements at a time, with x' = (x - mean) inverse:
 *   dBias = sum dy, dScale = sum dy x', dX = scale inverse (dy - dBias/n - x' dScale/n).
 * The sums have gamma_n in any order, over x' or over x - mean with inverse behind; what is left of x by an error of the
 * mean enters as the error of every x'. */
#include "reference/channels.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_channels shape;
    double epsilon;
    const int64_t *index;
    double *value, *bound;
};

static size_t group_of(const void *self, int64_t index)
{
    const struct job *j = self;
    return (size_t)(j->call->output ? index : index / j->shape.each % j->shape.channels);
}

/* Where flat index `index` of X stands among the channel's elements. */
static size_t place_in_channel(const struct job *j, int64_t index)
{
    return (size_t)(index / (j->shape.each * j->shape.channels) * j->shape.each + index % j->shape.each);
}

static void each(const void *self, size_t channel, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    struct assay_ref_runs runs = assay_ref_channel(&j->shape, (int64_t)channel);
    size_t n = assay_ref_runs_count(&runs);
    double *x = scratch, *dy = scratch + 2 * n;
    struct assay_bounded length = bounded((double)n, 0), scale = bounded_of(&j->call->in[2], channel);
    (void)assay_ref_runs_copy(&j->call->in[1], &runs, x);
    struct assay_ref_vector up = assay_ref_runs_copy(&j->call->in[0], &runs, dy);
    struct assay_ref_moments m = assay_ref_centre(a, n, j->epsilon, x);
    struct assay_ref_sum s = assay_ref_total(a, n, up), p = assay_ref_dot(a, n, up, (struct assay_ref_vector){x, NULL, x + n});
    struct assay_bounded d_bias = assay_ref_sum_close(a, &s, (double)n, (double)n - 1);
    struct assay_bounded d_scale = bounded_multiply(a, assay_ref_sum_close(a, &p, (double)n, (double)n + 1), m.inverse);
    struct assay_bounded m1 = assay_bounded_divide(a, d_bias, length), m2 = assay_bounded_divide(a, d_scale, length);
    struct assay_bounded factor = bounded_multiply(a, scale, m.inverse);
    for (size_t i = 0; i < count; i++) {
        struct assay_bounded y = j->call->output == 1 ? d_scale : d_bias;
        if (j->call->output == 0) {
            size_t k = place_in_channel(j, j->index[places[i]]);
            struct assay_bounded normal = bounded_multiply(a, bounded(x[k], x[n + k]), m.inverse);
            y = assay_ref_projected(a, factor, bounded(dy[k], dy[n + k]), m1, normal, m2);
        }
        assay_ref_put(j->call, places[i], y, j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .shape = assay_ref_channels_of(&call->in[1]), .index = index, .value = value, .bound = bound};
    j.epsilon = (double)(float)assay_node_f64(call->node, "epsilon", 1e-5); /* an attribute is a float */
    struct assay_ref_groups groups = {.n_groups = (size_t)j.shape.channels,
                                      .scratch = 4 * (size_t)(j.shape.images * j.shape.each),
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(BatchNormalizationGrad) = {.at = at};
