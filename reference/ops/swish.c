/* Swish: x sigmoid(alpha x). */
#include "reference/elementwise.h"

#include "assay/banned.h"

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    double alpha = assay_node_f64(call->node, "alpha", 1.0);
    struct assay_bounded inner = x;
    if (alpha != 1.0)
        inner = bounded_multiply(a, assay_bounded_constant(a, alpha), x);
    return bounded_multiply(a, x, assay_bounded_sigmoid(a, inner));
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_unary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Swish) = {.at = at};
