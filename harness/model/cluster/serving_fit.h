/* Fits the numbers of serving stacks to published runs, and says what they are worth on models of decoders that a fit never saw. */
#ifndef ASSAY_MODEL_SERVING_FIT_H
#define ASSAY_MODEL_SERVING_FIT_H

#include "harness/model/cluster/serving_rows.h"
#include "harness/model/coefficients.h"

struct assay_serving_run {
    struct assay_serving_ask   ask;
    struct assay_serving_means means;                           /* on its device */
    double                     measured_ns[ASSAY_SERVING_FIGURES]; /* NaN: not measured */
    double                     left_out_ns[ASSAY_SERVING_FIGURES]; /* by a fit that saw nothing of this model */
    double                     fitted_ns[ASSAY_SERVING_FIGURES];   /* by the fit of all */
    size_t                     device;                          /* index into the names */
};
struct assay_serving_runs {
    struct assay_serving_run *at; /* owned */
    size_t                    n, capacity;
    char                      devices[ASSAY_SERVING_DEVICES][64];
    size_t                    n_devices;
    char                      fingerprint[65]; /* SHA-256 chained over the files */
    char                      kernels[65];     /* of the coefficients that price kernels */
};
/* Adds the rows of a file that have a figure. ASSAY_CONFIG, ASSAY_DATA, ASSAY_UNSUPPORTED: a row that cannot be priced, by its number. */
enum assay_code assay_serving_runs_read(struct assay_serving_runs *r, const char *path, const struct assay_fitted *kernels,
                                        const struct assay_decoder_finder *shapes, struct assay_error *err);
void            assay_serving_runs_release(struct assay_serving_runs *r);

/* The fit of all, with bands from models left out, which are told in the runs. */
enum assay_code assay_serving_calibrate(struct assay_serving_runs *r, struct assay_serving_fitted *out, struct assay_error *err);
/* As Markdown; the caller frees it. NULL: no memory. */
char           *assay_serving_table(const struct assay_serving_runs *r, const struct assay_serving_fitted *f);

#endif
