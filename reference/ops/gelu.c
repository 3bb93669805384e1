/* Gelu: x/2 (1 + erf(x / sqrt 2)), or with approximate = "tanh" x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
 * For x far below 0 the sum cancels, and the bound is absolute: that is what these formulas give in any arithmetic. */
#include <string.h>

#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded inner_erf(const struct assay_arithmetic *a, struct assay_bounded x)
{
    struct assay_bounded t = bounded_multiply(a, x, assay_bounded_constant(a, 0.70710678118654752440));
    return assay_bounded_saturating(a, erf, t, assay_reference_ulps.erf);
}

static struct assay_bounded inner_tanh(const struct assay_arithmetic *a, struct assay_bounded x)
{
    struct assay_bounded cube = bounded_multiply(a, bounded_multiply(a, x, x), x);
    struct assay_bounded sum = bounded_add(a, x, bounded_multiply(a, cube, assay_bounded_constant(a, 0.044715)));
    struct assay_bounded t = bounded_multiply(a, sum, assay_bounded_constant(a, 0.79788456080286535588));
    return assay_bounded_saturating(a, tanh, t, assay_reference_ulps.tanh);
}

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    bool by_tanh = !strcmp(assay_node_text(call->node, "approximate", "none"), "tanh");
    struct assay_bounded g = by_tanh ? inner_tanh(a, x) : inner_erf(a, x);
    struct assay_bounded half = bounded(x.value / 2, x.error / 2); /* exact */
    return bounded_multiply(a, half, bounded_add(a, bounded(1, 0), g));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Gelu) = {.at = at};
