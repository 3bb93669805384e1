#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "reference/formats/scaled.h"
#include "reference/formats/formats.h"

static const struct assay_scaled_format *named(const char *name)
{
    const struct assay_scaled_format *b = assay_scaled_format_named(name);
    cr_assert_not_null(b, "%s", name);
    return b;
}

#define EACH_FORMAT(b)                                                                                                 \
    for (const struct assay_scaled_format *b = assay_scaled_formats;                                                   \
         b < assay_scaled_formats + assay_n_scaled_formats; b++)

enum { MOST = 1024 };

/* x quantized and back. */
static void there_and_back(const struct assay_scaled_format *b, float tensor_scale, const double *x, size_t n,
                           double *back)
{
    unsigned char elements[MOST * 8] = {0}, scales[MOST * 4] = {0};
    assay_scaled_quantize(b, tensor_scale, x, n, elements, scales);
    assay_scaled_dequantize(b, tensor_scale, elements, scales, n, back);
}

/* OCP MX 1.0, table 1 and section 6.3: 2^(floor(log2 most) - emax), emax 8, 15, 2, 4, 2, 0. */
Test(scaled, mx_scales_are_the_power_of_two_of_the_largest_over_that_of_the_format)
{
    const char names[6][12] = {"mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp4", "mxint8"};
    const int emax[6] = {8, 15, 2, 4, 2, 0};
    for (int i = 0; i < 6; i++) {
        const struct assay_scaled_format *b = named(names[i]);
        cr_expect_eq(b->length, 32);
        for (int e = -150; e <= 150; e++) {
            int clamped = e - emax[i] < -127 ? -127 : e - emax[i] > 127 ? 127 : e - emax[i];
            double want = ldexp(1, clamped);
            cr_expect_eq(assay_scaled_block_scale(b, 1, ldexp(1, e)), want, "%s 2^%d", names[i], e);
            cr_expect_eq(assay_scaled_block_scale(b, 1, nextafter(ldexp(1, e + 1), 0)), want, "%s below 2^%d", names[i],
                         e + 1);
        }
        cr_expect_eq(assay_scaled_block_scale(b, 1, 0), 0x1p-127);
        cr_expect_eq(assay_scaled_block_scale(b, 1, DBL_MAX), 0x1p127);
        cr_expect(isnan(assay_scaled_block_scale(b, 1, INFINITY)) && isnan(assay_scaled_block_scale(b, 1, NAN)));
    }
}

Test(scaled, blocks_worked_by_hand)
{
    double x[34] = {7.9, -0.24, 0.26, 5.1, -4.9, 0.75, -6}, back[34];
    unsigned char elements[34] = {0}, scales[3] = {0};
    x[32] = 0.75; /* a second block, of two: 2^(-1 - 2) */
    x[33] = -0.15;
    assay_scaled_quantize(named("mxfp4"), 1, x, 34, elements, scales);
    cr_expect_eq(scales[0], 127);
    cr_expect_eq(scales[1], 124);
    cr_expect_eq(scales[2], 0, "34 elements have two scales");
    /* 6 (saturated), -0, 0.5, 6 (5 is half way: down to 4 or up to 6, 5.1 is above), -4, 1 (half way to even), -6 */
    cr_expect_eq(elements[0], 0x87);
    cr_expect_eq(elements[1], 0x71);
    cr_expect_eq(elements[2], 0x2e);
    cr_expect_eq(elements[3], 0x0f);
    /* 0.75 * 8 = 6; -0.15 * 8 = -1.2, to -1 */
    cr_expect_eq(elements[16], 0xa7);
    assay_scaled_dequantize(named("mxfp4"), 1, elements, scales, 34, back);
    const double want[] = {6, -0.0, 0.5, 6, -4, 1, -6};
    for (int i = 0; i < 7; i++)
        cr_expect(back[i] == want[i] && signbit(back[i]) == signbit(want[i]), "%d: %g", i, back[i]);
    cr_expect_eq(back[32], 0.75);
    cr_expect_eq(back[33], -0.125);

    const double ints[4] = {1.999, -1.999, 0.3, -0.0078126};
    assay_scaled_quantize(named("mxint8"), 1, ints, 4, elements, scales);
    cr_expect_eq(scales[0], 127);
    cr_expect_eq((signed char)elements[0], 127, "1.999 * 64 = 127.9 saturates");
    cr_expect_eq((signed char)elements[1], -127, "as far on the other side");
    cr_expect_eq((signed char)elements[2], 19);
    cr_expect_eq((signed char)elements[3], -1, "just beyond half of 1/64");
}

Test(scaled, nvfp4_has_two_scales)
{
    const struct assay_scaled_format *b = named("nvfp4");
    cr_expect_eq(b->length, 16);
    cr_expect_eq(assay_scaled_tensor_scale(b, 2688), 1.0f, "6 * 448");
    cr_expect_eq(assay_scaled_tensor_scale(b, 1), (float)(1 / 2688.0));
    cr_expect_eq(assay_scaled_tensor_scale(b, 0), 1.0f);
    cr_expect_eq(assay_scaled_tensor_scale(b, NAN), 1.0f);
    cr_expect_eq(assay_scaled_tensor_scale(named("mxfp4"), 2688 * 2), 1.0f);
    cr_expect_eq(assay_scaled_block_scale(b, 1, 2688), 448);
    cr_expect_eq(assay_scaled_block_scale(b, 1, 1e9), 448);
    cr_expect_eq(assay_scaled_block_scale(b, 1, 6 * 1.06), 1, "the scale is rounded: 1.06 to 1");
    cr_expect_eq(assay_scaled_block_scale(b, 0.5f, 3), 1);
    double x[48] = {3, -2, 0.1, 0.13, 0.7}, back[48];
    x[16] = 2688;
    x[17] = -1344;
    x[18] = 447;
    x[32] = 0x1p-12; /* the scale of this block is rounded to 0 */
    there_and_back(b, 1, x, 48, back);
    const double want[] = {3, -2, 0, 0.25, 0.75, 0};
    for (int i = 0; i < 6; i++)
        cr_expect_eq(back[i], want[i], "%d: %g", i, back[i]);
    cr_expect_eq(back[16], 2688);
    cr_expect_eq(back[17], -1344);
    cr_expect_eq(back[18], 448);
    cr_expect_eq(back[32], 0);
}

Test(scaled, integers_scale_by_row_by_block_and_by_tensor)
{
    double x[10] = {127, -63.6, 1.5, 0.4, 0, 12.7, -12.7, 0.05, 3, 6.35}, back[10];
    there_and_back(named("int8"), 1, x, 10, back);
    const double row[] = {127, -64, 2, 0, 0, 13, -13, 0, 3, 6};
    for (int i = 0; i < 10; i++)
        cr_expect_eq(back[i], row[i], "%d: %g", i, back[i]);
    struct assay_scaled_format five = *named("int4"); /* the second block begins within a byte */
    five.length = 5;
    unsigned char elements[6] = {0, 0, 0, 0, 0, 0x5a};
    float scales[3] = {0, 0, 99};
    assay_scaled_quantize(&five, 1, x, 10, elements, scales);
    cr_expect_eq(scales[0], (float)(127 / 7.0));
    cr_expect_eq(scales[1], (float)(12.7 / 7));
    cr_expect_eq(scales[2], 99.0f);
    /* 7, -4 (-3.505 is beyond half way), 0, 0, 0; 7, -7, 0, 2, 3 (half way to 4, but 12.7 / 7 in f32 is above) */
    cr_expect_eq(elements[0], 0xc7);
    cr_expect_eq(elements[1], 0);
    cr_expect_eq(elements[2], 0x70);
    cr_expect_eq(elements[3], 0x09);
    cr_expect_eq(elements[4] & 0xf, 2);
    cr_expect_eq(elements[5], 0x5a);
    cr_expect_eq(assay_scaled_count(&five, 10), 2);
    cr_expect_eq(assay_scaled_count(&five, 11), 3);
    cr_expect_eq(assay_scaled_count(named("int8"), 10), 1);
    cr_expect_eq(assay_scaled_count(named("int8"), 0), 0);
}

/* Whatever stands for a number is not moved by storing it again; every code, at the ends and in the middle of the
 * scales. */
Test(scaled, what_was_read_is_written_as_itself)
{
    EACH_FORMAT(b)
    {
        unsigned bits = assay_dtype_bits(b->element);
        float tensor_scale = assay_scaled_tensor_scale(b, 300);
        for (int e = -120; e <= 120; e += 24) {
            unsigned char elements[257] = {0}, scales[64] = {0};
            double x[256], back[256], scale = b->has_tensor_scale ? 1.5 : ldexp(1, e);
            size_t wrong = 0, n = (size_t)1 << bits, length = b->length ? b->length : n;
            for (size_t i = 0; i < n; i++)
                elements[i * bits / 8] |= (unsigned char)(i << i * bits % 8),
                    elements[i * bits / 8 + 1] |= (unsigned char)(i << i * bits % 8 >> 8);
            for (size_t i = 0; i < assay_scaled_count(b, n); i++)
                assay_from_double(b->scale, &scale, 1, scales + assay_dtype_bytes(b->scale, i));
            assay_scaled_dequantize(b, tensor_scale, elements, scales, n, x);
            for (size_t i = 0; i < n; i++)
                x[i] = isfinite(x[i]) ? x[i] : 0;
            for (size_t i = 0; i < n; i += length) { /* the largest is there, so that the block has this scale */
                double last =
                    assay_format_of(b->element) ? assay_format_of(b->element)->largest : ldexp(1, (int)bits - 1) - 1;
                x[i] = last * b->unit * scale * (double)tensor_scale;
                for (size_t k = i; k < n && k < i + length; k++)
                    x[k] = fabs(x[k]) > x[i] ? -x[i] : x[k]; /* -128 and -8 are not written */
            }
            there_and_back(b, tensor_scale, x, n, back);
            for (size_t i = 0; i < n; i++)
                wrong += x[i] != back[i];
            cr_expect_eq(wrong, 0, "%s, scale 2^%d: %zu", b->name, e, wrong);
        }
    }
}

Test(scaled, an_element_is_off_by_half_a_step_at_most_unless_it_saturates)
{
    uint64_t state = 3;
    EACH_FORMAT(b)
    {
        const struct assay_number_format *f = assay_format_of(b->element);
        double x[MOST], back[MOST], most = 0;
        for (size_t i = 0; i < MOST; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            x[i] = ldexp((double)(int64_t)state, (int)(i / 32 % 8) - 63); /* blocks of unlike sizes */
            most = fmax(most, fabs(x[i]));
        }
        float tensor_scale = assay_scaled_tensor_scale(b, most);
        size_t length = b->length ? b->length : MOST, wrong = 0, saturated = 0;
        there_and_back(b, tensor_scale, x, MOST, back);
        for (size_t i = 0; i < MOST; i += length) {
            double largest = 0;
            for (size_t k = i; k < i + length; k++)
                largest = fmax(largest, fabs(x[k]));
            double step = assay_scaled_block_scale(b, tensor_scale, largest) * (double)tensor_scale * b->unit;
            double top = f ? f->largest * step : (ldexp(1, (int)assay_dtype_bits(b->element) - 1) - 1) * step;
            for (size_t k = i; k < i + length; k++) {
                double room = f ? fmax(f->unit_roundoff * fabs(x[k]), f->smallest / 2 * step) : step / 2;
                saturated += fabs(x[k]) > top + room;
                wrong +=
                    fabs(x[k]) > top ? back[k] != copysign(top, x[k]) : !(fabs(back[k] - x[k]) <= room * (1 + 1e-12));
            }
        }
        cr_expect_eq(wrong, 0, "%s: %zu", b->name, wrong);
        cr_expect_lt(saturated, MOST / 4, "%s: %zu", b->name, saturated);
    }
}

Test(scaled, a_block_that_holds_nan_or_infinity_reads_as_nan_and_no_other_does)
{
    EACH_FORMAT(b)
    {
        double x[64], back[64];
        for (int bad = 0; bad < 3; bad++) {
            for (int i = 0; i < 64; i++)
                x[i] = i % 7;
            x[37] = bad == 0 ? (double)NAN : bad == 1 ? (double)INFINITY : -(double)INFINITY;
            there_and_back(b, 1, x, 64, back);
            size_t length = b->length ? b->length : 64;
            for (size_t i = 0; i < 64; i++)
                cr_expect_eq(isnan(back[i]) != 0, i / length == 37 / length, "%s %zu", b->name, i);
        }
        memset(x, 0, sizeof x);
        x[1] = -0.0;
        there_and_back(b, 1, x, 64, back);
        for (size_t i = 0; i < 64; i++)
            cr_expect_eq(back[i], 0, "%s", b->name);
    }
}
