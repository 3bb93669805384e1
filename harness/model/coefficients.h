/* The numbers in the forms of kernel.h: fitted on published measurements (calibrate.h), kept in coefficients.json. */
#ifndef ASSAY_MODEL_COEFFICIENTS_H
#define ASSAY_MODEL_COEFFICIENTS_H

#include <stddef.h>

#include "assay/error.h"
#include "harness/model/kernel.h"

enum assay_coefficient {
#define ASSAY_COEFFICIENT(id, class, key, begin, low, high, about) ASSAY_K_##id,
#include "harness/model/coefficients.def"
#undef ASSAY_COEFFICIENT
    ASSAY_COEFFICIENTS
};
struct assay_coefficient_row {
    enum assay_kernel_class class;
    const char *key, *about;
    double      begin, low, high;
};
extern const struct assay_coefficient_row assay_coefficient_rows[ASSAY_COEFFICIENTS];

struct assay_coefficients {
    double value[ASSAY_COEFFICIENTS];
};
/* Where every fit begins: by hand, from the sources in README.md. */
struct assay_coefficients assay_coefficients_begin(void);

#endif
