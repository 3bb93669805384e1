#include <float.h>

#include "reference/arithmetic.h"

#include "simulate.h"

static const struct assay_arithmetic f32 = {0x1p-24, FLT_MIN, 0x1p-24, FLT_MIN, 0, 0, 0, false},
                                     f64 = {0x1p-53, DBL_MIN, 0x1p-53, DBL_MIN, 0, 0, 0, true};

Test(arithmetic, gamma_is_highams_and_never_below_it)
{
    cr_expect_eq(assay_ref_gamma(0, 0x1p-24), 0);
    for (double n = 1; n < 1e7; n *= 3) {
        long double exact = n * 0x1p-24L / (1 - n * 0x1p-24L);
        cr_expect(assay_ref_gamma(n, 0x1p-24) >= (double)exact &&
                  assay_ref_gamma(n, 0x1p-24) < (double)exact * (1 + 1e-7));
    }
    cr_expect(isinf(assay_ref_gamma(0x1p24, 0x1p-24)), "as many roundings as that may lose everything");
}

Test(arithmetic, the_class_follows_from_the_formats)
{
    struct made m;
    made_begin(&m, 1);
    const struct {
        enum assay_dtype in, out;
        double accumulate, store;
    } cases[] = {{ASSAY_F32, ASSAY_F32, 0x1p-24, 0x1p-24}, {ASSAY_BF16, ASSAY_BF16, 0x1p-24, 0x1p-8},
                 {ASSAY_F16, ASSAY_F32, 0x1p-24, 0x1p-24}, {ASSAY_F64, ASSAY_F64, 0x1p-53, 0x1p-53},
                 {ASSAY_F16, ASSAY_F16, 0x1p-24, 0x1p-11}, {ASSAY_I32, ASSAY_I32, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        made_input(&m, 0, cases[i].in, DIMS(1), 0, 1, 0);
        made_output(&m, 0, cases[i].out, DIMS(1));
        made_ready(&m, 0);
        cr_expect_eq(m.call.arithmetic.accumulate, cases[i].accumulate, "%zu", i);
        cr_expect_eq(m.call.arithmetic.store, cases[i].store, "%zu", i);
        cr_expect_eq(m.call.arithmetic.compensated, cases[i].accumulate == 0x1p-53, "%zu", i);
    }
    made_end(&m);
}

/* Every double near a value, rounded to the format by the conversions, stays within what storing is said to cost. */
Test(arithmetic, storing_costs_at_least_what_the_conversion_does_and_hardly_more)
{
    const enum assay_dtype formats[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F8E5M2, ASSAY_F8E4M3};
    struct assay_random random;
    assay_random_init(&random, 1);
    for (int f = 0; f < 4; f++) {
        const struct assay_number_format *format = assay_format_of(formats[f]);
        double worst = 0;
        for (int i = 0; i < 20000; i++) {
            int exponent = (int)assay_random_below(&random, 44) - 30;
            double x = ldexp(assay_random_unit(&random) + 0.5, exponent), e = i & 1 ? 0 : x / 64;
            double moved = x + e * (2 * assay_random_unit(&random) - 1);
            double kept = assay_round_to(formats[f], moved);
            struct assay_bounded stored = assay_bounded_store(&f32, formats[f], bounded(x, e));
            if (isinf(stored.error) || isinf(stored.value)) {
                cr_assert_geq(x + e, format->largest);
                cr_assert(!isinf(stored.value) || isinf(kept));
                continue;
            }
            cr_assert_leq(fabs(kept - stored.value), stored.error, "%g in %s", x, assay_dtype_name(formats[f]));
            double flushed = fabs(moved) < format->smallest_normal ? 0 : kept;
            cr_assert_leq(fabs(flushed - stored.value), stored.error, "%g flushed in %s", x,
                          assay_dtype_name(formats[f]));
            worst = x > format->smallest_normal ? fmax(worst, fabs(kept - x) / stored.error) : worst;
        }
        cr_expect_geq(worst, 0.85, "%s: %g", assay_dtype_name(formats[f]), worst);
    }
    struct assay_bounded zero = assay_bounded_store(&f32, ASSAY_F16, bounded(0, 0));
    cr_expect(zero.value == 0 && zero.error == 0);
}

Test(arithmetic, a_dot_product_in_double_is_as_if_made_in_twice_the_precision)
{
    double x[201], y[201];
    struct assay_random random;
    assay_random_init(&random, 2);
    for (int i = 0; i < 100; i++) { /* a large part that cancels exactly, and a small rest */
        int exponent = (int)assay_random_below(&random, 60);
        x[i] = ldexp(assay_random_unit(&random), exponent);
        y[i] = assay_random_unit(&random) - 0.5;
        x[199 - i] = -x[i];
        y[199 - i] = y[i];
    }
    x[200] = 1e-3;
    y[200] = 3;
    struct assay_ref_vector a = {x, NULL, NULL}, b = {y, NULL, NULL};
    struct assay_ref_sum s = assay_ref_dot(&f64, 201, a, b), plain = assay_ref_dot(&f32, 201, a, b);
    cr_expect_leq(fabs(s.value - 3e-3), s.own);
    cr_expect_leq(s.own, 1e-9 * plain.own);
    cr_expect_leq(fabs(plain.value - 3e-3), plain.own);
    cr_expect_gt(plain.value != 3e-3, 0, "the plain sum lost it, so that the test shows something");
    s = assay_ref_total(&f64, 200, a);
    cr_expect_leq(fabs(s.value), s.own);
    x[3] = INFINITY;
    cr_expect(isinf(assay_ref_dot(&f64, 201, a, (struct assay_ref_vector){x, NULL, NULL}).value));
    x[3] = 0x1p1000; /* splitting overflows, the product does not */
    y[3] = 0x1p-10;
    s = assay_ref_dot(&f64, 201, a, b);
    cr_expect(fabs(s.value / 0x1p990 - 1) < 1e-12 && isfinite(s.own));
}

Test(arithmetic, composed_steps_bound_the_same_steps_in_float)
{
    struct assay_random random;
    assay_random_init(&random, 3);
    double worst = 0;
    for (int i = 0; i < 20000; i++) {
        float x = (float)(4 * assay_random_unit(&random) - 2), y = (float)(assay_random_unit(&random) + 0.5),
              z = (float)(2 * assay_random_unit(&random) - 1);
        struct assay_bounded a = {x, 0}, b = {y, 0}, c = {z, 0};
        struct assay_bounded r = assay_bounded_divide(&f32, bounded_subtract(&f32, bounded_multiply(&f32, a, b), c),
                                                      bounded_add(&f32, b, b));
        float device = (x * y - z) / (y + y), fused = fmaf(x, y, -z) / (y + y);
        cr_assert_leq(fabs(device - r.value), r.error);
        cr_assert_leq(fabs(fused - r.value), r.error);
        worst = fmax(worst, fabs(device - r.value) / r.error);
        struct assay_bounded e = assay_bounded_exp(&f32, r);
        cr_assert_leq(fabs(expf(device) - e.value), e.error);
    }
    cr_expect_gt(worst, 0.2, "%g", worst);
}

/* The order that reference/README.md and dense.c promise: term k goes to sum k mod 8, what is left of the eights is added apart. */
Test(arithmetic, a_dot_product_has_the_bits_of_eight_partial_sums)
{
    double x[83], y[83];
    for (int i = 0; i < 83; i++) {
        x[i] = sin(i * 1.7) * pow(10, i % 7 - 3);
        y[i] = cos(i * 0.9) / (1 + i % 5);
    }
    for (size_t n = 0; n <= 83; n++) {
        double v[8] = {0}, m[8] = {0}, rest = 0, rest_magnitude = 0;
        for (size_t k = 0; k < n; k++) {
            *(k < n / 8 * 8 ? &v[k % 8] : &rest) += x[k] * y[k];
            *(k < n / 8 * 8 ? &m[k % 8] : &rest_magnitude) += fabs(x[k] * y[k]);
        }
        double value = ((v[0] + v[2]) + (v[4] + v[6])) + ((v[1] + v[3]) + (v[5] + v[7])) + rest;
        double magnitude = ((m[0] + m[2]) + (m[4] + m[6])) + ((m[1] + m[3]) + (m[5] + m[7])) + rest_magnitude;
        struct assay_ref_sum s = assay_ref_dot(&f32, n, (struct assay_ref_vector){x, NULL, NULL}, (struct assay_ref_vector){y, NULL, NULL});
        cr_expect(s.value == value && s.magnitude == magnitude, "%zu terms: %.17g, expected %.17g", n, s.value, value);
    }
}
