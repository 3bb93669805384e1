/* The products that `assay probe numerics` asks a back end for. */
#ifndef ASSAY_RUN_NUMERICS_H
#define ASSAY_RUN_NUMERICS_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/verify/numerics.h"

/* Opens `backend` in this process and infers its arithmetic from products of its own. Only workers call it. */
enum assay_code assay_run_numerics(const char *backend, enum assay_dtype dtype, uint64_t tiles, struct assay_numerics *out,
                                   struct assay_error *err);

#endif
