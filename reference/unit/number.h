/* The number formats of a matrix unit, and one rounding of a number that is known to more than double precision. */
#ifndef ASSAY_UNIT_NUMBER_H
#define ASSAY_UNIT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "assay/dtype.h"

struct assay_unit_format {
    const char *name;
    bool        is_float, has_infinity; /* without infinities, what is too large becomes the largest number */
    int         precision;              /* floats: significant bits, the hidden one included */
    int         min_exponent;           /* floats: of the smallest normal number */
    double      smallest_normal;        /* floats: 2^min_exponent */
    double      least, largest;         /* finite */
};

extern const struct assay_unit_format assay_unit_formats[];
extern const size_t                   assay_unit_n_formats;
/* NULL: none of that name. */
const struct assay_unit_format *assay_unit_format_named(const char *name);
/* The format of a graph's values; NULL for those that no matrix unit works in (f64, i64, bool). */
const struct assay_unit_format *assay_unit_format_of(enum assay_dtype dtype);

enum assay_unit_rounding { ASSAY_UNIT_NEAREST_EVEN, ASSAY_UNIT_TOWARD_ZERO, ASSAY_UNIT_DOWN };
enum assay_unit_overflow { ASSAY_UNIT_WRAP, ASSAY_UNIT_SATURATE }; /* of integers; floats overflow as they round */

/* How results are put into a format. */
struct assay_unit_put {
    const struct assay_unit_format *format;
    enum assay_unit_rounding        rounding;
    enum assay_unit_overflow        overflow;
    bool                            flush; /* results below the smallest normal number become zeros of their sign */
};

/* x + y, exactly, rounded once. Neither may be beyond 2^1000, nor be made of bits below 2^-1000. */
double assay_unit_add(const struct assay_unit_put *put, double x, double y);
/* x rounded once. */
double assay_unit_round(const struct assay_unit_put *put, double x);

/* The exponent of a number that is a normal one in double, as everything here is; 2^exponent, exponent within [-1022, 1023]. */
static inline int assay_unit_exponent(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (int)(bits >> 52 & 0x7ff) - 1023;
}
static inline double assay_unit_power(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double   x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
