/* Fits the coefficients of kernel.h to published measurements. Each chip and format counts the same, whatever its number of rows;
 * the loss is robust in the logarithm of time; every coefficient is pulled to where it begins. */
#ifndef ASSAY_MODEL_CALIBRATE_H
#define ASSAY_MODEL_CALIBRATE_H

#include "harness/model/coefficients.h"
#include "harness/model/measurements.h"

/* Which samples a fit sees. */
struct assay_fit_choice {
    enum assay_kernel_class class;
    size_t      left_out; /* this chip's are not seen; n_chips: none is left out */
    const char *vendor;   /* only this vendor's; NULL: all */
    const char *device;   /* only this device's; NULL: all */
};
/* Changes the coefficients of that class in *k, which must hold a beginning. `loose`: how far, in logarithms, a coefficient
 * strays from its beginning before it costs as much as a chip that is wrong by as many standard errors. */
enum assay_code assay_fit(const struct assay_measurements *samples, const struct assay_fit_choice *choice, double loose,
                          struct assay_coefficients *k, struct assay_error *err);

#endif
