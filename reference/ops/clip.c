/* Clip: min(max(x, low), high); nothing is rounded, NaN stays. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    const struct assay_ref_tensor *low = assay_ref_input(call, 1), *high = assay_ref_input(call, 2);
    if (low)
        x = assay_bounded_extreme(x, bounded_of(low, 0), 1);
    return high ? assay_bounded_extreme(x, bounded_of(high, 0), -1) : x;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Clip) = {.at = at, .exact = true};
