/* assay.LayerNormalizationGrad: r (g - mean(g) - h mean(g h)) and what goes to scale and bias; see normalize_gradient.h. */
#include "reference/normalize_gradient.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    return assay_ref_normalize_gradient(call, true, n, index, value, bound, err);
}

ASSAY_OP_REFERENCE(LayerNormalizationGrad) = {.at = at};
