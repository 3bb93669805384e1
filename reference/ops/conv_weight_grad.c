/* ConvWeightGrad: dW[m, c, t] = sum over images n and positions o of dY[n, m, o] X[n, c, i(o, t)], where tap t sees i from o.
 * bound: gamma_K(u) sum |dY||X| with K the products inside the image. */
#include <stdlib.h>

#include "reference/windows.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_windows win;
    int64_t images, channels, filters, groups;
    struct assay_ref_vector dy; /* [filter][image][position] */
    const int64_t *index;
    double *value, *bound;
};

static void turn(const struct job *j, const double *from, double *to)
{
    for (int64_t n = 0; n < j->images; n++)
        for (int64_t m = 0; m < j->filters; m++)
            for (int64_t o = 0; o < j->win.out_size; o++)
                to[(m * j->images + n) * j->win.out_size + o] = from[(n * j->filters + m) * j->win.out_size + o];
}

/* A group: the filters that meet the same channel at the same tap. */
static size_t group_of(const void *self, int64_t index)
{
    const struct job *j = self;
    int64_t row = j->channels / j->groups * j->win.taps;
    return (size_t)(index / row / (j->filters / j->groups) * row + index % row);
}

/* What the tap sees of a channel, zeros outside; errors behind. Returns how many positions see something. */
static int64_t gather(const struct job *j, int64_t channel, int64_t tap, double *patch)
{
    const struct assay_ref_tensor *x = &j->call->in[1];
    int64_t size = j->win.out_size, terms = j->images * size, inside = 0;
    for (int64_t o = 0; o < size; o++) {
        int64_t offset = assay_ref_tap(&j->win, o, tap), at = channel * j->win.in_size + offset;
        inside += offset >= 0;
        for (int64_t n = 0; n < j->images; n++, at += j->channels * j->win.in_size) {
            patch[n * size + o] = offset >= 0 ? x->value[at] : 0;
            if (x->error)
                patch[terms + n * size + o] = offset >= 0 ? x->error[at] : 0;
        }
    }
    return inside;
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    int64_t in_group = j->channels / j->groups, row = in_group * j->win.taps, terms = j->images * j->win.out_size;
    int64_t channel = (int64_t)group / row * in_group + (int64_t)group % row / j->win.taps;
    double inside = (double)(j->images * gather(j, channel, (int64_t)group % j->win.taps, scratch));
    struct assay_ref_vector patch = {scratch, NULL, j->call->in[1].error ? scratch + terms : NULL};
    for (size_t i = 0; i < count; i++) {
        int64_t filter = j->index[places[i]] / row;
        struct assay_ref_sum s =
            assay_ref_dot(&j->call->arithmetic, (size_t)terms, assay_ref_vector_at(j->dy, filter * terms), patch);
        assay_ref_put(j->call, places[i], assay_ref_sum_close(&j->call->arithmetic, &s, (double)terms, inside), j->value,
                      j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *dy = &call->in[0], *x = &call->in[1];
    struct job j = {.call = call, .images = x->dims[0], .channels = x->dims[1], .filters = dy->dims[1], .index = index,
                    .value = value, .bound = bound};
    j.win = assay_ref_windows_of(call->node, x->rank, x->dims, dy->dims, call->out[0].dims + 2);
    j.groups = assay_node_i64(call->node, "group", 1);
    double *turned = j.images > 1 ? malloc((2 * (size_t)dy->elements + 1) * sizeof *turned) : NULL;
    if (j.images > 1 && !turned)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to turn the gradients of %lld images", (long long)j.images);
    j.dy = (struct assay_ref_vector){dy->value, NULL, dy->error};
    if (turned) {
        turn(&j, dy->value, turned);
        if (dy->error)
            turn(&j, dy->error, turned + dy->elements);
        j.dy = (struct assay_ref_vector){turned, NULL, dy->error ? turned + dy->elements : NULL};
    }
    struct assay_ref_groups groups = {.n_groups = (size_t)(j.channels * j.win.taps),
                                      .scratch = 2 * (size_t)(j.images * j.win.out_size),
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    enum assay_code code = assay_ref_by_group(&groups, n, index, err);
    free(turned);
    return code;
}

ASSAY_OP_REFERENCE(ConvWeightGrad) = {.at = at};
