/* Conv, any number of spatial axes, with groups, strides, dilations and padding.
 * bound: gamma_{K+1}(u) (sum |x||w| + |b|) with K the taps inside the image: that of direct convolution and of im2col.
 * Winograd's and Fourier's algorithms make larger errors by design; the bound is not loosened for them. */
#include <stdlib.h>
#include <string.h>

#include "reference/patches.h"
#include "reference/windows.h"

#include "assay/banned.h"

struct conv {
    const struct assay_ref_call *call;
    struct assay_ref_windows win;
    int64_t channels, filters, groups; /* of the image, of the output */
    const int64_t *index;
    double *value, *bound;
    /* of a fold over the filters: what they and the biases sum to */
    struct assay_ref_vector folded;
    struct assay_ref_sum folded_bias;
    double weights; /* 0: no fold */
};

static void setup(const struct assay_ref_call *call, struct conv *c)
{
    const struct assay_ref_tensor *x = &call->in[0], *w = &call->in[1];
    *c = (struct conv){.call = call,
                       .win = assay_ref_windows_of(call->node, x->rank, x->dims, call->out[0].dims, w->dims + 2),
                       .channels = x->dims[1],
                       .filters = w->dims[0],
                       .groups = assay_node_i64(call->node, "group", 1)};
}

/* Copies what the taps of channels [first, first + n) see, zeros outside the image; errors behind the values. Returns
 * how many taps of a channel are inside. */
static int64_t gather(const struct conv *c, int64_t image, int64_t first, int64_t n, int64_t position, double *patch)
{
    const struct assay_ref_tensor *x = &c->call->in[0];
    int64_t inside = 0, terms = n * c->win.taps;
    for (int64_t t = 0; t < c->win.taps; t++) {
        int64_t offset = assay_ref_tap(&c->win, position, t), at = (image * c->channels + first) * c->win.in_size + offset;
        inside += offset >= 0;
        for (int64_t ch = 0; ch < n; ch++, at += c->win.in_size) {
            patch[ch * c->win.taps + t] = offset >= 0 ? x->value[at] : 0;
            if (x->error)
                patch[terms + ch * c->win.taps + t] = offset >= 0 ? x->error[at] : 0;
        }
    }
    return inside;
}

/* A group of elements: the channels of one output position that see the same patch. */
static size_t group_of(const void *self, int64_t index)
{
    const struct conv *c = self;
    int64_t image = index / (c->filters * c->win.out_size), filter = index / c->win.out_size % c->filters;
    return (size_t)((image * c->groups + filter / (c->filters / c->groups)) * c->win.out_size + index % c->win.out_size);
}

/* Adds the bias and puts the element; `inside` terms are not zeros of the padding. */
static void finish(const struct conv *c, size_t place, int64_t filter, struct assay_ref_sum s, int64_t inside)
{
    const struct assay_ref_tensor *b = assay_ref_input(c->call, 2);
    int64_t terms = c->channels / c->groups * c->win.taps;
    if (b) {
        struct assay_bounded bias = bounded_of(b, (size_t)filter);
        assay_ref_sum_take(&s, bias);
        s.own += ASSAY_REF_OWN * fabs(s.value);
    }
    assay_ref_put(c->call, place,
                  assay_ref_sum_close(&c->call->arithmetic, &s, (double)terms, (double)(inside + (b != NULL))), c->value,
                  c->bound);
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct conv *c = self;
    const struct assay_arithmetic *a = &c->call->arithmetic;
    const struct assay_ref_tensor *x = &c->call->in[0], *w = &c->call->in[1];
    int64_t channels = c->channels / c->groups, terms = channels * c->win.taps;
    int64_t image_group = (int64_t)group / c->win.out_size, position = (int64_t)group % c->win.out_size;
    int64_t inside =
        channels * gather(c, image_group / c->groups, image_group % c->groups * channels, channels, position, scratch);
    struct assay_ref_vector patch = {scratch, NULL, x->error ? scratch + terms : NULL};
    for (size_t i = 0; i < count; i++) {
        int64_t filter = c->index[places[i]] / c->win.out_size % c->filters;
        struct assay_ref_vector row =
            assay_ref_vector_at((struct assay_ref_vector){w->value, NULL, w->error}, filter * terms);
        struct assay_ref_sum s = assay_ref_dot(a, (size_t)terms, patch, row);
        assay_ref_padding(&s, (size_t)terms, patch.value, row.value);
        finish(c, places[i], filter, s, inside);
    }
}

/* ---- whole images ------------------------------------------------------------------------------------------------ */

/* The patches of `n` positions, one a row, as gather() leaves them. inside[] counts the taps in the image. */
static void gather_tile(const void *self, int64_t image, int64_t group, int64_t first, int64_t n, double *patch, int64_t *inside)
{
    const struct conv *c = self;
    int64_t channels = c->channels / c->groups, terms = channels * c->win.taps;
    const double *x = c->call->in[0].value + (image * c->channels + group * channels) * c->win.in_size;
    memset(inside, 0, (size_t)n * sizeof *inside);
    for (int64_t t = 0; t < c->win.taps; t++) {
        for (int64_t p = 0; p < n; p++) {
            int64_t offset = assay_ref_tap(&c->win, first + p, t);
            double *to = patch + p * terms + t;
            inside[p] += offset >= 0 ? channels : 0;
            if (offset >= 0) {
                for (int64_t ch = 0; ch < channels; ch++)
                    to[ch * c->win.taps] = x[ch * c->win.in_size + offset];
            } else {
                for (int64_t ch = 0; ch < channels; ch++)
                    to[ch * c->win.taps] = 0;
            }
        }
    }
}

static void finish_one(const void *self, size_t place, int64_t filter, struct assay_ref_sum s, int64_t inside)
{
    const struct conv *c = self;
    const struct assay_ref_tensor *b = assay_ref_input(c->call, 2);
    if (c->call->values_only)
        assay_ref_put(c->call, place, bounded(s.value + (b ? b->value[filter] : 0), 0), c->value, c->bound);
    else
        finish(c, place, filter, s, inside);
}

static enum assay_code do_images(const struct conv *c, size_t n, struct assay_error *err)
{
    struct assay_ref_patches p = {.call = c->call, .groups = c->groups, .columns = c->filters, .plane = c->win.out_size,
                                  .terms = c->channels / c->groups * c->win.taps, .y = c->call->in[1].value,
                                  .gather = gather_tile, .finish = finish_one, .self = c};
    p.first = c->index[0] / (p.columns * p.plane);
    p.images = (int64_t)n / (p.columns * p.plane);
    return assay_ref_patches_at(&p, err);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct conv c;
    setup(call, &c);
    c.index = index;
    c.value = value;
    c.bound = bound;
    if (assay_ref_whole_slices(call, n, index, c.filters * c.win.out_size))
        return do_images(&c, n, err);
    struct assay_ref_groups groups = {.n_groups = (size_t)(call->in[0].dims[0] * c.groups * c.win.out_size),
                                      .scratch = 2 * (size_t)(c.channels / c.groups * c.win.taps),
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &c};
    return assay_ref_by_group(&groups, n, index, err);
}

/* ---- fold over the output channels: fold the filters first -------------------------------------------------- */

/* Filters of a group see its channels only, so that all groups' sums stand side by side, one a channel and tap. */
static void fold_filters(const struct conv *c, const double *weight, double *value, double *magnitude, double *error)
{
    const struct assay_ref_tensor *w = &c->call->in[1];
    int64_t terms = c->channels / c->groups * c->win.taps;
    for (int64_t m = 0; m < c->filters; m++) {
        int64_t to = m / (c->filters / c->groups) * terms;
        for (int64_t k = 0; k < terms; k++) {
            double x = weight[m] * w->value[m * terms + k];
            value[to + k] += x;
            magnitude[to + k] += fabs(x);
            if (error)
                error[to + k] += fabs(weight[m]) * w->error[m * terms + k];
        }
    }
}

static size_t position_of(const void *self, int64_t index)
{
    (void)self;
    return (size_t)index;
}

static void each_folded(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct conv *c = self;
    int64_t terms = c->channels * c->win.taps, position = (int64_t)group % c->win.out_size;
    int64_t inside = gather(c, (int64_t)group / c->win.out_size, 0, c->channels, position, scratch);
    struct assay_ref_vector patch = {scratch, NULL, c->call->in[0].error ? scratch + terms : NULL};
    struct assay_ref_sum s = assay_ref_dot(&c->call->arithmetic, (size_t)terms, patch, c->folded);
    s.value += c->folded_bias.value;
    s.magnitude += c->folded_bias.magnitude;
    s.error += c->folded_bias.error;
    s.own += assay_ref_gamma((double)c->filters + 2, ASSAY_REF_OWN) * s.magnitude;
    int64_t terms_each = terms / c->groups, inside_each = inside * c->channels / c->groups;
    struct assay_bounded x = assay_ref_fold_close(c->call, &s, (double)terms_each, (double)(inside_each + 1), c->weights);
    for (size_t i = 0; i < count; i++) {
        c->value[places[i]] = x.value;
        c->bound[places[i]] = x.error;
    }
}

static void fold_bias(struct conv *c, const double *weight)
{
    const struct assay_ref_tensor *b = assay_ref_input(c->call, 2);
    for (int64_t m = 0; m < c->filters; m++) {
        struct assay_bounded x = b ? bounded_of(b, (size_t)m) : bounded(0, 0);
        c->weights += fabs(weight[m]);
        c->folded_bias.value += weight[m] * x.value;
        c->folded_bias.magnitude += fabs(weight[m] * x.value);
        c->folded_bias.error += fabs(weight[m]) * x.error;
    }
}

static enum assay_code fold(const struct assay_ref_call *call, int32_t axis, const double *weight, size_t n,
                            const int64_t *index, double *value, double *bound, struct assay_error *err)
{
    struct conv c;
    if (axis != 1)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "Conv folds its output channels (axis 1), not axis %d", (int)axis);
    setup(call, &c);
    c.index = index;
    c.value = value;
    c.bound = bound;
    size_t size = (size_t)(c.channels * c.win.taps);
    double *sums = calloc(3 * size + 1, sizeof *sums);
    if (!sums)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to fold %lld filters", (long long)c.filters);
    c.folded = (struct assay_ref_vector){sums, sums + size, call->in[1].error ? sums + 2 * size : NULL};
    fold_filters(&c, weight, sums, sums + size, call->in[1].error ? sums + 2 * size : NULL);
    fold_bias(&c, weight);
    struct assay_ref_groups groups = {.n_groups = (size_t)(call->in[0].dims[0] * c.win.out_size),
                                      .scratch = 2 * size,
                                      .group_of = position_of,
                                      .each = each_folded,
                                      .self = &c};
    enum assay_code code = assay_ref_by_group(&groups, n, index, err);
    free(sums);
    return code;
}

ASSAY_OP_REFERENCE(Conv) = {.at = at, .fold = fold, .quantum = assay_ref_quantum_of_products};
