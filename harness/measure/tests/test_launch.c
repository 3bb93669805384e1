#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/measure/statistics.h"

#define MAX 100000

static uint64_t x[MAX], sorted[MAX];

/* First-order noise of relative deviation `noise` around 1 ms, growing by `drift` over the run. */
static void fill(struct assay_random *r, size_t n, double rho, double noise, double drift)
{
    double e = assay_random_normal(r);
    for (size_t i = 0; i < n; i++) {
        e = rho * e + sqrt(1 - rho * rho) * assay_random_normal(r);
        x[i] = (uint64_t)(1e6 * (1 + noise * e + drift * (double)i / (double)n));
    }
}

static int alarms(uint64_t seed, int repetitions, size_t n, double rho, double drift)
{
    struct assay_random         r;
    struct assay_launch_summary s;
    int                         count = 0;
    assay_random_init(&r, seed);
    for (int k = 0; k < repetitions; k++) {
        fill(&r, n, rho, 0.02, drift);
        assay_launch_summarize(x, n, sorted, &s);
        count += fabs(s.drift) > s.drift_noise;
    }
    return count;
}

Test(launch, steady_noise_is_not_called_drift, .timeout = 300)
{
    cr_expect_leq(alarms(1, 4000, 200, 0, 0), 4, "white noise");
    cr_expect_leq(alarms(2, 4000, 200, 0.8, 0), 4, "noise that remembers");
    cr_expect_leq(alarms(3, 2000, ASSAY_DRIFT_MIN_SAMPLES, 0, 0), 2, "as few as may be judged");
    cr_expect_leq(alarms(4, 200, 3000, 0.8, 0), 0, "many, in windows");
}

Test(launch, a_drift_is_found, .timeout = 120)
{
    cr_expect_eq(alarms(5, 500, 200, 0, 0.2), 500, "20 %% over 200 samples with noise of 2 %%");
    cr_expect_eq(alarms(6, 500, 200, 0, -0.2), 500, "to the better too");
    cr_expect_eq(alarms(7, 100, 5000, 0, 0.05), 100);
}

Test(launch, two_modes_in_random_turn_are_not_a_drift, .timeout = 60)
{
    struct assay_random         r;
    struct assay_launch_summary s;
    assay_random_init(&r, 8);
    for (int k = 0, count = 0; k < 1000; k++) {
        for (size_t i = 0; i < 200; i++)
            x[i] = assay_random_unit(&r) < 0.5 ? 1000000 : 1100000;
        assay_launch_summarize(x, 200, sorted, &s);
        count += fabs(s.drift) > s.drift_noise;
        cr_expect_leq(count, 1);
    }
}

Test(launch, the_drift_is_the_last_quarter_over_the_first)
{
    struct assay_launch_summary s;
    for (size_t i = 0; i < 80; i++)
        x[i] = i < 20 ? 1000 : i < 60 ? 5000 : 1500;
    assay_launch_summarize(x, 80, sorted, &s);
    cr_expect_float_eq(s.drift, 0.5, 1e-12);
    assay_launch_summarize(x, ASSAY_DRIFT_MIN_SAMPLES - 1, sorted, &s);
    cr_expect(isnan(s.drift) && isnan(s.drift_noise));
    memset(x, 0, sizeof x);
    assay_launch_summarize(x, 80, sorted, &s);
    cr_expect(isnan(s.drift), "nothing can be divided by no time");
    for (size_t i = 0; i < 80; i++)
        x[i] = 40;
    assay_launch_summarize(x, 80, sorted, &s);
    cr_expect(s.drift == 0 && s.drift_noise > 0 && s.effective_n == 80 && s.lag1 == 0);
}

/* It is 2^64 away from zero as a double, which no whole number of 64 bits is. */
Test(launch, the_largest_sample_there_can_be_is_an_outlier)
{
    struct assay_launch_summary s;
    memset(x, 0, 100 * sizeof *x);
    x[40] = UINT64_MAX;
    assay_launch_summarize(x, 100, sorted, &s);
    cr_expect(s.median_ns == 0 && s.max_ns == 0x1p64 && s.outliers == 1, "%g", (double)s.outliers);
}

Test(launch, spread_and_outliers_are_those_of_the_samples)
{
    const uint64_t              in[] = {10, 12, 11, 13, 9, 11, 10, 12, 1000, 11, 30};
    const size_t                n = sizeof in / sizeof *in;
    struct assay_launch_summary s;
    uint64_t                    room[11];
    assay_launch_summarize(in, n, room, &s);
    for (size_t i = 1; i < n; i++)
        cr_expect(room[i - 1] <= room[i]);
    cr_expect(s.n == n && s.median_ns == 11 && s.min_ns == 9 && s.max_ns == 1000 && s.p25_ns == 10 && s.p75_ns == 13);
    cr_expect_float_eq(s.mean_ns, 1129.0 / 11, 1e-9);
    cr_expect_eq(s.mad_ns, 1);
    cr_expect_eq(s.outliers, 2, "989 and 19 are over 14.8 deviations of 1");
    cr_expect_eq(s.windows, 0);

    const uint64_t flat[] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 9};
    assay_launch_summarize(flat, n, room, &s);
    cr_expect(s.mad_ns == 0 && s.outliers == 0, "one in eleven, 8.8 mean deviations away");
    const uint64_t even[] = {1, 2, 4, 9};
    assay_launch_summarize(even, 4, room, &s);
    cr_expect_eq(s.mad_ns, 1.5, "of 2, 1, 1, 6 around 3");
    assay_launch_summarize(even, 1, room, &s);
    cr_expect(s.median_ns == 1 && s.mad_ns == 0 && s.effective_n == 1 && s.outliers == 0);
}

Test(launch, deviations_agree_with_their_definition_on_random_samples)
{
    struct assay_random         r;
    struct assay_launch_summary s;
    assay_random_init(&r, 21);
    for (size_t n = 1; n < 120; n++) {
        uint64_t room[120];
        double   deviation[120];
        for (size_t i = 0; i < n; i++)
            x[i] = assay_random_below(&r, n % 2 ? 1000 : 6);
        assay_launch_summarize(x, n, room, &s);
        for (size_t i = 0; i < n; i++)
            deviation[i] = fabs((double)x[i] - s.median_ns);
        cr_expect_eq(s.mad_ns, assay_median(deviation, n), "n %zu", n);
    }
}

Test(launch, the_effective_number_is_that_of_a_first_order_process, .timeout = 60)
{
    struct assay_random         r;
    struct assay_launch_summary s;
    const double                rho[] = {0, 0.5, 0.8, 0.95};
    assay_random_init(&r, 31);
    for (int k = 0; k < 4; k++) {
        fill(&r, MAX, rho[k], 0.02, 0);
        assay_launch_summarize(x, MAX, sorted, &s);
        double want = MAX * (1 - rho[k]) / (1 + rho[k]);
        cr_expect_float_eq(s.lag1, rho[k], 0.02);
        cr_expect(s.effective_n > 0.75 * want && s.effective_n <= 1.2 * want, "rho %g: %g for %g", rho[k],
                  s.effective_n, want);
    }
    /* A memory of thousands of samples goes over what one level of lags sees. */
    fill(&r, MAX, 0.999, 0.02, 0);
    assay_launch_summarize(x, MAX, sorted, &s);
    cr_expect(s.effective_n > 15 && s.effective_n < 150, "%g for 50", s.effective_n);
    fill(&r, 5000, -0.5, 0.02, 0);
    assay_launch_summarize(x, 5000, sorted, &s);
    cr_expect(s.effective_n == 5000 && s.lag1 < -0.4, "never more than there are: %g", s.effective_n);
}
