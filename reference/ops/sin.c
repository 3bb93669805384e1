/* Sin: 4 units in the last place; the slope is at most 1, and no two values are further apart than 2. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    if (isinf(x.error))
        return bounded(sin(x.value), INFINITY);
    return bounded_function(&call->arithmetic, sin(x.value), fmin(x.error, 2), assay_reference_ulps.sin);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Sin) = {.at = at};
