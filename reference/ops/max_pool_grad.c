/* MaxPoolGrad: each window's dY goes to the first of its greatest elements (the first NaN, if there is one). A sum of w
 * windows has gamma_(w-1).
 * Where X is not exact and several elements of a window may be the greatest, each of them may get dY or not: that is the
 * error of what it gets. */
#include "reference/windows.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_windows win;
    const int64_t *index;
    double *value, *bound;
};

static size_t group_of(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct job *)self)->win.in_size);
}

/* What a window takes: where its first greatest element is, what the greatest is at least, and whether another element
 * may be it as well. */
struct taken {
    int64_t best;
    double  low;
    bool    open;
};

static bool may_be_greatest(struct assay_bounded x, double low)
{
    return x.value + x.error >= low;
}

static struct taken take(const struct job *j, int64_t plane, int64_t position)
{
    struct taken take = {.best = -1, .low = -(double)INFINITY};
    double greatest = 0;
    int64_t candidates = 0, inexact = 0;
    for (int64_t t = 0; t < j->win.taps; t++) {
        int64_t offset = assay_ref_tap(&j->win, position, t);
        if (offset < 0)
            continue;
        struct assay_bounded x = bounded_of(&j->call->in[1], (size_t)(plane + offset));
        if (take.best < 0 || x.value > greatest || (isnan(x.value) && !isnan(greatest))) {
            take.best = offset;
            greatest = x.value;
        }
        take.low = fmax(take.low, x.value - x.error);
    }
    for (int64_t t = 0; t < j->win.taps && !isnan(greatest); t++) {
        int64_t offset = assay_ref_tap(&j->win, position, t);
        if (offset < 0)
            continue;
        struct assay_bounded x = bounded_of(&j->call->in[1], (size_t)(plane + offset));
        candidates += may_be_greatest(x, take.low);
        inexact += may_be_greatest(x, take.low) && x.error > 0;
    }
    take.open = candidates > 1 && inexact > 0; /* equal elements that are exact have a first one */
    return take;
}

/* Sums of a plane: value, magnitude, error and terms of each element, one list behind the other. */
static void add_window(const struct job *j, int64_t plane, int64_t position, struct assay_bounded dy, double *sums)
{
    struct taken got = take(j, plane, position);
    int64_t size = j->win.in_size;
    for (int64_t t = 0; t < j->win.taps; t++) {
        int64_t offset = assay_ref_tap(&j->win, position, t);
        if (offset < 0)
            continue;
        bool is = offset == got.best;
        if (!is && !(got.open && may_be_greatest(bounded_of(&j->call->in[1], (size_t)(plane + offset)), got.low)))
            continue;
        struct assay_ref_sum s = {sums[offset], sums[size + offset], sums[2 * size + offset], 0};
        assay_ref_sum_take(&s, bounded(is ? dy.value : 0, dy.error + (got.open ? fabs(dy.value) : 0)));
        sums[offset] = s.value;
        sums[size + offset] += fabs(dy.value);
        sums[2 * size + offset] = s.error;
        sums[3 * size + offset]++;
    }
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    int64_t size = j->win.in_size, plane = (int64_t)group * size;
    for (int64_t i = 0; i < 4 * size; i++)
        scratch[i] = 0;
    for (int64_t o = 0; o < j->win.out_size; o++)
        add_window(j, plane, o, bounded_of(&j->call->in[0], group * (size_t)j->win.out_size + (size_t)o), scratch);
    for (size_t i = 0; i < count; i++) {
        int64_t k = j->index[places[i]] - plane;
        double terms = scratch[3 * size + k], roundings = terms > 1 ? terms - 1 : 0;
        struct assay_ref_sum s = {scratch[k], scratch[size + k], scratch[2 * size + k],
                                  assay_ref_gamma(roundings, ASSAY_REF_OWN) * scratch[size + k]};
        assay_ref_put(j->call, places[i], assay_ref_sum_close(&j->call->arithmetic, &s, terms, roundings), j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .index = index, .value = value, .bound = bound};
    const struct assay_ref_tensor *x = &call->in[1];
    j.win = assay_ref_windows_of(call->node, x->rank, x->dims, call->in[0].dims, NULL);
    struct assay_ref_groups groups = {.n_groups = (size_t)(x->dims[0] * x->dims[1]),
                                      .scratch = 4 * (size_t)j.win.in_size,
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(MaxPoolGrad) = {.at = at};
