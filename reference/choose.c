#include "reference/choose.h"

#include <stdlib.h>

#include "assay/banned.h"

static size_t line_of(const void *self, int64_t index)
{
    const struct assay_ref_lines *l = self;
    return (size_t)(index / (l->length * l->axis.inner) * l->axis.inner + index % l->axis.inner);
}

enum assay_code assay_ref_lines_each(const struct assay_ref_lines *lines, size_t n, size_t scratch,
                                     void (*each)(const void *lines, size_t line, size_t count, const size_t *places,
                                                  double *scratch),
                                     struct assay_error *err)
{
    struct assay_ref_groups groups = {.n_groups = (size_t)(lines->axis.outer * lines->axis.inner), .scratch = scratch,
                                      .group_of = line_of, .each = each, .self = lines};
    return assay_ref_by_group(&groups, n, lines->index, err);
}

static int by_rank(const void *a, const void *b)
{
    const struct assay_ref_ranked *x = a, *y = b;
    if (isnan(x->value) || isnan(y->value))
        return isnan(x->value) != isnan(y->value) ? isnan(x->value) - isnan(y->value) : (x->index > y->index) - (x->index < y->index);
    if (x->value != y->value)
        return (x->value < y->value) - (x->value > y->value);
    return (x->index > y->index) - (x->index < y->index);
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The number at a rank moves by no more than the ranks of all upper ends and of all lower ends say. */
static void bound_values(size_t n, struct assay_ref_ranked *list, double *work)
{
    double *high = work, *low = work + n;
    for (size_t i = 0; i < n; i++) {
        high[i] = list[i].value + list[i].error;
        low[i] = list[i].value - list[i].error;
    }
    qsort(high, n, sizeof *high, descending);
    qsort(low, n, sizeof *low, descending);
    for (size_t i = 0; i < n; i++)
        list[i].error = fmax(high[i] - list[i].value, list[i].value - low[i]);
}

void assay_ref_rank(size_t n, struct assay_ref_ranked *list, double *index_error, double *work)
{
    bool exact = true, ordered = true;
    qsort(list, n, sizeof *list, by_rank);
    for (size_t i = 0; i < n; i++) {
        exact &= !(list[i].error > 0);
        ordered &= !isnan(list[i].value) && !isinf(list[i].error);
        index_error[i] = 0;
    }
    if (!ordered) { /* where NaN stands is left open */
        for (size_t i = 0; i < n; i++)
            list[i].error = index_error[i] = INFINITY;
        return;
    }
    if (exact)
        return;
    /* Certain: everything before is surely greater, everything behind surely less; exact equals are told by their index. */
    double *after = work, before = INFINITY;
    after[n - 1] = -INFINITY;
    for (size_t i = n - 1; i > 0; i--)
        after[i - 1] = fmax(after[i], list[i].value + list[i].error);
    for (size_t i = 0, end; i < n; i = end) {
        bool   any = false;
        double lowest = INFINITY;
        for (end = i; end < n && list[end].value == list[i].value; end++) {
            any |= list[end].error > 0;
            lowest = fmin(lowest, list[end].value - list[end].error);
        }
        bool certain = (end - i == 1 || !any) && before > list[i].value + list[i].error &&
                       after[end - 1] < list[i].value - list[i].error;
        for (size_t k = i; k < end; k++)
            index_error[k] = certain ? 0 : INFINITY;
        before = fmin(before, lowest);
    }
    bound_values(n, list, work);
}
