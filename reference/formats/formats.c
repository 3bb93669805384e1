/* f32 and f64 are the compiler's own; the formats of floats.h go through float, the others through their rows. */
#include "reference/formats/formats.h"

#include <math.h>
#include <string.h>

#include "reference/formats/floats.h"

#include "assay/banned.h"

enum { PIECE = 512 }; /* floats between double and a narrow format; whole bytes of any */

const struct assay_number_format *assay_format_of(enum assay_dtype dtype)
{
    return assay_dtype_is_float(dtype) ? &assay_formats[dtype - ASSAY_F64] : NULL;
}

/* ---- one element ------------------------------------------------------------------------------------------ */

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

static void narrow_to_double(enum assay_dtype dtype, const uint8_t *from, size_t n, double *to)
{
    float piece[PIECE];
    for (size_t i = 0; i < n; i += PIECE) {
        size_t m = n - i < PIECE ? n - i : PIECE;
        assay_floats_widen(dtype, from + i * assay_dtype_bits(dtype) / 8, m, piece);
        for (size_t k = 0; k < m; k++)
            to[i + k] = (double)piece[k];
    }
}

static void small_to_double(enum assay_dtype dtype, const void *from, size_t n, double *to)
{
    const struct assay_number_format *f = assay_format_of(dtype);
    unsigned                          bits = (unsigned)assay_format_bits(f);
    for (size_t i = 0; i < n; i++)
        to[i] = assay_format_decode(f, code_at(from, bits, i));
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
    case ASSAY_F8E4M3:
    case ASSAY_F8E5M2:
    case ASSAY_F4E2M1:
        narrow_to_double(dtype, from, n, to);
        return;
    case ASSAY_F8E8M0:
    case ASSAY_F6E2M3:
    case ASSAY_F6E3M2:
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
    const struct assay_number_format *f = assay_format_of(dtype);
    for (size_t i = 0; i < n; i++) {
        uint32_t code;
        if (dtype == ASSAY_I4)
            code = (uint32_t)to_integer(from[i], -8, 7) & 15;
        else if (dtype == ASSAY_U4)
            code = (uint32_t)to_integer(from[i], 0, 15);
        else
            code = (uint32_t)assay_format_encode(f, from[i], ASSAY_NEAREST_EVEN, false, 0);
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

/* The float about x whose last bit is set, unless x is a float: rounded again, to two bits fewer or less, it gives what
 * one rounding of x gives (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008). */
static float to_odd(double x)
{
    float y = (float)x;
    uint32_t bits;
    memcpy(&bits, &y, sizeof bits);
    bits -= fabs((double)y) > fabs(x);
    bits |= (double)y != x;
    memcpy(&y, &bits, sizeof y);
    return y;
}

static void narrow_from_double(enum assay_dtype dtype, const double *from, size_t n, uint8_t *to)
{
    float piece[PIECE];
    for (size_t i = 0; i < n; i += PIECE) {
        size_t m = n - i < PIECE ? n - i : PIECE;
        for (size_t k = 0; k < m; k++)
            piece[k] = to_odd(from[i + k]);
        assay_floats_narrow(dtype, piece, m, to + i * assay_dtype_bits(dtype) / 8);
    }
}

void assay_from_double(enum assay_dtype dtype, const double *from, size_t n, void *to)
{
    unsigned bits = assay_dtype_bits(dtype);
    if (assay_floats_have(dtype))
        narrow_from_double(dtype, from, n, to);
    else if (bits < 8 || dtype == ASSAY_F8E8M0)
        small_from_double(dtype, from, n, to);
    else
        for (size_t i = 0; i < n; i++)
            store_one(dtype, from[i], to, i);
}

double assay_round_to(enum assay_dtype dtype, double x)
{
    const struct assay_number_format *f = assay_format_of(dtype);
    if (f)
        return assay_format_round(f, x, ASSAY_NEAREST_EVEN, false, 0);
    int64_t held = 0;
    double kept = x;
    assay_from_double(dtype, &x, 1, &held);
    assay_to_double(dtype, &held, 1, &kept);
    return kept;
}
