#include "backends/cpu/products/gemv.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* Rows that stream together: more hide latency better, until they exceed what the prefetchers follow. */
#define STREAMS 8
/* Columns handled at a time, so that their sums stay in the first-level cache. */
#define BLOCK 2048
#define INLINE static inline __attribute__((always_inline))

INLINE void combine_rows(const int streams, size_t columns, const float *x, const float *w, size_t stride, float *y,
                         const int first)
{
    vf     factor[STREAMS];
    size_t j = 0;
    for (int s = 0; s < streams; s++)
        factor[s] = vf_all(x[s]);
    for (; j + VL <= columns; j += VL) {
        vf sum = first ? vf_all(0) : vf_load(y + j);
CPU_UNROLL(8)
        for (int s = 0; s < streams; s++)
            sum += factor[s] * vf_load(w + (size_t)s * stride + j);
        vf_store(y + j, sum);
    }
    if (j < columns) {
        vf sum = first ? vf_all(0) : vf_load_part(y + j, columns - j);
        for (int s = 0; s < streams; s++)
            sum += factor[s] * vf_load_part(w + (size_t)s * stride + j, columns - j);
        vf_store_part(y + j, sum, columns - j);
    }
}

static void combine_block(size_t rows, size_t columns, const float *x, const float *w, size_t stride, float *y)
{
    size_t i = 0;
    for (; i + STREAMS <= rows; i += STREAMS)
        if (i == 0)
            combine_rows(STREAMS, columns, x, w, stride, y, 1);
        else
            combine_rows(STREAMS, columns, x + i, w + i * stride, stride, y, 0);
    for (; i < rows; i++)
        combine_rows(1, columns, x + i, w + i * stride, stride, y, i == 0);
}

static void combine(size_t rows, size_t columns, const float *x, const float *w, size_t stride, float *y)
{
    if (!rows)
        memset(y, 0, columns * sizeof *y);
    for (size_t j = 0; j < columns; j += BLOCK)
        combine_block(rows, columns - j < BLOCK ? columns - j : BLOCK, x, w + j, stride, y + j);
}

typedef uint16_t halves __attribute__((vector_size(CPU_VECTOR_BYTES / 2)));
typedef int8_t   bytes __attribute__((vector_size(CPU_VECTOR_BYTES / 4)));

INLINE vf widen_f32(const float *p)
{
    return vf_load(p);
}

/* 16 bits without a sign, and 8 with one, into lanes; compilers make many small steps of __builtin_convertvector. */
INLINE vu lanes_of_halves(const uint16_t *p)
{
#if defined(__AVX512F__)
    return (vu)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p));
#elif defined(__AVX2__)
    return (vu)_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p));
#else
    halves h;
    memcpy(&h, p, sizeof h);
    return __builtin_convertvector(h, vu);
#endif
}

INLINE vi lanes_of_bytes(const int8_t *p)
{
#if defined(__AVX512F__)
    return (vi)_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p));
#elif defined(__AVX2__)
    return (vi)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p));
#else
    bytes b;
    memcpy(&b, p, sizeof b);
    return __builtin_convertvector(b, vi);
#endif
}

INLINE vf widen_bf16(const uint16_t *p)
{
    return (vf)(lanes_of_halves(p) << 16);
}

/* The exponent's bias differs by 112; all ones are infinite or no number in both. */
INLINE vf widen_f16(const uint16_t *p)
{
#if defined(__AVX512F__)
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
#else
    vu wide = lanes_of_halves(p), magnitude = (wide & 0x7fffu) << 13, sign = (wide & 0x8000u) << 16;
    vf scaled = (vf)magnitude * 0x1p112f;
    vi special = (vi)(magnitude >= 0x0f800000u);
    return (vf)(((vu)vf_select(special, (vf)(magnitude | 0x7f800000u), scaled)) | sign);
#endif
}

INLINE vf widen_i8(const int8_t *p)
{
    return __builtin_convertvector(lanes_of_bytes(p), vf);
}

/* Long rows one after another: one stream is what prefetchers follow best (measured: 31 GB/s, four rows at once 19).
 * Short rows four at a time, so that their sums are ready while others are added up. */
#define LONG (16 * VL)
#define DOTS(name, type)                                                                                                    \
    INLINE vf part_##name(const type *p, size_t n)                                                                          \
    {                                                                                                                       \
        type part[VL] = {0};                                                                                                \
        memcpy(part, p, n * sizeof *p);                                                                                     \
        return widen_##name(part);                                                                                          \
    }                                                                                                                       \
    INLINE vf rest_##name(size_t j, size_t columns, const type *w, const float *x)                                          \
    {                                                                                                                       \
        vf sum = vf_all(0.0f);                                                                                              \
        for (; j + VL <= columns; j += VL)                                                                                  \
            sum += widen_##name(w + j) * vf_load(x + j);                                                                    \
        return j < columns ? sum + part_##name(w + j, columns - j) * vf_load_part(x + j, columns - j) : sum;                \
    }                                                                                                                       \
    static float row_##name(size_t columns, const type *w, const float *x)                                                  \
    {                                                                                                                       \
        vf     sum[4] = {{0}};                                                                                              \
        size_t j = 0;                                                                                                       \
        for (; j + 4 * VL <= columns; j += 4 * VL) {                                                                        \
            CPU_UNROLL(4)                                                                                                   \
            for (size_t s = 0; s < 4; s++)                                                                                  \
                sum[s] += widen_##name(w + j + s * VL) * vf_load(x + j + s * VL);                                           \
        }                                                                                                                   \
        return vf_sum((sum[0] + sum[1]) + (sum[2] + sum[3]) + rest_##name(j, columns, w, x));                               \
    }                                                                                                                       \
    static void four_##name(size_t columns, const type *w, size_t stride, const float *x, float *y)                         \
    {                                                                                                                       \
        vf     sum[4] = {{0}};                                                                                              \
        size_t j = 0;                                                                                                       \
        for (; j + VL <= columns; j += VL) {                                                                                \
            CPU_UNROLL(4)                                                                                                   \
            for (size_t s = 0; s < 4; s++)                                                                                  \
                sum[s] += widen_##name(w + s * stride + j) * vf_load(x + j);                                                \
        }                                                                                                                   \
        for (size_t s = 0; s < 4; s++)                                                                                      \
            y[s] = vf_sum(sum[s] + rest_##name(j, columns, w + s * stride, x));                                             \
    }                                                                                                                       \
    static void dots_##name(size_t rows, size_t columns, const void *from, size_t stride, const float *x, float *y)         \
    {                                                                                                                       \
        const type *w = from;                                                                                               \
        size_t      i = 0;                                                                                                  \
        for (; columns < LONG && i + 4 <= rows; i += 4)                                                                     \
            four_##name(columns, w + i * stride, stride, x, y + i);                                                         \
        for (; i < rows; i++)                                                                                               \
            y[i] = row_##name(columns, w + i * stride, x);                                                                  \
    }

DOTS(f32, float)
DOTS(bf16, uint16_t)
DOTS(f16, uint16_t)
DOTS(i8, int8_t)

static void dots(size_t rows, size_t columns, const float *w, size_t stride, const float *x, float *y)
{
    dots_f32(rows, columns, w, stride, x, y);
}

static void add(size_t n, const float *z, float *y)
{
    size_t j = 0;
    for (; j + VL <= n; j += VL)
        vf_store(y + j, vf_load(y + j) + vf_load(z + j));
    for (; j < n; j++)
        y[j] += z[j];
}

static void finish(size_t n, float scale, const float *c, size_t c_step, float c_scale, float *y)
{
    if (scale != 1.0f)
        for (size_t j = 0; j < n; j++)
            y[j] *= scale;
    if (c)
        for (size_t j = 0; j < n; j++)
            y[j] += c_scale * c[j * c_step];
}

const struct cpu_gemv_kernels CPU_ISA_NAME(gemv) = {
    .combine = combine,
    .dots = dots,
    .stored_dots = {[CPU_STORED_F32] = dots_f32, [CPU_STORED_BF16] = dots_bf16, [CPU_STORED_F16] = dots_f16,
                    [CPU_STORED_I8] = dots_i8},
    .add = add,
    .finish = finish,
};
