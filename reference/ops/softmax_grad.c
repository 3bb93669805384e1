/* assay.SoftmaxGrad: y (dy - sum(dy y)) along one axis; the sum is a dot product of the row. */
#include "reference/along.h"

#include "assay/banned.h"

enum { DY, Y };

static void each(const struct assay_ref_row *row)
{
    const struct assay_arithmetic *a = &row->call->arithmetic;
    double length = (double)row->length;
    struct assay_ref_sum s = assay_ref_dot(a, row->length, assay_ref_row_vector(row, DY), assay_ref_row_vector(row, Y));
    struct assay_bounded sum = assay_ref_sum_close(a, &s, length, length);
    for (size_t i = 0; i < row->count; i++) {
        size_t k = assay_ref_row_at(row, i);
        struct assay_bounded off = bounded_subtract(a, assay_ref_row_in(row, DY, k), sum);
        assay_ref_row_put(row, i, bounded_multiply(a, assay_ref_row_in(row, Y, k), off));
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    static const struct assay_ref_along op = {.n_in = 2, .each = each};
    return assay_ref_along(&op, call, n, index, value, bound, err);
}

ASSAY_OP_REFERENCE(SoftmaxGrad) = {.at = at};
