#include "backends/cpu/products/igemm.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* 32 registers hold 8 x 3 sums, three vectors of b and a broadcast; 16 hold 4 x 3. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define ROWS 8
#else
#define ROWS 4
#endif
#define VECTORS 3
#define COLUMNS (VECTORS * VL)

/* sum + a b of two numbers of 16 bits each in every lane. No product of a u8 and an i8 leaves 16 bits, no two of them 32. */
static inline vi add_pairs(vi sum, vi a, vi b)
{
#if defined(__AVX512BW__)
    return sum + (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return sum + (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return sum + (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    return sum + (a >> 16) * (b >> 16) + (vi)((vu)a << 16 >> 16) * ((vi)((vu)b << 16) >> 16); /* a's are not negative */
#endif
}

static inline void put(const struct cpu_igemm_tile *t, const int32_t *sum)
{
    for (size_t m = 0; m < t->rows; m++)
        memcpy(t->c + m * t->c_row, sum + m * COLUMNS, t->columns * sizeof *sum);
}

#define TILE(name, target, add)                                                                             \
    target static void name(const struct cpu_igemm_tile *t)                                                 \
    {                                                                                                       \
        vi              sum[ROWS][VECTORS] = {{{0}}};                                                       \
        const uint32_t *row[ROWS], *b = t->b;                                                               \
        for (size_t m = 0; m < ROWS; m++) /* missing rows repeat the last one: computed, not stored */      \
            row[m] = t->a + (m < t->rows ? m : t->rows - 1) * t->a_row;                                     \
        for (size_t k = 0; k < t->words; k++, b += COLUMNS) {                                               \
            vi column[VECTORS];                                                                             \
            CPU_UNROLL(3)                                                                                   \
            for (int v = 0; v < VECTORS; v++)                                                               \
                memcpy(&column[v], b + v * VL, sizeof column[v]);                                           \
            CPU_UNROLL(8)                                                                                   \
            for (int m = 0; m < ROWS; m++) {                                                                \
                vi factor = (int32_t)row[m][k] + (vi){0};                                                   \
                CPU_UNROLL(3)                                                                               \
                for (int v = 0; v < VECTORS; v++)                                                           \
                    sum[m][v] = add(sum[m][v], factor, column[v]);                                          \
            }                                                                                               \
        }                                                                                                   \
        int32_t stored[ROWS * COLUMNS];                                                                     \
        CPU_UNROLL(8)                                                                                       \
        for (int m = 0; m < ROWS; m++)                                                                      \
            CPU_UNROLL(3)                                                                                   \
            for (int v = 0; v < VECTORS; v++)                                                               \
                memcpy(stored + m * COLUMNS + v * VL, &sum[m][v], sizeof sum[m][v]);                        \
        put(t, stored);                                                                                     \
    }

TILE(tile_pairs, , add_pairs)

/* Four products of a u8 and an i8 in every lane, added up in 32 bits. */
#if defined(__AVX512BW__)
#define ADD_QUADS(sum, a, b) (vi)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(a), (__m512i)(b))
TILE(tile_quads, __attribute__((target("avx512vnni"))), ADD_QUADS)
#define QUADS tile_quads
#define QUADS_BY "AVX-512 VNNI"
#elif defined(__AVX2__) && !defined(__AVX512F__) && (defined(__clang__) || __GNUC__ >= 11)
#define ADD_QUADS(sum, a, b) (vi)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(a), (__m256i)(b))
TILE(tile_quads, __attribute__((target("avxvnni"))), ADD_QUADS)
#define QUADS tile_quads
#define QUADS_BY "AVX-VNNI"
#else
#define QUADS NULL
#define QUADS_BY ""
#endif

const struct cpu_igemm_kernels CPU_ISA_NAME(igemm) = {
    .rows = ROWS,
    .columns = COLUMNS,
    .pairs = tile_pairs,
    .quads = QUADS,
    .quads_by = QUADS_BY,
};
