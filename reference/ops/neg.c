/* Neg: -x, exact. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    if (!assay_dtype_is_float(call->out[0].dtype))
        return assay_bounded_whole(call->out[0].dtype, '-', 0, x.value);
    return bounded(-x.value, x.error);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Neg) = {.at = at, .exact = true};
