/* Arrays of float to and from the formats in which weights and activations are stored, many at a time. Every element is
 * what assay_format_encode (to nearest even, not saturating) and assay_format_decode give; a test compares all of them.
 */
#ifndef ASSAY_FLOATS_H
#define ASSAY_FLOATS_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/dtype.h"

/* bf16, f16, f8e4m3, f8e5m2, f4e2m1. */
bool assay_floats_have(enum assay_dtype dtype);
/* n codes of such a dtype at `from`, packed, to float, which is exact. `from` and `to` do not overlap. */
void assay_floats_widen(enum assay_dtype dtype, const void *from, size_t n, float *to);
/* n floats rounded to such a dtype. Bits of the last byte that belong to none of the n stay. */
void assay_floats_narrow(enum assay_dtype dtype, const float *from, size_t n, void *to);

#endif
