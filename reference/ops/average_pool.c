/* AveragePool: the sum of what a window sees, over its count: of elements, or with count_include_pad of pads too.
 * gamma_(n-1) for n elements in any order, then a division (or a multiplication by the reciprocal). */
#include "reference/windows.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_windows win;
    bool padded;
    const int64_t *index;
    double *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    int64_t plane = j->index[i] / j->win.out_size * j->win.in_size, position = j->index[i] % j->win.out_size;
    struct assay_ref_sum s = {0};
    double terms = 0;
    for (int64_t t = 0; t < j->win.taps; t++) {
        int64_t offset = assay_ref_tap(&j->win, position, t);
        if (offset < 0)
            continue;
        struct assay_bounded x = bounded_of(&j->call->in[0], (size_t)(plane + offset));
        assay_ref_sum_take(&s, x);
        terms++;
    }
    s.own = assay_ref_gamma(terms > 1 ? terms - 1 : 0, ASSAY_REF_OWN) * s.magnitude;
    struct assay_bounded count = bounded((double)assay_ref_window_count(&j->win, position, j->padded), 0);
    struct assay_bounded sum = assay_ref_sum_close(a, &s, terms, terms > 1 ? terms - 1 : 0);
    assay_ref_put(j->call, i, count.value > 1 ? assay_bounded_divide(a, sum, count) : sum, j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .index = index, .value = value, .bound = bound};
    (void)err;
    j.win = assay_ref_windows_of(call->node, call->in[0].rank, call->in[0].dims, call->out[0].dims, NULL);
    j.padded = assay_node_i64(call->node, "count_include_pad", 0);
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(AveragePool) = {.at = at};
