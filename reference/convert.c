#include "reference/convert.h"

#include "assay/banned.h"

void assay_integer_range(enum assay_dtype dtype, double *low, double *high)
{
    unsigned bits = assay_dtype_bits(dtype);
    bool     is_unsigned = dtype == ASSAY_U8 || dtype == ASSAY_U4;
    *low = is_unsigned ? 0 : -ldexp(1, (int)bits - 1);
    *high = ldexp(1, (int)bits - !is_unsigned) - 1; /* of i64 in double 2^63, which no i64 is */
}

double assay_wrapped(enum assay_dtype dtype, double x)
{
    double low, high, span = ldexp(1, (int)assay_dtype_bits(dtype));
    assay_integer_range(dtype, &low, &high);
    if (dtype == ASSAY_I64 || (x >= low && x <= high))
        return x;
    x = fmod(x, span);
    return x < low ? x + span : x > high ? x - span : x;
}

struct assay_bounded assay_bounded_cut(enum assay_dtype dtype, struct assay_bounded x)
{
    double low, high, value = trunc(x.value);
    assay_integer_range(dtype, &low, &high);
    bool inside = value >= low && (dtype == ASSAY_I64 ? value < high : value <= high);
    bool steady = !(x.error > 0) || (trunc(x.value - x.error) == value && trunc(x.value + x.error) == value);
    return bounded(inside ? value : 0, inside && steady ? 0 : INFINITY);
}

static bool is_small(enum assay_dtype dtype)
{
    return assay_dtype_bits(dtype) < 16;
}

struct assay_bounded assay_bounded_to_float(const struct assay_ref_call *call, enum assay_dtype to, struct assay_bounded x,
                                            bool saturate)
{
    const struct assay_number_format *f = assay_format_of(to);
    /* Whole numbers need not be numbers of the format; finer formats than the accumulator are not rounded when stored. */
    if (!assay_dtype_is_float(call->in[0].dtype) && f->unit_roundoff <= call->arithmetic.accumulate &&
        (assay_round_to(to, x.value) != x.value || fabs(x.value) > 0x1p53))
        x.error += 2 * f->unit_roundoff * fabs(x.value);
    if (!is_small(to) || isinf(x.error))
        return x;
    bool has_nan = to == ASSAY_F8E4M3 || to == ASSAY_F8E5M2;
    if (isnan(x.value))
        return has_nan ? x : bounded(0, INFINITY);
    /* From halfway between the largest number and what would follow it. */
    double overflow = f->largest * (1 + f->unit_roundoff / (2 - 2 * f->unit_roundoff)), out = fabs(x.value);
    if (saturate || !has_nan) { /* cutting moves no two numbers apart */
        x.value = out > f->largest ? copysign(f->largest, x.value) : x.value;
        x.error = x.error > 0 ? fmin(x.error, 2 * f->largest) : 0;
        return x;
    }
    if (out + x.error < overflow)
        return x;
    double beyond = to == ASSAY_F8E5M2 ? copysign((double)INFINITY, x.value) : (double)NAN;
    return out - x.error > overflow || (isinf(x.value) && !(x.error > 0)) ? bounded(beyond, 0) : bounded(x.value, INFINITY);
}
