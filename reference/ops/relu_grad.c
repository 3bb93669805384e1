/* assay.ReluGrad: dy where y > 0, else 0; exact. A y that may be on the other side of zero leaves open which of the two. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded dy, struct assay_bounded y)
{
    bool above = y.value > 0, open = y.error > 0 && fabs(y.value) <= y.error;
    (void)call;
    if (open)
        return bounded(above ? dy.value : 0, fabs(dy.value) + dy.error);
    return above ? dy : bounded(0, 0);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_EXACT, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(ReluGrad) = {.at = at, .exact = true};
