/* The source itself, not only its header: every instruction set's path must be tried, not just the one chosen here. */
#include "harness/base/random.c"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "harness/base/hash.h"

Test(random, philox_gives_the_published_vectors)
{
    /* kat_vectors of Random123, philox 4x32 with 10 rounds: counter, key, result. */
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    for (int k = 0; k < 3; k++) {
        uint32_t out[4];
        assay_philox(known[k], known[k] + 4, out);
        for (int w = 0; w < 4; w++)
            cr_expect_eq(out[w], known[k][6 + w], "vector %d word %d is %08x", k, w, out[w]);
    }
}

/* Word i of a stream, by the definition in the header. */
static uint32_t word_at(uint64_t key, uint64_t i)
{
    uint64_t block = i / 4;
    uint32_t out[4];
    assay_philox((const uint32_t[4]){(uint32_t)block, (uint32_t)(block >> 32), 0, 0},
                 (const uint32_t[2]){(uint32_t)key, (uint32_t)(key >> 32)}, out);
    return out[i % 4];
}

static const uint64_t starts[] = {0, 1, 63, 64, 4ull << 32, (4ull << 32) - 70, UINT64_MAX - 600};
static const uint64_t key = 0x0123456789abcdefull;
enum { N_STARTS = sizeof starts / sizeof starts[0], N = 300 };

Test(random, stream_is_the_words_in_order)
{
    struct assay_random r, wide;
    assay_random_init(&r, key);
    assay_random_init(&wide, key);
    for (uint64_t i = 0; i < 100; i += 2) {
        uint32_t low = assay_random_u32(&r), high = assay_random_u32(&r);
        cr_expect_eq(low, word_at(key, i));
        cr_expect_eq(high, word_at(key, i + 1));
        cr_expect_eq(assay_random_u64(&wide), low | (uint64_t)high << 32);
    }
    r.block = wide.block = UINT32_MAX;
    r.used = 4;
    cr_expect_eq(assay_random_u32(&r), word_at(key, 4ull * UINT32_MAX));
    for (int i = 0; i < 3; i++)
        (void)assay_random_u32(&r);
    cr_expect_eq(assay_random_u32(&r), word_at(key, 4ull << 32), "the carry goes into the second counter word");
}

static float uniform_by_definition(uint64_t i, float low, float high)
{
    double x = (double)low + ((double)high - (double)low) * 0x1p-24 * (double)(word_at(key, i) >> 8);
    return (float)x < high ? (float)x : nextafterf(high, -INFINITY);
}

Test(random, every_path_gives_the_uniforms_of_the_definition)
{
    static const float ranges[][2] = {{0, 1}, {-1, 1}, {1, 2}, {-3.5f, 1e-3f}, {-FLT_MAX, FLT_MAX}, {-1e-40f, 0}};
    float out[N];
    for (size_t p = 0; p < N_PATHS; p++)
        for (size_t g = 0; g < sizeof ranges / sizeof ranges[0] && path_runs(p); g++)
            for (size_t s = 0; s < N_STARTS; s++) {
                const float low = ranges[g][0], high = ranges[g][1];
                const struct fill fill = {key, low, (double)high - (double)low, float_below(high)};
                size_t wrong = 0;
                fill_range(paths[p].uniform, &fill, starts[s], N, out);
                for (uint64_t i = 0; i < N; i++) {
                    float want = uniform_by_definition(starts[s] + i, low, high);
                    wrong += memcmp(&out[i], &want, sizeof want) != 0 || !(out[i] >= low && out[i] < high);
                }
                cr_expect_eq(wrong, 0, "%s: %zu of %d wrong from %llu in [%g, %g)", paths[p].name, wrong, N,
                             (unsigned long long)starts[s], (double)low, (double)high);
            }
}

Test(random, every_path_gives_the_same_normals_and_they_are_right)
{
    static const double pi = 3.14159265358979323846;
    float out[N], first_path[N];
    for (size_t s = 0; s < N_STARTS; s++)
        for (size_t p = 0; p < N_PATHS; p++) {
            const struct fill fill = {key, 3, 0.5, 0};
            double worst = 0;
            if (!path_runs(p))
                continue;
            fill_range(paths[p].normal, &fill, starts[s], N, out);
            if (p == 0)
                memcpy(first_path, out, sizeof out);
            cr_expect_eq(memcmp(first_path, out, sizeof out), 0, "%s differs from plain", paths[p].name);
            for (uint64_t i = 0; i < N; i++) {
                uint64_t at = starts[s] + i, even = at & ~1ull;
                double radius = sqrt(-2 * log((word_at(key, even) + 1.0) / 0x1p32));
                double turn = 2 * pi * (word_at(key, even + 1) / 0x1p32);
                double want = 3 + 0.5 * radius * (at % 2 ? sin(turn) : cos(turn));
                worst = fmax(worst, fabs(out[i] - want) / fabs(want));
            }
            cr_expect_lt(worst, 0x1p-24 * 1.0001, "%s: %g is more than one rounding to float", paths[p].name, worst);
        }
}

Test(random, logarithm_sine_and_cosine_are_near_the_exact_ones)
{
    static const double ends[] = {0x1p-53, 0x1p-32, 0x1.6a09e667f3bccp-1, 0x1.6a09e667f3bcdp-1, 0x1.fffffffffffffp-1};
    double worst_log = 0, worst_turn = 0;
    struct assay_random r;
    assay_random_init(&r, 5);
    cr_expect_eq(logarithm(1.0), 0.0);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        worst_log = fmax(worst_log, fabs(logarithm(ends[i]) / log(ends[i]) - 1));
    for (int i = 0; i < 100000; i++) {
        double x = (assay_random_unit(&r) + 0x1p-53) * exp2(-(double)assay_random_below(&r, 40)), sine, cosine;
        double part = assay_random_unit(&r) / 4 - 0.125;
        uint32_t quarter = (uint32_t)assay_random_below(&r, 5);
        double angle = 6.283185307179586476925 * part;
        double s[] = {sin(angle), cos(angle), -sin(angle), -cos(angle), sin(angle), cos(angle)};
        worst_log = fmax(worst_log, fabs(logarithm(x) / log(x) - 1));
        sine_cosine(quarter, part, &sine, &cosine);
        worst_turn = fmax(worst_turn, fmax(fabs(sine - s[quarter]), fabs(cosine - s[quarter + 1])));
    }
    cr_expect_lt(worst_log, 1e-15, "logarithm is off by %g", worst_log);
    cr_expect_lt(worst_turn, 1e-15, "sine or cosine is off by %g", worst_turn);
}

Test(random, fills_do_not_depend_on_the_cut)
{
    float whole[N], cut[N], whole_normal[N], cut_normal[N];
    int64_t whole_int[N], cut_int[N];
    static const size_t steps[] = {1, 2, 3, 5, 63, 64, 65, 127};
    assay_random_uniform_f32(9, 7, N, -2, 2, whole);
    assay_random_normal_f32(9, 7, N, 0, 1, whole_normal);
    assay_random_integers(9, 7, N, -5, 1000, whole_int);
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        for (size_t at = 0; at < N; at += steps[s]) {
            size_t n = steps[s] < N - at ? steps[s] : N - at;
            assay_random_uniform_f32(9, 7 + at, n, -2, 2, cut + at);
            assay_random_normal_f32(9, 7 + at, n, 0, 1, cut_normal + at);
            assay_random_integers(9, 7 + at, n, -5, 1000, cut_int + at);
        }
        cr_expect_eq(memcmp(whole, cut, sizeof cut), 0, "uniform, step %zu", steps[s]);
        cr_expect_eq(memcmp(whole_normal, cut_normal, sizeof cut_normal), 0, "normal, step %zu", steps[s]);
        cr_expect_eq(memcmp(whole_int, cut_int, sizeof cut_int), 0, "integers, step %zu", steps[s]);
    }
}

Test(random, fills_write_only_what_was_asked_for)
{
    for (size_t n = 0; n < 140; n++) {
        float out[142];
        out[0] = out[n + 1] = 99;
        assay_random_uniform_f32(1, 13, n, 0, 1, out + 1);
        cr_expect(out[0] == 99 && out[n + 1] == 99, "uniform, n = %zu", n);
        assay_random_normal_f32(1, 13, n, 0, 1, out + 1);
        cr_expect(out[0] == 99 && out[n + 1] == 99, "normal, n = %zu", n);
    }
}

Test(random, bytes_are_the_same_everywhere)
{
    static float out[4096];
    static int64_t integers[1024];
    char hash[65];
    assay_random_normal_f32(2024, 0, 4096, 0, 1, out);
    assay_sha256_hex(out, sizeof out, hash);
    cr_expect_str_eq(hash, "8dad217d50eaf43e878320b93a0c29165478b9ae08ee1ce95d6fda37d1e88d1d");
    assay_random_uniform_f32(2024, 0, 4096, -1, 1, out);
    assay_sha256_hex(out, sizeof out, hash);
    cr_expect_str_eq(hash, "7fcecfdc75eb5ec500c7501b39666a4c51473d3bacf805c1dc51d6ee074bff9a");
    assay_random_integers(2024, 0, 1024, 0, 32000, integers);
    assay_sha256_hex(integers, sizeof integers, hash);
    cr_expect_str_eq(hash, "a10fd021cc6b4553b49e9cb546f7c3d997421b54c8fcaa42c4b4f02c5fe82492");
}

Test(random, normals_have_the_moments_of_a_normal)
{
    enum { COUNT = 1 << 20 };
    static float out[COUNT];
    double sum = 0, square = 0, cube = 0, fourth = 0, pairs = 0, tail = 0;
    assay_random_normal_f32(77, 0, COUNT, 0, 1, out);
    for (int i = 0; i < COUNT; i++) {
        double x = out[i];
        sum += x;
        square += x * x;
        cube += x * x * x;
        fourth += x * x * x * x;
        tail += fabs(x) > 3;
        if (i % 2)
            pairs += x * out[i - 1];
    }
    /* Five standard errors of each estimate for a true normal. */
    cr_expect_lt(fabs(sum / COUNT), 5 / sqrt(COUNT));
    cr_expect_lt(fabs(square / COUNT - 1), 5 * sqrt(2.0 / COUNT));
    cr_expect_lt(fabs(cube / COUNT), 5 * sqrt(15.0 / COUNT));
    cr_expect_lt(fabs(fourth / COUNT - 3), 5 * sqrt(96.0 / COUNT));
    cr_expect_lt(fabs(pairs / (COUNT / 2)), 5 / sqrt(COUNT / 2), "the two of a pair are uncorrelated");
    cr_expect_lt(fabs(tail / COUNT - 0.0026998), 5 * sqrt(0.0027 / COUNT));
    struct assay_random r;
    assay_random_init(&r, 3);
    sum = square = 0;
    for (int i = 0; i < COUNT / 4; i++) {
        double x = assay_random_normal(&r);
        sum += x;
        square += x * x;
    }
    cr_expect_lt(fabs(sum / (COUNT / 4)), 5 / sqrt(COUNT / 4));
    cr_expect_lt(fabs(square / (COUNT / 4) - 1), 5 * sqrt(8.0 / COUNT));
}

Test(random, units_are_below_one_and_fill_the_interval)
{
    struct assay_random r;
    double least = 1, most = 0, sum = 0;
    assay_random_init(&r, 11);
    for (int i = 0; i < 200000; i++) {
        double u = assay_random_unit(&r);
        least = fmin(least, u);
        most = fmax(most, u);
        sum += u;
    }
    cr_expect(least >= 0 && least < 1e-4 && most < 1 && most > 1 - 1e-4, "from %g to %g", least, most);
    cr_expect_lt(fabs(sum / 200000 - 0.5), 5 * sqrt(1.0 / 12 / 200000));
    r = (struct assay_random){.word = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    cr_expect_eq(assay_random_unit(&r), 1 - 0x1p-53, "all bits set is the largest double below 1");
    r.used = 0;
    cr_expect_eq(assay_random_normal(&r), 0.0, "all bits set is radius 0, not infinity");
}

Test(random, below_is_unbiased)
{
    struct assay_random r;
    unsigned counts[7] = {0}, upper = 0;
    const uint64_t huge = 3ull << 62; /* a plain remainder would give the lower third twice as often */
    assay_random_init(&r, 12);
    for (int i = 0; i < 70000; i++)
        counts[assay_random_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        cr_expect(counts[i] > 9500 && counts[i] < 10500, "%d came %u times of 10000", i, counts[i]);
    for (int i = 0; i < 30000; i++)
        upper += assay_random_below(&r, huge) >= huge / 3;
    cr_expect(upper > 19500 && upper < 20500, "%u of 30000 in the upper two thirds", upper);
    cr_expect_eq(assay_random_below(&r, 1), 0);
}

Test(random, integers_stay_in_range_are_unbiased_and_reach_both_ends)
{
    enum { COUNT = 30000 };
    static int64_t out[COUNT];
    unsigned counts[5] = {0}, upper = 0;
    assay_random_integers(4, 0, COUNT, -2, 2, out);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(out[i] >= -2 && out[i] <= 2);
        counts[out[i] + 2]++;
    }
    for (int i = 0; i < 5; i++)
        cr_expect(counts[i] > 5600 && counts[i] < 6400, "%d came %u times of 6000", i - 2, counts[i]);
    assay_random_integers(4, 0, COUNT, INT64_MIN, INT64_MAX / 2, out); /* three quarters of all */
    for (int i = 0; i < COUNT; i++) {
        cr_assert(out[i] <= INT64_MAX / 2);
        upper += out[i] >= INT64_MIN / 2;
    }
    cr_expect(upper > 19500 && upper < 20500, "%u of 30000 in the upper two thirds", upper);
    assay_random_integers(4, 0, 8, INT64_MIN, INT64_MAX, out);
    for (uint64_t i = 0; i < 8; i++)
        cr_expect_eq((uint64_t)out[i] + (1ull << 63), word_at(4, 2 * i) | (uint64_t)word_at(4, 2 * i + 1) << 32);
    assay_random_integers(4, 0, 3, 8, 8, out);
    cr_expect(out[0] == 8 && out[1] == 8 && out[2] == 8);
}

Test(random, entropy_does_not_repeat)
{
    uint64_t seen[64];
    for (int i = 0; i < 64; i++) {
        seen[i] = i % 2 ? assay_random_entropy() : entropy_of_process();
        for (int j = 0; j < i; j++)
            cr_expect_neq(seen[i], seen[j]);
    }
}
