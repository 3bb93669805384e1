/* Div: x / y to 2.5 units in the last place; integers are cut towards zero. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x, struct assay_bounded y)
{
    if (!assay_dtype_is_float(call->out[0].dtype))
        return assay_bounded_whole(call->out[0].dtype, '/', x.value, y.value);
    return bounded_last(x, y, assay_bounded_divide(&call->arithmetic, x, y));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Div) = {.at = at};
