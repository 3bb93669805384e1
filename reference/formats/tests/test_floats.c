#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/formats/floats.c" /* every set of instructions, not the best alone */
#include "reference/formats/formats.h"

static const enum assay_dtype kinds[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F8E4M3, ASSAY_F8E5M2, ASSAY_F4E2M1};
#define EACH_KIND(t) for (size_t t = 0; t < sizeof kinds / sizeof *kinds; t++)
enum { N = 1 << 12 };

static uint32_t code_at(enum assay_dtype dtype, const unsigned char *codes, size_t i)
{
    if (assay_dtype_bits(dtype) == 16)
        return (uint32_t)codes[2 * i] | (uint32_t)codes[2 * i + 1] << 8;
    return assay_dtype_bits(dtype) == 8 ? codes[i] : (uint32_t)codes[i / 2] >> 4 * (i & 1) & 15;
}

/* How many of n floats the two ways disagree on. */
static size_t wrong_of(enum assay_dtype dtype, const float *x, size_t n)
{
    unsigned char codes[2 * N];
    size_t wrong = 0;
    assay_floats_narrow(dtype, x, n, codes);
    for (size_t i = 0; i < n; i++)
        wrong += code_at(dtype, codes, i) !=
                 assay_format_encode(assay_format_of(dtype), (double)x[i], ASSAY_NEAREST_EVEN, false, 0);
    return wrong;
}

Test(floats, every_code_widens_to_its_value)
{
    EACH_KIND(t)
    {
        enum assay_dtype dtype = kinds[t];
        unsigned bits = assay_dtype_bits(dtype);
        size_t n = (size_t)1 << bits, wrong = 0;
        unsigned char *codes = malloc(2 * n);
        float *x = malloc(2 * n * sizeof *x);
        for (uint32_t i = 0; i < n; i++) {
            codes[bits == 16 ? 2 * i : i] = (unsigned char)i; /* of 4 bits: every pair */
            if (bits == 16)
                codes[2 * i + 1] = (unsigned char)(i >> 8);
        }
        n = bits == 4 ? 32 : n;
        if (bits == 4)
            for (uint32_t i = 0; i < 16; i++)
                codes[i] = (unsigned char)(i | (15 - i) << 4);
        assay_floats_widen(dtype, codes, n, x);
        for (size_t i = 0; i < n; i++) {
            float want = (float)assay_format_decode(assay_format_of(dtype), code_at(dtype, codes, i));
            uint32_t a, b;
            memcpy(&a, &want, sizeof a);
            memcpy(&b, &x[i], sizeof b);
            wrong += isnan(want) ? !isnan(x[i]) : a != b;
        }
        cr_expect_eq(wrong, 0, "%s: %zu", assay_dtype_name(dtype), wrong);
        free(codes);
        free(x);
    }
}

/* Each of the 2^20 upper patterns with two lower ones; tests/long_floats.c takes all 2^32. */
Test(floats, floats_of_every_upper_pattern_narrow_as_one_rounding)
{
    EACH_KIND(t)
    {
        size_t wrong = 0;
        for (uint64_t first = 0; first < 1u << 21; first += N) {
            float x[N];
            for (uint64_t i = 0; i < N; i++)
                x[i] = float_of((uint32_t)((first + i) << 11 | (i & 1 ? (first + i) * 2654435761u >> 21 & 0x7ff : 0)));
            wrong += wrong_of(kinds[t], x, N);
        }
        cr_expect_eq(wrong, 0, "%s: %zu", assay_dtype_name(kinds[t]), wrong);
    }
}

Test(floats, halfway_cases_and_one_ulp_beside_them_narrow_as_one_rounding)
{
    EACH_KIND(t)
    {
        const struct assay_number_format *f = assay_format_of(kinds[t]);
        size_t wrong = 0;
        for (uint64_t code = 0; code >> (assay_format_bits(f) - 1) == 0; code++) {
            double low = assay_format_decode(f, code), high = assay_format_decode(f, code + 1);
            if (!isfinite(low))
                continue;
            float middle = (float)(low + (isfinite(high) ? (high - low) / 2 : ldexp(1, ilogb(low) - f->precision)));
            const float x[] = {
                middle,  nextafterf(middle, 0),  nextafterf(middle, INFINITY),  nextafterf((float)low, INFINITY),
                -middle, -nextafterf(middle, 0), -nextafterf(middle, INFINITY), -nextafterf((float)low, INFINITY)};
            wrong += wrong_of(kinds[t], x, sizeof x / sizeof *x);
        }
        cr_expect_eq(wrong, 0, "%s: %zu", f->name, wrong);
    }
}

/* All codes, and every upper pattern with what is beside a halfway case, in pieces of odd lengths. */
Test(floats, every_set_of_instructions_gives_the_same_bits)
{
    cr_assert(runs(0));
    for (size_t set = 1; set < N_SETS && runs(set); set++)
        for (size_t t = 0; t < N_WAYS; t++) {
            const struct way *plain = &ways[0][t], *way = &ways[set][t];
            size_t wrong = 0;
            for (uint64_t first = 0; first < 1u << 18; first += N) {
                float x[N], back[2][N];
                unsigned char codes[2][2 * N] = {{0}};
                for (uint64_t i = 0; i < N; i++)
                    x[i] = float_of((uint32_t)((first + i) << 14 | (i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 0x3fff)));
                plain->narrow(x, N - 1, codes[0]);
                way->narrow(x, N - 1, codes[1]);
                wrong += memcmp(codes[0], codes[1], sizeof codes[0]) != 0;
                for (uint64_t i = 0; i < N; i++) { /* read as 16 bits, every code in turn */
                    codes[0][2 * i] = (unsigned char)(first + i);
                    codes[0][2 * i + 1] = (unsigned char)((first + i) >> 8);
                }
                plain->widen(codes[0], N - 1, back[0]);
                way->widen(codes[0], N - 1, back[1]);
                wrong += memcmp(back[0], back[1], (N - 1) * sizeof(float)) != 0;
            }
            cr_expect_eq(wrong, 0, "%s, set %zu: %zu", assay_dtype_name(way->dtype), set, wrong);
        }
}

/* Whatever remains after whole vectors, at any alignment: nothing is read or written beside it. */
Test(floats, any_number_of_elements_at_any_place_leaves_the_rest_alone)
{
    float x[70], back[71];
    for (int i = 0; i < 70; i++)
        x[i] = (float)(i % 12) * 0.5f - 2;
    EACH_KIND(t)
    for (size_t n = 0; n <= 69; n++)
        for (size_t place = 0; place < 3; place++) {
            unsigned char bytes[150];
            size_t full = n * assay_dtype_bits(kinds[t]) / 8, used = (size_t)assay_dtype_bytes(kinds[t], n);
            memset(bytes, 0xa5, sizeof bytes);
            assay_floats_narrow(kinds[t], x + 1, n, bytes + place);
            for (size_t i = 0; i < place; i++)
                cr_expect_eq(bytes[i], 0xa5);
            for (size_t i = place + used; i < sizeof bytes; i++)
                cr_expect_eq(bytes[i], 0xa5);
            if (used > full)
                cr_expect_eq(bytes[place + full] >> 4, 0xa, "the upper half of the last byte is not ours");
            for (int i = 0; i < 71; i++)
                back[i] = 99;
            assay_floats_widen(kinds[t], bytes + place, n, back);
            for (size_t i = 0; i < n; i++)
                cr_expect_eq(back[i], (float)assay_round_to(kinds[t], (double)x[i + 1]));
            cr_expect_eq(back[n], 99);
        }
}

/* Doubles that a rounding to float first would send to the wrong side. */
Test(floats, doubles_are_rounded_once)
{
    EACH_KIND(t)
    {
        const struct assay_number_format *f = assay_format_of(kinds[t]);
        size_t wrong = 0;
        for (uint64_t code = 0; code >> (assay_format_bits(f) - 1) == 0; code++) {
            double low = assay_format_decode(f, code), high = assay_format_decode(f, code + 1);
            if (!isfinite(low) || !isfinite(high))
                continue;
            double middle = low + (high - low) / 2, x[3] = {nextafter(middle, low), middle, nextafter(middle, high)};
            unsigned char stored[6] = {0};
            assay_from_double(kinds[t], x, 3, stored);
            for (size_t i = 0; i < 3; i++)
                wrong += code_at(kinds[t], stored, i) != assay_format_encode(f, x[i], ASSAY_NEAREST_EVEN, false, 0);
        }
        cr_expect_eq(wrong, 0, "%s: %zu", f->name, wrong);
    }
}
