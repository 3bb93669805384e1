#include "reference/moe.h"

#include <stdlib.h>

#include "reference/elementwise.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

enum assay_code assay_ref_groups_of(const struct assay_ref_call *call, uint32_t input, int64_t rows, int64_t *first,
                                    struct assay_error *err)
{
    const struct assay_ref_tensor *counts = &call->in[input];
    first[0] = 0;
    for (uint64_t e = 0; e < counts->elements; e++) {
        double count = counts->value[e];
        if (!(count >= 0 && count <= (double)(rows - first[e])))
            return ASSAY_FAIL(err, ASSAY_DATA, "count %llu is %.0f of %lld rows that are left", (unsigned long long)e, count,
                              (long long)(rows - first[e]));
        first[e + 1] = first[e] + (int64_t)count;
    }
    if (first[counts->elements] != rows)
        return ASSAY_FAIL(err, ASSAY_DATA, "counts of %lld rows together, not %lld", (long long)first[counts->elements], (long long)rows);
    return ASSAY_OK;
}

enum assay_code assay_ref_rows_of_slots(const struct assay_ref_call *call, uint32_t input, int64_t **row, struct assay_error *err)
{
    const struct assay_ref_tensor *source = &call->in[input];
    int64_t                        n = (int64_t)source->elements;
    enum assay_code                code = assay_ref_check_indices(call, input, 0, n, err);
    int64_t                       *list = code ? NULL : malloc((size_t)(n + 1) * sizeof *list);
    if (code)
        return code;
    if (!list)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %lld slots", (long long)n);
    for (int64_t s = 0; s < n; s++)
        list[s] = -1;
    for (int64_t r = 0; r < n && !code; r++) {
        int64_t slot = (int64_t)source->value[r];
        if (list[slot] >= 0)
            code = ASSAY_FAIL(err, ASSAY_DATA, "slot %lld stands in rows %lld and %lld", (long long)slot, (long long)list[slot], (long long)r);
        list[slot] = r;
    }
    if (code)
        free(list);
    else
        *row = list;
    return code;
}

void assay_ref_moe_scores(const struct assay_arithmetic *a, bool softmax, size_t n, double *x, double *e, double *apart)
{
    struct assay_bounded sum = {0, 0};
    if (softmax)
        sum = assay_ref_softmax_row(a, n, x, e).sum;
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded v = bounded(x[i], e[i]);
        struct assay_bounded p = softmax ? assay_ref_softmax_divide(a, v, sum) : assay_bounded_sigmoid(a, v);
        apart[i] = softmax ? assay_ref_softmax_divide(a, v, bounded(sum.value, 0)).error : p.error;
        x[i] = p.value;
        e[i] = p.error;
    }
}
