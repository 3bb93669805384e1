/* ConvInputGrad: dX[n, c, i] = sum over filters m of c's group and taps t of dY[n, m, o(i, t)] W[m, c, t], where tap t sees
 * i from o(i, t). bound: gamma_K(u) sum |dY||W| with K the products that there are. */
#include <stdlib.h>
#include <string.h>

#include "reference/patches.h"
#include "reference/windows.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_windows win;
    int64_t channels, filters, groups;
    struct assay_ref_vector weights; /* [group][channel of it][filter of it][tap] */
    const int64_t *index;
    double *value, *bound;
};

/* W with the filters of a group side by side for each channel. */
static void turn(const struct job *j, const double *from, double *to)
{
    int64_t in_group = j->channels / j->groups, out_group = j->filters / j->groups, taps = j->win.taps;
    for (int64_t m = 0; m < j->filters; m++)
        for (int64_t c = 0; c < in_group; c++)
            for (int64_t t = 0; t < taps; t++)
                to[((m / out_group * in_group + c) * out_group + m % out_group) * taps + t] = from[(m * in_group + c) * taps + t];
}

/* A group: the channels of one place of one image that see the same outputs. */
static size_t group_of(const void *self, int64_t index)
{
    const struct job *j = self;
    int64_t plane = index / j->win.in_size, in_group = j->channels / j->groups;
    return (size_t)((plane / j->channels * j->groups + plane % j->channels / in_group) * j->win.in_size + index % j->win.in_size);
}

/* dY as the taps of all filters of the group meet it, zeros where none does; errors behind. Returns how many taps meet. */
static int64_t gather(const struct job *j, int64_t image, int64_t group, int64_t offset, double *patch)
{
    const struct assay_ref_tensor *dy = &j->call->in[0];
    int64_t out_group = j->filters / j->groups, terms = out_group * j->win.taps, met = 0;
    for (int64_t t = 0; t < j->win.taps; t++) {
        int64_t position = assay_ref_tap_from(&j->win, offset, t);
        int64_t at = (image * j->filters + group * out_group) * j->win.out_size + position;
        met += position >= 0;
        for (int64_t m = 0; m < out_group; m++, at += j->win.out_size) {
            patch[m * j->win.taps + t] = position >= 0 ? dy->value[at] : 0;
            if (dy->error)
                patch[terms + m * j->win.taps + t] = position >= 0 ? dy->error[at] : 0;
        }
    }
    return met;
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    int64_t out_group = j->filters / j->groups, terms = out_group * j->win.taps;
    int64_t set = (int64_t)group / j->win.in_size, offset = (int64_t)group % j->win.in_size;
    double met = (double)(out_group * gather(j, set / j->groups, set % j->groups, offset, scratch));
    struct assay_ref_vector patch = {scratch, NULL, j->call->in[0].error ? scratch + terms : NULL};
    for (size_t i = 0; i < count; i++) {
        int64_t channel = j->index[places[i]] / j->win.in_size % j->channels;
        int64_t row = channel * terms;
        struct assay_ref_sum s =
            assay_ref_dot(&j->call->arithmetic, (size_t)terms, patch, assay_ref_vector_at(j->weights, row));
        assay_ref_padding(&s, (size_t)terms, patch.value, j->weights.value + row);
        assay_ref_put(j->call, places[i], assay_ref_sum_close(&j->call->arithmetic, &s, (double)terms, met), j->value, j->bound);
    }
}

/* ---- whole images ------------------------------------------------------------------------------------------------ */

static void gather_tile(const void *self, int64_t image, int64_t group, int64_t first, int64_t n, double *patch, int64_t *met)
{
    const struct job *j = self;
    int64_t out_group = j->filters / j->groups, terms = out_group * j->win.taps;
    const double *dy = j->call->in[0].value + (image * j->filters + group * out_group) * j->win.out_size;
    memset(met, 0, (size_t)n * sizeof *met);
    for (int64_t t = 0; t < j->win.taps; t++) {
        for (int64_t i = 0; i < n; i++) {
            int64_t position = assay_ref_tap_from(&j->win, first + i, t);
            double *to = patch + i * terms + t;
            met[i] += position >= 0 ? out_group : 0;
            for (int64_t m = 0; m < out_group; m++)
                to[m * j->win.taps] = position >= 0 ? dy[m * j->win.out_size + position] : 0;
        }
    }
}

static void finish_one(const void *self, size_t place, int64_t channel, struct assay_ref_sum s, int64_t met)
{
    const struct job *j = self;
    int64_t terms = j->filters / j->groups * j->win.taps;
    (void)channel;
    assay_ref_put(j->call, place,
                  j->call->values_only ? bounded(s.value, 0) : assay_ref_sum_close(&j->call->arithmetic, &s, (double)terms, (double)met),
                  j->value, j->bound);
}

static enum assay_code do_images(const struct job *j, size_t n, struct assay_error *err)
{
    struct assay_ref_patches p = {.call = j->call, .groups = j->groups, .columns = j->channels, .plane = j->win.in_size,
                                  .terms = j->filters / j->groups * j->win.taps, .y = j->weights.value,
                                  .gather = gather_tile, .finish = finish_one, .self = j};
    p.first = j->index[0] / (p.columns * p.plane);
    p.images = (int64_t)n / (p.columns * p.plane);
    return assay_ref_patches_at(&p, err);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *w = &call->in[1], *x = &call->out[0];
    struct job j = {.call = call, .channels = x->dims[1], .filters = w->dims[0], .index = index, .value = value, .bound = bound};
    j.win = assay_ref_windows_of(call->node, x->rank, x->dims, call->in[0].dims, w->dims + 2);
    j.groups = assay_node_i64(call->node, "group", 1);
    double *turned = malloc((2 * (size_t)w->elements + 1) * sizeof *turned);
    if (!turned)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to turn %lld filters", (long long)j.filters);
    turn(&j, w->value, turned);
    if (w->error)
        turn(&j, w->error, turned + w->elements);
    j.weights = (struct assay_ref_vector){turned, NULL, w->error ? turned + w->elements : NULL};
    struct assay_ref_groups groups = {.n_groups = (size_t)(x->dims[0] * j.groups * j.win.in_size),
                                      .scratch = 2 * (size_t)(j.filters / j.groups * j.win.taps),
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    enum assay_code code = assay_ref_whole_slices(call, n, index, j.channels * j.win.in_size)
                               ? do_images(&j, n, err)
                               : assay_ref_by_group(&groups, n, index, err);
    free(turned);
    return code;
}

ASSAY_OP_REFERENCE(ConvInputGrad) = {.at = at, .quantum = assay_ref_quantum_of_products};
