/* LessOrEqual: nothing is known where the operands are closer than their errors. */
#include "reference/choose.h"
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x, struct assay_bounded y)
{
    (void)call;
    return assay_bounded_holds(x.value <= y.value, x, y);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(LessOrEqual) = {.at = at, .exact = true};
