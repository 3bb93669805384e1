/* Any bits as elements of any type, any doubles rounded to any format in every direction, and rows of them with shared
 * scales. */
#include "reference/formats/floats.h"
#include "reference/formats/formats.h"
#include "reference/formats/scaled.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

#define MOST 256

/* Every element that is read is written back as the same bits, but for NaN, which stays NaN. */
static void check_bits(enum assay_dtype dtype, const uint8_t *data, size_t bytes)
{
    double value[MOST], again[MOST];
    size_t n = bytes * 8 / assay_dtype_bits(dtype);
    uint8_t *stored = malloc(bytes + 8);
    n = n < MOST ? n : MOST;
    assay_to_double(dtype, data, n, value);
    assay_from_double(dtype, value, n, stored);
    assay_to_double(dtype, stored, n, again);
    for (size_t i = 0; i < n; i++) {
        bool beyond = (dtype == ASSAY_I64) && fabs(value[i]) > 0x1p53; /* a double holds no more */
        FUZZ_HOLDS(beyond || (isnan(value[i]) ? isnan(again[i])
                                              : value[i] == again[i] && signbit(value[i]) == signbit(again[i])));
    }
    free(stored);
}

/* Rounding is to a neighbour, never over half a step away, and a second time changes nothing. */
static void check_rounding(enum assay_dtype dtype, const double *from, size_t n)
{
    const struct assay_number_format *f = assay_format_of(dtype);
    for (size_t i = 0; f && i < n; i++) {
        double once = assay_round_to(dtype, from[i]), twice = assay_round_to(dtype, once);
        FUZZ_HOLDS(isnan(once) ? isnan(twice) : once == twice);
        bool has_nan = dtype < ASSAY_F6E2M3; /* the others give their largest number for it */
        FUZZ_HOLDS(!isnan(from[i]) || (has_nan ? isnan(once) : once == f->largest));
        if (isfinite(from[i]) && isfinite(once) && fabs(from[i]) <= f->largest)
            FUZZ_HOLDS(fabs(once - from[i]) <= fmax(f->unit_roundoff * fabs(from[i]), f->smallest / 2));
    }
}

/* The two neighbours of x are those of the directions; every other rounding gives one of them. */
static void check_directions(const struct assay_number_format *f, double x, uint64_t random)
{
    double down = assay_format_round(f, x, ASSAY_DOWN, false, 0), up = assay_format_round(f, x, ASSAY_UP, false, 0);
    for (int rounding = ASSAY_NEAREST_EVEN; rounding <= ASSAY_STOCHASTIC; rounding++) {
        double open = assay_format_round(f, x, (enum assay_rounding)rounding, false, random);
        double cut = assay_format_round(f, x, (enum assay_rounding)rounding, true, random);
        uint64_t code = assay_format_encode(f, x, (enum assay_rounding)rounding, true, random);
        FUZZ_HOLDS(code >> 1 >> (assay_format_bits(f) - 1) == 0);
        FUZZ_HOLDS(isnan(x) || (!f->is_signed && x < 0) || (isfinite(cut) && fabs(cut) <= f->largest));
        FUZZ_HOLDS(isnan(open) ? isnan(x) || isnan(down) || isnan(up) || !f->is_signed
                               : isnan(x) || open == down || open == up);
        FUZZ_HOLDS(isnan(open) || isnan(x) || !f->is_signed || signbit(open) == signbit(x));
        if (isfinite(open))
            FUZZ_HOLDS(assay_format_round(f, open, (enum assay_rounding)rounding, false, random) == open);
    }
    if (isfinite(down) && isfinite(up) && fabs(x) <= f->largest) {
        FUZZ_HOLDS(down <= x && x <= up);
        FUZZ_HOLDS((down == up) == (down == x));
    }
}

static void check_floats(enum assay_dtype dtype, const uint8_t *data, size_t n)
{
    float x[MOST];
    unsigned char codes[2 * MOST] = {0};
    memcpy(x, data, n * sizeof *x);
    assay_floats_narrow(dtype, x, n, codes);
    for (size_t i = 0, bits = assay_dtype_bits(dtype); i < n; i++) {
        uint32_t code = (uint32_t)codes[i * bits / 8] >> i * bits % 8;
        code = bits == 16 ? code | (uint32_t)codes[2 * i + 1] << 8 : code & ((1u << bits) - 1);
        FUZZ_HOLDS(code == assay_format_encode(assay_format_of(dtype), (double)x[i], ASSAY_NEAREST_EVEN, false, 0));
    }
}

/* Nothing is larger than the largest of its block (but for the rounding of its scale), nothing changes its sign, and
 * NaN is read where a block held what is not finite. */
static void check_scaled(struct assay_scaled_format b, const double *x, size_t n, size_t length)
{
    double back[MOST], most = 0;
    size_t count;
    b.length = length;
    count = assay_scaled_count(&b, n);
    unsigned char *elements = malloc((size_t)assay_dtype_bytes(b.element, n) + 1),
                  *scales = malloc((size_t)assay_dtype_bytes(b.scale, count) + 1);
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    float tensor_scale = assay_scaled_tensor_scale(&b, most);
    FUZZ_HOLDS(tensor_scale > 0 && isfinite(tensor_scale));
    assay_scaled_quantize(&b, tensor_scale, x, n, elements, scales);
    assay_scaled_dequantize(&b, tensor_scale, elements, scales, n, back);
    for (size_t i = 0; i < n; i += length) {
        bool finite = true;
        most = 0;
        for (size_t k = i; k < n && k < i + length; k++) {
            finite = finite && isfinite(x[k]);
            most = fmax(most, fabs(x[k]));
        }
        for (size_t k = i; k < n && k < i + length; k++) {
            FUZZ_HOLDS(finite ? isfinite(back[k]) : isnan(back[k]));
            FUZZ_HOLDS(!finite || back[k] == 0 || signbit(back[k]) == signbit(x[k]));
            FUZZ_HOLDS(!finite || fabs(back[k]) <= 2 * most || most < 0x1p-100);
        }
    }
    free(elements);
    free(scales);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    double from[MOST];
    size_t n = bytes / sizeof *from < MOST ? bytes / sizeof *from : MOST;
    memcpy(from, data, n * sizeof *from);
    for (int dtype = ASSAY_F64; dtype <= ASSAY_BOOL; dtype++) {
        check_bits((enum assay_dtype)dtype, data, bytes);
        check_rounding((enum assay_dtype)dtype, from, n);
        if (assay_floats_have((enum assay_dtype)dtype))
            check_floats((enum assay_dtype)dtype, data, bytes / sizeof(float) < MOST ? bytes / sizeof(float) : MOST);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t f = 0; f < assay_n_formats; f++) {
            uint64_t random;
            memcpy(&random, &from[n - 1 - i], sizeof random);
            check_directions(&assay_formats[f], from[i], random);
        }
    for (size_t f = 0; n && f < assay_n_scaled_formats; f++)
        check_scaled(assay_scaled_formats[f], from, n, 1 + data[0] % 40u);
    return 0;
}
