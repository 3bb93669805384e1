/* GroupNormalizationGrad: for a group of n elements of one image, x' = (x - mean) inverse and g = dy scale,
 *   dX = inverse (g - mean(g) - x' mean(g x'));
 * for a channel, over all images, dScale = sum dy x' and dBias = sum dy. gamma as in BatchNormalizationGrad. */
#include <assert.h>

#include "reference/channels.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_channels shape;
    int64_t groups, length; /* groups of an image, elements of one */
    double epsilon;
    const int64_t *index;
    double *value, *bound;
};

/* One group of one image: x' and dy side by side, each with its errors behind. */
static struct assay_bounded load(const struct job *j, int64_t first, double *x, double *dy)
{
    const struct assay_arithmetic *a = &j->call->arithmetic;
    struct assay_ref_runs runs = {first, 1, j->length, 0};
    size_t n = (size_t)j->length;
    (void)assay_ref_runs_copy(&j->call->in[1], &runs, x);
    (void)assay_ref_runs_copy(&j->call->in[0], &runs, dy);
    struct assay_bounded inverse = assay_ref_centre(a, n, j->epsilon, x).inverse;
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded normal = bounded_multiply(a, bounded(x[i], x[n + i]), inverse);
        x[i] = normal.value;
        x[n + i] = normal.error;
    }
    return inverse;
}

static size_t group_of_element(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct job *)self)->length);
}

static void each_group(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    size_t n = (size_t)j->length;
    double *x = scratch, *g = scratch + 2 * n;
    struct assay_bounded inverse = load(j, (int64_t)group * j->length, x, g), length = bounded((double)n, 0);
    for (size_t i = 0; i < n; i++) {
        size_t channel = (size_t)((int64_t)(group * n + i) / j->shape.each % j->shape.channels);
        struct assay_bounded scaled = bounded_multiply(a, bounded(g[i], g[n + i]), bounded_of(&j->call->in[2], channel));
        g[i] = scaled.value;
        g[n + i] = scaled.error;
    }
    struct assay_ref_vector up = {g, NULL, g + n};
    struct assay_ref_sum s = assay_ref_total(a, n, up), p = assay_ref_dot(a, n, up, (struct assay_ref_vector){x, NULL, x + n});
    struct assay_bounded m1 = assay_bounded_divide(a, assay_ref_sum_close(a, &s, (double)n, (double)n - 1), length);
    struct assay_bounded m2 = assay_bounded_divide(a, assay_ref_sum_close(a, &p, (double)n, (double)n + 1), length);
    for (size_t i = 0; i < count; i++) {
        assert(j->length > 0); /* or no element would be asked for */
        size_t k = (size_t)(j->index[places[i]] % j->length);
        assay_ref_put(j->call, places[i],
                      assay_ref_projected(a, inverse, bounded(g[k], g[n + k]), m1, bounded(x[k], x[n + k]), m2), j->value,
                      j->bound);
    }
}

static size_t group_of_channel(const void *self, int64_t index)
{
    const struct job *j = self;
    return (size_t)(index * j->groups / j->shape.channels);
}

/* Sums over all images of all channels of one group; behind x and dy a sum for each channel. */
static void each_channels(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    size_t n = (size_t)j->length, run = (size_t)j->shape.each, m = (size_t)j->shape.images * run;
    double *x = scratch, *dy = scratch + 2 * n;
    struct assay_ref_sum *sums = (struct assay_ref_sum *)(void *)(scratch + 4 * n);
    int64_t in_group = j->shape.channels / j->groups;
    for (int64_t c = 0; c < in_group; c++)
        sums[c] = (struct assay_ref_sum){0};
    for (int64_t image = 0; image < j->shape.images; image++) {
        (void)load(j, (image * j->groups + (int64_t)group) * j->length, x, dy);
        for (int64_t c = 0; c < in_group; c++) {
            size_t at = (size_t)c * run;
            struct assay_ref_vector up = {dy + at, NULL, dy + n + at}, normal = {x + at, NULL, x + n + at};
            struct assay_ref_sum part = j->call->output == 1 ? assay_ref_dot(a, run, up, normal) : assay_ref_total(a, run, up);
            assay_ref_sum_add(&sums[c], &part);
        }
    }
    for (size_t i = 0; i < count; i++)
        assay_ref_put(j->call, places[i],
                      assay_ref_sum_close(a, &sums[j->index[places[i]] % in_group], (double)m, (double)m + 1), j->value,
                      j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .shape = assay_ref_channels_of(&call->in[1]), .index = index, .value = value, .bound = bound};
    bool whole = call->output == 0;
    j.groups = assay_node_i64(call->node, "num_groups", 1);
    j.epsilon = (double)(float)assay_node_f64(call->node, "epsilon", 1e-5); /* an attribute is a float */
    j.length = j.shape.channels / j.groups * j.shape.each;
    size_t sums = (size_t)(j.shape.channels / j.groups) * (sizeof(struct assay_ref_sum) / sizeof(double));
    struct assay_ref_groups groups = {.n_groups = (size_t)(j.groups * (whole ? j.shape.images : 1)),
                                      .scratch = 4 * (size_t)j.length + (whole ? 0 : sums),
                                      .group_of = whole ? group_of_element : group_of_channel,
                                      .each = whole ? each_group : each_channels,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(GroupNormalizationGrad) = {.at = at};
