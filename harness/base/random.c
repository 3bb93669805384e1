#include "harness/base/random.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "harness/base/clock.h"
#include "assay/banned.h"

/* Multipliers and Weyl constants of Philox4x32 (Salmon et al., section 4.3). */
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u
#define ROUNDS 10

/* Fills work on groups of LANES blocks at once, one lane a block, so that compilers make vector code of them. */
#define LANES 16
#define GROUP (4 * LANES) /* words in a group */

#define ALWAYS_INLINE inline __attribute__((always_inline))

void assay_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t a = (uint64_t)MULTIPLIER_0 * c0, b = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Block `block` of stream `key`; `attempt` is 0 but where a value had to be drawn again. */
static void block_of(uint64_t key, uint64_t block, uint32_t attempt, uint32_t out[4])
{
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), attempt, 0};
    const uint32_t halves[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
    assay_philox(counter, halves, out);
}

/* ---- arithmetic whose bits depend on no library: only + - * / and square root, which IEEE 754 fixes ---- */

#define LN_2 0x1.62e42fefa39efp-1
#define TWO_PI 0x1.921fb54442d18p+2

static ALWAYS_INLINE double double_of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static ALWAYS_INLINE uint64_t bits_of_double(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Natural logarithm of a positive normal x = m 2^e with sqrt(1/2) <= m < sqrt(2):
 * ln m = 2 atanh f = 2 (f + f^3/3 + f^5/5 + ...), f = (m - 1) / (m + 1), |f| < 0.172; the first term left out is
 * below 2^-60 of the sum. */
static ALWAYS_INLINE double logarithm(double x)
{
    const uint64_t root_half = 0x3fe6a09e667f3bcdull;
    uint64_t bits = bits_of_double(x);
    int32_t e = (int32_t)((bits - root_half + (1023ull << 52)) >> 52) - 1023;
    double m = double_of_bits(bits - ((uint64_t)(int64_t)e << 52));
    double f = (m - 1.0) / (m + 1.0), s = f * f, sum = 1.0 / 23;
    sum = sum * s + 1.0 / 21;
    sum = sum * s + 1.0 / 19;
    sum = sum * s + 1.0 / 17;
    sum = sum * s + 1.0 / 15;
    sum = sum * s + 1.0 / 13;
    sum = sum * s + 1.0 / 11;
    sum = sum * s + 1.0 / 9;
    sum = sum * s + 1.0 / 7;
    sum = sum * s + 1.0 / 5;
    sum = sum * s + 1.0 / 3;
    return e * LN_2 + 2.0 * (f + f * s * sum);
}

/* Sine and cosine of quarter * pi / 2 + 2 pi part, |part| <= 1/8, by Taylor's series about 0. */
static ALWAYS_INLINE void sine_cosine(uint32_t quarter, double part, double *sine, double *cosine)
{
    double x = TWO_PI * part, s = x * x;
    double a = -1.0 / 1307674368000.0, b = 1.0 / 20922789888000.0;
    double swapped_sine, swapped_cosine;
    a = a * s + 1.0 / 6227020800.0;
    a = a * s - 1.0 / 39916800.0;
    a = a * s + 1.0 / 362880.0;
    a = a * s - 1.0 / 5040.0;
    a = a * s + 1.0 / 120.0;
    a = a * s - 1.0 / 6.0;
    a = x + x * s * a;
    b = b * s - 1.0 / 87178291200.0;
    b = b * s + 1.0 / 479001600.0;
    b = b * s - 1.0 / 3628800.0;
    b = b * s + 1.0 / 40320.0;
    b = b * s - 1.0 / 720.0;
    b = b * s + 1.0 / 24.0;
    b = b * s - 1.0 / 2.0;
    b = 1.0 + s * b;
    swapped_sine = quarter & 1 ? b : a;
    swapped_cosine = quarter & 1 ? a : b;
    *sine = quarter & 2 ? -swapped_sine : swapped_sine;
    *cosine = (quarter + 1) & 2 ? -swapped_cosine : swapped_cosine;
}

/* ---- sequential stream ---- */

void assay_random_init(struct assay_random *r, uint64_t key)
{
    *r = (struct assay_random){.key = key, .used = 4};
}

uint32_t assay_random_u32(struct assay_random *r)
{
    if (r->used == 4) {
        block_of(r->key, r->block++, 0, r->word);
        r->used = 0;
    }
    return r->word[r->used++];
}

uint64_t assay_random_u64(struct assay_random *r)
{
    uint64_t low = assay_random_u32(r);
    return low | (uint64_t)assay_random_u32(r) << 32;
}

double assay_random_unit(struct assay_random *r)
{
    return (double)(assay_random_u64(r) >> 11) * 0x1p-53;
}

double assay_random_normal(struct assay_random *r)
{
    double radius_unit = (double)((assay_random_u64(r) >> 11) + 1) * 0x1p-53; /* (0, 1] */
    uint64_t turn = assay_random_u64(r);
    uint64_t quarter = (turn >> 62) + (turn >> 61 & 1); /* the nearest quarter, so that |part| <= 1/8 */
    double part = (double)(int64_t)(turn - (quarter << 62)) * 0x1p-64;
    double sine, cosine;
    sine_cosine((uint32_t)quarter, part, &sine, &cosine);
    return __builtin_sqrt(-2.0 * logarithm(radius_unit)) * cosine;
}

/* Values below 2^64 mod n would make some remainders likelier than others; they are drawn again. */
static bool biased(uint64_t draw, uint64_t n)
{
    return draw < n && draw < (0 - n) % n; /* the first question spares nearly always the division */
}

uint64_t assay_random_below(struct assay_random *r, uint64_t n)
{
    uint64_t draw;
    assert(n > 0);
    do
        draw = assay_random_u64(r);
    while (biased(draw, n));
    return draw % n;
}

/* ---- fills: group g of a stream is its words [g * GROUP, (g + 1) * GROUP) ---- */

struct fill {
    uint64_t key;
    double from, scale; /* uniform: low and high - low; normal: mean and deviation */
    float last;         /* uniform: the largest float below high */
};
typedef void group_fn(const struct fill *fill, uint64_t group, float out[GROUP]);

static ALWAYS_INLINE void words_of_group(uint64_t key, uint64_t group, uint32_t out[GROUP])
{
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (uint32_t l = 0; l < LANES; l++) {
        c0[l] = (uint32_t)(group * LANES) + l; /* no carry: LANES divides 2^32 */
        c1[l] = (uint32_t)(group * LANES >> 32);
        c2[l] = 0;
        c3[l] = 0;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int l = 0; l < LANES; l++) {
            uint64_t a = (uint64_t)MULTIPLIER_0 * c0[l], b = (uint64_t)MULTIPLIER_1 * c2[l];
            c0[l] = (uint32_t)(b >> 32) ^ c1[l] ^ k0;
            c1[l] = (uint32_t)b;
            c2[l] = (uint32_t)(a >> 32) ^ c3[l] ^ k1;
            c3[l] = (uint32_t)a;
        }
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    for (int l = 0; l < LANES; l++) {
        out[4 * l] = c0[l];
        out[4 * l + 1] = c1[l];
        out[4 * l + 2] = c2[l];
        out[4 * l + 3] = c3[l];
    }
}

static ALWAYS_INLINE void uniform_group(const struct fill *fill, uint64_t group, float out[GROUP])
{
    const double from = fill->from, step = fill->scale * 0x1p-24;
    const float last = fill->last;
    uint32_t word[GROUP];
    words_of_group(fill->key, group, word);
    for (int i = 0; i < GROUP; i++) {
        float x = (float)(from + step * (double)(int32_t)(word[i] >> 8));
        out[i] = x < last ? x : last;
    }
}

static ALWAYS_INLINE void normal_group(const struct fill *fill, uint64_t group, float out[GROUP])
{
    const double mean = fill->from, deviation = fill->scale;
    uint32_t word[GROUP];
    double radius[GROUP / 2], sine[GROUP / 2], cosine[GROUP / 2];
    words_of_group(fill->key, group, word);
    for (int p = 0; p < GROUP / 2; p++) {
        uint32_t turn = word[2 * p + 1], quarter = (turn + (1u << 29)) >> 30;
        /* (word + 1) / 2^32 is in (0, 1]; by way of a signed number, which every vector unit can convert */
        double unit = ((double)(int32_t)(word[2 * p] ^ 0x80000000u) + 0x1.00000002p+31) * 0x1p-32;
        radius[p] = -2.0 * logarithm(unit);
        sine_cosine(quarter, (double)(int32_t)(turn - (quarter << 30)) * 0x1p-32, &sine[p], &cosine[p]);
    }
    for (int p = 0; p < GROUP / 2; p++)
        radius[p] = __builtin_sqrt(radius[p]);
    for (int p = 0; p < GROUP / 2; p++) {
        out[2 * p] = (float)(mean + deviation * (radius[p] * cosine[p]));
        out[2 * p + 1] = (float)(mean + deviation * (radius[p] * sine[p]));
    }
}

/* The same source for several instruction sets. Chosen when called, not by ifunc, which sanitizers and clang 14
 * do not bear. No multiplication is ever fused with an addition (-ffp-contract=off), so all give the same bits. */
#define PATH(name, attributes)                                                                \
    attributes static void uniform_##name(const struct fill *f, uint64_t group, float *out) \
    {                                                                                         \
        uniform_group(f, group, out);                                                         \
    }                                                                                         \
    attributes static void normal_##name(const struct fill *f, uint64_t group, float *out)  \
    {                                                                                         \
        normal_group(f, group, out);                                                          \
    }

PATH(plain, )
#if defined(__x86_64__)
PATH(avx2, __attribute__((target("avx2"))))
PATH(avx512, __attribute__((target("avx512f,avx512dq,avx512vl"))))
#endif

struct path {
    const char *name;
    group_fn *uniform, *normal;
};

static bool path_runs(size_t path)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (path == 1)
        return __builtin_cpu_supports("avx2");
    if (path == 2)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return path == 0;
}

static const struct path paths[] = {
    {"plain", uniform_plain, normal_plain},
#if defined(__x86_64__)
    {"avx2", uniform_avx2, normal_avx2},
    {"avx512", uniform_avx512, normal_avx512},
#endif
};
#define N_PATHS (sizeof paths / sizeof paths[0])

static const struct path *best_path(void)
{
    size_t best = N_PATHS - 1;
    while (!path_runs(best))
        best--;
    return &paths[best];
}

/* Whole groups go straight to `out`; those that the range cuts go by way of a copy. */
static void fill_range(group_fn *make, const struct fill *fill, uint64_t first, size_t n, float *out)
{
    uint64_t group = first / GROUP;
    size_t skip = first % GROUP;
    while (n > 0) {
        size_t take = GROUP - skip < n ? GROUP - skip : n;
        if (take == GROUP) {
            make(fill, group, out);
        } else {
            float all[GROUP];
            make(fill, group, all);
            memcpy(out, all + skip, take * sizeof *out);
        }
        out += take;
        n -= take;
        skip = 0;
        group++;
    }
}

/* The largest float below x, for finite x. */
static float float_below(float x)
{
    uint32_t bits;
    if (x == 0)
        return -0x1p-149f;
    memcpy(&bits, &x, sizeof bits);
    bits = x > 0 ? bits - 1 : bits + 1;
    memcpy(&x, &bits, sizeof x);
    return x;
}

void assay_random_uniform_f32(uint64_t key, uint64_t first, size_t n, float low, float high, float *out)
{
    const struct fill fill = {key, low, (double)high - (double)low, float_below(high)};
    assert(low < high);
    fill_range(best_path()->uniform, &fill, first, n, out);
}

void assay_random_normal_f32(uint64_t key, uint64_t first, size_t n, float mean, float deviation, float *out)
{
    const struct fill fill = {key, mean, deviation, 0};
    fill_range(best_path()->normal, &fill, first, n, out);
}

void assay_random_integers(uint64_t key, uint64_t first, size_t n, int64_t low, int64_t high, int64_t *out)
{
    const uint64_t range = (uint64_t)high - (uint64_t)low + 1; /* 0 stands for 2^64 */
    assert(low <= high);
    for (size_t i = 0; i < n; i++) {
        uint64_t index = first + i, draw;
        uint32_t attempt = 0;
        do {
            uint32_t word[4], *at = word + 2 * (index % 2);
            block_of(key, index / 2, attempt++, word);
            draw = at[0] | (uint64_t)at[1] << 32;
        } while (range && biased(draw, range));
        out[i] = (int64_t)((uint64_t)low + (range ? draw % range : draw));
    }
}

/* A kernel or sandbox without getrandom still gave every process 16 random bytes, once. */
static uint64_t entropy_of_process(void)
{
    static atomic_uint calls;
    const void *given = (const void *)getauxval(AT_RANDOM);
    uint32_t seed[4] = {0}, out[4];
    uint64_t now = assay_clock_now_ns();
    if (given)
        memcpy(seed, given, sizeof seed);
    assay_philox((const uint32_t[4]){seed[0], seed[1], (uint32_t)now, atomic_fetch_add(&calls, 1)}, seed + 2, out);
    return out[0] | (uint64_t)out[1] << 32;
}

uint64_t assay_random_entropy(void)
{
    uint64_t value;
    if (getrandom(&value, sizeof value, 0) == (ssize_t)sizeof value) /* so few bytes come whole, or not at all */
        return value;
    return entropy_of_process();
}
