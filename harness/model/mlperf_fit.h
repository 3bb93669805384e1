/* Fits the laws of MLPerf's benchmarks to published results, and says what they are worth on chips that a fit never saw. */
#ifndef ASSAY_MODEL_MLPERF_FIT_H
#define ASSAY_MODEL_MLPERF_FIT_H

#include "harness/model/mlperf.h"

struct assay_mlperf_result {
    struct assay_mlperf_ask ask;
    double                  measured;
    double                  left_out, fitted; /* by a fit that saw nothing of this chip (NaN: none is left), by the fit of all */
    size_t                  chip;
    bool                    open;             /* of the open division: anything may have been changed, nothing is learned from it */
};
struct assay_mlperf_results {
    struct assay_mlperf_result *at; /* owned */
    size_t                      n, capacity, unknown, refused; /* unknown: devices without a description; refused: no model */
    char                        devices[ASSAY_MLPERF_DEVICES][64];
    struct assay_chip           chips[ASSAY_MLPERF_DEVICES];
    size_t                      n_devices;
    char                        fingerprint[65];
};
/* Adds the rows of a file that have a figure, a described device and a model. ASSAY_DATA: a cell is no number. */
enum assay_code assay_mlperf_results_read(struct assay_mlperf_results *r, const char *path, struct assay_error *err);
void            assay_mlperf_results_release(struct assay_mlperf_results *r);
enum assay_code assay_mlperf_calibrate(struct assay_mlperf_results *r, struct assay_mlperf_fitted *out, struct assay_error *err);
/* As Markdown; the caller frees it. NULL: no memory. */
char           *assay_mlperf_table(const struct assay_mlperf_results *r, const struct assay_mlperf_fitted *f);

#endif
