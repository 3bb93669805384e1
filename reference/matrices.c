#include "reference/matrices.h"

#include <assert.h>
#include <stdlib.h>

#include "assay/banned.h"

struct assay_ref_matrices assay_ref_matrices_of(const struct assay_ref_call *call)
{
    const struct assay_ref_tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out[0];
    struct assay_ref_matrices s = {.m = 1, .n = 1, .batches = 1};
    s.has_row_axis = a->rank > 1;
    s.has_column_axis = b->rank > 1;
    s.k = a->dims[a->rank - 1];
    if (s.has_row_axis)
        s.m = a->dims[a->rank - 2];
    if (s.has_column_axis)
        s.n = b->dims[b->rank - 1];
    s.n_batch_dims = out->rank - s.has_row_axis - s.has_column_axis;
    assert(s.n_batch_dims >= 0 && s.n_batch_dims < ASSAY_MAX_RANK);
    for (int32_t d = 0; d < s.n_batch_dims; d++)
        s.batches *= out->dims[d];
    return s;
}

void assay_ref_matrices_flatten(const struct assay_ref_call *call, struct assay_ref_matrices *s)
{
    if (call->in[1].rank > 2)
        return;
    s->m *= s->batches;
    s->batches = 1;
    s->n_batch_dims = 0;
}

/* Where every batch's matrix begins in an operand whose last `own` dimensions are the matrix. */
static void batch_offsets(const struct assay_ref_call *call, const struct assay_ref_matrices *s, const struct assay_ref_tensor *t,
                          int32_t own, int64_t size, int64_t *offset)
{
    struct assay_ref_tensor batch = {.rank = t->rank > own ? t->rank - own : 0}, out = {.rank = s->n_batch_dims};
    int64_t strides[ASSAY_MAX_RANK];
    for (int32_t d = 0; d < batch.rank; d++)
        batch.dims[d] = t->dims[d];
    assert(out.rank >= 0 && out.rank < ASSAY_MAX_RANK);
    if (s->batches == 0)
        return;
    for (int32_t d = 0; d < out.rank; d++) {
        out.dims[d] = call->out[0].dims[d];
        assert(out.dims[d] > 0); /* else there would be no batch */
    }
    assay_ref_broadcast(&out, &batch, strides);
    for (int64_t b = 0; b < s->batches; b++)
        offset[b] = assay_ref_offset(&out, strides, b) * size;
}

enum assay_code assay_ref_matrices_product(const struct assay_ref_call *call, const struct assay_ref_matrices *s,
                                           struct assay_ref_product *p, int64_t **offsets, struct assay_error *err)
{
    const struct assay_ref_tensor *a = &call->in[0], *b = &call->in[1];
    *offsets = malloc((size_t)(2 * s->batches + 1) * sizeof **offsets);
    if (!*offsets)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %lld batches", (long long)s->batches);
    batch_offsets(call, s, a, 2, s->m * s->k, *offsets);
    batch_offsets(call, s, b, 2, s->k * s->n, *offsets + s->batches);
    *p = (struct assay_ref_product){.call = call,
                                    .rows = s->m,
                                    .columns = s->n,
                                    .terms = s->k,
                                    .batches = s->batches,
                                    .x = {a->value, NULL, a->error},
                                    .y = {b->value, NULL, b->error},
                                    .x_offset = *offsets,
                                    .y_offset = *offsets + s->batches,
                                    .x_row = s->k,
                                    .y_term = s->n,
                                    .y_column = 1};
    return ASSAY_OK;
}
