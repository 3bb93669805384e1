/* EmbeddingBag: sum over a bag of rows of the table, in any order; a mean divides it by their number. */
#include "reference/bags.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    bool                         mean, uncertain;
    const int64_t               *index;
    double                      *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job              *j = self;
    const struct assay_ref_tensor *table = &j->call->in[0], *indices = &j->call->in[1];
    const struct assay_arithmetic *a = &j->call->arithmetic;
    int64_t                        width = table->dims[1], bag = j->index[i] / width, column = j->index[i] % width;
    int64_t                        begin = (int64_t)j->call->in[2].value[bag], end = assay_ref_bag_end(j->call, (uint64_t)bag);
    double                         count = (double)(end - begin), total = 0, low = 0;
    struct assay_ref_sum           s = {0};
    bool                           certain = !j->uncertain;
    for (int64_t t = begin; t < end; t++) {
        int64_t row = (int64_t)indices->value[t];
        row += row < 0 ? table->dims[0] : 0;
        struct assay_bounded x = bounded_of(table, (size_t)(row * width + column));
        double               next = total + x.value, back = next - total;
        bool   left = !isfinite(next) && isfinite(total) && isfinite(x.value); /* the range of double */
        low += (total - (next - back)) + (x.value - back); /* two-sum: what the addition lost */
        total = next;
        s.magnitude += fabs(x.value);
        s.error += left ? INFINITY : x.error;
        certain &= !assay_ref_uncertain(indices, (size_t)t);
    }
    double gamma = assay_ref_gamma(count + 8, ASSAY_REF_OWN);
    s.value = isfinite(total) ? total + low : total;
    s.own = count > 1 ? 2 * ASSAY_REF_OWN * fabs(s.value) + 2 * gamma * gamma * s.magnitude : 0;
    struct assay_bounded y = assay_ref_sum_close(a, &s, count, count > 1 ? count - 1 : 0);
    if (j->mean && count > 1)
        y = assay_bounded_divide(a, y, bounded(count, 0));
    assay_ref_put(j->call, i, y, j->value, j->bound);
    if (!certain)
        j->bound[i] = INFINITY;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job      j = {call, assay_ref_is_mean(call), assay_ref_any_uncertain(&call->in[2]), index, value, bound};
    enum assay_code code = assay_ref_check_indices(call, 1, -call->in[0].dims[0], call->in[0].dims[0], err);
    if (!code)
        code = assay_ref_check_bags(call, err);
    if (!code)
        assay_ref_each(n, each, &j);
    return code;
}

ASSAY_OP_REFERENCE(EmbeddingBag) = {.at = at};
