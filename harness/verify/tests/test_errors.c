#include "harness/verify/errors.h"

#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"

/* Errors of n elements, uniform within one unit, moved by `shift` units toward zero. */
static struct assay_errors drawn(uint64_t key, int n, double shift)
{
    struct assay_errors e = {.n = 0};
    struct assay_random r;
    assay_random_init(&r, key);
    for (int i = 0; i < n; i++) {
        double expected = assay_random_normal(&r), error = 2 * assay_random_unit(&r) - 1;
        assay_errors_add(&e, expected + 1e-6 * (error - (expected > 0 ? shift : -shift)), expected, 1e-6 / sqrt(3));
    }
    return e;
}

Test(errors, of_rounding_to_nearest_are_neither_biased_nor_large)
{
    double most = 0;
    for (uint64_t key = 0; key < 2000; key++) {
        struct assay_errors e = drawn(key, 256, 0);
        cr_expect_not(assay_errors_are_biased(&e), "seed %d: %g %g", (int)key, assay_errors_lean(&e), assay_errors_drift(&e));
        cr_expect_not(assay_errors_are_large(&e), "seed %d: %g", (int)key, assay_errors_rms(&e));
        most = fmax(most, fabs(assay_errors_lean(&e)));
    }
    cr_expect(most > 2.5, "%g: the test statistic has the deviation that it is given", most);
}

/* With a lean of d units the sign test has mean d sqrt(n): 0.6 of 256 is 9.6 deviations. */
Test(errors, that_lean_toward_zero_or_away_from_it_are_seen)
{
    for (uint64_t key = 0; key < 100; key++) {
        struct assay_errors in = drawn(key, 256, 0.6), out = drawn(key, 256, -0.6), up = {.n = 0};
        cr_expect(assay_errors_are_biased(&in) && assay_errors_lean(&in) > 5);
        cr_expect(assay_errors_are_biased(&out) && assay_errors_lean(&out) < -5);
        cr_expect(fabs(assay_errors_drift(&in)) < 5, "numbers of both signs: %g", assay_errors_drift(&in));
        for (int i = 0; i < 64; i++)
            assay_errors_add(&up, (i % 2 ? 1 : -1) + 1e-7, i % 2 ? 1 : -1, 1e-6);
        cr_expect(assay_errors_drift(&up) == 8 && assay_errors_lean(&up) == 0 && assay_errors_are_biased(&up));
    }
}

Test(errors, that_are_larger_than_their_deviation_are_seen_and_joined_ones_are_one)
{
    struct assay_errors small = drawn(1, 4096, 0), large = {.n = 0};
    cr_expect(fabs(assay_errors_rms(&small) - 1) < 0.05, "%g", assay_errors_rms(&small));
    for (int i = 0; i < 100; i++)
        assay_errors_add(&large, 1 + (i % 2 ? 3e-6 : -3e-6), 1, 1e-6);
    cr_expect(assay_errors_are_large(&large) && fabs(assay_errors_rms(&large) - 3) < 1e-6);
    assay_errors_join(&large, &small);
    cr_expect_eq(large.n, 4196u);
    cr_expect_eq(large.inward + large.outward, 4196u);
    cr_expect(assay_errors_rms(&large) > 1 && assay_errors_rms(&large) < 1.2);
}

Test(errors, of_few_elements_say_nothing)
{
    struct assay_errors e = {.n = 0};
    for (int i = 0; i < 63; i++)
        assay_errors_add(&e, 2, 1, 1e-9);
    cr_expect(assay_errors_lean(&e) == 0 && isnan(assay_errors_rms(&e)));
    cr_expect(!assay_errors_are_biased(&e) && !assay_errors_are_large(&e));
    for (int i = 0; i < 1000; i++)
        assay_errors_add(&e, 1, 1, 1e-9); /* right to the last bit */
    cr_expect_eq(assay_errors_lean(&e), 0);
}
