/* assay.SwishGrad: dy s (1 + alpha x (1 - s)), s = sigmoid(alpha x). */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded dy, struct assay_bounded x)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    double alpha = assay_node_f64(call->node, "alpha", 1.0);
    struct assay_bounded inner = alpha == 1.0 ? x : bounded_multiply(a, assay_bounded_constant(a, alpha), x);
    struct assay_bounded s = assay_bounded_sigmoid(a, inner), rest = bounded_subtract(a, bounded(1, 0), s);
    struct assay_bounded sum = bounded_add(a, bounded(1, 0), bounded_multiply(a, inner, rest));
    if (isinf(inner.value)) /* x (1 - s) s is 0 there */
        return bounded_multiply(a, dy, bounded(inner.value > 0, 0));
    return bounded_multiply(a, dy, bounded_multiply(a, s, sum));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(SwishGrad) = {.at = at};
