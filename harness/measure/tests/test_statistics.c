#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/measure/statistics.h"

#define REPETITIONS 2000

/* 95 % of REPETITIONS, give or take three standard errors of that count. */
static void expect_coverage(int hits, double low, double high, const char *what)
{
    double share = (double)hits / REPETITIONS;
    cr_expect(share >= low && share <= high, "%s: the interval held the truth in %.2f %%", what, 100 * share);
}

static bool ascending(const uint64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (x[i - 1] > x[i])
            return false;
    return true;
}

/* Orders that make a careless quicksort slow, wrong or endless. */
static uint64_t pattern(int kind, size_t i, size_t n, struct assay_random *r)
{
    switch (kind) {
    case 0: return i;
    case 1: return n - i;
    case 2: return 7;
    case 3: return i % 2;
    case 4: return i < n / 2 ? i : n - i;
    case 5: return assay_random_u64(r);
    case 6: return assay_random_below(r, 5);
    default: return i == n / 2 ? UINT64_MAX : i ^ 0x55;
    }
}

Test(statistics, sorting_keeps_every_sample_whatever_their_order)
{
    static uint64_t     x[5000];
    struct assay_random r;
    assay_random_init(&r, 3);
    for (size_t n = 0; n <= 5000; n = n < 70 ? n + 1 : n * 3) {
        for (int kind = 0; kind < 8; kind++) {
            uint64_t sum = 0, mix = 0, sum_after = 0, mix_after = 0;
            for (size_t i = 0; i < n; i++) {
                x[i] = pattern(kind, i, n, &r);
                sum += x[i];
                mix += x[i] * x[i];
            }
            assay_sort_u64(x, n);
            for (size_t i = 0; i < n; i++) {
                sum_after += x[i];
                mix_after += x[i] * x[i];
            }
            cr_expect(ascending(x, n) && sum == sum_after && mix == mix_after, "order %d of %zu", kind, n);
        }
    }
}

Test(statistics, medians_ranks_and_percentiles_are_those_of_the_sorted_samples)
{
    struct assay_random r;
    uint64_t            whole[200];
    double              x[200];
    assay_random_init(&r, 4);
    for (size_t n = 1; n <= 200; n++) {
        for (size_t i = 0; i < n; i++)
            whole[i] = assay_random_below(&r, n % 3 ? 1000000 : 4);
        for (size_t k = 0; k < n; k += 1 + n / 7) {
            for (size_t i = 0; i < n; i++)
                x[i] = (double)whole[i];
            double got = assay_rank(x, n, k);
            uint64_t sorted[200];
            memcpy(sorted, whole, sizeof sorted);
            assay_sort_u64(sorted, n);
            cr_expect_eq(got, (double)sorted[k], "rank %zu of %zu", k, n);
            cr_expect_eq(assay_median(x, n), assay_median_u64(sorted, n), "median of %zu", n);
        }
    }
    const uint64_t four[] = {1, 2, 4, 9};
    cr_expect_eq(assay_median_u64(four, 4), 3.0);
    cr_expect_eq(assay_median_u64(four, 3), 2.0);
    const uint64_t huge[] = {UINT64_MAX - 2, UINT64_MAX};
    cr_expect_eq(assay_median_u64(huge, 2), (double)(UINT64_MAX - 1), "the sum of two does not overflow");
    cr_expect(isnan(assay_median_u64(four, 0)));
}

Test(statistics, a_percentile_is_the_sample_at_the_floor_of_n_times_p)
{
    uint64_t hundred[100];
    for (uint64_t i = 0; i < 100; i++)
        hundred[i] = i;
    for (int p = 0; p < 100; p++)
        cr_expect_eq(assay_percentile_u64(hundred, 100, p / 100.0), (uint64_t)p, "p %d", p);
    cr_expect_eq(assay_percentile_u64(hundred, 10, 0.99), 9);
    cr_expect_eq(assay_percentile_u64(hundred, 1, 0.999), 0);
    cr_expect_eq(assay_percentile_u64(hundred, 7, 0.5), 3);
}

Test(statistics, launches_give_the_geometric_mean_and_students_interval)
{
    /* Logarithms 0, 1, 2 in some unit: mean 1, deviation 1, error 1/sqrt(3), t(0.975, 2) = 4.302652729749464. */
    const double          x[] = {1, M_E, M_E * M_E};
    struct assay_estimate e = assay_estimate_launches(x, 3, 0.95);
    double                half = 4.302652729749464 / sqrt(3);
    cr_expect(e.has_value && e.has_interval && e.n == 3 && e.level == 0.95 && !*e.why);
    cr_expect_float_eq(e.value, M_E, 1e-12);
    cr_expect_float_eq(e.low, exp(1 - half), 1e-12);
    cr_expect_float_eq(e.high, exp(1 + half), 1e-10);
}

Test(statistics, what_cannot_be_said_is_not_said_and_has_a_reason)
{
    const double          x[] = {2, 3, 0, NAN, INFINITY};
    struct assay_estimate e = assay_estimate_launches(x, 1, 0.95);
    cr_expect(e.has_value && e.value == 2 && !e.has_interval && e.level == 0 && strstr(e.why, "one launch"));
    e = assay_estimate_launches(x, 0, 0.95);
    cr_expect(!e.has_value && !e.has_interval && *e.why);
    for (size_t n = 3; n <= 5; n++) {
        e = assay_estimate_launches(x + n - 1, 1, 0.95);
        cr_expect(!e.has_value && strstr(e.why, "not a positive number"), "%g", x[n - 1]);
    }
    e = assay_estimate_launches(x, 2, 1.0);
    cr_expect(e.has_value && !e.has_interval && strstr(e.why, "level"));
    e = assay_estimate_ratio(x, 2, x, 1, true, 0.95);
    cr_expect(!e.has_value && strstr(e.why, "2 and 1"), "%s", e.why);
    e = assay_estimate_ratio(x, 2, x, 1, false, 0.95);
    cr_expect(e.has_value && !e.has_interval && *e.why);
    e = assay_estimate_ratio(x, 0, x, 1, false, 0.95);
    cr_expect(!e.has_value && *e.why);
    e = assay_estimate_interleaved(x, x, 2, 0.95, 1);
    cr_expect(e.has_value && e.value == 1 && !e.has_interval && strstr(e.why, "too few: 2 pairs"), "%s", e.why);
    e = assay_estimate_interleaved(x, x, 3, 0.95, 1);
    cr_expect(!e.has_value && *e.why, "a zero cannot be divided by");
    e = assay_estimate_interleaved(x, x, 0, 0.95, 1);
    cr_expect(!e.has_value && *e.why);
    e = assay_estimate_percentile(NULL, 0, 0, 0.5, 0.95);
    cr_expect(!e.has_value && *e.why);
}

Test(statistics, ninety_five_percent_of_launches_means_ninety_five_percent, .timeout = 60)
{
    struct assay_random r;
    double              x[5];
    int                 hits = 0;
    assay_random_init(&r, 11);
    for (int k = 0; k < REPETITIONS; k++) {
        for (int i = 0; i < 5; i++)
            x[i] = exp(13 + 0.3 * assay_random_normal(&r));
        struct assay_estimate e = assay_estimate_launches(x, 5, 0.95);
        hits += e.low <= exp(13) && exp(13) <= e.high;
    }
    expect_coverage(hits, 0.935, 0.965, "five lognormal launches");
}

/* Launches of b take 1.25 times those of a; `shared` noise hits both members of a pair. */
static int ratio_hits(bool paired, size_t n_a, size_t n_b, double shared, double spread_b, double *width)
{
    struct assay_random r;
    double              a[8], b[8];
    int                 hits = 0;
    assay_random_init(&r, 12);
    *width = 0;
    for (int k = 0; k < REPETITIONS; k++) {
        for (size_t i = 0; i < 8; i++) {
            double both = shared * assay_random_normal(&r);
            a[i] = exp(both + 0.05 * assay_random_normal(&r));
            b[i] = 1.25 * exp(both + spread_b * assay_random_normal(&r));
        }
        struct assay_estimate e = assay_estimate_ratio(a, n_a, b, n_b, paired, 0.95);
        hits += e.low <= 1.25 && 1.25 <= e.high;
        *width += log(e.high / e.low) / REPETITIONS;
    }
    return hits;
}

Test(statistics, the_ratio_of_two_sets_of_launches_is_covered, .timeout = 60)
{
    double paired, apart, other;
    (void)ratio_hits(false, 8, 8, 0.5, 0.05, &apart);
    expect_coverage(ratio_hits(true, 8, 8, 0.5, 0.05, &paired), 0.935, 0.965, "paired");
    expect_coverage(ratio_hits(false, 8, 8, 0, 0.05, &other), 0.935, 0.965, "Welch");
    expect_coverage(ratio_hits(false, 8, 3, 0, 0.3, &other), 0.93, 0.97, "Welch, unequal spread and number");
    cr_expect_lt(paired, apart / 4, "pairing takes out what hits both: %g against %g", paired, apart);
}

Test(statistics, welch_is_the_published_example)
{
    /* Logarithms 27.5 21 19 23.6 17 17.9 16.9 20.1 21.9 22.6 23.1 19.6 19 21.7 21.4 against
     * 27.1 22 20.8 23.4 23.4 23.5 25.8 22 24.8 20.2 21.9 22.1 22.9 20.5 24.4 (Welch's test: t -2.46, freedom 24.99;
     * the difference is 2.1 and its error 2.1 / 2.4554). Scaled by 1/10 so that exp() stays small. */
    static const double u[] = {27.5, 21, 19, 23.6, 17, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19, 21.7, 21.4};
    static const double v[] = {27.1, 22, 20.8, 23.4, 23.4, 23.5, 25.8, 22, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4};
    double              a[15], b[15], su = 0, sv = 0, uu = 0, vv = 0;
    for (int i = 0; i < 15; i++) {
        a[i] = exp(u[i] / 10);
        b[i] = exp(v[i] / 10);
        su += u[i] / 15;
        sv += v[i] / 15;
    }
    for (int i = 0; i < 15; i++) {
        uu += (u[i] - su) * (u[i] - su) / 14 / 15;
        vv += (v[i] - sv) * (v[i] - sv) / 14 / 15;
    }
    struct assay_estimate e = assay_estimate_ratio(a, 15, b, 15, false, 0.95);
    double freedom = (uu + vv) * (uu + vv) / (uu * uu / 14 + vv * vv / 14);
    double half = assay_student_quantile(0.975, freedom) * sqrt(uu + vv);
    cr_expect_float_eq(freedom, 24.98852929, 1e-6, "%.9f", freedom);
    cr_expect_float_eq(10 * log(e.value), sv - su, 1e-9);
    cr_expect_float_eq(10 * log(e.high), sv - su + half, 1e-9);
    cr_expect_float_eq(10 * log(e.low), sv - su - half, 1e-9);
}

Test(statistics, the_interval_of_interleaved_pairs_is_honest_and_repeats, .timeout = 120)
{
    struct assay_random r;
    double              a[40], b[40];
    int                 hits = 0;
    assay_random_init(&r, 13);
    for (int k = 0; k < 500; k++) {
        for (int i = 0; i < 40; i++) {
            a[i] = exp(0.1 * assay_random_normal(&r));
            b[i] = 0.8 * exp(0.05 * assay_random_normal(&r));
        }
        struct assay_estimate e = assay_estimate_interleaved(a, b, 40, 0.95, (uint64_t)k);
        struct assay_estimate again = assay_estimate_interleaved(a, b, 40, 0.95, (uint64_t)k);
        hits += e.low <= 0.8 && 0.8 <= e.high;
        cr_assert(e.low == again.low && e.high == again.high && e.low < e.value && e.value < e.high);
    }
    /* 500 repetitions: three standard errors are 2.9 %; the bootstrap of a median errs to the wide side. */
    cr_expect(hits >= 461 && hits <= 492, "%d of 500", hits);
}

Test(statistics, a_percentile_is_covered_and_too_few_samples_are_said, .timeout = 60)
{
    struct assay_random r;
    static uint64_t     x[2000];
    int                 hits_median = 0, hits_tail = 0;
    double              median = 1e9, p99 = 1e9 * exp(0.5 * 2.3263478740408408);
    assay_random_init(&r, 14);
    for (int k = 0; k < REPETITIONS; k++) {
        for (int i = 0; i < 2000; i++)
            x[i] = (uint64_t)(1e9 * exp(0.5 * assay_random_normal(&r)));
        assay_sort_u64(x, 2000);
        struct assay_estimate e = assay_estimate_percentile(x, 2000, 2000, 0.5, 0.95);
        hits_median += e.low <= median && median <= e.high;
        e = assay_estimate_percentile(x, 2000, 2000, 0.99, 0.95);
        hits_tail += e.low <= p99 && p99 <= e.high;
    }
    expect_coverage(hits_median, 0.935, 0.97, "median");
    expect_coverage(hits_tail, 0.935, 0.98, "p99");

    struct assay_estimate all = assay_estimate_percentile(x, 2000, 2000, 0.99, 0.95);
    struct assay_estimate half = assay_estimate_percentile(x, 2000, 500, 0.99, 0.95);
    struct assay_estimate few = assay_estimate_percentile(x, 2000, 100, 0.99, 0.95);
    cr_expect(half.has_interval && half.low <= all.low && half.high > all.high, "fewer effective samples say less");
    cr_expect(few.has_value && !few.has_interval && few.level == 0);
    cr_expect_str_eq(few.why, "too few: 100 effective of 2000 samples, 99 % needs 368");
    cr_expect(assay_estimate_percentile(x, 2000, 368, 0.99, 0.95).has_interval, "0.99^368 is below 2.5 %%");
    cr_expect_not(assay_estimate_percentile(x, 2000, 367, 0.99, 0.95).has_interval);
    cr_expect_not(assay_estimate_percentile(x, 2000, NAN, 0.5, 0.95).has_interval);
}
