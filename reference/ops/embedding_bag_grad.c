/* EmbeddingBagGrad: dTable[row] = sum over the indices that are row of dY of their bag, for means divided by its length. */
#include <stdlib.h>

#include "reference/bags.h"
#include "reference/scatter.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *dy = &call->in[0], *indices = &call->in[1], *offsets = &call->in[2];
    int64_t                        rows = call->out[0].dims[0], terms = (int64_t)indices->elements;
    enum assay_code                code = assay_ref_check_indices(call, 1, -rows, rows, err);
    if (!code)
        code = assay_ref_check_bags(call, err);
    if (code)
        return code;
    int64_t *bag_of = malloc((size_t)(terms + 1) * sizeof *bag_of);
    double  *length = malloc((size_t)(terms + 1) * sizeof *length);
    if (bag_of && length) {
        for (uint64_t b = 0; b < offsets->elements; b++)
            for (int64_t t = (int64_t)offsets->value[b], end = assay_ref_bag_end(call, b); t < end; t++) {
                bag_of[t] = (int64_t)b;
                length[t] = (double)(end - (int64_t)offsets->value[b]);
            }
        struct assay_ref_scatter s = {.call = call, .indices = indices, .length = rows, .inner = dy->dims[1],
                                      .terms = offsets->elements ? terms : 0, .from = {dy->value, NULL, dy->error},
                                      .slices = dy->dims[0], .slice = bag_of, .divisor = assay_ref_is_mean(call) ? length : NULL};
        code = assay_ref_scatter_at(&s, n, index, value, bound, err);
        if (assay_ref_any_uncertain(offsets))
            assay_ref_forget(n, bound);
    } else {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %lld indices", (long long)terms);
    }
    free(length);
    free(bag_of);
    return code;
}

ASSAY_OP_REFERENCE(EmbeddingBagGrad) = {.at = at};
