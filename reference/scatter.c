#include "reference/scatter.h"

#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

struct job {
    const struct assay_ref_scatter *s;
    const int64_t *first, *terms; /* terms of k: terms[first[k]] .. terms[first[k + 1] - 1] */
    const int64_t *index;
    double        *value, *bound;
};

static int64_t target_of(const struct assay_ref_scatter *s, int64_t t)
{
    int64_t k = (int64_t)s->indices->value[t];
    return k < 0 ? k + s->length : k;
}

/* A counting sort of the terms by where they go. first has length + 2 numbers. */
static void sort_terms(const struct assay_ref_scatter *s, int64_t *first, int64_t *terms)
{
    memset(first, 0, (size_t)(s->length + 2) * sizeof *first);
    for (int64_t t = 0; t < s->terms; t++)
        first[target_of(s, t) + 2]++;
    for (int64_t k = 2; k <= s->length + 1; k++)
        first[k] += first[k - 1];
    for (int64_t t = 0; t < s->terms; t++)
        terms[first[target_of(s, t) + 1]++] = t;
}

static void do_one(const void *self, size_t i)
{
    const struct job               *j = self;
    const struct assay_ref_scatter *s = j->s;
    const struct assay_arithmetic  *a = &s->call->arithmetic;
    int64_t k = j->index[i] / s->inner % s->length, outer = j->index[i] / s->inner / s->length, at = j->index[i] % s->inner;
    int64_t slices = s->slices ? s->slices : s->terms, count = j->first[k + 1] - j->first[k];
    struct assay_ref_sum sum = {0};
    double               total = 0, low = 0;
    for (int64_t p = j->first[k]; p < j->first[k + 1]; p++) {
        int64_t              t = j->terms[p], from = (outer * slices + (s->slice ? s->slice[t] : t)) * s->inner + at;
        struct assay_bounded x = bounded(s->from.value[from], s->from.error ? s->from.error[from] : 0);
        if (s->divisor && s->divisor[t] != 1)
            x = assay_bounded_divide(a, x, bounded(s->divisor[t], 0));
        double next = total + x.value, back = next - total;
        bool   left = !isfinite(next) && isfinite(total) && isfinite(x.value); /* the range of double */
        low += (total - (next - back)) + (x.value - back); /* two-sum: what the addition lost */
        total = next;
        sum.magnitude += fabs(x.value);
        sum.error += left ? INFINITY : x.error;
    }
    double gamma = assay_ref_gamma((double)count + 8, ASSAY_REF_OWN);
    sum.value = isfinite(total) ? total + low : total;
    sum.own = count > 1 ? 2 * ASSAY_REF_OWN * fabs(sum.value) + 2 * gamma * gamma * sum.magnitude : 0;
    assay_ref_put(s->call, i, assay_ref_sum_close(a, &sum, (double)count, count > 1 ? (double)count - 1 : 0), j->value, j->bound);
}

enum assay_code assay_ref_scatter_at(const struct assay_ref_scatter *s, size_t n, const int64_t *index, double *value,
                                     double *bound, struct assay_error *err)
{
    int64_t *first = malloc((size_t)(s->length + 2 + s->terms) * sizeof *first);
    if (!first)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to sort %lld indices", (long long)s->terms);
    sort_terms(s, first, first + s->length + 2);
    struct job j = {s, first, first + s->length + 2, index, value, bound};
    assay_ref_each(n, do_one, &j);
    if (assay_ref_any_uncertain(s->indices))
        assay_ref_forget(n, bound);
    free(first);
    return ASSAY_OK;
}
