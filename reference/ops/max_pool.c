/* MaxPool: the greatest element that a window sees; NaN wins, nothing is rounded. */
#include "reference/elementwise.h"
#include "reference/windows.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_windows win;
    const int64_t *index;
    double *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job *j = self;
    int64_t plane = j->index[i] / j->win.out_size * j->win.in_size, position = j->index[i] % j->win.out_size;
    struct assay_bounded best = bounded((double)-INFINITY, 0);
    for (int64_t t = 0, seen = 0; t < j->win.taps; t++) {
        int64_t offset = assay_ref_tap(&j->win, position, t);
        if (offset < 0)
            continue;
        struct assay_bounded x = bounded_of(&j->call->in[0], (size_t)(plane + offset));
        best = seen++ ? assay_bounded_extreme(best, x, 1) : x;
    }
    best = bounded_settle(best.value, best.error);
    j->value[i] = best.value;
    j->bound[i] = best.error;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .index = index, .value = value, .bound = bound};
    (void)err;
    j.win = assay_ref_windows_of(call->node, call->in[0].rank, call->in[0].dims, call->out[0].dims, NULL);
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(MaxPool) = {.at = at, .exact = true};
