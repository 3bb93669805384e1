/* Softmax along one axis: exp(x - max) / sum of exp(x - max). */
#include "reference/along.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

static void each(const struct assay_ref_row *row)
{
    const struct assay_arithmetic *a = &row->call->arithmetic;
    double *x = row->in[0].value, *e = row->in[0].error;
    if (row->call->values_only) {
        double sum = assay_ref_softmax_values(row->length, x);
        for (size_t i = 0; i < row->count; i++)
            row->value[row->place[i]] = x[assay_ref_row_at(row, i)] / sum;
        return;
    }
    struct assay_ref_softmax s = assay_ref_softmax_row(a, row->length, x, e);
    for (size_t i = 0; i < row->count; i++)
        assay_ref_row_put(row, i, assay_ref_softmax_divide(a, assay_ref_row_in(row, 0, assay_ref_row_at(row, i)), s.sum));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    static const struct assay_ref_along op = {.n_in = 1, .each = each};
    return assay_ref_along(&op, call, n, index, value, bound, err);
}

ASSAY_OP_REFERENCE(Softmax) = {.at = at};
