/* Published measurements of kernels, with the chips that they are of. */
#ifndef ASSAY_MODEL_MEASUREMENTS_H
#define ASSAY_MODEL_MEASUREMENTS_H

#include "harness/model/device.h"
#include "harness/model/table.h"

struct assay_measurement {
    struct assay_kernel kernel;
    double              measured_ns;
    size_t              chip;   /* index into the chips */
    double              weight; /* set by a fit */
};
struct assay_measured_chip {
    char              name[64], vendor[32];
    struct assay_chip chip;
};
struct assay_measurements {
    struct assay_measurement   *at; /* owned */
    size_t                      n, capacity;
    struct assay_measured_chip *chips; /* owned */
    size_t                      n_chips;
    char                        fingerprint[65]; /* SHA-256 over the files, in the order read */
};
/* Adds the rows of a file that have a figure; rows of devices without a description are an error (ASSAY_CONFIG). */
enum assay_code assay_measurements_read(struct assay_measurements *samples, const char *path, struct assay_error *err);
void            assay_measurements_release(struct assay_measurements *samples);

#endif
