/* GroupedMatMul: MatMul of each group of rows by its matrix: gamma_d(u) sum |x||w|, for any order. */
#include <stdlib.h>

#include "reference/grouped.h"

#include "assay/banned.h"

static const int64_t nothing[1] = {0};

/* Rows are few compared with elements: the last group that begins at or before the row. */
static int64_t locate(const struct assay_ref_grouped *g, int64_t index, int64_t *inside)
{
    int64_t columns = g->width, row = index / columns, low = 0, high = g->n_groups;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        *(g->first[middle] <= row ? &low : &high) = middle;
    }
    *inside = (row - g->first[low]) * columns + index % columns;
    return low;
}

static void describe(const struct assay_ref_grouped *g, int64_t group, struct assay_ref_product *p)
{
    int64_t depth = g->call->in[0].dims[1], columns = g->width;
    p->rows = g->first[group + 1] - g->first[group];
    p->columns = columns;
    p->terms = depth;
    p->batches = 1;
    p->x = assay_ref_vector_at(g->x, g->first[group] * depth);
    p->y = assay_ref_vector_at(g->y, group * depth * columns);
    p->x_offset = p->y_offset = nothing;
    p->x_row = depth;
    p->y_term = g->turned ? 1 : columns;
    p->y_column = g->turned ? depth : 1;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *rows = &call->in[0], *w = &call->in[1];
    int64_t                       *first = malloc((size_t)(w->dims[0] + 1) * sizeof *first);
    if (!first)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %lld groups", (long long)w->dims[0]);
    enum assay_code          code = assay_ref_groups_of(call, 2, rows->dims[0], first, err);
    struct assay_ref_grouped g = {.call = call, .first = first, .n_groups = w->dims[0], .locate = locate, .describe = describe,
                                  .x = {rows->value, NULL, rows->error}, .y = {w->value, NULL, w->error},
                                  .width = call->out[0].dims[1], .turned = assay_node_i64(call->node, "transB", 0) != 0};
    if (!code)
        code = assay_ref_grouped_at(&g, n, index, value, bound, err);
    if (!code && assay_ref_any_uncertain(&call->in[2]))
        assay_ref_forget(n, bound);
    free(first);
    return code;
}

/* Input 2 is counts. */
static double quantum(const struct assay_ref_call *call)
{
    return call->in[0].quantum * call->in[1].quantum;
}

ASSAY_OP_REFERENCE(GroupedMatMul) = {.at = at, .quantum = quantum};
