/* Pow: 16 units in the last place. What errors of the operands do is told by the corners of their box, since y log x is
 * monotone in each; powers of what may be negative are so only for exact whole exponents. Of integers, exact up to 2^53. */
#include "reference/elementwise.h"

#include "assay/banned.h"

static double moved(struct assay_bounded x, struct assay_bounded y, double value)
{
    double low = x.value - x.error, high = x.value + x.error, error = 0;
    bool   whole = y.error == 0 && y.value == rint(y.value);
    if (low <= 0 && !whole)
        return INFINITY;
    if (low <= 0 && high >= 0) { /* over zero: even powers turn there, negative ones are infinite */
        if (y.value < 0)
            return INFINITY;
        error = y.value > 0 ? fabs(value) : fabs(1 - value);
    }
    for (int corner = 0; corner < 4; corner++) {
        double z = pow(corner & 1 ? high : low, corner & 2 ? y.value + y.error : y.value - y.error);
        error = isnan(z) ? INFINITY : fmax(error, fabs(z - value));
    }
    return error + 8 * ASSAY_REF_OWN * fabs(value);
}

static struct assay_bounded f(const struct assay_ref_call *call, struct assay_bounded x, struct assay_bounded y)
{
    double value = pow(x.value, y.value), error = 0;
    if (!assay_dtype_is_float(call->out[0].dtype)) {
        value = trunc(value);
        bool exact = fabs(value) <= (call->out[0].dtype == ASSAY_I32 ? 2147483647.0 : 0x1p53) && !(y.error > 0) && !(x.error > 0);
        return bounded(value, exact ? 0 : INFINITY);
    }
    if ((x.error > 0 || y.error > 0) && !isnan(x.value) && !isnan(y.value))
        error = moved(x, y, value);
    if (isinf(error))
        return bounded(value, INFINITY);
    return bounded_function(&call->arithmetic, value, error, assay_reference_ulps.pow);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    (void)err;
    return assay_ref_binary(call, ASSAY_REF_STORED, f, n, index, value, bound);
}

ASSAY_OP_REFERENCE(Pow) = {.at = at};
