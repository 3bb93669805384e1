/* RMSNormalization: x / sqrt(mean of x^2 + epsilon) * scale, over the last axes.
 * Sum of squares: gamma_n(u) sum x^2, in any order. */
#include "reference/normalize.h"

#include "assay/banned.h"

static void each(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_rows *r = self;
    const struct assay_arithmetic *a = &r->call->arithmetic;
    const struct assay_ref_tensor *x = &r->call->in[0];
    int64_t first = (int64_t)row * r->length;
    struct assay_ref_vector v = {x->value + first, NULL, x->error ? x->error + first : NULL};
    struct assay_ref_sum s = assay_ref_dot(a, (size_t)r->length, v, v);
    struct assay_bounded inverse =
        assay_ref_inverse_root(r, assay_ref_sum_close(a, &s, (double)r->length, (double)r->length));
    (void)scratch;
    for (size_t i = 0; i < count; i++) {
        int64_t index = r->index[places[i]];
        assay_ref_affine(r, places[i], index, bounded_multiply(a, bounded_of(x, (size_t)index), inverse));
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_rows rows = assay_ref_rows_of(call, index, value, bound);
    return assay_ref_rows_each(&rows, false, n, each, err);
}

ASSAY_OP_REFERENCE(RMSNormalization) = {.at = at};
