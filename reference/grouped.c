#include "reference/grouped.h"

#include <stdlib.h>

#include "assay/banned.h"

/* Sorted by group, so that each product is one call. */
enum assay_code assay_ref_grouped_at(const struct assay_ref_grouped *g, size_t n, const int64_t *index, double *value,
                                     double *bound, struct assay_error *err)
{
    size_t         *begin = calloc((size_t)g->n_groups + 2, sizeof *begin), *place = malloc((n + 1) * sizeof *place);
    int64_t        *inside = malloc((n + 1) * sizeof *inside);
    double         *v = malloc((2 * n + 1) * sizeof *v);
    enum assay_code code = ASSAY_OK;
    if (!begin || !place || !inside || !v)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu elements of %lld groups", n, (long long)g->n_groups);
    for (size_t i = 0; !code && i < n; i++) {
        int64_t ignored;
        begin[g->locate(g, index[i], &ignored) + 2]++;
    }
    for (int64_t k = 2; !code && k <= g->n_groups + 1; k++)
        begin[k] += begin[k - 1];
    for (size_t i = 0; !code && i < n; i++) {
        int64_t at, group = g->locate(g, index[i], &at);
        place[begin[group + 1]] = i;
        inside[begin[group + 1]++] = at;
    }
    for (int64_t k = 0; !code && k < g->n_groups; k++) {
        struct assay_ref_product p = {.call = g->call};
        size_t                   first = begin[k], count = begin[k + 1] - first;
        if (!count)
            continue;
        g->describe(g, k, &p);
        p.value = v + first;
        p.bound = v + n + first;
        p.index = inside + first;
        code = assay_ref_product_at(&p, count, err);
    }
    for (size_t i = 0; !code && i < n; i++) {
        value[place[i]] = v[i];
        bound[place[i]] = v[n + i];
    }
    free(v);
    free(inside);
    free(place);
    free(begin);
    return code;
}
