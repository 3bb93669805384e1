/* Reciprocal: a division. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    return bounded_last(x, x, assay_bounded_divide(&call->arithmetic, bounded(1, 0), x));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Reciprocal) = {.at = at};
