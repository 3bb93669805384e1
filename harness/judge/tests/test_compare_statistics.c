#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "harness/judge/compare_statistics.h"
#include "harness/measure/statistics.h"

#define NEAR(a, b, tolerance) cr_expect(fabs((a) - (b)) <= (tolerance), "%.12g is not %.12g", (double)(a), (double)(b))

Test(compare_statistics, test_and_interval_say_the_same)
{
    struct assay_random random;
    assay_random_init(&random, 42);
    for (int round = 0; round < 2000; round++) {
        double a[6], b[9];
        size_t n_a = 2 + (size_t)assay_random_below(&random, 5), n_b = 2 + (size_t)assay_random_below(&random, 8);
        bool paired = round % 2 && n_a <= 6;
        for (size_t i = 0; i < n_a; i++)
            a[i] = exp(0.02 * assay_random_normal(&random));
        for (size_t i = 0; i < n_b; i++)
            b[i] = 1.05 * exp(0.03 * assay_random_normal(&random));
        if (paired)
            n_a = n_b = n_a < n_b ? n_a : n_b;
        double margin = 0.1 * assay_random_unit(&random);
        struct assay_estimate ratio = assay_estimate_ratio(a, n_a, b, n_b, paired, ASSAY_COMPARE_LEVEL);
        struct assay_compare_test test = assay_compare_test_make(a, n_a, b, n_b, paired);
        NEAR(exp(test.mean), ratio.value, 1e-12);
        double p = assay_compare_test_p(&test, margin);
        cr_expect(p >= 0 && p <= 1);
        if (fabs(p - 0.025) > 1e-9)
            cr_expect_eq(p<0.025, ratio.low> exp(margin), "round %d: p = %g, low = %g", round, p, ratio.low);
        if (fabs(p - 0.975) > 1e-9)
            cr_expect_eq(p > 0.975, ratio.high < exp(margin), "round %d: p = %g, high = %g", round, p, ratio.high);
        uint64_t more = assay_compare_test_more(&test, margin);
        cr_expect(more == 0 || !paired || (p > 0.025 && p < 0.975), "what is settled needs no more launches");
    }
}

Test(compare_statistics, p_values_are_those_of_the_t_distribution)
{
    struct assay_compare_test t = {.mean = 1, .error = 0.5, .freedom = 10, .n = 11};
    NEAR(assay_compare_test_p(&t, 0), 0.03669401738537018, 1e-12); /* P(T10 > 2) */
    NEAR(assay_compare_test_p(&t, 1), 0.5, 1e-12);
    NEAR(assay_compare_test_p(&t, 2), 1 - 0.03669401738537018, 1e-12);
    t.freedom = 1; /* Cauchy: 1/2 - atan(t) / pi */
    NEAR(assay_compare_test_p(&t, -4), 0.5 - atan(10) / 3.141592653589793, 1e-12);
    t.error = 0; /* no spread at all: nothing is left to chance */
    cr_expect(assay_compare_test_p(&t, 0.5) == 0 && assay_compare_test_p(&t, 1) == 1);
}

Test(compare_statistics, so_many_more_launches_settle_it_and_one_less_does_not)
{
    for (int paired = 0; paired < 2; paired++) {
        struct assay_compare_test t = {.mean = 0.02, .variance = 0.0009, .n = 4, .paired = paired};
        uint64_t more = assay_compare_test_more(&t, 0);
        cr_assert_gt(more, 0u);
        for (uint64_t n = 3 + more; n <= 4 + more; n++) {
            double freedom = (double)(paired ? n - 1 : 2 * n - 2);
            double half = assay_student_quantile(0.975, freedom) * sqrt(0.0009 / (double)n);
            cr_expect_eq(half <= 0.02, n == 4 + more, "n = %d", (int)n);
        }
        t.mean = 1e-9;
        cr_expect_eq(assay_compare_test_more(&t, 0), 0u, "nobody runs that many");
        t.mean = 10;
        cr_expect_eq(assay_compare_test_more(&t, 0), 0u, "settled already");
    }
}

Test(compare_statistics, a_against_a_shows_its_own_width)
{
    /* t(0.975, 8) = 2.306004135204166 */
    NEAR(assay_compare_self(0.02, 5), exp(2.306004135204166 * 0.02 * sqrt(0.4)) - 1, 1e-12);
    cr_expect_eq(assay_compare_self(0, 5), 0.0);
    const double values[] = {1, exp(1), exp(2)};
    NEAR(assay_compare_log_variance(values, 3), 1.0, 1e-12);
}

Test(compare_statistics, holm_steps_down_and_stops_at_the_first_that_stays)
{
    static const struct {
        size_t n;
        double p[5];
        char rejected[6];
    } rows[] = {
        {1, {0.025}, "1"},
        {1, {0.0251}, "0"},
        {3, {0.01, 0.0083, 0.02}, "111"},        /* 0.0083 <= 0.025 / 3, 0.01 <= 0.0125, 0.02 <= 0.025 */
        {3, {0.01, 0.0084, 0.02}, "000"},        /* the smallest is not small enough, so none is */
        {4, {0.013, 0.001, 0.9, 0.002}, "0101"}, /* 0.013 > 0.025 / 2 ends the list */
        {5, {0.005, 0.005, 0.005, 0.005, 0.005}, "11111"},
        {0, {0}, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool rejected[5];
        cr_assert(assay_compare_holm(rows[i].p, rows[i].n, 0.025, rejected));
        for (size_t k = 0; k < rows[i].n; k++)
            cr_expect_eq(rejected[k], rows[i].rejected[k] == '1', "row %zu, p %zu", i, k);
    }
}
