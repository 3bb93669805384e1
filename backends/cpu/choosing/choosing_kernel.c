#include "backends/cpu/choosing/choosing.h"

#include <math.h>

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* A loop for every pattern of steps that occurs, so that each is one the compiler makes vectors of. */
#define LOOP2(A, B, R, expression)                                             \
    do {                                                                       \
        const A *pa = in[0];                                                   \
        const B *pb = in[1];                                                   \
        R       *r = out;                                                      \
        if (step[0] && step[1]) {                                              \
            for (size_t i = 0; i < n; i++) {                                   \
                A a = pa[i];                                                   \
                B b = pb[i];                                                   \
                r[i] = (R)(expression);                                        \
            }                                                                  \
        } else if (step[0]) {                                                  \
            B b = *pb;                                                         \
            for (size_t i = 0; i < n; i++) {                                   \
                A a = pa[i];                                                   \
                r[i] = (R)(expression);                                        \
            }                                                                  \
        } else {                                                               \
            A a = *pa;                                                         \
            for (size_t i = 0; i < n; i++) {                                   \
                B b = pb[step[1] ? i : 0];                                     \
                r[i] = (R)(expression);                                        \
            }                                                                  \
        }                                                                      \
    } while (0)

#define COMPARISON(name, type, relation)                                                          \
    static void name(size_t n, const void *const in[3], const size_t step[3], void *out)          \
    {                                                                                             \
        if (n)                                                                                    \
            LOOP2(type, type, uint8_t, a relation b);                                             \
    }
COMPARISON(equal_f32, float, ==)
COMPARISON(equal_i32, int32_t, ==)
COMPARISON(equal_i64, int64_t, ==)
COMPARISON(equal_bool, uint8_t, ==)
COMPARISON(less_f32, float, <)
COMPARISON(less_i32, int32_t, <)
COMPARISON(less_i64, int64_t, <)
COMPARISON(less_or_equal_f32, float, <=)
COMPARISON(less_or_equal_i32, int32_t, <=)
COMPARISON(less_or_equal_i64, int64_t, <=)

static void both(size_t n, const void *const in[3], const size_t step[3], void *out)
{
    if (n)
        LOOP2(uint8_t, uint8_t, uint8_t, a && b);
}

static void negation(size_t n, const void *const in[3], const size_t step[3], void *out)
{
    const uint8_t *x = in[0];
    uint8_t       *r = out;
    for (size_t i = 0; i < n; i++)
        r[i] = !x[i * step[0]];
}

/* Both choices as they are, or one number; the condition likewise. */
#define WHERE(name, type)                                                                 \
    static void name(size_t n, const void *const in[3], const size_t step[3], void *out)  \
    {                                                                                     \
        const uint8_t *c = in[0];                                                         \
        const type    *x = in[1], *y = in[2];                                             \
        type          *r = out;                                                           \
        if (step[0] && step[1] && step[2]) {                                              \
            for (size_t i = 0; i < n; i++)                                                \
                r[i] = c[i] ? x[i] : y[i];                                                \
        } else if (step[0] && step[1]) {                                                  \
            type other = n ? *y : 0;                                                      \
            for (size_t i = 0; i < n; i++)                                                \
                r[i] = c[i] ? x[i] : other;                                               \
        } else if (step[0] && step[2]) {                                                  \
            type one = n ? *x : 0;                                                        \
            for (size_t i = 0; i < n; i++)                                                \
                r[i] = c[i] ? one : y[i];                                                 \
        } else {                                                                          \
            for (size_t i = 0; i < n; i++)                                                \
                r[i] = c[i * step[0]] ? x[i * step[1]] : y[i * step[2]];                  \
        }                                                                                 \
    }
WHERE(where_8, uint8_t)
WHERE(where_16, uint16_t)
WHERE(where_32, uint32_t)
WHERE(where_64, uint64_t)

/* The ends are numbers; NaN comes through. */
static void clip(size_t n, const void *const in[3], const size_t step[3], void *out)
{
    const float *x = in[0];
    float       *r = out;
    size_t       i = 0;
    (void)step;
    vf low = vf_all(n ? *(const float *)in[1] : 0.0f), high = vf_all(n ? *(const float *)in[2] : 0.0f);
    for (; i + VL <= n; i += VL)
        vf_store(r + i, vf_min_nan(vf_max_nan(vf_load(x + i), low), high));
    if (i < n)
        vf_store_part(r + i, vf_min_nan(vf_max_nan(vf_load_part(x + i, n - i), low), high), n - i);
}

static void reciprocal(size_t n, const void *const in[3], const size_t step[3], void *out)
{
    const float *x = in[0];
    float       *r = out;
    for (size_t i = 0; i < n; i++)
        r[i] = 1.0f / x[i * step[0]];
}

/* Exponents that are one number, and frequent, take no logarithm. */
static void power(size_t n, const void *const in[3], const size_t step[3], void *out)
{
    const float *x = in[0], *y = in[1];
    float       *r = out;
    float        exponent = n && !step[1] && step[0] ? *y : 0.0f;
    if (exponent == 2.0f) {
        for (size_t i = 0; i < n; i++)
            r[i] = x[i] * x[i];
    } else if (exponent == 3.0f) {
        for (size_t i = 0; i < n; i++)
            r[i] = x[i] * x[i] * x[i];
    } else if (exponent == -1.0f) {
        for (size_t i = 0; i < n; i++)
            r[i] = 1.0f / x[i];
    } else {
        for (size_t i = 0; i < n; i++)
            r[i] = powf(x[i * step[0]], y[i * step[1]]);
    }
}

/* In double, where pi / 2 in two parts leaves nothing of the argument's error up to a million: r = x - k pi / 2, then
 * Taylor's polynomials, whose next terms are below 2^-30 of the result on [-pi / 4, pi / 4]. */
static inline __attribute__((always_inline)) void circular(size_t n, const float *x, float *out, const int quarter)
{
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer in the low bits */
    for (size_t i = 0; i < n; i++) {
        double   a = (double)x[i], shifted = a * 0.63661977236758134308 + magic, k = shifted - magic;
        uint64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        bits += (uint64_t)quarter;
        double r = (a - k * 1.57079632673412561417) - k * 6.07710050650619224932e-11, z = r * r;
        double sine = r + r * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800)))));
        double cosine = 1 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800)))));
        double value = bits & 1 ? cosine : sine;
        out[i] = (float)(bits & 2 ? -value : value);
    }
}

/* Arguments of any size: what is beyond a million, or not a number, is left to the library. Works on a copy, since the
 * result may lie where the argument does. */
#define CIRCULAR(name, quarter, whole)                                                           \
    static void name(size_t n, const void *const in[3], const size_t step[3], void *out)         \
    {                                                                                            \
        const float *x = in[0];                                                                  \
        float       *r = out, block[256];                                                        \
        for (size_t at = 0; at < n; at += 256) {                                                 \
            size_t count = n - at < 256 ? n - at : 256;                                          \
            int    far = 0;                                                                      \
            for (size_t i = 0; i < count; i++) {                                                 \
                block[i] = x[(at + i) * step[0]];                                                \
                far |= !(__builtin_fabsf(block[i]) <= 1e6f);                                     \
            }                                                                                    \
            circular(count, block, r + at, quarter);                                             \
            for (size_t i = 0; far && i < count; i++)                                            \
                if (!(__builtin_fabsf(block[i]) <= 1e6f))                                        \
                    r[at + i] = whole(block[i]);                                                 \
        }                                                                                        \
    }
CIRCULAR(sine, 0, sinf)
CIRCULAR(cosine, 1, cosf)

/* ---- lines side by side, so that memory is read along its rows ------------------------------------------------- */

#define BETTER(expression)                                       \
    for (size_t c = 0; c < columns; c++) {                       \
        int better = (expression);                               \
        place[c] = better ? (int32_t)i : place[c];               \
        best[c] = better ? row[c] : best[c];                     \
    }

static void arg_max(size_t n, size_t stride, size_t columns, bool last, const float *x, int64_t *y)
{
    float   best[CPU_CHOOSING_COLUMNS];
    int32_t place[CPU_CHOOSING_COLUMNS] = {0};
    memcpy(best, x, columns * sizeof *best);
    for (size_t i = 1; i < n; i++) {
        const float *row = x + i * stride;
        if (last)
            BETTER(!(row[c] < best[c]))
        else
            BETTER(!(row[c] <= best[c]))
    }
    for (size_t c = 0; c < columns; c++)
        y[c] = place[c];
}

static void extremes(size_t n, size_t stride, size_t columns, bool least, const float *x, float *best)
{
    memcpy(best, x, columns * sizeof *best);
    for (size_t i = 1; i < n; i++) {
        const float *row = x + i * stride;
        size_t       c = 0;
        for (; c + VL <= columns; c += VL) {
            vf a = vf_load(best + c), b = vf_load(row + c);
            vf_store(best + c, least ? vf_min_nan(a, b) : vf_max_nan(a, b));
        }
        for (; c < columns; c++)
            best[c] = (least ? row[c] < best[c] : row[c] > best[c]) || row[c] != row[c] ? row[c] : best[c];
    }
}

/* A line that is contiguous is reduced by lanes. */
static float extreme_of_line(size_t n, bool least, const float *x)
{
    float  best = x[0];
    size_t i = 0;
    if (n >= VL) {
        vf all = vf_load(x);
        for (i = VL; i + VL <= n; i += VL)
            all = least ? vf_min_nan(all, vf_load(x + i)) : vf_max_nan(all, vf_load(x + i));
        best = least ? vf_smallest(all) : vf_largest(all);
    }
    for (; i < n; i++)
        best = (least ? x[i] < best : x[i] > best) || x[i] != x[i] ? x[i] : best;
    return best;
}

static void share_line(size_t n, bool least, float dy, const float *x, float *dx)
{
    float   best = extreme_of_line(n, least, x);
    int32_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] == best;
    float share = dy / (float)count;
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] == best ? share : 0.0f;
}

static void share(size_t n, size_t stride, size_t columns, bool least, const float *dy, const float *x, float *dx)
{
    float best[CPU_CHOOSING_COLUMNS], part[CPU_CHOOSING_COLUMNS] = {0};
    if (!n)
        return;
    if (stride == 1) {
        share_line(n, least, *dy, x, dx);
        return;
    }
    extremes(n, stride, columns, least, x, best);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < columns; c++)
            part[c] += x[i * stride + c] == best[c] ? 1.0f : 0.0f;
    for (size_t c = 0; c < columns; c++)
        part[c] = dy[c] / part[c];
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < columns; c++)
            dx[i * stride + c] = x[i * stride + c] == best[c] ? part[c] : 0.0f;
}

const struct cpu_choosing_kernels CPU_ISA_NAME(choosing) = {
    .of = {
        [CPU_EQUAL_F32] = equal_f32, [CPU_EQUAL_I32] = equal_i32, [CPU_EQUAL_I64] = equal_i64, [CPU_EQUAL_BOOL] = equal_bool,
        [CPU_LESS_F32] = less_f32, [CPU_LESS_I32] = less_i32, [CPU_LESS_I64] = less_i64,
        [CPU_LESS_OR_EQUAL_F32] = less_or_equal_f32, [CPU_LESS_OR_EQUAL_I32] = less_or_equal_i32,
        [CPU_LESS_OR_EQUAL_I64] = less_or_equal_i64, [CPU_AND] = both, [CPU_NOT] = negation, [CPU_WHERE_8] = where_8,
        [CPU_WHERE_16] = where_16, [CPU_WHERE_32] = where_32, [CPU_WHERE_64] = where_64, [CPU_CLIP] = clip,
        [CPU_RECIPROCAL] = reciprocal, [CPU_POW] = power, [CPU_SIN] = sine, [CPU_COS] = cosine,
    },
    .arg_max = arg_max,
    .share = share,
};
