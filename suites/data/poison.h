/* Poison: what outputs hold before a device writes them; bytes that no honest computation leaves. Floating formats: quiet
 * NaNs whose payload is a function of (key, index); integers: pseudo-random; so an output left alone is known as such. */
#ifndef ASSAY_DATA_POISON_H
#define ASSAY_DATA_POISON_H

#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"

void     assay_poison_fill(enum assay_dtype dtype, uint64_t key, size_t elements, void *to);
/* How many elements still hold their poison (for types under 16 bits: of their bytes; chance agreement is 1 in 256). */
uint64_t assay_poison_count(enum assay_dtype dtype, uint64_t key, size_t elements, const void *at);

#endif
