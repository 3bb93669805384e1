/* LogSoftmax along one axis: x - max - log(sum of exp(x - max)), the subtractions in either order. */
#include <string.h>

#include "reference/along.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

static void each(const struct assay_ref_row *row)
{
    const struct assay_arithmetic *a = &row->call->arithmetic;
    double *weight = row->own.value, *error = row->own.error;
    memcpy(weight, row->in[0].value, row->length * sizeof *weight);
    memcpy(error, row->in[0].error, row->length * sizeof *error);
    struct assay_ref_log_sum sum = assay_ref_log_sum(a, row->length, weight, error);
    for (size_t i = 0; i < row->count; i++)
        assay_ref_row_put(row, i, assay_ref_log_weight(a, assay_ref_row_in(row, 0, assay_ref_row_at(row, i)), &sum));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    static const struct assay_ref_along op = {.n_in = 1, .own = true, .each = each};
    return assay_ref_along(&op, call, n, index, value, bound, err);
}

ASSAY_OP_REFERENCE(LogSoftmax) = {.at = at};
