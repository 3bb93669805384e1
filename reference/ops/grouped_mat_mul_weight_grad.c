/* GroupedMatMulWeightGrad: of each group the product of A's transpose and B, as long as the group has rows:
 * gamma_rows(u) sum |a||b|. */
#include <stdlib.h>

#include "reference/grouped.h"

#include "assay/banned.h"

static const int64_t nothing[1] = {0};

static int64_t locate(const struct assay_ref_grouped *g, int64_t index, int64_t *inside)
{
    *inside = index % g->width;
    return index / g->width;
}

/* x is A turned: [d, r], so that terms stand side by side. */
static void describe(const struct assay_ref_grouped *g, int64_t group, struct assay_ref_product *p)
{
    int64_t rows = g->call->in[0].dims[0], columns = g->call->in[1].dims[1];
    p->rows = g->call->in[0].dims[1];
    p->columns = columns;
    p->terms = g->first[group + 1] - g->first[group];
    p->batches = 1;
    p->x = assay_ref_vector_at(g->x, g->first[group]);
    p->y = assay_ref_vector_at(g->y, g->first[group] * columns);
    p->x_offset = p->y_offset = nothing;
    p->x_row = rows;
    p->y_term = columns;
    p->y_column = 1;
}

static void turn(const double *from, int64_t rows, int64_t columns, double *to)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *a = &call->in[0], *b = &call->in[1];
    int64_t                        groups = call->out[0].dims[0], rows = a->dims[0], depth = a->dims[1];
    int64_t                       *first = malloc((size_t)(groups + 1) * sizeof *first);
    double                        *turned = malloc(((a->error ? 2 : 1) * a->elements + 1) * sizeof *turned);
    if (!first || !turned) {
        free(turned);
        free(first);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to turn %lld rows", (long long)rows);
    }
    enum assay_code code = assay_ref_groups_of(call, 2, rows, first, err);
    if (!code) {
        turn(a->value, rows, depth, turned);
        if (a->error)
            turn(a->error, rows, depth, turned + a->elements);
        struct assay_ref_grouped g = {.call = call, .first = first, .n_groups = groups, .locate = locate, .describe = describe,
                                      .x = {turned, NULL, a->error ? turned + a->elements : NULL}, .y = {b->value, NULL, b->error},
                                      .width = depth * b->dims[1]};
        code = assay_ref_grouped_at(&g, n, index, value, bound, err);
    }
    if (!code && assay_ref_any_uncertain(&call->in[2]))
        assay_ref_forget(n, bound);
    free(turned);
    free(first);
    return code;
}

/* Input 2 is counts. */
static double quantum(const struct assay_ref_call *call)
{
    return call->in[0].quantum * call->in[1].quantum;
}

ASSAY_OP_REFERENCE(GroupedMatMulWeightGrad) = {.at = at, .quantum = quantum};
