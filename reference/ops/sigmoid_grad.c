/* assay.SigmoidGrad: dy y (1 - y), in whichever order. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded dy, struct assay_bounded y)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    return bounded_multiply(a, bounded_multiply(a, dy, y), bounded_subtract(a, bounded(1, 0), y));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(SigmoidGrad) = {.at = at};
