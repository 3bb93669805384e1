/* Against sums of binomial chances, term by term in long double: no beta function takes part. */
#include <criterion/criterion.h>
#include <math.h>

#include "harness/load/tests/binomial.h"
#include "harness/load/verdict_loadgen.h"

static const double shares[] = {0.5, 0.9, 0.95, 0.97, 0.99, 0.999, 0.9999};
#define N_SHARES (sizeof shares / sizeof *shares)

Test(verdict_loadgen, the_floors_are_the_published_ones)
{
    static const struct {
        double   p;
        uint64_t floor;
    } floors[] = {{0.5, 11}, {0.9, 64}, {0.95, 130}, {0.97, 219}, {0.99, 662}, {0.999, 6636}, {0.9999, 66381}};
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        uint64_t n = floors[i].floor;
        cr_expect_eq(assay_early_stopping_within(floors[i].p, 1) + 1, n, "p %g", floors[i].p);
        cr_expect_eq(assay_early_stopping_discard(floors[i].p, n), 1, "just inside, p %g", floors[i].p);
        cr_expect_eq(assay_early_stopping_discard(floors[i].p, n - 1), 0, "just outside, p %g", floors[i].p);
    }
    cr_expect_eq(assay_early_stopping_within(0.99, 0), 459);
    cr_expect_eq(assay_early_stopping_discard(0.99, 10000), 77);
}

/* The least h is where the slow sum falls below 1 %, and at h - 1 it has not. */
Test(verdict_loadgen, every_number_over_the_limit_to_200_needs_what_a_slow_sum_says)
{
    for (size_t i = 0; i < N_SHARES; i++)
        for (uint64_t t = 0; t <= 200; t++) {
            uint64_t h = assay_early_stopping_within(shares[i], t);
            cr_expect(binomial_at_most(h + t, t, shares[i]) < 0.01L, "p %g t %llu h %llu", shares[i], (unsigned long long)t, (unsigned long long)h);
            cr_expect(binomial_at_most(h - 1 + t, t, shares[i]) >= 0.01L, "p %g t %llu h %llu", shares[i], (unsigned long long)t,
                      (unsigned long long)h);
        }
}

Test(verdict_loadgen, a_run_passes_with_one_query_more_and_not_with_one_less)
{
    for (size_t i = 0; i < N_SHARES; i++)
        for (uint64_t t = 0; t <= 200; t += 8) {
            uint64_t n = assay_early_stopping_within(shares[i], t) + t;
            cr_expect(assay_early_stopping_passes(shares[i], n, t), "p %g t %llu", shares[i], (unsigned long long)t);
            cr_expect_not(assay_early_stopping_passes(shares[i], n - 1, t), "p %g t %llu", shares[i], (unsigned long long)t);
            cr_expect_not(assay_early_stopping_passes(shares[i], n, t + 1), "p %g t %llu", shares[i], (unsigned long long)t);
        }
}

Test(verdict_loadgen, what_is_discarded_is_the_most_that_the_run_is_long_enough_for)
{
    static const uint64_t lengths[] = {700, 1003, 5000, 24576, 270336};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint64_t t = assay_early_stopping_discard(0.99, lengths[i]);
        cr_expect(assay_early_stopping_within(0.99, t) + t <= lengths[i]);
        cr_expect(assay_early_stopping_within(0.99, t + 1) + t + 1 > lengths[i]);
    }
}

Test(verdict_loadgen, no_query_or_none_within_the_limit_never_passes)
{
    cr_expect_not(assay_early_stopping_passes(0.99, 0, 0));
    cr_expect_not(assay_early_stopping_passes(0.99, 10, 10));
    cr_expect_eq(assay_early_stopping_discard(0.99, 0), 0);
}

/* There the count is normal, and the quantile of 99 % is 2.326 deviations. */
Test(verdict_loadgen, billions_of_queries_are_decided_too, .timeout = 20)
{
    uint64_t n = 1000000000, t = assay_early_stopping_discard(0.99, n);
    cr_expect(t > 9980000 && t < 10000000, "%llu", (unsigned long long)t);
    double z = ((double)n * 0.01 - (double)t) / sqrt((double)n * 0.01 * 0.99);
    cr_expect_float_eq(z, 2.326, 0.001, "%g", z);
}

Test(verdict_loadgen, it_tells_what_a_number_of_queries_is_good_for)
{
    static const struct {
        double   p;
        uint64_t n;
        char     text[60];
    } told[] = {{0.99, 662, "p99 if at most 1 of 662 is over"},
                {0.99, 661, "p99 if at most 0 of 661 are over"},
                {0.99, 458, "not p99: it takes 459 queries"},
                {0.99, 10000, "p99 if at most 77 of 10000 are over"},
                {0.9, 100, "p90 if at most 3 of 100 are over"}};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        char              text[80];
        struct assay_text out = ASSAY_TEXT(text);
        assay_early_stopping_tell(told[i].p, told[i].n, &out);
        cr_expect_str_eq(text, told[i].text);
    }
}
