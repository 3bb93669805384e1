/* Fits the numbers of training stacks to published runs, and says what they are worth on decoders and on chips that a fit never saw. */
#ifndef ASSAY_MODEL_TRAIN_FIT_H
#define ASSAY_MODEL_TRAIN_FIT_H

#include "harness/model/cluster/train_numbers.h"

struct assay_train_run {
    struct assay_train_ask    ask;
    struct assay_train_answer answer;     /* on its device */
    double                    measured_ns; /* the step that its figure tells of */
    double                    no_model_ns, no_chip_ns, fitted_ns; /* by a fit that saw nothing of this model, of this chip; by the fit of all */
    size_t                    device;     /* index into the names */
    bool                      taught;     /* it had a part in the fit */
};
struct assay_train_runs {
    struct assay_train_run *at; /* owned */
    size_t                  n, capacity, refused;
    char                    devices[ASSAY_TRAIN_DEVICES][64];
    size_t                  n_devices;
    char                    fingerprint[65]; /* SHA-256 chained over the files */
    char                    kernels[65];     /* of the coefficients that price kernels */
};
/* Adds the rows of a file that have a figure; those whose format the device lacks are counted as refused. ASSAY_CONFIG, ASSAY_DATA: a row
 * that cannot be read, by its number. */
enum assay_code assay_train_runs_read(struct assay_train_runs *r, const char *path, const struct assay_fitted *kernels,
                                      const struct assay_decoder_finder *shapes, struct assay_error *err);
void            assay_train_runs_release(struct assay_train_runs *r);

/* The fit of all, with bands from models and chips left out, which are told in the runs. */
enum assay_code assay_train_calibrate(struct assay_train_runs *r, struct assay_train_fitted *out, struct assay_error *err);
/* As Markdown; the caller frees it. NULL: no memory. */
char           *assay_train_table(const struct assay_train_runs *r, const struct assay_train_fitted *f);

#endif
