/* Abs: |x|, exact; ||x| - |y|| <= |x - y|. The smallest integer stays itself, as in two's complement. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    if (!assay_dtype_is_float(call->out[0].dtype))
        return x.value < 0 ? assay_bounded_whole(call->out[0].dtype, '-', 0, x.value) : x;
    return bounded(fabs(x.value), x.error);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Abs) = {.at = at, .exact = true};
