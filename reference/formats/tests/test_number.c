#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "reference/formats/number.h"

/* What the documents print, each number from its own line there; the code knows them in another form. */
struct printed {
    char name[8];
    int exponent_bits, fraction_bits;
    double largest, smallest_normal, smallest;
};
static const struct printed documents[] = {
    {"f64", 11, 52, DBL_MAX, DBL_MIN, DBL_TRUE_MIN},
    {"f32", 8, 23, FLT_MAX, FLT_MIN, FLT_TRUE_MIN},
    {"tf32", 8, 10, 3.4011621342146535e38, FLT_MIN, 1.1479437019748901e-41},
    {"bf16", 8, 7, 3.3895313892515355e38, FLT_MIN, 9.183549615799121e-41},
    {"f16", 5, 10, 65504, 6.103515625e-05, 5.9604644775390625e-08},
    {"f8e4m3", 4, 3, 448, 0.015625, 0.001953125},
    {"f8e5m2", 5, 2, 57344, 6.103515625e-05, 1.52587890625e-05},
    {"f6e2m3", 2, 3, 7.5, 1, 0.125},
    {"f6e3m2", 3, 2, 28, 0.25, 0.0625},
    {"f4e2m1", 2, 1, 6, 1, 0.5},
    {"f8e8m0", 8, 0, 0x1p127, 0x1p-127, 0x1p-127},
};
#define N_DOCUMENTS (sizeof documents / sizeof *documents)

/* Rows short enough to look at every code. */
#define EACH_SHORT(f)                                                                                                  \
    for (const struct assay_number_format *f = assay_formats; f < assay_formats + assay_n_formats; f++)                \
        if (assay_format_bits(f) <= 19)

static double decode(const struct assay_number_format *f, uint64_t code)
{
    return assay_format_decode(f, code);
}

static double round_as(const struct assay_number_format *f, double x, enum assay_rounding rounding)
{
    return assay_format_round(f, x, rounding, false, 0);
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

/* Codes of positive numbers, from 0 to that of the largest. */
static uint64_t last_code(const struct assay_number_format *f)
{
    uint64_t code = 0;
    while (decode(f, code) < f->largest)
        code++;
    return code;
}

Test(number, the_rows_are_what_the_documents_print)
{
    cr_expect_eq(assay_n_formats, N_DOCUMENTS);
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        const struct printed *d = &documents[i];
        const struct assay_number_format *f = assay_format_named(d->name);
        cr_assert_not_null(f, "%s", d->name);
        cr_expect_eq(f->exponent_bits, d->exponent_bits, "%s", d->name);
        cr_expect_eq(f->fraction_bits, d->fraction_bits, "%s", d->name);
        cr_expect_eq(f->largest, d->largest, "%s", d->name);
        cr_expect_eq(f->smallest_normal, d->smallest_normal, "%s", d->name);
        cr_expect_eq(f->smallest, d->smallest, "%s", d->name);
        cr_expect_eq(f->precision, f->fraction_bits + 1, "%s", d->name);
        cr_expect_eq(f->unit_roundoff, ldexp(1, -f->precision), "%s", d->name);
        cr_expect_eq(assay_format_round(f, f->largest, ASSAY_NEAREST_EVEN, false, 0), f->largest);
        cr_expect_eq(assay_format_round(f, f->smallest, ASSAY_NEAREST_EVEN, false, 0), f->smallest);
    }
    cr_expect_null(assay_format_named("f17"));
}

/* The value by the definition of a float with these fields, independent of how the code reads bits. */
static double by_definition(const struct assay_number_format *f, uint64_t code)
{
    int exponent = (int)(code >> f->fraction_bits) & ((1 << f->exponent_bits) - 1);
    double fraction = (double)(code & ((1u << f->fraction_bits) - 1)) / (double)(1u << f->fraction_bits);
    double magnitude =
        exponent || !f->is_signed ? ldexp(1 + fraction, exponent - f->bias) : ldexp(fraction, 1 - f->bias);
    return code >> (f->exponent_bits + f->fraction_bits) & 1 ? -magnitude : magnitude;
}

Test(number, every_code_has_the_value_of_its_fields_and_is_written_back_in_every_direction)
{
    EACH_SHORT(f)
    {
        size_t wrong = 0, finite = 0, infinite = 0, nans = 0;
        for (uint64_t code = 0; code >> assay_format_bits(f) == 0; code++) {
            double x = decode(f, code);
            finite += isfinite(x) != 0;
            infinite += isinf(x) != 0;
            nans += isnan(x) != 0;
            wrong += isfinite(x) && !same(x, by_definition(f, code));
            for (int rounding = ASSAY_NEAREST_EVEN; rounding <= ASSAY_STOCHASTIC; rounding++)
                for (int random = 0; random < 2; random++) {
                    uint64_t back =
                        assay_format_encode(f, x, (enum assay_rounding)rounding, false, random ? UINT64_MAX : 0);
                    wrong += isnan(x) ? !isnan(decode(f, back)) : back != code;
                }
        }
        cr_expect_eq(wrong, 0, "%s: %zu", f->name, wrong);
        size_t all = (size_t)1 << assay_format_bits(f), signs = f->is_signed ? 2 : 1,
               fractions = (size_t)1 << f->fraction_bits;
        cr_expect_eq(infinite, f->has_infinity ? 2 : 0, "%s: %zu", f->name, infinite);
        cr_expect_eq(nans, f->nan == ASSAY_NAN_IEEE ? 2 * (fractions - 1) : f->nan == ASSAY_NAN_ALL_ONES ? signs : 0);
        cr_expect_eq(finite, all - infinite - nans);
    }
}

/* x stands strictly between low and high, the values of two codes in turn. */
static size_t wrong_between(const struct assay_number_format *f, uint64_t low_code, double x, int nearest)
{
    double low = decode(f, low_code), high = decode(f, low_code + 1);
    return (size_t)(round_as(f, x, ASSAY_TOWARD_ZERO) != low) + (size_t)(round_as(f, x, ASSAY_DOWN) != low) +
           (size_t)(round_as(f, x, ASSAY_UP) != high) +
           (size_t)(round_as(f, x, ASSAY_NEAREST_EVEN) != (nearest ? high : low)) +
           (f->is_signed
                ? (size_t)(round_as(f, -x, ASSAY_TOWARD_ZERO) != -low) +
                      (size_t)(round_as(f, -x, ASSAY_DOWN) != -high) + (size_t)!same(round_as(f, -x, ASSAY_UP), -low) +
                      (size_t)!same(round_as(f, -x, ASSAY_NEAREST_EVEN), nearest ? -high : -low)
                : 0);
}

Test(number, between_any_two_neighbours_half_way_goes_to_the_even_code_and_all_else_to_the_nearer)
{
    EACH_SHORT(f)
    {
        size_t wrong = 0;
        uint64_t last = last_code(f);
        for (uint64_t code = 0; code < last; code++) {
            double low = decode(f, code), high = decode(f, code + 1), middle = low + (high - low) / 2;
            wrong += wrong_between(f, code, middle, f->is_signed ? (int)(code & 1) : 1);
            wrong += wrong_between(f, code, nextafter(middle, low), 0);
            wrong += wrong_between(f, code, nextafter(middle, high), 1);
            wrong += wrong_between(f, code, nextafter(low, high), 0);
            wrong += wrong_between(f, code, nextafter(high, low), 1);
        }
        cr_expect_eq(wrong, 0, "%s: %zu", f->name, wrong);
        cr_expect_geq(last, 7);
    }
}

/* What a number that rounds beyond the largest becomes where the direction does not point back. */
static double beyond(const struct assay_number_format *f)
{
    return f->has_infinity ? (double)INFINITY : f->nan == ASSAY_NAN_NONE ? f->largest : (double)NAN;
}

Test(number, the_edge_of_overflow_is_half_a_step_beyond_the_largest)
{
    for (const struct assay_number_format *f = assay_formats + 1; f < assay_formats + assay_n_formats; f++) {
        double step = ldexp(1, ilogb(f->largest) - f->fraction_bits), half = f->largest + step / 2,
               next = f->largest + step;
        bool even = f->is_signed && f->nan == ASSAY_NAN_ALL_ONES; /* 448 is even, the others' largest is odd */
        cr_expect(same(round_as(f, nextafter(half, 0), ASSAY_NEAREST_EVEN), f->largest), "%s", f->name);
        cr_expect(same(round_as(f, half, ASSAY_NEAREST_EVEN), even ? f->largest : beyond(f)), "%s", f->name);
        cr_expect(same(round_as(f, nextafter(half, INFINITY), ASSAY_NEAREST_EVEN), beyond(f)), "%s", f->name);
        const double above[] = {nextafter(f->largest, INFINITY), half, next, DBL_MAX};
        for (size_t i = 0; i < 4; i++) {
            cr_expect(same(round_as(f, above[i], ASSAY_TOWARD_ZERO), f->largest), "%s", f->name);
            cr_expect(same(round_as(f, above[i], ASSAY_DOWN), f->largest), "%s", f->name);
            cr_expect(same(round_as(f, above[i], ASSAY_UP), beyond(f)), "%s", f->name);
            for (int rounding = ASSAY_NEAREST_EVEN; rounding <= ASSAY_STOCHASTIC; rounding++)
                cr_expect_eq(assay_format_round(f, above[i], (enum assay_rounding)rounding, true, 0), f->largest, "%s",
                             f->name);
            if (!f->is_signed)
                continue;
            cr_expect(same(round_as(f, -above[i], ASSAY_TOWARD_ZERO), -f->largest), "%s", f->name);
            cr_expect(same(round_as(f, -above[i], ASSAY_UP), -f->largest), "%s", f->name);
            cr_expect(same(round_as(f, -above[i], ASSAY_DOWN), -beyond(f)), "%s", f->name);
            cr_expect_eq(assay_format_round(f, -above[i], ASSAY_DOWN, true, 0), -f->largest, "%s", f->name);
        }
        cr_expect(same(assay_format_round(f, above[0], ASSAY_STOCHASTIC, false, 0), beyond(f)), "%s", f->name);
        cr_expect(same(assay_format_round(f, above[0], ASSAY_STOCHASTIC, false, UINT64_MAX), f->largest), "%s",
                  f->name);
    }
}

Test(number, infinities_nans_and_zeros_keep_to_the_rules_of_the_format)
{
    for (const struct assay_number_format *f = assay_formats; f < assay_formats + assay_n_formats; f++)
        for (int rounding = ASSAY_NEAREST_EVEN; rounding <= ASSAY_STOCHASTIC; rounding++) {
            enum assay_rounding r = (enum assay_rounding)rounding;
            cr_expect(same(round_as(f, INFINITY, r), beyond(f)), "%s", f->name);
            cr_expect_eq(assay_format_round(f, INFINITY, r, true, 0), f->largest, "%s", f->name);
            cr_expect(f->nan == ASSAY_NAN_NONE ? round_as(f, NAN, r) == f->largest : isnan(round_as(f, NAN, r)), "%s",
                      f->name);
            uint64_t negative_nan = assay_format_encode(f, -NAN, r, true, 0);
            if (f->is_signed && f->nan != ASSAY_NAN_NONE)
                cr_expect_eq(negative_nan >> (assay_format_bits(f) - 1), 1, "%s", f->name);
            if (f->is_signed) {
                cr_expect(same(round_as(f, -INFINITY, r), -beyond(f)), "%s", f->name);
                cr_expect(same(round_as(f, -0.0, r), -0.0) && same(round_as(f, 0.0, r), 0.0), "%s", f->name);
            } else {
                cr_expect(isnan(round_as(f, -INFINITY, r)) && isnan(round_as(f, -1, r)) &&
                          isnan(round_as(f, -0x1p-1074, r)));
                cr_expect(isnan(round_as(f, 0.0, r)) && isnan(round_as(f, -0.0, r)));
                cr_expect_eq(assay_format_round(f, 0.0, r, true, 0), f->smallest);
            }
        }
}

Test(number, far_below_the_smallest_only_a_direction_away_from_zero_leaves_zero)
{
    const double tiny[] = {0x1p-1074, 0x1p-1022, 0x1p-200};
    for (const struct assay_number_format *f = assay_formats + 1; f < assay_formats + assay_n_formats; f++)
        for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++) {
            double x = tiny[i];
            cr_expect_eq(round_as(f, x, ASSAY_UP), f->smallest, "%s", f->name);
            if (!f->is_signed) {
                cr_expect(isnan(round_as(f, x, ASSAY_NEAREST_EVEN)) && isnan(round_as(f, x, ASSAY_DOWN)));
                cr_expect_eq(assay_format_round(f, x, ASSAY_NEAREST_EVEN, true, 0), f->smallest);
                continue;
            }
            cr_expect(same(round_as(f, x, ASSAY_NEAREST_EVEN), 0.0), "%s", f->name);
            cr_expect(same(round_as(f, x, ASSAY_DOWN), 0.0), "%s", f->name);
            cr_expect(same(round_as(f, -x, ASSAY_UP), -0.0), "%s", f->name);
            cr_expect_eq(round_as(f, -x, ASSAY_DOWN), -f->smallest, "%s", f->name);
            cr_expect(same(assay_format_round(f, x, ASSAY_STOCHASTIC, false, UINT64_MAX), 0.0), "%s", f->name);
        }
}

/* Over all random words of eight bits, a number that stands k / 256 of the way is rounded away from zero k times. */
Test(number, stochastic_rounding_has_the_exact_expectation)
{
    EACH_SHORT(f)
    {
        size_t wrong = 0, checked = 0;
        uint64_t last = last_code(f), stride = last > 512 ? last / 512 : 1;
        for (uint64_t code = 0; code < last; code += stride)
            for (unsigned k = 0; k < 256; k += 5) {
                double low = decode(f, code), high = decode(f, code + 1), x = low + (high - low) * k / 256;
                unsigned away = 0;
                for (uint64_t random = 0; random < 256; random++) {
                    double to = assay_format_round(f, x, ASSAY_STOCHASTIC, false, random << 56);
                    away += to == high;
                    wrong += to != low && to != high;
                    if (f->is_signed)
                        wrong += assay_format_round(f, -x, ASSAY_STOCHASTIC, false, random << 56) != -to;
                }
                wrong += away != k;
                checked++;
            }
        cr_expect_eq(wrong, 0, "%s: %zu of %zu", f->name, wrong, checked);
    }
    /* 3 in 2^62 of the way to the smallest: two bits more than a random word of 64 has would be needed below 2^-64. */
    const struct assay_number_format *f4 = assay_format_named("f4e2m1");
    cr_expect_eq(assay_format_round(f4, 0x3p-63, ASSAY_STOCHASTIC, false, 11), 0.5);
    cr_expect_eq(assay_format_round(f4, 0x3p-63, ASSAY_STOCHASTIC, false, 12), 0.0);
}

Test(number, f32_is_the_compilers_float_and_f64_is_its_double)
{
    const struct assay_number_format *f32 = assay_format_named("f32"), *f64 = assay_format_named("f64");
    uint64_t state = 7, wrong = 0;
    for (int i = 0; i < 2000000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = state ^ state >> 29;
        if (i & 1) /* exponents that float has, and halfway cases one time in four */
            bits = (bits & 0x800fffffffffffffu) | (uint64_t)(860 + bits % 320) << 52;
        if ((i & 7) == 3)
            bits = (bits & ~UINT64_C(0x1fffffff)) | 0x10000000;
        double x;
        uint32_t single;
        memcpy(&x, &bits, sizeof x);
        float y = (float)x;
        memcpy(&single, &y, sizeof single);
        uint64_t code = assay_format_encode(f32, x, ASSAY_NEAREST_EVEN, false, 0);
        wrong += isnan(x) ? !isnan(decode(f32, code)) : code != single || !same(decode(f32, code), (double)y);
        wrong += !same(round_as(f64, x, ASSAY_DOWN), x) ||
                 (!isnan(x) && assay_format_encode(f64, x, ASSAY_UP, false, 0) != bits);
    }
    cr_expect_eq(wrong, 0, "%lu", (unsigned long)wrong);
}
