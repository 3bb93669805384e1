#include "backends/cpu/converting/converting.h"

#include <stdint.h>

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

#define INLINE static inline __attribute__((always_inline))

/* ---- formats, one number at a time; without branches, so that the compiler makes vectors of the loops ------------- */

INLINE uint32_t bits_of(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

INLINE float of_bits(uint32_t b)
{
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* a where it holds, else b: by masks, since the compiler makes branches of nested choices. */
INLINE uint32_t choose(bool holds, uint32_t a, uint32_t b)
{
    uint32_t mask = -(uint32_t)holds;
    return (a & mask) | (b & ~mask);
}

INLINE float from_bf16(uint16_t h)
{
    return of_bits((uint32_t)h << 16);
}

INLINE uint16_t to_bf16(float x)
{
    uint32_t b = bits_of(x), rounded = (b + 0x7fff + (b >> 16 & 1)) >> 16;
    return (uint16_t)(x != x ? (b >> 16 | 0x40) : rounded);
}

/* Normal numbers by shifting the exponent, subnormal ones by an exact subtraction. */
INLINE float from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, em = h & 0x7fff, shifted = em << 13;
    uint32_t normal = shifted + (em >= 0x7c00 ? UINT32_C(224) << 23 : UINT32_C(112) << 23);
    uint32_t small = bits_of(of_bits(shifted + (UINT32_C(113) << 23)) - of_bits(UINT32_C(113) << 23));
    return of_bits(sign | (em < 0x400 ? small : normal));
}

/* `drop` bits of the fraction rounded away, to nearest even; `bias` is what the exponents differ by. Below the smallest
 * normal number an addition rounds: of `unit`, whose last place is the format's smallest subnormal. */
INLINE uint32_t rounded(uint32_t a, unsigned drop, uint32_t bias, uint32_t smallest_normal, float unit)
{
    uint32_t normal = (a - (bias << 23) + ((UINT32_C(1) << (drop - 1)) - 1) + (a >> drop & 1)) >> drop;
    uint32_t small = bits_of(of_bits(a) + unit) - bits_of(unit);
    return choose(a < smallest_normal, small, normal);
}

INLINE uint16_t to_f16(float x)
{
    uint32_t b = bits_of(x), a = b & 0x7fffffff, sign = b >> 16 & 0x8000;
    bool     fits = a < 0x477ff000;
    uint32_t finite = rounded(a & -(uint32_t)fits, 13, 112, 0x38800000, 0.5f);
    return (uint16_t)(sign | choose(fits, finite, choose(a > 0x7f800000, 0x7e00, 0x7c00)));
}

INLINE float from_f8e4m3(uint8_t h)
{
    uint32_t sign = (uint32_t)(h & 0x80) << 24, em = h & 0x7f, normal = (em << 20) + (UINT32_C(120) << 23);
    uint32_t small = bits_of((float)(int32_t)em * 0x1p-9f);
    return of_bits(sign | choose(em == 0x7f, UINT32_C(0x7fc00000), choose(em < 8, small, normal)));
}

INLINE uint8_t to_f8e4m3(float x, bool saturate)
{
    uint32_t b = bits_of(x), a = b & 0x7fffffff, sign = b >> 24 & 0x80;
    bool     nan = a > 0x7f800000 || (!saturate && a > 0x43e80000); /* 464 */
    uint32_t cut = a > 0x43e00000 ? 0x43e00000 : a;                 /* 448 */
    return (uint8_t)(sign | choose(nan, 0x7f, rounded(cut, 20, 120, 0x3c800000, 16384.0f)));
}

INLINE float from_f8e5m2(uint8_t h)
{
    return from_f16((uint16_t)(h << 8));
}

INLINE uint8_t to_f8e5m2(float x, bool saturate)
{
    uint32_t b = bits_of(x), a = b & 0x7fffffff, sign = b >> 24 & 0x80;
    bool     nan = a > 0x7f800000, infinite = !saturate && a >= 0x47700000; /* 61440 */
    uint32_t cut = a > 0x47600000 ? 0x47600000 : a;                         /* 57344 */
    return (uint8_t)(sign | choose(nan, 0x7f, choose(infinite, 0x7c, rounded(cut, 21, 112, 0x38800000, 128.0f))));
}

/* Cut towards zero; what does not fit is left open, so it becomes the nearest that does. */
#define CUT(name, from_type, to_type, low, high)                        \
    INLINE to_type name(from_type x)                                    \
    {                                                                   \
        from_type y = x < (from_type)(low) ? (from_type)(low) : x;      \
        y = y > (from_type)(high) ? (from_type)(high) : y;              \
        return (to_type)(x == x ? y : 0);                               \
    }
CUT(cut_i8, float, int8_t, -128, 127)
CUT(cut_u8, float, uint8_t, 0, 255)
CUT(cut_i32, double, int32_t, -2147483648.0, 2147483647.0)
CUT(cut_i64, double, int64_t, -9223372036854775808.0, 9223372036854774784.0)

/* A double as a float whose last bit remembers what was cut off, so that rounding it again rounds once. */
INLINE float sticky(double x)
{
    float    f = (float)x;
    uint32_t b = bits_of(f);
    double   back = (double)f;
    uint32_t lost = (back != x) & (x == x);
    b -= lost & (uint32_t)(__builtin_fabs(back) > __builtin_fabs(x));
    return of_bits(b | lost);
}

/* ---- loops ---------------------------------------------------------------------------------------------------- */

#define LOAD(name, type, block, expression)                              \
    static void name(size_t n, const void *from, block *to)              \
    {                                                                    \
        const type *p = from;                                            \
        for (size_t i = 0; i < n; i++) {                                 \
            type x = p[i];                                               \
            to[i] = (block)(expression);                                 \
        }                                                                \
    }
#define STORE(name, type, block, expression)                             \
    static void name(size_t n, const block *from, void *to, bool saturate) \
    {                                                                    \
        type *p = to;                                                    \
        (void)saturate;                                                  \
        for (size_t i = 0; i < n; i++) {                                 \
            block x = from[i];                                           \
            p[i] = (type)(expression);                                   \
        }                                                                \
    }
#define STORE_INT(name, type, expression)                                \
    static void name(size_t n, const int64_t *from, void *to)            \
    {                                                                    \
        type *p = to;                                                    \
        for (size_t i = 0; i < n; i++) {                                 \
            int64_t x = from[i];                                         \
            p[i] = (type)(expression);                                   \
        }                                                                \
    }

LOAD(float_of_f32, float, float, x)
LOAD(float_of_bf16, uint16_t, float, from_bf16(x))
LOAD(float_of_f16, uint16_t, float, from_f16(x))
LOAD(float_of_f8e4m3, uint8_t, float, from_f8e4m3(x))
LOAD(float_of_f8e5m2, uint8_t, float, from_f8e5m2(x))
LOAD(float_of_i8, int8_t, float, x)
LOAD(float_of_u8, uint8_t, float, x)
LOAD(float_of_bool, uint8_t, float, x != 0)
LOAD(double_of_f64, double, double, x)
LOAD(double_of_f32, float, double, x)
LOAD(double_of_bf16, uint16_t, double, from_bf16(x))
LOAD(double_of_f16, uint16_t, double, from_f16(x))
LOAD(double_of_f8e4m3, uint8_t, double, from_f8e4m3(x))
LOAD(double_of_f8e5m2, uint8_t, double, from_f8e5m2(x))
LOAD(double_of_i64, int64_t, double, x)
LOAD(double_of_i32, int32_t, double, x)
LOAD(double_of_i8, int8_t, double, x)
LOAD(double_of_u8, uint8_t, double, x)
LOAD(double_of_bool, uint8_t, double, x != 0)
LOAD(int_of_i64, int64_t, int64_t, x)
LOAD(int_of_i32, int32_t, int64_t, x)
LOAD(int_of_i8, int8_t, int64_t, x)
LOAD(int_of_u8, uint8_t, int64_t, x)
LOAD(int_of_bool, uint8_t, int64_t, x != 0)
STORE(f32_of_float, float, float, x)
STORE(bf16_of_float, uint16_t, float, to_bf16(x))
STORE(f16_of_float, uint16_t, float, to_f16(x))
STORE(f8e4m3_of_float, uint8_t, float, to_f8e4m3(x, saturate))
STORE(f8e5m2_of_float, uint8_t, float, to_f8e5m2(x, saturate))
STORE(i8_of_float, int8_t, float, cut_i8(x))
STORE(u8_of_float, uint8_t, float, cut_u8(x))
STORE(bool_of_float, uint8_t, float, x != 0)
STORE(f64_of_double, double, double, x)
STORE(f32_of_double, float, double, x)
STORE(bf16_of_double, uint16_t, double, to_bf16(sticky(x)))
STORE(f16_of_double, uint16_t, double, to_f16(sticky(x)))
STORE(f8e4m3_of_double, uint8_t, double, to_f8e4m3(sticky(x), saturate))
STORE(f8e5m2_of_double, uint8_t, double, to_f8e5m2(sticky(x), saturate))
STORE(i64_of_double, int64_t, double, cut_i64(x))
STORE(i32_of_double, int32_t, double, cut_i32(x))
STORE(i8_of_double, int8_t, double, cut_i32(x))
STORE(u8_of_double, uint8_t, double, cut_i32(x))
STORE(bool_of_double, uint8_t, double, x != 0)
STORE_INT(i64_of_int, int64_t, x)
STORE_INT(i32_of_int, int32_t, x)
STORE_INT(i8_of_int, int8_t, x)
STORE_INT(u8_of_int, uint8_t, x)
STORE_INT(bool_of_int, uint8_t, x != 0)

/* Two numbers a byte, the first in the low bits. */
#define LOAD_PACKED(name, expression)                                    \
    static void name(size_t n, const void *from, float *to)              \
    {                                                                    \
        const uint8_t *p = from;                                         \
        for (size_t i = 0; i < n / 2; i++) {                             \
            int32_t x = p[i] & 15, y = p[i] >> 4;                        \
            to[2 * i] = (float)(x expression(x));                        \
            to[2 * i + 1] = (float)(y expression(y));                    \
        }                                                                \
        if (n % 2) {                                                     \
            int32_t x = p[n / 2] & 15;                                   \
            to[n - 1] = (float)(x expression(x));                        \
        }                                                                \
    }
#define SIGN(x) -(((x) & 8) << 1)
#define NO_SIGN(x)
LOAD_PACKED(float_of_i4, SIGN)
LOAD_PACKED(float_of_u4, NO_SIGN)

static void packed_of_float(size_t n, const float *from, void *to, bool saturate)
{
    uint8_t *p = to;
    (void)saturate;
    for (size_t i = 0; i < n / 2; i++)
        p[i] = (uint8_t)(((int32_t)from[2 * i] & 15) | (((int32_t)from[2 * i + 1] & 15) << 4));
    if (n % 2)
        p[n / 2] = (uint8_t)((int32_t)from[n - 1] & 15);
}

/* ---- quantization --------------------------------------------------------------------------------------------- */

INLINE float whole(float v, float zero, float low, float high)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer, to nearest even */
    float       cut = v < -4194304.0f ? -4194304.0f : v;
    cut = cut > 4194304.0f ? 4194304.0f : cut;
    float y = cut + magic - magic + zero;
    y = y < low ? low : y;
    y = y > high ? high : y;
    return v == v ? y : 0.0f;
}

/* A loop for one scale and a loop for many, each with and without zero points. */
#define QUANTIZATION(name, expression)                                               \
    static void name(const struct cpu_quantize_run *run, float *x)                   \
    {                                                                                \
        size_t       n = run->n;                                                     \
        const float *scale = run->scale, *zero = run->zero;                          \
        float        low = run->low, high = run->high;                               \
        (void)low;                                                                   \
        (void)high;                                                                  \
        if (run->step && zero) {                                                     \
            for (size_t i = 0; i < n; i++) {                                         \
                float v = x[i], s = scale[i], z = zero[i];                           \
                x[i] = expression;                                                   \
            }                                                                        \
        } else if (run->step) {                                                      \
            const float z = 0;                                                       \
            for (size_t i = 0; i < n; i++) {                                         \
                float v = x[i], s = scale[i];                                        \
                x[i] = expression;                                                   \
            }                                                                        \
        } else {                                                                     \
            const float s = *scale, z = zero ? *zero : 0;                            \
            for (size_t i = 0; i < n; i++) {                                         \
                float v = x[i];                                                      \
                x[i] = expression;                                                   \
            }                                                                        \
        }                                                                            \
    }
QUANTIZATION(dequantize, (v - z) * s)
QUANTIZATION(quantize, v / s + z)
QUANTIZATION(quantize_integer, whole(v / s, z, low, high))

const struct cpu_converting_kernels CPU_ISA_NAME(converting) = {
    .load_float = {[ASSAY_F32] = float_of_f32, [ASSAY_BF16] = float_of_bf16, [ASSAY_F16] = float_of_f16,
                   [ASSAY_F8E4M3] = float_of_f8e4m3, [ASSAY_F8E5M2] = float_of_f8e5m2, [ASSAY_I8] = float_of_i8,
                   [ASSAY_U8] = float_of_u8, [ASSAY_BOOL] = float_of_bool, [ASSAY_I4] = float_of_i4, [ASSAY_U4] = float_of_u4},
    .store_float = {[ASSAY_F32] = f32_of_float, [ASSAY_BF16] = bf16_of_float, [ASSAY_F16] = f16_of_float,
                    [ASSAY_F8E4M3] = f8e4m3_of_float, [ASSAY_F8E5M2] = f8e5m2_of_float, [ASSAY_I8] = i8_of_float,
                    [ASSAY_U8] = u8_of_float, [ASSAY_BOOL] = bool_of_float, [ASSAY_I4] = packed_of_float,
                    [ASSAY_U4] = packed_of_float},
    .load_double = {[ASSAY_F64] = double_of_f64, [ASSAY_F32] = double_of_f32, [ASSAY_BF16] = double_of_bf16,
                    [ASSAY_F16] = double_of_f16, [ASSAY_F8E4M3] = double_of_f8e4m3, [ASSAY_F8E5M2] = double_of_f8e5m2,
                    [ASSAY_I64] = double_of_i64, [ASSAY_I32] = double_of_i32, [ASSAY_I8] = double_of_i8,
                    [ASSAY_U8] = double_of_u8, [ASSAY_BOOL] = double_of_bool},
    .store_double = {[ASSAY_F64] = f64_of_double, [ASSAY_F32] = f32_of_double, [ASSAY_BF16] = bf16_of_double,
                     [ASSAY_F16] = f16_of_double, [ASSAY_F8E4M3] = f8e4m3_of_double, [ASSAY_F8E5M2] = f8e5m2_of_double,
                     [ASSAY_I64] = i64_of_double, [ASSAY_I32] = i32_of_double, [ASSAY_I8] = i8_of_double,
                     [ASSAY_U8] = u8_of_double, [ASSAY_BOOL] = bool_of_double},
    .load_int = {[ASSAY_I64] = int_of_i64, [ASSAY_I32] = int_of_i32, [ASSAY_I8] = int_of_i8, [ASSAY_U8] = int_of_u8,
                 [ASSAY_BOOL] = int_of_bool},
    .store_int = {[ASSAY_I64] = i64_of_int, [ASSAY_I32] = i32_of_int, [ASSAY_I8] = i8_of_int, [ASSAY_U8] = u8_of_int,
                  [ASSAY_BOOL] = bool_of_int},
    .dequantize = dequantize,
    .quantize = quantize,
    .quantize_integer = quantize_integer,
};
