#include "reference/grouped.h"

#include <stdlib.h>

#include "assay/banned.h"

struct room {
    size_t  *begin, *place; /* where each group's elements begin; an element's place among those asked for */
    int64_t *inside;        /* its index in its group's product */
    double  *value;         /* values, then bounds */
};

/* Sorted by group, so that each product is one call. */
static void sort_elements(const struct assay_ref_grouped *g, size_t n, const int64_t *index, const struct room *room)
{
    for (size_t i = 0; i < n; i++) {
        int64_t ignored;
        room->begin[g->locate(g, index[i], &ignored) + 2]++;
    }
    for (int64_t k = 2; k <= g->n_groups + 1; k++)
        room->begin[k] += room->begin[k - 1];
    for (size_t i = 0; i < n; i++) {
        int64_t at;
        size_t *next = &room->begin[g->locate(g, index[i], &at) + 1];
        room->place[*next] = i;
        room->inside[(*next)++] = at;
    }
}

static enum assay_code multiply(const struct assay_ref_grouped *g, size_t n, const int64_t *index, double *value, double *bound,
                                const struct room *room, struct assay_error *err)
{
    sort_elements(g, n, index, room);
    for (int64_t k = 0; k < g->n_groups; k++) {
        struct assay_ref_product p = {.call = g->call};
        size_t                   first = room->begin[k], count = room->begin[k + 1] - first;
        if (!count)
            continue;
        g->describe(g, k, &p);
        p.value = room->value + first;
        p.bound = room->value + n + first;
        p.index = room->inside + first;
        enum assay_code code = assay_ref_product_at(&p, count, err);
        if (code)
            return code;
    }
    for (size_t i = 0; i < n; i++) {
        value[room->place[i]] = room->value[i];
        bound[room->place[i]] = room->value[n + i];
    }
    return ASSAY_OK;
}

enum assay_code assay_ref_grouped_at(const struct assay_ref_grouped *g, size_t n, const int64_t *index, double *value,
                                     double *bound, struct assay_error *err)
{
    struct room room = {calloc((size_t)g->n_groups + 2, sizeof *room.begin), calloc(n + 1, sizeof *room.place),
                        calloc(n + 1, sizeof *room.inside), calloc(2 * n + 1, sizeof *room.value)};
    enum assay_code code;
    if (room.begin && room.place && room.inside && room.value)
        code = multiply(g, n, index, value, bound, &room, err);
    else
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu elements of %lld groups", n, (long long)g->n_groups);
    free(room.value);
    free(room.inside);
    free(room.place);
    free(room.begin);
    return code;
}
