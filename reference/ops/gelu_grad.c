/* assay.GeluGrad: dy (P + x p) with the normal distribution P and its density p, or the derivative of the formula with
 * tanh. As in gelu.c the sums cancel for x far below 0, where the bound is absolute. */
#include <string.h>

#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded by_erf(const struct assay_arithmetic *a, struct assay_bounded x)
{
    struct assay_bounded t = bounded_multiply(a, x, assay_bounded_constant(a, 0.70710678118654752440));
    struct assay_bounded sum = bounded_add(a, bounded(1, 0), assay_bounded_saturating(a, erf, t, assay_reference_ulps.erf));
    struct assay_bounded square = bounded_multiply(a, x, x);
    struct assay_bounded density =
        bounded_multiply(a, assay_bounded_constant(a, 0.39894228040143267794),
                         assay_bounded_exp(a, bounded(-square.value / 2, square.error / 2)));
    if (isinf(x.value)) /* x p is 0 there, not infinity * 0 */
        return bounded(x.value > 0, 0);
    return bounded_add(a, bounded(sum.value / 2, sum.error / 2), bounded_multiply(a, x, density));
}

static struct assay_bounded by_tanh(const struct assay_arithmetic *a, struct assay_bounded x)
{
    const struct assay_bounded one = {1, 0}, factor = assay_bounded_constant(a, 0.79788456080286535588);
    struct assay_bounded cubic = bounded_multiply(a, bounded_multiply(a, x, x), assay_bounded_constant(a, 0.044715));
    struct assay_bounded u = bounded_multiply(a, bounded_multiply(a, x, bounded_add(a, one, cubic)), factor);
    struct assay_bounded slope =
        bounded_multiply(a, bounded_add(a, one, bounded_multiply(a, cubic, bounded(3, 0))), factor);
    struct assay_bounded t = assay_bounded_saturating(a, tanh, u, assay_reference_ulps.tanh);
    struct assay_bounded rest = bounded_subtract(a, one, bounded_multiply(a, t, t));
    if (isinf(x.value))
        return bounded(x.value > 0, 0);
    struct assay_bounded sum =
        bounded_add(a, bounded_add(a, one, t), bounded_multiply(a, bounded_multiply(a, x, rest), slope));
    return bounded(sum.value / 2, sum.error / 2);
}

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded dy, struct assay_bounded x)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    bool tanh_form = !strcmp(assay_node_text(call->node, "approximate", "none"), "tanh");
    return bounded_multiply(a, dy, tanh_form ? by_tanh(a, x) : by_erf(a, x));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(GeluGrad) = {.at = at};
