/* Sign: exact; an operand that may be on the other side of zero leaves the sign open. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    (void)call;
    if (isnan(x.value))
        return x;
    double sign = (x.value > 0) - (x.value < 0);
    if (fabs(x.value) > x.error || x.error == 0)
        return bounded(sign, 0);
    return bounded(sign, fabs(x.value) == x.error ? 1 : 1 + fabs(sign));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Sign) = {.at = at, .exact = true};
