/* Cast: to a float, one rounding to its format, cut at its largest number or not as `saturate` says; to an integer, cut
 * towards zero, of integers the low bits; to bool, whether it is not zero. A float that no integer of the type is near is
 * left open by ONNX, and so is what near zero or near a whole number an error may move. */
#include "reference/convert.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    enum assay_dtype from = call->in[0].dtype, to = call->out[0].dtype;
    if (to == ASSAY_BOOL)
        return bounded(x.value != 0, x.error > 0 && fabs(x.value) <= x.error ? INFINITY : 0);
    if (!assay_dtype_is_float(to) && assay_dtype_is_float(from))
        return assay_bounded_cut(to, x);
    if (!assay_dtype_is_float(to))
        return bounded(assay_wrapped(to, x.value), x.error > 0 || fabs(x.value) > 0x1p53 ? INFINITY : 0);
    return assay_bounded_to_float(call, to, x, assay_node_i64(call->node, "saturate", 1) != 0);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Cast) = {.at = at};
