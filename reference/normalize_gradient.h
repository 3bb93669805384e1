/* The gradients of the two normalizations: dX, dScale and dBias from dY, X and Scale. */
#ifndef ASSAY_REFERENCE_NORMALIZE_GRADIENT_H
#define ASSAY_REFERENCE_NORMALIZE_GRADIENT_H

#include "reference/arithmetic.h"

/* centred: the mean is subtracted (LayerNormalization). The statistics carry the bound of two passes, as in the forward
 * op; sums over a row and over the rows take any order. */
enum assay_code assay_ref_normalize_gradient(const struct assay_ref_call *call, bool centred, size_t n, const int64_t *index,
                                             double *value, double *bound, struct assay_error *err);

#endif
