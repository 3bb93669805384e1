#include "reference/unit/number.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "assay/banned.h"

#define FLOAT(name, precision, min_exponent, smallest, infinity, largest) \
    {name, true, infinity, precision, min_exponent, smallest, -(largest), largest}
#define INTEGER(name, least, largest) {name, false, false, 0, 0, 0, least, largest}

const struct assay_unit_format assay_unit_formats[] = {
    FLOAT("f32", 24, -126, 0x1p-126, true, 0x1.fffffep127),  FLOAT("tf32", 11, -126, 0x1p-126, true, 0x1.ffcp127),
    FLOAT("bf16", 8, -126, 0x1p-126, true, 0x1.fep127),      FLOAT("f16", 11, -14, 0x1p-14, true, 65504.0),
    FLOAT("f8e4m3", 4, -6, 0x1p-6, false, 448.0),            FLOAT("f8e5m2", 3, -14, 0x1p-14, true, 57344.0),
    FLOAT("f6e2m3", 4, 0, 0x1p0, false, 7.5),                FLOAT("f6e3m2", 3, -2, 0x1p-2, false, 28.0),
    FLOAT("f4e2m1", 2, 0, 0x1p0, false, 6.0),                INTEGER("i32", -0x1p31, 0x1p31 - 1),
    INTEGER("i16", -32768.0, 32767.0),                       INTEGER("i8", -128.0, 127.0),
    INTEGER("u8", 0.0, 255.0),                               INTEGER("i4", -8.0, 7.0),
    INTEGER("u4", 0.0, 15.0),
};
const size_t assay_unit_n_formats = sizeof assay_unit_formats / sizeof *assay_unit_formats;

const struct assay_unit_format *assay_unit_format_named(const char *name)
{
    for (size_t i = 0; i < assay_unit_n_formats; i++)
        if (!strcmp(assay_unit_formats[i].name, name))
            return &assay_unit_formats[i];
    return NULL;
}

const struct assay_unit_format *assay_unit_format_of(enum assay_dtype dtype)
{
    return assay_unit_format_named(assay_dtype_name(dtype));
}

/* To odd: of the two doubles about high + low the one whose last bit is set, so that a second rounding, to two bits fewer or
 * less, gives what one would have given (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008). */
static double to_odd(double high, double low)
{
    uint64_t bits;
    memcpy(&bits, &high, sizeof bits);
    if (low == 0 || bits & 1)
        return high;
    bits += (low > 0) == (high > 0) ? 1 : UINT64_MAX;
    memcpy(&high, &bits, sizeof bits);
    return high;
}

static double whole(enum assay_unit_rounding rounding, double x)
{
    switch (rounding) {
    case ASSAY_UNIT_NEAREST_EVEN: return nearbyint(x);
    case ASSAY_UNIT_TOWARD_ZERO: return trunc(x);
    case ASSAY_UNIT_DOWN: return floor(x);
    }
    return x;
}

/* x is beyond the largest number. */
static double beyond(const struct assay_unit_put *put, double x)
{
    bool away = put->rounding == ASSAY_UNIT_NEAREST_EVEN || (put->rounding == ASSAY_UNIT_DOWN && x < 0);
    return copysign(put->format->has_infinity && away ? (double)INFINITY : put->format->largest, x);
}

/* Of a number in the normal range or beyond it, on its bits: a carry out of the significand is the next exponent. */
static double round_normal(const struct assay_unit_put *put, double x)
{
    const unsigned dropped = 53 - (unsigned)put->format->precision;
    const uint64_t rest = (UINT64_C(1) << dropped) - 1;
    uint64_t       bits;
    memcpy(&bits, &x, sizeof bits);
    if (put->rounding == ASSAY_UNIT_NEAREST_EVEN)
        bits += (rest >> 1) + (bits >> dropped & 1);
    else if (put->rounding == ASSAY_UNIT_DOWN && x < 0)
        bits += rest;
    bits &= ~rest;
    memcpy(&x, &bits, sizeof x);
    return fabs(x) <= put->format->largest ? x : beyond(put, x);
}

static double round_float(const struct assay_unit_put *put, double x)
{
    const struct assay_unit_format *f = put->format;
    if (fabs(x) >= f->smallest_normal && !isinf(x))
        return round_normal(put, x);
    if (isnan(x) || (isinf(x) && f->has_infinity) || x == 0)
        return x;
    if (isinf(x))
        return copysign(f->largest, x);
    int last = f->min_exponent - f->precision + 1; /* exponent of the last bit that is kept */
    x = copysign(ldexp(whole(put->rounding, ldexp(x, -last)), last), x);
    return put->flush && fabs(x) < f->smallest_normal ? copysign(0, x) : x;
}

static double round_integer(const struct assay_unit_put *put, double x)
{
    const struct assay_unit_format *f = put->format;
    double count = f->largest - f->least + 1;
    x = isnan(x) ? 0 : whole(put->rounding, x) + 0.0; /* no zero has a sign here */
    if (put->overflow == ASSAY_UNIT_WRAP && isfinite(x))
        return x - count * floor((x - f->least) / count);
    return x < f->least ? f->least : x > f->largest ? f->largest : x;
}

double assay_unit_round(const struct assay_unit_put *put, double x)
{
    return put->format->is_float ? round_float(put, x) : round_integer(put, x);
}

double assay_unit_add(const struct assay_unit_put *put, double x, double y)
{
    double sum = x + y;
    if (!isfinite(sum) || !put->format->is_float)
        return assay_unit_round(put, sum);
    if (sum == 0) /* exact: the sign follows from the rounding */
        return put->rounding == ASSAY_UNIT_DOWN && (signbit(x) || signbit(y)) ? -0.0 : sum;
    double y_part = sum - x;
    double low = (x - (sum - y_part)) + (y - y_part); /* Knuth's two-sum: exact */
    return round_float(put, to_odd(sum, low));
}
