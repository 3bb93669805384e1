/* assay.TanhGrad: dy (1 - y^2). */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded dy, struct assay_bounded y)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    return bounded_multiply(a, dy, bounded_subtract(a, bounded(1, 0), bounded_multiply(a, y, y)));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(TanhGrad) = {.at = at};
