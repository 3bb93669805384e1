/* ResizeGrad: the sum of a block of dY. gamma_(n-1) for n elements in any order. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    const struct assay_attr *factors;
    int64_t block; /* elements */
    const int64_t *index;
    double *value, *bound;
};

/* Flat index of element `k` of the block that makes element `index`. */
static int64_t block_at(const struct job *j, int64_t index, int64_t k)
{
    const struct assay_ref_tensor *dx = &j->call->out[0], *dy = &j->call->in[0];
    int64_t offset = 0, stride = 1;
    for (int32_t d = dx->rank - 1; d >= 0; d--) {
        int64_t f = j->factors->list[d];
        offset += (index % dx->dims[d] * f + k % f) * stride;
        stride *= dy->dims[d];
        index /= dx->dims[d];
        k /= f;
    }
    return offset;
}

static void each(const void *self, size_t i)
{
    const struct job *j = self;
    struct assay_ref_sum s = {0};
    double terms = (double)j->block;
    for (int64_t k = 0; k < j->block; k++) {
        struct assay_bounded dy = bounded_of(&j->call->in[0], (size_t)block_at(j, j->index[i], k));
        assay_ref_sum_take(&s, dy);
    }
    s.own = assay_ref_gamma(terms - 1, ASSAY_REF_OWN) * s.magnitude;
    assay_ref_put(j->call, i, assay_ref_sum_close(&j->call->arithmetic, &s, terms, terms - 1), j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .block = 1, .index = index, .value = value, .bound = bound};
    (void)err;
    j.factors = assay_node_attr(call->node, "factors");
    for (size_t d = 0; d < j.factors->n; d++)
        j.block *= j.factors->list[d];
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(ResizeGrad) = {.at = at};
