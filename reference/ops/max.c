/* Max: the larger of two, NaN if either is; nothing is rounded. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x, struct assay_bounded y)
{
    (void)call;
    return assay_bounded_extreme(x, y, 1);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Max) = {.at = at, .exact = true};
