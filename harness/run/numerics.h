/* The products that `assay probe numerics` asks a back end for. */
#ifndef ASSAY_RUN_NUMERICS_H
#define ASSAY_RUN_NUMERICS_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/verify/numerics.h"

/* Opens `backend` in this process and infers its arithmetic from products of its own: of f32, bf16 or f16 by themselves, of
 * i8 the first it takes of u8 by i8, i8 by i8 (MatMulInteger) and i32 by i32 whose operands may be cut to 8 bits. Only workers call it. */
enum assay_code assay_run_numerics(const char *backend, enum assay_dtype dtype, uint64_t tiles, struct assay_numerics *out,
                                   struct assay_error *err);

#endif
