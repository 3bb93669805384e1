#include "reference/formats/scaled.h"

#include <math.h>
#include <string.h>

#include "reference/formats/formats.h"

#include "assay/banned.h"

enum { PIECE = 64 }; /* elements at a time; whole bytes of any format */

#define MX(name, element, unit)                                                                                        \
    {                                                                                                                  \
        name, element, ASSAY_F8E8M0, 32, unit, ASSAY_SCALE_POWER, false                                                \
    }
const struct assay_scaled_format assay_scaled_formats[] = {
    MX("mxfp8_e4m3", ASSAY_F8E4M3, 1),
    MX("mxfp8_e5m2", ASSAY_F8E5M2, 1),
    MX("mxfp6_e2m3", ASSAY_F6E2M3, 1),
    MX("mxfp6_e3m2", ASSAY_F6E3M2, 1),
    MX("mxfp4", ASSAY_F4E2M1, 1),
    MX("mxint8", ASSAY_I8, 0x1p-6),
    {"nvfp4", ASSAY_F4E2M1, ASSAY_F8E4M3, 16, 1, ASSAY_SCALE_FULL, true},
    {"int8", ASSAY_I8, ASSAY_F32, 0, 1, ASSAY_SCALE_FULL, false},
    {"int4", ASSAY_I4, ASSAY_F32, 0, 1, ASSAY_SCALE_FULL, false},
};
const size_t assay_n_scaled_formats = sizeof assay_scaled_formats / sizeof *assay_scaled_formats;

const struct assay_scaled_format *assay_scaled_format_named(const char *name)
{
    for (size_t i = 0; i < assay_n_scaled_formats; i++)
        if (!strcmp(assay_scaled_formats[i].name, name))
            return &assay_scaled_formats[i];
    return NULL;
}

size_t assay_scaled_count(const struct assay_scaled_format *b, size_t n)
{
    return b->length ? n / b->length + (n % b->length != 0) : n > 0;
}

/* ---- scales ------------------------------------------------------------------------------------------------ */

/* In units of codes. */
static double largest_element(const struct assay_scaled_format *b)
{
    const struct assay_number_format *f = assay_format_of(b->element);
    return f ? f->largest : ldexp(1, (int)assay_dtype_bits(b->element) - 1) - 1;
}

float assay_scaled_tensor_scale(const struct assay_scaled_format *b, double most)
{
    if (!b->has_tensor_scale || !isfinite(most))
        return 1;
    double scale = most / (largest_element(b) * b->unit * assay_format_of(b->scale)->largest);
    return (float)scale > 0 ? (float)assay_format_round(assay_format_of(ASSAY_F32), scale, ASSAY_NEAREST_EVEN, true, 0)
                            : 1;
}

double assay_scaled_block_scale(const struct assay_scaled_format *b, float tensor_scale, double most)
{
    const struct assay_number_format *f = assay_format_of(b->scale);
    if (!isfinite(most))
        return (double)NAN;
    if (b->rule == ASSAY_SCALE_FULL)
        return assay_format_round(f, most / (double)tensor_scale / (largest_element(b) * b->unit), ASSAY_NEAREST_EVEN,
                                  true, 0);
    double power = most > 0 ? ldexp(1, ilogb(most) - ilogb(largest_element(b) * b->unit)) : 0;
    return assay_format_round(f, power, ASSAY_NEAREST_EVEN, true, 0);
}

/* NaN if one of them is, else the largest magnitude. */
static double most_of(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabs(x[i]) <= most ? most : fabs(x[i]) > most ? fabs(x[i]) : (double)NAN;
    return most;
}

/* ---- elements ---------------------------------------------------------------------------------------------- */

static double quotient(double x, double step, double largest)
{
    return step > 0 ? fmax(-largest, fmin(largest, x / step)) : 0;
}

void assay_scaled_elements(const struct assay_scaled_format *b, float tensor_scale, double scale, const double *x,
                           size_t n, void *to)
{
    double largest = largest_element(b), step = scale * (double)tensor_scale * b->unit, piece[PIECE];
    for (size_t i = 0; i < n; i += PIECE) {
        size_t m = n - i < PIECE ? n - i : PIECE;
        for (size_t k = 0; k < m; k++)
            piece[k] = quotient(x[i + k], step, largest);
        assay_from_double(b->element, piece, m, (unsigned char *)to + assay_dtype_bytes(b->element, i));
    }
}

void assay_scaled_quantize(const struct assay_scaled_format *b, float tensor_scale, const double *x, size_t n,
                           void *elements, void *scales)
{
    size_t length = b->length ? b->length : n;
    double largest = largest_element(b), step = 0, piece[PIECE];
    for (size_t i = 0; i < n; i++) { /* a block may end anywhere in a byte */
        if (i % length == 0) {
            double scale = assay_scaled_block_scale(b, tensor_scale, most_of(x + i, n - i < length ? n - i : length));
            assay_from_double(b->scale, &scale, 1, (unsigned char *)scales + assay_dtype_bytes(b->scale, i / length));
            step = scale * (double)tensor_scale * b->unit;
        }
        piece[i % PIECE] = quotient(x[i], step, largest);
        if (i % PIECE == PIECE - 1 || i == n - 1)
            assay_from_double(b->element, piece, i % PIECE + 1,
                              (unsigned char *)elements + assay_dtype_bytes(b->element, i - i % PIECE));
    }
}

void assay_scaled_dequantize(const struct assay_scaled_format *b, float tensor_scale, const void *elements,
                             const void *scales, size_t n, double *x)
{
    size_t length = b->length ? b->length : n;
    double scale = 0;
    assay_to_double(b->element, elements, n, x);
    for (size_t i = 0; i < n; i++) {
        if (i % length == 0) {
            assay_to_double(b->scale, (const unsigned char *)scales + assay_dtype_bytes(b->scale, i / length), 1,
                            &scale);
            scale *= (double)tensor_scale * b->unit;
        }
        x[i] *= scale;
    }
}
