/* LayerNormalization: (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) * scale + bias, over the last axes; optional
 * outputs are the mean and 1 / sqrt(...).
 *
 * The bound is that of two passes, and wide enough for Welford's updating (its error grows with |mean| / deviation,
 * as does what an error of the mean does to the sum of squares here). It is not wide enough for E[x^2] - E[x]^2,
 * whose error grows with the square of that: a device that does so shows a ratio above 1 where the mean is large. */
#include "reference/normalize.h"

#include "assay/banned.h"

struct moments {
    struct assay_bounded mean, inverse;
};

static struct moments moments_of(const struct assay_ref_rows *r, size_t row, double *scratch)
{
    const struct assay_arithmetic *a = &r->call->arithmetic;
    const struct assay_ref_tensor *x = &r->call->in[0];
    size_t n = (size_t)r->length, first = row * n;
    struct assay_ref_vector v = {x->value + first, NULL, x->error ? x->error + first : NULL};
    struct assay_ref_vector centred = {scratch, NULL, scratch + n};
    struct assay_ref_sum s = assay_ref_total(a, n, v);
    struct moments m;
    m.mean = assay_bounded_divide(a, assay_ref_sum_close(a, &s, (double)n, (double)n - 1), bounded((double)n, 0));
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded d = bounded_subtract(a, bounded_of(x, first + i), m.mean);
        scratch[i] = d.value;
        scratch[n + i] = d.error;
    }
    s = assay_ref_dot(a, n, centred, centred);
    m.inverse = assay_ref_inverse_root(r, assay_ref_sum_close(a, &s, (double)n, (double)n));
    return m;
}

static void each(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_rows *r = self;
    struct moments m = moments_of(r, row, scratch);
    for (size_t i = 0; i < count; i++) {
        int64_t index = r->index[places[i]], k = index % r->length;
        if (r->call->output == 0)
            assay_ref_affine(
                r, places[i], index,
                bounded_multiply(&r->call->arithmetic, bounded(scratch[k], scratch[r->length + k]), m.inverse));
        else
            assay_ref_put(r->call, places[i], r->call->output == 1 ? m.mean : m.inverse, r->value, r->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_rows rows = assay_ref_rows_of(call, index, value, bound);
    return assay_ref_rows_each(&rows, call->output > 0, n, each, err);
}

ASSAY_OP_REFERENCE(LayerNormalization) = {.at = at};
