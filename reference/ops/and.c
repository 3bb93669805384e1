/* And: certain where one operand certainly does not hold, or both are certain. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x, struct assay_bounded y)
{
    (void)call;
    bool x_fails = x.value == 0 && !(x.error > 0), y_fails = y.value == 0 && !(y.error > 0);
    return bounded(x.value != 0 && y.value != 0, x_fails || y_fails ? 0 : x.error + y.error);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(And) = {.at = at, .exact = true};
