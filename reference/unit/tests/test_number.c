#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "harness/base/random.h"
#include "reference/formats/formats.h"
#include "reference/unit/number.h"

#include "assay/banned.h"

TestSuite(number, .timeout = 60);

static struct assay_unit_put put_into(const char *format, enum assay_unit_rounding rounding)
{
    struct assay_unit_put put = {.format = assay_unit_format_named(format), .rounding = rounding};
    cr_assert(put.format != NULL, "%s", format);
    return put;
}

Test(number, rounds_every_float_as_the_formats_do)
{
    static const enum assay_dtype dtypes[] = {ASSAY_F32, ASSAY_BF16, ASSAY_F16, ASSAY_F8E4M3, ASSAY_F8E5M2, ASSAY_F6E2M3,
                                              ASSAY_F6E3M2, ASSAY_F4E2M1};
    struct assay_random           r;
    assay_random_init(&r, 1);
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        struct assay_unit_put put = put_into(assay_dtype_name(dtypes[d]), ASSAY_UNIT_NEAREST_EVEN);
        for (int i = 0; i < 100000; i++) {
            double x = ldexp((double)assay_random_u32(&r) - 0x1p31, (int)(assay_random_u32(&r) % 340) - 220);
            if (!put.format->has_infinity && fabs(x) > put.format->largest)
                continue; /* storing may give NaN there; a unit saturates */
            double mine = assay_unit_round(&put, x), theirs = assay_round_to(dtypes[d], x);
            cr_assert(mine == theirs, "%a in %s: %a, not %a", x, put.format->name, mine, theirs);
        }
    }
}

Test(number, has_the_ranges_of_the_formats)
{
    for (size_t i = 0; i < assay_unit_n_formats; i++) {
        const struct assay_unit_format   *mine = &assay_unit_formats[i];
        const struct assay_number_format *theirs = assay_format_named(mine->name);
        if (!mine->is_float)
            continue;
        cr_assert(theirs != NULL, "%s", mine->name);
        cr_expect(mine->precision == theirs->precision && mine->largest == theirs->largest && mine->least == -theirs->largest &&
                      mine->has_infinity == theirs->has_infinity && mine->smallest_normal == theirs->smallest_normal &&
                      ldexp(1, mine->min_exponent) == theirs->smallest_normal, "%s", mine->name);
    }
}

Test(number, rounds_toward_zero_and_down_as_the_formats_do)
{
    struct assay_random r;
    assay_random_init(&r, 2);
    for (size_t i = 0; i < assay_unit_n_formats; i++)
        for (int k = 0; assay_unit_formats[i].is_float && k < 20000; k++) {
            const struct assay_number_format *theirs = assay_format_named(assay_unit_formats[i].name);
            struct assay_unit_put zero = {.format = &assay_unit_formats[i], .rounding = ASSAY_UNIT_TOWARD_ZERO}, down = zero;
            double x = ldexp((double)assay_random_u32(&r) - 0x1p31, (int)(assay_random_u32(&r) % 340) - 220);
            bool saturates = !theirs->has_infinity;
            down.rounding = ASSAY_UNIT_DOWN;
            cr_assert_eq(assay_unit_round(&zero, x), assay_format_round(theirs, x, ASSAY_TOWARD_ZERO, saturates, 0));
            cr_assert_eq(assay_unit_round(&down, x), assay_format_round(theirs, x, ASSAY_DOWN, saturates, 0));
        }
}

Test(number, rounds_toward_zero_and_down)
{
    struct assay_unit_put zero = put_into("f16", ASSAY_UNIT_TOWARD_ZERO), down = put_into("f16", ASSAY_UNIT_DOWN);
    cr_expect_eq(assay_unit_round(&zero, 2051.9), 2050.0);
    cr_expect_eq(assay_unit_round(&zero, -2051.9), -2050.0);
    cr_expect_eq(assay_unit_round(&down, 2051.9), 2050.0);
    cr_expect_eq(assay_unit_round(&down, -2050.1), -2052.0);
    cr_expect_eq(assay_unit_round(&zero, 1e9), 65504.0, "the largest, not infinity");
    cr_expect_eq(assay_unit_round(&down, 1e9), 65504.0);
    cr_expect_eq(assay_unit_round(&down, -1e9), -(double)INFINITY);
    cr_expect_eq(assay_unit_round(&down, -1e-30), -0x1p-24, "the smallest subnormal");
}

Test(number, adds_with_one_rounding_where_two_would_differ)
{
    struct assay_unit_put f32 = put_into("f32", ASSAY_UNIT_NEAREST_EVEN);
    /* A tie in f32 but for a bit that double does not hold beside it. */
    cr_expect_eq(assay_unit_add(&f32, 1 + 0x1p-24, 0x1p-80), 1 + 0x1p-23);
    cr_expect_eq(assay_unit_add(&f32, 1 + 0x1p-24, -0x1p-80), 1.0);
    cr_expect_eq(assay_unit_add(&f32, -1 - 0x1p-24, -0x1p-80), -1 - 0x1p-23);
    cr_expect_eq(assay_unit_add(&f32, 1, 0x1p-24), 1.0, "a tie goes to even");
    struct assay_unit_put zero = put_into("f32", ASSAY_UNIT_TOWARD_ZERO);
    cr_expect_eq(assay_unit_add(&zero, 1, -0x1p-80), 1 - 0x1p-24, "what is below one is cut to the next below");
}

Test(number, knows_the_signs_of_zeros)
{
    struct assay_unit_put nearest = put_into("f32", ASSAY_UNIT_NEAREST_EVEN), down = put_into("f32", ASSAY_UNIT_DOWN);
    cr_expect(!signbit(assay_unit_add(&nearest, 1, -1)) && signbit(assay_unit_add(&down, 1, -1)));
    cr_expect(signbit(assay_unit_add(&nearest, -0.0, -0.0)) && !signbit(assay_unit_add(&down, 0.0, 0.0)));
    cr_expect(signbit(assay_unit_round(&nearest, -0x1p-200)), "what vanishes keeps its sign");
}

Test(number, flushes_what_is_below_the_smallest_normal_number)
{
    struct assay_unit_put put = put_into("f32", ASSAY_UNIT_NEAREST_EVEN);
    cr_expect_eq(assay_unit_round(&put, 0x1p-130), 0x1p-130);
    put.flush = true;
    cr_expect_eq(assay_unit_round(&put, 0x1p-130), 0.0);
    cr_expect(signbit(assay_unit_round(&put, -0x1p-130)));
    cr_expect_eq(assay_unit_round(&put, 0x1p-126), 0x1p-126);
}

Test(number, wraps_and_saturates_integers)
{
    struct assay_unit_put put = put_into("i16", ASSAY_UNIT_NEAREST_EVEN);
    cr_expect_eq(assay_unit_add(&put, 32767, 1), -32768.0);
    cr_expect_eq(assay_unit_round(&put, -32769), 32767.0);
    put.overflow = ASSAY_UNIT_SATURATE;
    cr_expect_eq(assay_unit_add(&put, 32767, 1), 32767.0);
    cr_expect_eq(assay_unit_add(&put, -32768, -5), -32768.0);
    cr_expect_eq(assay_unit_round(&put, (double)NAN), 0.0);
    put = put_into("u8", ASSAY_UNIT_NEAREST_EVEN);
    cr_expect_eq(assay_unit_round(&put, 257), 1.0);
}

Test(number, passes_on_what_is_not_finite)
{
    struct assay_unit_put f32 = put_into("f32", ASSAY_UNIT_NEAREST_EVEN), f8 = put_into("f8e4m3", ASSAY_UNIT_NEAREST_EVEN);
    cr_expect(isnan(assay_unit_add(&f32, (double)INFINITY, -(double)INFINITY)));
    cr_expect_eq(assay_unit_add(&f32, (double)INFINITY, 1), (double)INFINITY);
    cr_expect_eq(assay_unit_round(&f32, 0x1p128), (double)INFINITY);
    cr_expect_eq(assay_unit_round(&f8, (double)INFINITY), 448.0, "there is no infinity");
    cr_expect_eq(assay_unit_round(&f8, -1000), -448.0);
    cr_expect(isnan(assay_unit_round(&f8, (double)NAN)));
}
