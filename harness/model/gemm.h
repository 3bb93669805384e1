/* Parts of the product's price that grouped products and attention share. */
#ifndef ASSAY_MODEL_GEMM_H
#define ASSAY_MODEL_GEMM_H

#include "harness/model/rates.h"

/* Share of the sustained peak that a large tile keeps. */
double assay_gemm_tensor_share(const struct assay_chip *chip, const struct assay_coefficients *k, enum assay_dtype dtype,
                               enum assay_scaling scaling);
/* Share of what is read that the last-level cache still has when a loop comes round to it. */
double assay_gemm_cached(const struct assay_rates *r, double share, double working_set_bytes);

#endif
