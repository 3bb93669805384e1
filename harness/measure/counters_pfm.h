/* Names of native events to codes of the kernel, by libpfm4. */
#ifndef ASSAY_MEASURE_COUNTERS_PFM_H
#define ASSAY_MEASURE_COUNTERS_PFM_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/measure/counters_perf.h"

/* "FP_ARITH_INST_RETIRED:SCALAR_SINGLE" of this machine's core. The weight is left alone. False with the reason. That
 * a name is known does not mean that it starts. */
bool assay_pfm_encode(const char *name, struct assay_perf_code *out, char *why, size_t capacity);

#endif
