#include "reference/dense.h"

#include <math.h>

#include "assay/banned.h"

#define CACHE_BYTES (256 << 10) /* of one operand; the other has as much */
#define EIGHT 8                 /* partial sums of a dot product: number k goes to sum k mod 8 */

/* A tile of R by C sums in registers, eight partial sums each, as vectors of `bytes`. What is left of a sum's terms after
 * the last eight is added one by one. The constants are the tile's: loops over them are unrolled. */
#define UNROLLED _Pragma("GCC unroll 16")
#define TILE(name, target, bytes, R, C, magnitudes)                                                                    \
    target static void name(const struct assay_ref_dense *d, const double *const x[R], const double *const y[C],       \
                            double value[R][C], double magnitude[R][C])                                                \
    {                                                                                                                  \
        typedef double    vector __attribute__((vector_size(bytes)));                                                  \
        typedef double    loose __attribute__((vector_size(bytes), aligned(8), may_alias));                            \
        typedef long long bits __attribute__((vector_size(bytes)));                                                    \
        enum { WIDE = bytes / 8, PIECES = EIGHT / WIDE };                                                              \
        vector  v[R][C][PIECES], m[1 + magnitudes * (R - 1)][1 + magnitudes * (C - 1)][PIECES];                                    \
        int64_t n = d->terms, k = 0;                                                                                   \
        UNROLLED for (int i = 0; i < R; i++) UNROLLED for (int j = 0; j < C; j++)                                      \
            UNROLLED for (int p = 0; p < PIECES; p++) {                                                                \
            v[i][j][p] = (vector){0};                                                                                  \
            if (magnitudes)                                                                                            \
                m[i][j][p] = (vector){0};                                                                              \
        }                                                                                                              \
        for (; k + EIGHT <= n; k += EIGHT) {                                                                           \
            UNROLLED for (int p = 0; p < PIECES; p++) {                                                                \
                vector a[R];                                                                                           \
                UNROLLED for (int i = 0; i < R; i++) a[i] = *(const loose *)(x[i] + k + p * WIDE);                     \
                UNROLLED for (int j = 0; j < C; j++) {                                                                 \
                    vector b = *(const loose *)(y[j] + k + p * WIDE);                                                  \
                    UNROLLED for (int i = 0; i < R; i++) {                                                             \
                        vector product = a[i] * b;                                                                     \
                        v[i][j][p] += product;                                                                         \
                        if (magnitudes)                                                                                \
                            m[i][j][p] += (vector)((bits)product & INT64_MAX);                                         \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        for (int i = 0; i < R; i++)                                                                                    \
            for (int j = 0; j < C; j++) {                                                                              \
                double rest = 0, rest_magnitude = 0;                                                                   \
                for (int64_t l = k; l < n; l++) {                                                                      \
                    rest += x[i][l] * y[j][l];                                                                         \
                    rest_magnitude += fabs(x[i][l] * y[j][l]);                                                         \
                }                                                                                                      \
                value[i][j] = together((const double *)v[i][j]) + rest;                                                \
                if (magnitudes)                                                                                        \
                    magnitude[i][j] = together((const double *)m[i][j]) + rest_magnitude;                              \
            }                                                                                                          \
    }

/* Eight partial sums in the order of assay_ref_dot. */
static inline double together(const double s[EIGHT])
{
    return ((s[0] + s[2]) + (s[4] + s[6])) + ((s[1] + s[3]) + (s[5] + s[7]));
}

/* Walks the tiles; those that stand over the edge take its last row or column again, and leave out what they had. */
#define WALK(name, tile, target, R, C, magnitudes)                                                                     \
    target static void name(const struct assay_ref_dense *d)                                                           \
    {                                                                                                                  \
        for (int64_t c = 0; c < d->columns; c += C) {                                                                  \
            const double *y[C];                                                                                        \
            for (int j = 0; j < C; j++)                                                                                \
                y[j] = d->y + (c + j < d->columns ? c + j : d->columns - 1) * d->y_row;                                \
            for (int64_t r = 0; r < d->rows; r += R) {                                                                 \
                const double *x[R];                                                                                    \
                double        v[R][C], m[R][C];                                                                        \
                for (int i = 0; i < R; i++)                                                                            \
                    x[i] = d->x + (r + i < d->rows ? r + i : d->rows - 1) * d->x_row;                                  \
                tile(d, x, y, v, m);                                                                                   \
                for (int i = 0; i < R && r + i < d->rows; i++)                                                         \
                    for (int j = 0; j < C && c + j < d->columns; j++) {                                                \
                        d->value[(r + i) * d->step + c + j] = v[i][j];                                                 \
                        if (magnitudes)                                                                                \
                            d->magnitude[(r + i) * d->step + c + j] = m[i][j];                                         \
                    }                                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }

#define FOR_TARGET(suffix, target, bytes, R, C, Rm, Cm)                                                                \
    TILE(tile_##suffix, target, bytes, R, C, 0)                                                                        \
    TILE(tile_both_##suffix, target, bytes, Rm, Cm, 1)                                                                 \
    WALK(values_##suffix, tile_##suffix, target, R, C, 0)                                                              \
    WALK(both_##suffix, tile_both_##suffix, target, Rm, Cm, 1)

#ifdef __x86_64__
FOR_TARGET(512, __attribute__((target("avx512f"))), 64, 4, 6, 4, 3)
FOR_TARGET(256, __attribute__((target("avx2"))), 32, 2, 3, 2, 1)
#endif
FOR_TARGET(128, , 16, 1, 3, 1, 1)

void assay_ref_dense(const struct assay_ref_dense *d)
{
    void (*values)(const struct assay_ref_dense *) = values_128, (*both)(const struct assay_ref_dense *) = both_128;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        values = values_512;
        both = both_512;
    } else if (__builtin_cpu_supports("avx2")) {
        values = values_256;
        both = both_256;
    }
#endif
    if (d->rows > 0 && d->columns > 0)
        (d->magnitude ? both : values)(d);
}

void assay_ref_multiply(const struct assay_ref_multiplier *by, const struct assay_ref_dense *d)
{
    if (by)
        by->multiply(by->self, d);
    else
        assay_ref_dense(d);
}

int64_t assay_ref_dense_rows(int64_t terms)
{
    int64_t rows = CACHE_BYTES / 8 / (terms > 0 ? terms : 1);
    return rows < 12 ? 12 : rows > 1024 ? 1024 : rows / 12 * 12;
}
