/* to[i] = to[i] (+, max, min) from[i]: what an all-reduce does with two operands. Whole numbers wrap; a NaN is greater and less than
 * anything. */
#ifndef ASSAY_RANKS_REDUCE_H
#define ASSAY_RANKS_REDUCE_H

#include <stddef.h>

#include "assay/comm.h"

typedef void assay_reduce_fn(void *to, const void *from, size_t n);

/* NULL: not of this type. */
assay_reduce_fn *assay_reduce_of(enum assay_dtype dtype, enum assay_reduce how);

#endif
