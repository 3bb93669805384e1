/* All on the integers that doubles are made of, so that no mode of the processor has a say. */
#include "reference/formats/number.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

#define INFINITE UINT64_C(0x7ff0000000000000)

/* Those that are dtypes stand first, in the order of the dtypes. */
const struct assay_number_format assay_formats[] = {
    {"f64", 11, 52, 1023, true, true, ASSAY_NAN_IEEE, 53, 0x1.fffffffffffffp1023, 0x1p-53, 0x1p-1074, 0x1p-1022},
    {"f32", 8, 23, 127, true, true, ASSAY_NAN_IEEE, 24, 0x1.fffffep127, 0x1p-24, 0x1p-149, 0x1p-126},
    {"bf16", 8, 7, 127, true, true, ASSAY_NAN_IEEE, 8, 0x1.fep127, 0x1p-8, 0x1p-133, 0x1p-126},
    {"f16", 5, 10, 15, true, true, ASSAY_NAN_IEEE, 11, 65504, 0x1p-11, 0x1p-24, 0x1p-14},
    {"f8e4m3", 4, 3, 7, true, false, ASSAY_NAN_ALL_ONES, 4, 448, 0x1p-4, 0x1p-9, 0x1p-6},
    {"f8e5m2", 5, 2, 15, true, true, ASSAY_NAN_IEEE, 3, 57344, 0x1p-3, 0x1p-16, 0x1p-14},
    {"f8e8m0", 8, 0, 127, false, false, ASSAY_NAN_ALL_ONES, 1, 0x1p127, 0x1p-1, 0x1p-127, 0x1p-127},
    {"f6e2m3", 2, 3, 1, true, false, ASSAY_NAN_NONE, 4, 7.5, 0x1p-4, 0.125, 1},
    {"f6e3m2", 3, 2, 3, true, false, ASSAY_NAN_NONE, 3, 28, 0x1p-3, 0.0625, 0.25},
    {"f4e2m1", 2, 1, 1, true, false, ASSAY_NAN_NONE, 2, 6, 0x1p-2, 0.5, 1},
    {"tf32", 8, 10, 127, true, true, ASSAY_NAN_IEEE, 11, 0x1.ffcp127, 0x1p-11, 0x1p-136, 0x1p-126},
};
const size_t assay_n_formats = sizeof assay_formats / sizeof *assay_formats;

const struct assay_number_format *assay_format_named(const char *name)
{
    for (size_t i = 0; i < assay_n_formats; i++)
        if (!strcmp(assay_formats[i].name, name))
            return &assay_formats[i];
    return NULL;
}

int assay_format_bits(const struct assay_number_format *f)
{
    return f->is_signed + f->exponent_bits + f->fraction_bits;
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t ones(int n)
{
    return (UINT64_C(1) << n) - 1;
}

/* ---- from a code -------------------------------------------------------------------------------------------- */

double assay_format_decode(const struct assay_number_format *f, uint64_t code)
{
    uint64_t fraction = code & ones(f->fraction_bits), exponent = code >> f->fraction_bits & ones(f->exponent_bits);
    uint64_t sign = f->is_signed ? code >> (f->exponent_bits + f->fraction_bits) << 63 : 0;
    bool is_top = exponent == ones(f->exponent_bits);
    if (is_top && f->nan == ASSAY_NAN_IEEE)
        return fraction ? (double)NAN : double_of(sign | INFINITE);
    if (is_top && f->nan == ASSAY_NAN_ALL_ONES && fraction == ones(f->fraction_bits))
        return (double)NAN;
    if (f->fraction_bits == 52) /* its subnormals are those of double */
        return double_of(code);
    if (!exponent && f->is_signed) /* by a power of two that is made from its bits */
        return double_of(sign |
                         bits_of((double)fraction * double_of((uint64_t)(1024 - f->bias - f->fraction_bits) << 52)));
    return double_of(sign | (exponent + 1023 - (uint64_t)f->bias) << 52 | fraction << (52 - f->fraction_bits));
}

/* ---- to a code: magnitudes, without their sign ------------------------------------------------------------------ */

static uint64_t code_of_largest(const struct assay_number_format *f)
{
    if (f->nan == ASSAY_NAN_IEEE)
        return (ones(f->exponent_bits) << f->fraction_bits) - 1;
    return ones(f->exponent_bits + f->fraction_bits) - (f->nan == ASSAY_NAN_ALL_ONES);
}

static uint64_t code_of_nan(const struct assay_number_format *f)
{
    if (f->nan == ASSAY_NAN_IEEE)
        return ones(f->exponent_bits) << f->fraction_bits | UINT64_C(1) << (f->fraction_bits - 1);
    return ones(f->exponent_bits + f->fraction_bits); /* the largest, where there is no NaN */
}

/* What stands beyond the largest. */
static uint64_t code_of_infinity(const struct assay_number_format *f)
{
    return f->has_infinity ? ones(f->exponent_bits) << f->fraction_bits : code_of_nan(f);
}

static bool points_to_zero(enum assay_rounding rounding, bool negative)
{
    return rounding == ASSAY_TOWARD_ZERO || (rounding == ASSAY_DOWN && !negative) || (rounding == ASSAY_UP && negative);
}

/* Is the neighbour away from zero the one? `lost` stands `shift` bits below the last bit that is kept. */
static bool rounds_away(enum assay_rounding rounding, bool negative, bool odd, uint64_t lost, int shift,
                        uint64_t random)
{
    if (!lost)
        return false;
    if (rounding != ASSAY_NEAREST_EVEN && rounding != ASSAY_STOCHASTIC)
        return !points_to_zero(rounding, negative);
    /* In 2^-64 of the last bit; beyond 2^-64 nothing is known of a random number of 64 bits. */
    uint64_t part = shift <= 64 ? lost << (64 - shift) : shift < 128 ? lost >> (shift - 64) : 0;
    if (rounding == ASSAY_STOCHASTIC)
        return random < part;
    uint64_t half = UINT64_C(1) << 63;
    return part > half || (part == half && odd);
}

/* A carry out of the fraction moves to the next exponent by itself. Beyond the largest: more than its code. Below the
 * smallest of a scale: less than 0. */
static int64_t code_of_magnitude(const struct assay_number_format *f, uint64_t magnitude, enum assay_rounding rounding,
                                 bool negative, uint64_t random)
{
    uint64_t significand = (magnitude & ones(52)) | (uint64_t)(magnitude >> 52 != 0) << 52;
    int64_t code = 0;
    int exponent = (int)(magnitude >> 52) + (magnitude >> 52 == 0) - 1023 + f->bias, shift = 52 - f->fraction_bits;
    if (exponent >= 1 || !f->is_signed)
        code = (int64_t)(exponent - 1) * (INT64_C(1) << f->fraction_bits); /* the hidden bit adds the 1 */
    else
        shift += 1 - exponent;
    uint64_t kept = shift < 64 ? significand >> shift : 0, lost = shift < 64 ? significand & ones(shift) : significand;
    return code + (int64_t)kept + rounds_away(rounding, negative, kept & 1, lost, shift, random);
}

uint64_t assay_format_encode(const struct assay_number_format *f, double x, enum assay_rounding rounding, bool saturate,
                             uint64_t random)
{
    uint64_t bits = bits_of(x), magnitude = bits & INT64_MAX, largest = code_of_largest(f);
    bool negative = bits >> 63;
    uint64_t sign = f->is_signed ? (uint64_t)negative << (f->exponent_bits + f->fraction_bits) : 0;
    if (magnitude > INFINITE)
        return f->nan == ASSAY_NAN_NONE ? largest : sign | code_of_nan(f);
    if (!f->is_signed && negative && magnitude)
        return code_of_nan(f);
    if (magnitude == INFINITE)
        return sign | (saturate ? largest : code_of_infinity(f));
    int64_t code = code_of_magnitude(f, magnitude, rounding, negative, random);
    if (code < 0)
        return saturate || (rounding == ASSAY_UP && magnitude) ? 0 : code_of_nan(f);
    if (code > (int64_t)largest)
        code = (int64_t)(saturate || points_to_zero(rounding, negative) ? largest : code_of_infinity(f));
    return sign | (uint64_t)code;
}

double assay_format_round(const struct assay_number_format *f, double x, enum assay_rounding rounding, bool saturate,
                          uint64_t random)
{
    return assay_format_decode(f, assay_format_encode(f, x, rounding, saturate, random));
}
