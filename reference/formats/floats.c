/* Loops without branches that the compiler makes vectors of, once per format, direction and instruction set. */
#include "reference/formats/floats.h"

#include <stdint.h>
#include <string.h>

#include "assay/banned.h"

enum { TOP_HOLDS_SPECIALS, ALL_ONES_IS_NAN, ALL_ARE_NUMBERS };

/* Constants of a format; every use is inlined with a literal. */
struct shape {
    uint32_t exponent_bits, fraction_bits, bias, specials;
};
#define BF16 ((struct shape){8, 7, 127, TOP_HOLDS_SPECIALS})
#define F16 ((struct shape){5, 10, 15, TOP_HOLDS_SPECIALS})
#define F8E4M3 ((struct shape){4, 3, 7, ALL_ONES_IS_NAN})
#define F8E5M2 ((struct shape){5, 2, 15, TOP_HOLDS_SPECIALS})
#define F4E2M1 ((struct shape){2, 1, 1, ALL_ARE_NUMBERS})

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

ALWAYS uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Normal numbers: subtract the difference of the biases and round where the fraction ends. Subnormal ones: add the
 * float whose last bit is the format's smallest number, which makes the processor round there. */
ALWAYS uint32_t narrow(struct shape s, float x)
{
    uint32_t shift = 23 - s.fraction_bits, bits = bits_of(x), u = bits & 0x7fffffff;
    uint32_t all = (1u << (s.exponent_bits + s.fraction_bits)) - 1, top = all >> s.fraction_bits << s.fraction_bits;
    uint32_t beyond = s.specials == TOP_HOLDS_SPECIALS ? top : all;
    uint32_t nan = s.specials == TOP_HOLDS_SPECIALS ? top | 1u << (s.fraction_bits - 1) : all;
    uint32_t code = (u - ((127 - s.bias) << 23) + ((1u << (shift - 1)) - 1) + (u >> shift & 1)) >> shift;
    if (s.bias < 127) {
        uint32_t magic = (128 - s.bias + shift) << 23, tiny = bits_of(float_of(u) + float_of(magic)) - magic;
        code = u < (128 - s.bias) << 23 ? tiny : code;
    }
    code = code < beyond ? code : beyond;
    code = u > 0x7f800000 ? nan : code;
    uint32_t sign = bits >> 31 << (s.exponent_bits + s.fraction_bits);
    return code | (s.specials == ALL_ARE_NUMBERS && u > 0x7f800000 ? 0 : sign);
}

ALWAYS float widen(struct shape s, uint32_t code)
{
    uint32_t magnitude_bits = s.exponent_bits + s.fraction_bits, all = (1u << magnitude_bits) - 1;
    uint32_t top = all >> s.fraction_bits << s.fraction_bits, u = code & all, sign = code >> magnitude_bits << 31;
    uint32_t first = (128 - s.bias) << 23; /* the smallest normal number */
    uint32_t bits = (u << (23 - s.fraction_bits)) + ((127 - s.bias) << 23);
    if (s.bias < 127) {
        uint32_t tiny = bits_of(float_of((u << (23 - s.fraction_bits)) + first) - float_of(first));
        bits = u >> s.fraction_bits ? bits : tiny;
    }
    if (s.specials == TOP_HOLDS_SPECIALS)
        bits = u == top ? 0x7f800000 : bits;
    bits |= sign;
    if (s.specials != ALL_ARE_NUMBERS)
        bits = u > (s.specials == TOP_HOLDS_SPECIALS ? top : all - 1) ? 0x7fc00000 : bits;
    return float_of(bits);
}

#define SIMPLE(suffix, target, name, shape, type)                                                                      \
    target static void narrow_##name##_##suffix(const float *restrict from, size_t n, unsigned char *restrict to)      \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type code = (type)narrow(shape, from[i]);                                                                  \
            memcpy(to + i * sizeof code, &code, sizeof code);                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    target static void widen_##name##_##suffix(const unsigned char *restrict from, size_t n, float *restrict to)       \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type code;                                                                                                 \
            memcpy(&code, from + i * sizeof code, sizeof code);                                                        \
            to[i] = widen(shape, code);                                                                                \
        }                                                                                                              \
    }

/* Two to the byte, the first in the low bits. */
#define PAIRS(suffix, target, name, shape)                                                                             \
    target static void narrow_##name##_##suffix(const float *restrict from, size_t n, unsigned char *restrict to)      \
    {                                                                                                                  \
        for (size_t i = 0; i < n / 2; i++)                                                                             \
            to[i] = (unsigned char)(narrow(shape, from[2 * i]) | narrow(shape, from[2 * i + 1]) << 4);                 \
        if (n & 1)                                                                                                     \
            to[n / 2] = (unsigned char)((to[n / 2] & 0xf0) | narrow(shape, from[n - 1]));                              \
    }                                                                                                                  \
    target static void widen_##name##_##suffix(const unsigned char *restrict from, size_t n, float *restrict to)       \
    {                                                                                                                  \
        for (size_t i = 0; i < n / 2; i++) {                                                                           \
            to[2 * i] = widen(shape, from[i] & 15u);                                                                   \
            to[2 * i + 1] = widen(shape, from[i] >> 4);                                                                \
        }                                                                                                              \
        if (n & 1)                                                                                                     \
            to[n - 1] = widen(shape, from[n / 2] & 15u);                                                               \
    }

#define FOR_TARGET(suffix, target)                                                                                     \
    SIMPLE(suffix, target, bf16, BF16, uint16_t)                                                                       \
    SIMPLE(suffix, target, f16, F16, uint16_t)                                                                         \
    SIMPLE(suffix, target, f8e4m3, F8E4M3, uint8_t)                                                                    \
    SIMPLE(suffix, target, f8e5m2, F8E5M2, uint8_t)                                                                    \
    PAIRS(suffix, target, f4e2m1, F4E2M1)

#ifdef __x86_64__
FOR_TARGET(wide, __attribute__((target("avx512f,avx512bw,avx512vl"))))
FOR_TARGET(avx2, __attribute__((target("avx2"))))
#endif
FOR_TARGET(plain, )

struct way {
    enum assay_dtype dtype;
    void (*narrow)(const float *restrict from, size_t n, unsigned char *restrict to);
    void (*widen)(const unsigned char *restrict from, size_t n, float *restrict to);
};
#define WAYS(suffix)                                                                                                   \
    {                                                                                                                  \
        {ASSAY_BF16, narrow_bf16_##suffix, widen_bf16_##suffix}, {ASSAY_F16, narrow_f16_##suffix, widen_f16_##suffix}, \
            {ASSAY_F8E4M3, narrow_f8e4m3_##suffix, widen_f8e4m3_##suffix},                                             \
            {ASSAY_F8E5M2, narrow_f8e5m2_##suffix, widen_f8e5m2_##suffix},                                             \
            {ASSAY_F4E2M1, narrow_f4e2m1_##suffix, widen_f4e2m1_##suffix},                                             \
    }
/* Narrowest vectors first. */
static const struct way ways[][5] = {
    WAYS(plain),
#ifdef __x86_64__
    WAYS(avx2),
    WAYS(wide),
#endif
};
enum { N_SETS = sizeof ways / sizeof *ways, N_WAYS = sizeof *ways / sizeof **ways };

/* Does this processor have the instructions of the set? */
static bool runs(size_t set)
{
#ifdef __x86_64__
    if (set == 2)
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (set == 1)
        return __builtin_cpu_supports("avx2");
#endif
    return set == 0;
}

/* NULL where there is none. */
static const struct way *way_of(enum assay_dtype dtype)
{
    size_t set = N_SETS - 1;
    while (!runs(set))
        set--;
    for (size_t i = 0; i < N_WAYS; i++)
        if (ways[set][i].dtype == dtype)
            return &ways[set][i];
    return NULL;
}

bool assay_floats_have(enum assay_dtype dtype)
{
    return way_of(dtype) != NULL;
}

void assay_floats_widen(enum assay_dtype dtype, const void *from, size_t n, float *to)
{
    way_of(dtype)->widen(from, n, to);
}

void assay_floats_narrow(enum assay_dtype dtype, const float *from, size_t n, void *to)
{
    way_of(dtype)->narrow(from, n, to);
}
