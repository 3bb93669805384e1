/* Vectors of f32 as wide as the instruction set this unit is compiled for. Kernel sources include it and are compiled
 * once per instruction set (backend.mk), so nothing here may be called from an ordinary source.
 * Arithmetic is the compiler's own on vector types; only what it cannot be trusted to see is spelt as an instruction. */
#ifndef CPU_VECTOR_VECTOR_H
#define CPU_VECTOR_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define CPU_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define CPU_VECTOR_BYTES 32
#else
#define CPU_VECTOR_BYTES 16
#endif
/* Lanes. */
#define VL (CPU_VECTOR_BYTES / 4)

/* Unroll the next loop completely and early, so that arrays indexed by its counter can live in registers. */
#if defined(__clang__)
#define CPU_UNROLL(n) _Pragma("clang loop unroll(full)")
#else
#define CPU_UNROLL_(text) _Pragma(#text)
#define CPU_UNROLL(n) CPU_UNROLL_(GCC unroll n)
#endif

typedef float vf __attribute__((vector_size(CPU_VECTOR_BYTES)));
typedef int32_t vi __attribute__((vector_size(CPU_VECTOR_BYTES)));
typedef uint32_t vu __attribute__((vector_size(CPU_VECTOR_BYTES)));

static inline vf vf_all(float x)
{
    return x - (vf){0}; /* x - 0 keeps the sign of zero, x + 0 would not */
}

static inline vi vi_all(int32_t x)
{
    return x + (vi){0};
}

static inline vf vf_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vf_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* The first n lanes, n < VL; the others are zero. Reads nothing beyond them. */
static inline vf vf_load_part(const float *p, size_t n)
{
#if defined(__AVX512F__)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    float lane[VL] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i] = p[i];
    return vf_load(lane);
#endif
}

static inline void vf_store_part(float *p, vf v, size_t n)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    for (size_t i = 0; i < n; i++)
        p[i] = v[i];
#endif
}

/* All ones in the first n lanes. */
static inline vi vi_first(size_t n)
{
    vi lane = {0};
    for (int i = 0; i < VL; i++)
        lane[i] = i;
    return lane < vi_all(n < VL ? (int32_t)n : VL);
}

static inline vf vf_bits(vi v)
{
    return (vf)v;
}

static inline vi vi_bits(vf v)
{
    return (vi)v;
}

/* Integer arithmetic on bit patterns wraps: whatever an operand is, also one that is no number. */
static inline vi vi_minus(vi a, vi b)
{
    return (vi)((vu)a - (vu)b);
}

/* n in the place of an exponent. */
static inline vi vi_exponent(vi n)
{
    return (vi)((vu)n << 23);
}

/* a where the mask is all ones, b where it is zero; masks come from comparisons. */
static inline vf vf_select(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

/* The larger; b where either is not a number. */
static inline vf vf_max(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
#else
    return vf_select(a > b, a, b);
#endif
}

/* The smaller; b where either is not a number. */
static inline vf vf_min(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
#else
    return vf_select(a < b, a, b);
#endif
}

/* Not a number if either is: ONNX's Max, Min and their reductions. */
static inline vf vf_max_nan(vf a, vf b)
{
    return vf_select(a == a, vf_max(a, b), a);
}

static inline vf vf_min_nan(vf a, vf b)
{
    return vf_select(a == a, vf_min(a, b), a);
}

static inline vf vf_abs(vf a)
{
    return (vf)((vi)a & INT32_MAX);
}

static inline vf vf_sqrt(vf a)
{
#if defined(__AVX512F__)
    return (vf)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
    return (vf)_mm256_sqrt_ps((__m256)a);
#elif defined(__SSE2__)
    return (vf)_mm_sqrt_ps((__m128)a);
#else
    for (int i = 0; i < VL; i++)
        a[i] = __builtin_sqrtf(a[i]);
    return a;
#endif
}

/* Lane 0 of a, lane 0 of b, lane 1 of a, ..: the first half of them in *a. And back: what stands in even places in *a. */
static inline void vf_zip(vf *a, vf *b)
{
    vf first = *a, second = *b;
#if defined(__AVX512F__)
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    *a = (vf)_mm512_permutex2var_ps((__m512)first, low, (__m512)second);
    *b = (vf)_mm512_permutex2var_ps((__m512)first, high, (__m512)second);
#elif defined(__AVX2__)
    __m256 low = _mm256_unpacklo_ps((__m256)first, (__m256)second), high = _mm256_unpackhi_ps((__m256)first, (__m256)second);
    *a = (vf)_mm256_permute2f128_ps(low, high, 0x20);
    *b = (vf)_mm256_permute2f128_ps(low, high, 0x31);
#elif defined(__SSE2__)
    *a = (vf)_mm_unpacklo_ps((__m128)first, (__m128)second);
    *b = (vf)_mm_unpackhi_ps((__m128)first, (__m128)second);
#else
    for (int i = 0; i < VL / 2; i++) {
        (*a)[2 * i] = first[i];
        (*a)[2 * i + 1] = second[i];
        (*b)[2 * i] = first[VL / 2 + i];
        (*b)[2 * i + 1] = second[VL / 2 + i];
    }
#endif
}

static inline void vf_unzip(vf *a, vf *b)
{
    vf first = *a, second = *b;
#if defined(__AVX512F__)
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    *a = (vf)_mm512_permutex2var_ps((__m512)first, even, (__m512)second);
    *b = (vf)_mm512_permutex2var_ps((__m512)first, odd, (__m512)second);
#elif defined(__AVX2__)
    *a = (vf)_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(_mm256_shuffle_ps((__m256)first, (__m256)second, 0x88)),
                                                    0xd8));
    *b = (vf)_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(_mm256_shuffle_ps((__m256)first, (__m256)second, 0xdd)),
                                                    0xd8));
#elif defined(__SSE2__)
    *a = (vf)_mm_shuffle_ps((__m128)first, (__m128)second, 0x88);
    *b = (vf)_mm_shuffle_ps((__m128)first, (__m128)second, 0xdd);
#else
    for (int i = 0; i < VL / 2; i++) {
        (*a)[i] = first[2 * i];
        (*a)[VL / 2 + i] = second[2 * i];
        (*b)[i] = first[2 * i + 1];
        (*b)[VL / 2 + i] = second[2 * i + 1];
    }
#endif
}

/* Sums and extremes over the lanes, by halves, so the order is the same everywhere for one width. */
static inline float vf_sum(vf v)
{
#if defined(__SSE2__)
#if defined(__AVX512F__)
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#elif defined(__AVX2__)
    __m256 half = (__m256)v;
#endif
#if defined(__AVX2__)
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
#else
    __m128 four = (__m128)v;
#endif
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
#else
    float lane[VL];
    vf_store(lane, v);
    for (int width = VL / 2; width; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
#endif
}

static inline float vf_largest(vf v)
{
    float lane[VL];
    vf_store(lane, v);
    for (int i = 1; i < VL; i++)
        lane[0] = lane[0] != lane[0] || lane[0] > lane[i] ? lane[0] : lane[i];
    return lane[0];
}

static inline float vf_smallest(vf v)
{
    float lane[VL];
    vf_store(lane, v);
    for (int i = 1; i < VL; i++)
        lane[0] = lane[0] != lane[0] || lane[0] < lane[i] ? lane[0] : lane[i];
    return lane[0];
}

#endif
