#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "reference/formats/formats.h"

static const enum assay_dtype small_floats[] = {ASSAY_BF16,   ASSAY_F16,    ASSAY_F8E4M3, ASSAY_F8E5M2,
                                                ASSAY_F6E2M3, ASSAY_F6E3M2, ASSAY_F4E2M1};
#define N_SMALL (sizeof small_floats / sizeof small_floats[0])

static double value_of(enum assay_dtype dtype, uint32_t code)
{
    uint8_t bytes[4] = {(uint8_t)code, (uint8_t)(code >> 8), 0, 0};
    double x;
    assay_to_double(dtype, bytes, 1, &x);
    return x;
}

static uint32_t code_of(enum assay_dtype dtype, double x)
{
    uint8_t bytes[4] = {0};
    assay_from_double(dtype, &x, 1, bytes);
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

/* The value by the definition of a float with these fields, independent of how the code reads bits. */
static double by_definition(uint32_t code, int exponent_bits, int fraction_bits, int bias)
{
    int exponent = (int)(code >> fraction_bits) & ((1 << exponent_bits) - 1);
    double fraction = (double)(code & ((1u << fraction_bits) - 1)) / (double)(1u << fraction_bits);
    double magnitude = exponent ? ldexp(1 + fraction, exponent - bias) : ldexp(fraction, 1 - bias);
    return code >> (exponent_bits + fraction_bits) & 1 ? -magnitude : magnitude;
}

Test(formats, known_codes_have_the_values_their_specifications_print)
{
    cr_expect_eq(value_of(ASSAY_BF16, 0x3f80), 1.0);
    cr_expect_eq(value_of(ASSAY_BF16, 0xc049), -3.140625);
    cr_expect_eq(value_of(ASSAY_F16, 0x3555), 0.333251953125);
    cr_expect_eq(value_of(ASSAY_F16, 0x7bff), 65504.0);
    cr_expect_eq(value_of(ASSAY_F16, 0x0001), 0x1p-24);
    cr_expect_eq(value_of(ASSAY_F8E4M3, 0x7e), 448.0);
    cr_expect(isnan(value_of(ASSAY_F8E4M3, 0x7f)) && isnan(value_of(ASSAY_F8E4M3, 0xff)));
    cr_expect_eq(value_of(ASSAY_F8E4M3, 0x01), 0x1p-9);
    cr_expect_eq(value_of(ASSAY_F8E5M2, 0x7b), 57344.0);
    cr_expect(isinf(value_of(ASSAY_F8E5M2, 0x7c)) && isnan(value_of(ASSAY_F8E5M2, 0x7d)));
    cr_expect_eq(value_of(ASSAY_F8E8M0, 0), 0x1p-127);
    cr_expect_eq(value_of(ASSAY_F8E8M0, 254), 0x1p127);
    cr_expect(isnan(value_of(ASSAY_F8E8M0, 255)));
    const double f4[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    for (uint32_t i = 0; i < 8; i++) {
        cr_expect_eq(value_of(ASSAY_F4E2M1, i), f4[i]);
        cr_expect_eq(value_of(ASSAY_F4E2M1, i | 8), -f4[i]);
    }
    cr_expect_eq(value_of(ASSAY_F6E2M3, 0x1f), 7.5);
    cr_expect_eq(value_of(ASSAY_F6E3M2, 0x1f), 28.0);
    cr_expect_eq(value_of(ASSAY_I4, 0xf), -1.0);
    cr_expect_eq(value_of(ASSAY_U4, 0xf), 15.0);
    cr_expect_eq(value_of(ASSAY_BOOL, 7), 1.0);
}

Test(formats, every_code_reads_as_its_definition_and_writes_back_as_itself)
{
    const int fields[N_SMALL][3] = {{8, 7, 127}, {5, 10, 15}, {4, 3, 7}, {5, 2, 15}, {2, 3, 1}, {3, 2, 3}, {2, 1, 1}};
    for (size_t f = 0; f < N_SMALL; f++) {
        size_t wrong = 0, compared = 0;
        for (uint32_t code = 0; code < 1u << assay_dtype_bits(small_floats[f]); code++) {
            double x = value_of(small_floats[f], code);
            if (isnan(x)) {
                wrong += !isnan(value_of(small_floats[f], code_of(small_floats[f], x)));
                continue;
            }
            if (!isinf(x))
                wrong += x != by_definition(code, fields[f][0], fields[f][1], fields[f][2]);
            wrong += code_of(small_floats[f], x) != code ||
                     signbit(x) != signbit(by_definition(code, fields[f][0], fields[f][1], fields[f][2]));
            compared++;
        }
        cr_expect_eq(wrong, 0, "%s: %zu wrong of %zu", assay_dtype_name(small_floats[f]), wrong, compared);
        cr_expect_geq(compared, (1u << assay_dtype_bits(small_floats[f])) * 9 / 10);
    }
    for (uint32_t code = 0; code < 255; code++)
        cr_expect_eq(code_of(ASSAY_F8E8M0, value_of(ASSAY_F8E8M0, code)), code);
}

/* Between every two neighbours: the midpoint goes to the even code, a hair beside it to the nearer one. */
Test(formats, midpoints_round_to_the_even_neighbour_and_everything_else_to_the_nearer)
{
    for (size_t f = 0; f < N_SMALL; f++) {
        enum assay_dtype dtype = small_floats[f];
        uint32_t sign = 1u << (assay_dtype_bits(dtype) - 1);
        size_t wrong = 0;
        for (uint32_t code = 0; code + 1 < sign; code++) {
            double low = value_of(dtype, code), high = value_of(dtype, code + 1), middle = low + (high - low) / 2;
            if (!isfinite(low) || !isfinite(high))
                continue;
            uint32_t even = code & 1 ? code + 1 : code;
            wrong += code_of(dtype, middle) != even || code_of(dtype, -middle) != (even | sign);
            wrong += code_of(dtype, nextafter(middle, low)) != code;
            wrong += code_of(dtype, nextafter(middle, high)) != code + 1;
            wrong += code_of(dtype, -nextafter(middle, high)) != ((code + 1) | sign);
        }
        cr_expect_eq(wrong, 0, "%s: %zu", assay_dtype_name(dtype), wrong);
    }
    cr_expect_eq(code_of(ASSAY_F8E8M0, 1.5), 128, "the hidden bit is odd, so half way always goes up");
    cr_expect_eq(code_of(ASSAY_F8E8M0, 3.0), 129);
    cr_expect_eq(code_of(ASSAY_F8E8M0, 2.99), 128);
    cr_expect_eq(code_of(ASSAY_F8E8M0, 3.01), 129);
}

Test(formats, beyond_the_largest_is_infinity_nan_or_the_largest_as_the_format_can)
{
    cr_expect_eq(value_of(ASSAY_F16, code_of(ASSAY_F16, 65519.999)), 65504.0);
    cr_expect(isinf(value_of(ASSAY_F16, code_of(ASSAY_F16, 65520.0))));
    cr_expect_eq(value_of(ASSAY_F16, code_of(ASSAY_F16, -1e300)), -INFINITY);
    cr_expect(isinf(value_of(ASSAY_BF16, code_of(ASSAY_BF16, 0x1.ffp127))));
    cr_expect(isinf(value_of(ASSAY_F8E5M2, code_of(ASSAY_F8E5M2, 61440.0))));
    cr_expect_eq(value_of(ASSAY_F8E4M3, code_of(ASSAY_F8E4M3, 463.9)), 448.0);
    cr_expect(isnan(value_of(ASSAY_F8E4M3, code_of(ASSAY_F8E4M3, 464.1))));
    cr_expect(isnan(value_of(ASSAY_F8E4M3, code_of(ASSAY_F8E4M3, -INFINITY))));
    cr_expect_eq(value_of(ASSAY_F4E2M1, code_of(ASSAY_F4E2M1, 1e9)), 6.0);
    cr_expect_eq(value_of(ASSAY_F4E2M1, code_of(ASSAY_F4E2M1, -INFINITY)), -6.0);
    cr_expect_eq(value_of(ASSAY_F6E3M2, code_of(ASSAY_F6E3M2, NAN)), 28.0);
    cr_expect(isnan(value_of(ASSAY_F16, code_of(ASSAY_F16, NAN))));
    cr_expect(isnan(value_of(ASSAY_F8E8M0, code_of(ASSAY_F8E8M0, -1.0))));
    cr_expect_eq(assay_round_to(ASSAY_F16, 0x1p-26), 0.0);
    cr_expect_eq(assay_round_to(ASSAY_F16, 0x1p-1074), 0.0);
    cr_expect(signbit(assay_round_to(ASSAY_BF16, -0x1p-200)));
}

#ifdef __FLT16_MANT_DIG__
__extension__ typedef _Float16 half_float;

Test(formats, f16_agrees_with_the_compilers_own_half)
{
    size_t wrong = 0;
    for (uint32_t code = 0; code < 65536; code++) {
        uint16_t bits = (uint16_t)code;
        half_float half;
        memcpy(&half, &bits, sizeof half);
        double ours = value_of(ASSAY_F16, code), theirs = (double)half;
        wrong += !(ours == theirs || (isnan(ours) && isnan(theirs)));
    }
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) { /* spread over all exponents that matter, midpoints among them */
        state = state * 6364136223846793005u + 1442695040888963407u;
        double x = ldexp((double)(state >> 40 & 0xfff) / 2048.0 - 1.0, (int)(state >> 58) - 32);
        wrong += assay_round_to(ASSAY_F16, x) != (double)(half_float)x;
    }
    cr_expect_eq(wrong, 0, "%zu", wrong);
}
#endif

Test(formats, integers_round_to_even_and_saturate)
{
    cr_expect_eq(assay_round_to(ASSAY_I8, 2.5), 2.0);
    cr_expect_eq(assay_round_to(ASSAY_I8, 3.5), 4.0);
    cr_expect_eq(assay_round_to(ASSAY_I8, 1000), 127.0);
    cr_expect_eq(assay_round_to(ASSAY_I8, -1000), -128.0);
    cr_expect_eq(assay_round_to(ASSAY_U8, -3), 0.0);
    cr_expect_eq(assay_round_to(ASSAY_I4, 9), 7.0);
    cr_expect_eq(assay_round_to(ASSAY_I4, -9), -8.0);
    cr_expect_eq(assay_round_to(ASSAY_U4, 99), 15.0);
    cr_expect_eq(assay_round_to(ASSAY_I32, 1e18), (double)INT32_MAX);
    cr_expect_eq(assay_round_to(ASSAY_I64, -9007199254740991.0), -9007199254740991.0);
    int64_t big = 0;
    assay_from_double(ASSAY_I64, &(double){1e300}, 1, &big);
    cr_expect_eq(big, INT64_MAX);
    assay_from_double(ASSAY_I64, &(double){-INFINITY}, 1, &big);
    cr_expect_eq(big, INT64_MIN);
    cr_expect_eq(assay_round_to(ASSAY_I32, NAN), 0.0);
    cr_expect_eq(assay_round_to(ASSAY_BOOL, -0.25), 1.0);
    cr_expect_eq(assay_round_to(ASSAY_BOOL, 0.0), 0.0);
}

Test(formats, packed_elements_stand_first_in_the_low_bits_and_leave_their_neighbours_alone)
{
    const double four[] = {1.0, -0.5, 6.0};
    uint8_t bytes[4] = {0, 0xff, 0xaa, 0xaa};
    assay_from_double(ASSAY_F4E2M1, four, 3, bytes);
    cr_expect_eq(bytes[0], 0x92);
    cr_expect_eq(bytes[1], 0xf7, "the padding nibble is not ours");
    cr_expect_eq(bytes[2], 0xaa);
    const double six[] = {7.5, -1.0, 0.125, -7.5};
    double back[4];
    assay_from_double(ASSAY_F6E2M3, six, 4, bytes);
    /* codes 011111 101000 000001 111111: 0x1f | 0x28 << 6 | 0x01 << 12 | 0x3f << 18 */
    cr_expect_eq(bytes[0], 0x1f);
    cr_expect_eq(bytes[1], 0x1a);
    cr_expect_eq(bytes[2], 0xfc);
    cr_expect_eq(bytes[3], 0xaa);
    assay_to_double(ASSAY_F6E2M3, bytes, 4, back);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(back[i], six[i]);
}

Test(formats, the_table_of_formats_agrees_with_the_codes)
{
    for (size_t f = 0; f < N_SMALL; f++) {
        const struct assay_number_format *format = assay_format_of(small_floats[f]);
        double largest = 0, smallest = INFINITY;
        for (uint32_t code = 0; code < 1u << (assay_dtype_bits(small_floats[f]) - 1); code++) {
            double x = value_of(small_floats[f], code);
            if (isfinite(x) && x > largest)
                largest = x;
            if (x > 0 && x < smallest)
                smallest = x;
        }
        cr_expect_eq(format->largest, largest, "%s", assay_dtype_name(small_floats[f]));
        cr_expect_eq(format->smallest, smallest);
        cr_expect_eq(format->smallest_normal, ldexp(smallest, format->precision - 1));
        cr_expect_eq(format->unit_roundoff, ldexp(1.0, -format->precision));
    }
    cr_expect_eq(assay_format_of(ASSAY_F32)->largest, FLT_MAX);
    cr_expect_eq(assay_format_of(ASSAY_F32)->smallest_normal, FLT_MIN);
    cr_expect_eq(assay_format_of(ASSAY_F64)->largest, DBL_MAX);
    cr_expect_eq(assay_format_of(ASSAY_F64)->unit_roundoff, DBL_EPSILON / 2);
    cr_expect_null(assay_format_of(ASSAY_I32));
    cr_expect_null(assay_format_of(ASSAY_DTYPE_NONE));
}
