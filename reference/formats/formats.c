/* Number formats by their fields. Small formats (8 bits and fewer) and the 16-bit ones share one decoder and one
 * encoder; f32 and f64 are the compiler's own.
 *
 * Sources: IEEE 754-2019 (f16, f32, f64); OCP 8-bit Floating Point Specification 1.0 (E4M3 without infinities, E5M2);
 * OCP Microscaling Formats 1.0 (E8M0, E2M3, E3M2, E2M1). */
#include "reference/formats/formats.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "assay/banned.h"

enum specials {
    IEEE_SPECIALS, /* the highest exponent holds infinity and NaN */
    ONE_NAN,       /* only the highest code of each sign is NaN, there is no infinity */
    NO_SPECIALS,   /* every code is a number */
};

struct layout {
    int exponent_bits, fraction_bits, bias;
    enum specials specials;
};

static const struct layout layout_bf16 = {8, 7, 127, IEEE_SPECIALS};
static const struct layout layout_f16 = {5, 10, 15, IEEE_SPECIALS};
static const struct layout layout_f8e4m3 = {4, 3, 7, ONE_NAN};
static const struct layout layout_f8e5m2 = {5, 2, 15, IEEE_SPECIALS};
static const struct layout layout_f6e2m3 = {2, 3, 1, NO_SPECIALS};
static const struct layout layout_f6e3m2 = {3, 2, 3, NO_SPECIALS};
static const struct layout layout_f4e2m1 = {2, 1, 1, NO_SPECIALS};

static const struct layout *layout_of(enum assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_BF16:
        return &layout_bf16;
    case ASSAY_F16:
        return &layout_f16;
    case ASSAY_F8E4M3:
        return &layout_f8e4m3;
    case ASSAY_F8E5M2:
        return &layout_f8e5m2;
    case ASSAY_F6E2M3:
        return &layout_f6e2m3;
    case ASSAY_F6E3M2:
        return &layout_f6e3m2;
    case ASSAY_F4E2M1:
        return &layout_f4e2m1;
    default:
        return NULL;
    }
}

const struct assay_format *assay_format_of(enum assay_dtype dtype)
{
    static const struct assay_format f64 = {53, 0x1p-53, 0x1p-1074, 0x1p-1022, 0x1.fffffffffffffp1023};
    static const struct assay_format f32 = {24, 0x1p-24, 0x1p-149, 0x1p-126, 0x1.fffffep127};
    static const struct assay_format bf16 = {8, 0x1p-8, 0x1p-133, 0x1p-126, 0x1.fep127};
    static const struct assay_format f16 = {11, 0x1p-11, 0x1p-24, 0x1p-14, 65504.0};
    static const struct assay_format f8e4m3 = {4, 0x1p-4, 0x1p-9, 0x1p-6, 448.0};
    static const struct assay_format f8e5m2 = {3, 0x1p-3, 0x1p-16, 0x1p-14, 57344.0};
    static const struct assay_format f8e8m0 = {1, 0x1p-1, 0x1p-127, 0x1p-127, 0x1p127};
    static const struct assay_format f6e2m3 = {4, 0x1p-4, 0.125, 1.0, 7.5};
    static const struct assay_format f6e3m2 = {3, 0x1p-3, 0.0625, 0.25, 28.0};
    static const struct assay_format f4e2m1 = {2, 0x1p-2, 0.5, 1.0, 6.0};
    switch (dtype) {
    case ASSAY_F64:
        return &f64;
    case ASSAY_F32:
        return &f32;
    case ASSAY_BF16:
        return &bf16;
    case ASSAY_F16:
        return &f16;
    case ASSAY_F8E4M3:
        return &f8e4m3;
    case ASSAY_F8E5M2:
        return &f8e5m2;
    case ASSAY_F8E8M0:
        return &f8e8m0;
    case ASSAY_F6E2M3:
        return &f6e2m3;
    case ASSAY_F6E3M2:
        return &f6e3m2;
    case ASSAY_F4E2M1:
        return &f4e2m1;
    default:
        return NULL;
    }
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

/* ---- one element ------------------------------------------------------------------------------------------ */

static double decode(const struct layout *l, uint32_t code)
{
    uint32_t top = (1u << l->exponent_bits) - 1, fraction_top = (1u << l->fraction_bits) - 1;
    uint32_t exponent = (code >> l->fraction_bits) & top, fraction = code & fraction_top;
    uint64_t sign = (uint64_t)((code >> (l->exponent_bits + l->fraction_bits)) & 1) << 63;
    if (exponent == top && l->specials == IEEE_SPECIALS)
        return fraction ? (double)NAN : double_of(sign | 0x7ff0000000000000u);
    if (exponent == top && fraction == fraction_top && l->specials == ONE_NAN)
        return (double)NAN;
    if (!exponent) /* fraction * 2^(1 - bias - fraction_bits), by a power of two made from its bits */
        return double_of(sign |
                         bits_of((double)fraction * double_of((uint64_t)(1024 - l->bias - l->fraction_bits) << 52)));
    return double_of(sign | (uint64_t)((int)exponent - l->bias + 1023) << 52 |
                     (uint64_t)fraction << (52 - l->fraction_bits));
}

static uint32_t code_of_nan(const struct layout *l)
{
    uint32_t exponent = ((1u << l->exponent_bits) - 1) << l->fraction_bits;
    if (l->specials == IEEE_SPECIALS)
        return exponent | 1u << (l->fraction_bits - 1);
    /* All ones: the NaN of E4M3; the largest number where there is no NaN, as ONNX's cast does. */
    return exponent | ((1u << l->fraction_bits) - 1);
}

/* What a magnitude beyond the largest becomes. */
static uint32_t code_of_overflow(const struct layout *l)
{
    return l->specials == IEEE_SPECIALS ? ((1u << l->exponent_bits) - 1) << l->fraction_bits : code_of_nan(l);
}

/* The significand of x, 53 bits, is shifted down to the precision that the format has at that exponent, and the
 * bits that fall off decide; a carry out of the fraction moves to the next exponent by itself. */
static uint32_t encode(const struct layout *l, double x)
{
    uint64_t bits = bits_of(x), magnitude = bits & 0x7fffffffffffffffu;
    uint32_t sign = (uint32_t)(bits >> 63) << (l->exponent_bits + l->fraction_bits);
    if (magnitude > 0x7ff0000000000000u)
        return l->specials == NO_SPECIALS ? code_of_nan(l) : sign | code_of_nan(l);
    if (magnitude == 0x7ff0000000000000u)
        return sign | code_of_overflow(l);
    int exponent = (int)(magnitude >> 52) - 1023 + l->bias;
    uint64_t significand = (magnitude & 0xfffffffffffffu) | (uint64_t)(magnitude >= 0x10000000000000u) << 52;
    int shift = 52 - l->fraction_bits;
    uint64_t code = 0;
    if (exponent >= 1)
        code = (uint64_t)(exponent - 1) << l->fraction_bits; /* the hidden bit adds the 1 */
    else
        shift += 1 - exponent;
    if (shift > 54) /* less than half of the smallest */
        return sign;
    uint64_t kept = significand >> shift, lost = significand & ((UINT64_C(1) << shift) - 1),
             half = UINT64_C(1) << (shift - 1);
    kept += lost > half || (lost == half && (kept & 1));
    code += kept;
    uint64_t first_bad = code_of_overflow(l) + (l->specials == NO_SPECIALS);
    return sign | (uint32_t)(code < first_bad ? code : code_of_overflow(l));
}

/* E8M0: powers of two without sign or zero. Nearest; half way goes to the even code. */
static uint32_t encode_e8m0(double x)
{
    int exponent;
    if (!(x >= 0) || isinf(x))
        return 0xff;
    double fraction = 2 * frexp(x, &exponent); /* x = fraction * 2^(exponent - 1), 1 <= fraction < 2 */
    int code = exponent - 1 + 127;
    if (x == 0 || code < 0)
        return 0;
    code += fraction > 1.5 || (fraction == 1.5 && (code & 1));
    return code < 0xff ? (uint32_t)code : 0xff;
}

static double decode_e8m0(uint32_t code)
{
    return code == 0xff ? (double)NAN : ldexp(1.0, (int)code - 127);
}

/* Nearest even, clamped; NaN is 0. The limits are exact in double, but 2^63 - 1. */
static int64_t to_integer(double x, double low, double high)
{
    if (isnan(x))
        return 0;
    x = nearbyint(x);
    if (x <= low)
        return (int64_t)low;
    if (x >= high)
        return high >= 0x1p63 ? INT64_MAX : (int64_t)high;
    return (int64_t)x;
}

/* ---- packed codes of fewer than 8 bits: the first element in the low bits ----------------------------------- */

static uint32_t code_at(const uint8_t *from, unsigned bits, size_t i)
{
    size_t bit = i * bits;
    unsigned at = bit & 7;
    uint32_t word = from[bit >> 3];
    if (at + bits > 8)
        word |= (uint32_t)from[(bit >> 3) + 1] << 8;
    return word >> at & ((1u << bits) - 1);
}

static void code_put(uint8_t *to, unsigned bits, size_t i, uint32_t code)
{
    size_t bit = i * bits;
    unsigned at = bit & 7;
    uint32_t mask = ((1u << bits) - 1) << at, word = code << at;
    to[bit >> 3] = (uint8_t)((to[bit >> 3] & ~mask) | word);
    if (at + bits > 8)
        to[(bit >> 3) + 1] = (uint8_t)((to[(bit >> 3) + 1] & ~(mask >> 8)) | word >> 8);
}

/* ---- arrays ----------------------------------------------------------------------------------------------- */

/* memcpy: nothing is asked of the alignment of what comes from files and devices. */
#define READ(type, pointer, i, into)                                                                                   \
    type into;                                                                                                         \
    memcpy(&into, (const char *)(pointer) + (i) * sizeof into, sizeof into)
#define WRITE(type, pointer, i, value)                                                                                 \
    do {                                                                                                               \
        type it = (type)(value);                                                                                       \
        memcpy((char *)(pointer) + (i) * sizeof it, &it, sizeof it);                                                   \
    } while (0)
#define READ_ALL(type)                                                                                                 \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        READ(type, from, i, x);                                                                                        \
        to[i] = (double)x;                                                                                             \
    }                                                                                                                  \
    return

static void small_to_double(enum assay_dtype dtype, const void *from, size_t n, double *to)
{
    const struct layout *l = layout_of(dtype);
    unsigned bits = assay_dtype_bits(dtype);
    double table[256];
    for (uint32_t code = 0; code < 1u << bits; code++)
        table[code] = l ? decode(l, code) : decode_e8m0(code);
    for (size_t i = 0; i < n; i++)
        to[i] = table[code_at(from, bits, i)];
}

static void half_to_double(const struct layout *l, const void *from, size_t n, double *to)
{
    for (size_t i = 0; i < n; i++) {
        READ(uint16_t, from, i, code);
        to[i] = decode(l, code);
    }
}

void assay_to_double(enum assay_dtype dtype, const void *from, size_t n, double *to)
{
    switch (dtype) {
    case ASSAY_DTYPE_NONE:
        return;
    case ASSAY_F64:
        READ_ALL(double);
    case ASSAY_F32:
        READ_ALL(float);
    case ASSAY_I64:
        READ_ALL(int64_t);
    case ASSAY_I32:
        READ_ALL(int32_t);
    case ASSAY_I8:
        READ_ALL(int8_t);
    case ASSAY_U8:
        READ_ALL(uint8_t);
    case ASSAY_BF16:
    case ASSAY_F16:
        half_to_double(layout_of(dtype), from, n, to);
        return;
    case ASSAY_F8E4M3:
    case ASSAY_F8E5M2:
    case ASSAY_F8E8M0:
    case ASSAY_F6E2M3:
    case ASSAY_F6E3M2:
    case ASSAY_F4E2M1:
        small_to_double(dtype, from, n, to);
        return;
    case ASSAY_I4:
    case ASSAY_U4:
        for (size_t i = 0; i < n; i++) {
            uint32_t code = code_at(from, 4, i);
            to[i] = dtype == ASSAY_I4 && code > 7 ? (double)code - 16 : (double)code;
        }
        return;
    case ASSAY_BOOL:
        for (size_t i = 0; i < n; i++)
            to[i] = ((const uint8_t *)from)[i] != 0;
        return;
    }
}

static void small_from_double(enum assay_dtype dtype, const double *from, size_t n, void *to)
{
    const struct layout *l = layout_of(dtype);
    for (size_t i = 0; i < n; i++) {
        uint32_t code;
        if (dtype == ASSAY_I4)
            code = (uint32_t)to_integer(from[i], -8, 7) & 15;
        else if (dtype == ASSAY_U4)
            code = (uint32_t)to_integer(from[i], 0, 15);
        else
            code = l ? encode(l, from[i]) : encode_e8m0(from[i]);
        code_put(to, assay_dtype_bits(dtype), i, code);
    }
}

static void store_one(enum assay_dtype dtype, double x, void *to, size_t i)
{
    switch (dtype) {
    case ASSAY_F64:
        WRITE(double, to, i, x);
        return;
    case ASSAY_F32:
        WRITE(float, to, i, x);
        return;
    case ASSAY_BF16:
        WRITE(uint16_t, to, i, encode(&layout_bf16, x));
        return;
    case ASSAY_F16:
        WRITE(uint16_t, to, i, encode(&layout_f16, x));
        return;
    case ASSAY_I64:
        WRITE(int64_t, to, i, to_integer(x, -0x1p63, 0x1p63));
        return;
    case ASSAY_I32:
        WRITE(int32_t, to, i, to_integer(x, INT32_MIN, INT32_MAX));
        return;
    case ASSAY_I8:
        WRITE(int8_t, to, i, to_integer(x, INT8_MIN, INT8_MAX));
        return;
    case ASSAY_U8:
        WRITE(uint8_t, to, i, to_integer(x, 0, UINT8_MAX));
        return;
    case ASSAY_BOOL:
        WRITE(uint8_t, to, i, x != 0);
        return;
    default:
        return;
    }
}

void assay_from_double(enum assay_dtype dtype, const double *from, size_t n, void *to)
{
    unsigned bits = assay_dtype_bits(dtype);
    if (bits < 8 || (bits == 8 && assay_dtype_is_float(dtype))) {
        small_from_double(dtype, from, n, to);
        return;
    }
    for (size_t i = 0; i < n; i++)
        store_one(dtype, from[i], to, i);
}

double assay_round_to(enum assay_dtype dtype, double x)
{
    uint64_t held = 0;
    double kept = x;
    assay_from_double(dtype, &x, 1, &held);
    assay_to_double(dtype, &held, 1, &kept);
    return kept;
}
