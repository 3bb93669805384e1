/* Any bits as elements of any type, and any doubles rounded to it. */
#include "reference/formats/formats.h"

#include <math.h>
#include <stdbool.h>

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

#define MOST 256

/* Every element that is read is written back as the same bits, but for NaN, which stays NaN. */
static void check_bits(enum assay_dtype dtype, const uint8_t *data, size_t bytes)
{
    double   value[MOST], again[MOST];
    size_t   n = bytes * 8 / assay_dtype_bits(dtype);
    uint8_t *stored = malloc(bytes + 8);
    n = n < MOST ? n : MOST;
    assay_to_double(dtype, data, n, value);
    assay_from_double(dtype, value, n, stored);
    assay_to_double(dtype, stored, n, again);
    for (size_t i = 0; i < n; i++) {
        bool beyond = (dtype == ASSAY_I64) && fabs(value[i]) > 0x1p53; /* a double holds no more */
        FUZZ_HOLDS(beyond || (isnan(value[i]) ? isnan(again[i]) : value[i] == again[i] && signbit(value[i]) == signbit(again[i])));
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
        if (isfinite(from[i]) && isfinite(once) && fabs(from[i]) <= f->largest && dtype != ASSAY_F8E8M0)
            FUZZ_HOLDS(fabs(once - from[i]) <= fmax(f->unit_roundoff * fabs(from[i]), f->smallest / 2));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    double from[MOST];
    size_t n = bytes / sizeof *from < MOST ? bytes / sizeof *from : MOST;
    memcpy(from, data, n * sizeof *from);
    for (int dtype = ASSAY_F64; dtype <= ASSAY_BOOL; dtype++) {
        check_bits((enum assay_dtype)dtype, data, bytes);
        check_rounding((enum assay_dtype)dtype, from, n);
    }
    return 0;
}
