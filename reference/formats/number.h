/* Number formats as rows of data, and one number in a format: its bits and its rounding. README.md names the document
 * of each rule. */
#ifndef ASSAY_NUMBER_H
#define ASSAY_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum assay_nan_rule {
    ASSAY_NAN_IEEE,     /* the highest exponent with a fraction that is not 0 */
    ASSAY_NAN_ALL_ONES, /* the highest code of each sign alone */
    ASSAY_NAN_NONE,     /* every code is a number */
};

enum assay_rounding {
    ASSAY_NEAREST_EVEN, /* half way: to the neighbour whose last bit is 0; of a scale, which has but the hidden bit, to
                           the larger */
    ASSAY_TOWARD_ZERO,
    ASSAY_DOWN,
    ASSAY_UP,
    ASSAY_STOCHASTIC, /* away from zero with the probability lost / step, where `lost` is what rounding toward zero
                         loses */
};

/* A binary floating-point format. A code is sign, exponent, fraction from the highest bit down. */
struct assay_number_format {
    const char *name; /* that of its dtype, if it has one; f32, tf32, f8e4m3 … */
    int exponent_bits, fraction_bits, bias;
    bool is_signed;    /* no: a scale. Powers of two, with neither zero nor subnormals */
    bool has_infinity; /* the highest exponent with fraction 0 */
    enum assay_nan_rule nan;
    int precision;        /* significant bits, the hidden one included */
    double largest;       /* finite */
    double unit_roundoff; /* 2^-precision: relative error of one rounding to nearest */
    double smallest;      /* smallest positive number */
    double smallest_normal;
};

extern const struct assay_number_format assay_formats[];
extern const size_t assay_n_formats;
/* NULL: none of that name. */
const struct assay_number_format *assay_format_named(const char *name);
/* Bits of one code, the sign included. */
int assay_format_bits(const struct assay_number_format *f);

/* The value of a code; bits above the format's own must be 0. Exact. Which NaN it was is not kept. */
double assay_format_decode(const struct assay_number_format *f, uint64_t code);
/* The code of x, rounded once.
 * Overflow: a magnitude that would round to more than the largest gives the largest if `saturate`, or if the direction
 * of rounding points back to it, or if the format has nothing beyond; else infinity, or NaN where there is no infinity.
 * ±infinity itself gives the largest if `saturate` or if the format has nothing beyond, in every direction.
 * NaN gives NaN with its sign; the largest, positive, where every code is a number.
 * Scales: what would round to less than the smallest, ±0 included, gives the smallest if `saturate` or if the direction
 * of rounding points to it, else NaN; what is negative gives NaN. `random` is read for ASSAY_STOCHASTIC alone: all 64
 * bits, the highest first; any 64 bits that are uniform will do. */
uint64_t assay_format_encode(const struct assay_number_format *f, double x, enum assay_rounding rounding, bool saturate,
                             uint64_t random);
/* decode(encode(x)): what storing x in the format would keep. */
double assay_format_round(const struct assay_number_format *f, double x, enum assay_rounding rounding, bool saturate,
                          uint64_t random);

#endif
