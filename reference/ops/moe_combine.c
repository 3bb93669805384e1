/* MoeCombine: y[token] = sum over j < k of weight[token, j] rows[row of slot token k + j], a dot product of length k. */
#include <stdlib.h>

#include "reference/moe.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    int64_t                      k, width;
    const int64_t               *row, *index;
    double                      *value, *bound;
};

static size_t group_of(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct job *)self)->width);
}

static void each(const void *self, size_t token, size_t count, const size_t *places, double *scratch)
{
    const struct job              *j = self;
    const struct assay_ref_tensor *rows = &j->call->in[0], *weights = &j->call->in[1];
    const struct assay_arithmetic *a = &j->call->arithmetic;
    size_t                         k = (size_t)j->k, first = token * k;
    struct assay_ref_vector        w = {weights->value + first, NULL, weights->error ? weights->error + first : NULL};
    struct assay_ref_vector        x = {scratch, NULL, scratch + k};
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < k; s++) {
            struct assay_bounded v = bounded_of(rows, (size_t)(j->row[first + s] * j->width + j->index[places[i]] % j->width));
            scratch[s] = v.value;
            scratch[k + s] = v.error;
        }
        struct assay_ref_sum s = assay_ref_dot(a, k, w, x);
        assay_ref_put(j->call, places[i], assay_ref_sum_close(a, &s, (double)k, (double)k), j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int64_t        *row;
    enum assay_code code = assay_ref_rows_of_slots(call, 2, &row, err);
    if (code)
        return code;
    struct job j = {call, call->in[1].dims[1], call->in[0].dims[1], row, index, value, bound};
    struct assay_ref_groups groups = {.n_groups = (size_t)call->out[0].dims[0], .scratch = 2 * (size_t)j.k, .group_of = group_of,
                                      .each = each, .self = &j};
    code = assay_ref_by_group(&groups, n, index, err);
    if (assay_ref_any_uncertain(&call->in[2]))
        assay_ref_forget(n, bound);
    free(row);
    return code;
}

ASSAY_OP_REFERENCE(MoeCombine) = {.at = at};
