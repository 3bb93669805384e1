/* Conversions between number formats and double. Rounding is to nearest, ties to even, unless said otherwise. */
#ifndef ASSAY_FORMATS_H
#define ASSAY_FORMATS_H

#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "reference/formats/number.h"

/* NULL for types that are not floating point. */
const struct assay_number_format *assay_format_of(enum assay_dtype dtype);

/* n elements of `dtype` at `from` (as in memory; sub-byte types start at a byte) to double. Exact for every
 * floating type and for integers up to 2^53; bool gives 0 or 1. */
void assay_to_double(enum assay_dtype dtype, const void *from, size_t n, double *to);
/* The converse: floating types round (overflow gives infinity and NaN stays NaN where there are such, else the
 * largest), integers round to nearest even and saturate (NaN gives 0), bool is "not zero". */
void assay_from_double(enum assay_dtype dtype, const double *from, size_t n, void *to);
/* One double rounded to the format and back: what storing it would keep. */
double assay_round_to(enum assay_dtype dtype, double x);

#endif
