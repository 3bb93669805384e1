#include "backends/cpu/products/tile.h"

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
#define INLINE static inline __attribute__((always_inline))

/* Edges: from memory, because sums that are indexed by a variable would not stay in registers anywhere. */
static void put_part(const struct cpu_tile *t, const float *sum, size_t sum_row)
{
    for (size_t m = 0; m < t->rows; m++) {
        float       *c = t->c + (ptrdiff_t)m * t->c_row;
        const float *from = sum + m * sum_row;
        for (size_t n = 0; n < t->columns; n += VL) {
            size_t left = t->columns - n;
            if (left >= VL)
                vf_store(c + n, t->add ? vf_load(c + n) + vf_load(from + n) : vf_load(from + n));
            else
                vf_store_part(c + n, t->add ? vf_load_part(c + n, left) + vf_load(from + n) : vf_load(from + n), left);
        }
    }
}

INLINE void put_whole(const struct cpu_tile *t, vf (*sum)[VECTORS], const int vectors)
{
CPU_UNROLL(8)
    for (int m = 0; m < ROWS; m++) {
        float *c = t->c + m * t->c_row;
CPU_UNROLL(3)
        for (int v = 0; v < vectors; v++)
            vf_store(c + v * VL, t->add ? vf_load(c + v * VL) + sum[m][v] : sum[m][v]);
    }
}

/* A line of each row to come, once for as many steps of depth as it holds: short stretches of many rows are nothing that a
 * processor's own prefetching foresees. */
INLINE void fetch_next(const struct cpu_tile *t, size_t k)
{
    enum { LINE_FLOATS = 16 };
    if (k % LINE_FLOATS)
        return;
    const float *next = t->a_next + (ptrdiff_t)k * t->a_depth;
CPU_UNROLL(8)
    for (int m = 0; m < ROWS; m++)
        __builtin_prefetch(next + m * t->a_row);
}

INLINE void tile(const struct cpu_tile *t, const int vectors, const bool packed, const bool gathered, const bool fetching)
{
    vf           sum[ROWS][VECTORS] = {{{0}}};
    const float *a = t->a, *b = t->b;
    const float *row[ROWS];
    for (size_t m = 0; m < ROWS; m++) /* missing rows repeat the last one: computed, not stored */
        row[m] = a + (ptrdiff_t)(m < t->rows ? m : t->rows - 1) * t->a_row;
    for (size_t k = 0; k < t->depth; k++) {
        const float *line = gathered ? b + t->offset[k] : b;
        vf           column[VECTORS];
        if (fetching)
            fetch_next(t, k);
CPU_UNROLL(3)
        for (int v = 0; v < vectors; v++)
            column[v] = vf_load(line + v * VL);
CPU_UNROLL(8)
        for (int m = 0; m < ROWS; m++) {
            vf factor = vf_all(packed ? a[m] : row[m][(ptrdiff_t)k * t->a_depth]);
CPU_UNROLL(3)
            for (int v = 0; v < vectors; v++)
                sum[m][v] += factor * column[v];
        }
        a += ROWS;
        b += gathered ? 0 : t->b_depth;
    }
    if (t->rows == ROWS && t->columns == (size_t)vectors * VL) {
        put_whole(t, sum, vectors);
        return;
    }
    float edge[ROWS * VECTORS * VL];
CPU_UNROLL(8)
    for (int m = 0; m < ROWS; m++)
CPU_UNROLL(3)
        for (int v = 0; v < vectors; v++)
            vf_store(edge + (m * VECTORS + v) * VL, sum[m][v]);
    put_part(t, edge, VECTORS * VL);
}

#define SELECT(packed, gathered, fetching)                  \
    do {                                                    \
        size_t vectors = (t->columns + VL - 1) / VL;        \
        if (vectors == 3)                                   \
            tile(t, 3, packed, gathered, fetching);         \
        else if (vectors == 2)                              \
            tile(t, 2, packed, gathered, fetching);         \
        else if (vectors == 1)                              \
            tile(t, 1, packed, gathered, fetching);         \
    } while (0)

static void tile_packed(const struct cpu_tile *t)
{
    if (t->offset)
        SELECT(true, true, false);
    else
        SELECT(true, false, false);
}

static void tile_strided(const struct cpu_tile *t)
{
    if (t->offset)
        SELECT(false, true, false);
    else if (t->a_next)
        SELECT(false, false, true);
    else
        SELECT(false, false, false);
}

const struct cpu_tile_kernels CPU_ISA_NAME(tile) = {
    .rows = ROWS,
    .columns = (size_t)VECTORS * VL,
    .lanes = VL,
    .packed = tile_packed,
    .strided = tile_strided,
};
