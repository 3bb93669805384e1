/* What a fit says of a chip that it never saw, and how wide intervals must be by that. */
#ifndef ASSAY_MODEL_LEFT_OUT_H
#define ASSAY_MODEL_LEFT_OUT_H

#include "harness/model/calibrate.h"

/* Of each sample, in their order: its price by coefficients fitted without its chip. */
struct assay_left_out {
    double            ns;          /* 0: the form does not apply to it */
    double            roofline_ns; /* the same by the larger of work over peak and bytes over bandwidth: what to be better than */
    enum assay_regime regime;
};
/* Fits all: the base on the vendor with the most chips, the others' factors on what they were measured at, the spreads on chips
 * left out. `rows` has room for samples->n. */
enum assay_code assay_calibrate(struct assay_measurements *samples, struct assay_fitted *out, struct assay_left_out *rows,
                                struct assay_error *err);
/* Moves a fit to a few measurements of devices at hand: each gets factors of its own, and grade A in the classes that were
 * measured. */
enum assay_code assay_calibrate_own(struct assay_measurements *samples, struct assay_fitted *f, struct assay_error *err);
/* A new text in Markdown: median, 90th percentile and bias of the error, coverage and width of the bands, by class and chip. NULL
 * when out of memory. */
char *assay_left_out_table(const struct assay_measurements *samples, const struct assay_fitted *f,
                           const struct assay_left_out *rows);
/* The same lines as CSV, each with the first 16 digits of the fit's fingerprint: what a report shows of the models. */
char *assay_left_out_csv(const struct assay_measurements *samples, const struct assay_fitted *f, const struct assay_left_out *rows);
/* Single predictions as CSV, as pairs to draw: `fit` as above, class, chip, formats, predicted_us, ratio (predicted over measured) and
 * ln_half, half the width of the 80 % band in the logarithm, all to three digits. Of each class, chip and formats at most
 * ASSAY_LEFT_OUT_POINTS, evenly spread over the order of predicted times, the shortest and the longest among them: none is chosen by
 * its error. The measurements' shapes and sources are not in it. NULL when out of memory. */
#define ASSAY_LEFT_OUT_POINTS 24
char *assay_left_out_points(const struct assay_measurements *samples, const struct assay_fitted *f, const struct assay_left_out *rows);

#endif
