/* Fits the coefficients of kernel.h to published measurements. Each chip and format counts the same, whatever its number of rows;
 * the loss is robust in the logarithm of time; every coefficient is pulled to where it begins. */
#ifndef ASSAY_MODEL_CALIBRATE_H
#define ASSAY_MODEL_CALIBRATE_H

#include "harness/model/coefficients.h"
#include "harness/model/table.h"

struct assay_sample {
    struct assay_kernel kernel;
    double              measured_ns;
    size_t              chip;   /* index into the chips */
    double              weight; /* set by assay_samples_weigh */
};
struct assay_sampled_chip {
    char              name[64], vendor[32];
    struct assay_chip chip;
};
struct assay_samples {
    struct assay_sample       *at; /* owned */
    size_t                     n, capacity;
    struct assay_sampled_chip *chips; /* owned */
    size_t                     n_chips;
    char                       fingerprint[65]; /* SHA-256 over the files, in the order read */
};
/* Adds the rows of a file that have a figure; rows of devices without a description are an error (ASSAY_CONFIG). */
enum assay_code assay_samples_read(struct assay_samples *samples, const char *path, struct assay_error *err);
void            assay_samples_release(struct assay_samples *samples);

/* Which samples a fit sees. */
struct assay_fit_choice {
    enum assay_kernel_class class;
    size_t      left_out; /* this chip's are not seen; n_chips: none is left out */
    const char *vendor;   /* only this vendor's; NULL: all */
};
/* Changes the coefficients of that class in *k, which must hold a beginning. `loose`: how far, in logarithms, a coefficient strays from
 * its beginning before it costs as much as a chip that is wrong by as many standard errors. */
enum assay_code assay_fit(const struct assay_samples *samples, const struct assay_fit_choice *choice, double loose,
                          struct assay_coefficients *k, struct assay_error *err);

#endif
