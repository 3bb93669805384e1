/* MoeCombineGrad: of a row, the weight of its slot times dY of its token; of a weight, the product of its row and dY. */
#include <stdlib.h>

#include "reference/moe.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    int64_t                      k, width;
    const int64_t               *row, *index;
    double                      *value, *bound;
};

static void of_row(const void *self, size_t i)
{
    const struct job    *j = self;
    int64_t              slot = (int64_t)j->call->in[3].value[j->index[i] / j->width];
    struct assay_bounded dy = bounded_of(&j->call->in[0], (size_t)(slot / j->k * j->width + j->index[i] % j->width));
    assay_ref_put(j->call, i, bounded_multiply(&j->call->arithmetic, bounded_of(&j->call->in[2], (size_t)slot), dy), j->value, j->bound);
}

static struct assay_ref_vector vector_of(const struct assay_ref_tensor *t, int64_t offset)
{
    return assay_ref_vector_at((struct assay_ref_vector){t->value, NULL, t->error}, offset);
}

static void of_weight(const void *self, size_t i)
{
    const struct job              *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    int64_t                        slot = j->index[i];
    struct assay_ref_sum s = assay_ref_dot(a, (size_t)j->width, vector_of(&j->call->in[0], slot / j->k * j->width),
                                           vector_of(&j->call->in[1], j->row[slot] * j->width));
    assay_ref_put(j->call, i, assay_ref_sum_close(a, &s, (double)j->width, (double)j->width), j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int64_t        *row;
    enum assay_code code = assay_ref_rows_of_slots(call, 3, &row, err);
    if (code)
        return code;
    struct job j = {call, call->in[2].dims[1], call->in[1].dims[1], row, index, value, bound};
    assay_ref_each(n, call->output ? of_weight : of_row, &j);
    if (assay_ref_any_uncertain(&call->in[3]))
        assay_ref_forget(n, bound);
    free(row);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(MoeCombineGrad) = {.at = at};
