/* Single predictions of chips left out of the fit, over what was measured of them: a drawing for each class of kernels.
 * They come with the program (backends/coefficients/left-out-points.csv, written with the fit), not from a run. */
#ifndef ASSAY_REPORTS_WORTH_H
#define ASSAY_REPORTS_WORTH_H

#include <stddef.h>

#include "harness/model/csv.h"
#include "harness/model/kernel.h"
#include "reports/plot.h"

#define ASSAY_WORTH_CHIPS ASSAY_PLOT_MAX_SERIES /* as many as have a mark of their own */

struct assay_worth_class {
    size_t plot;                      /* or ASSAY_PLOT_NONE */
    size_t points[ASSAY_WORTH_CHIPS]; /* of each chip */
    size_t n_points;
    double half; /* of the 80 % bands in the logarithm, the median over the points */
};

struct assay_worth {
    struct assay_csv csv;                /* owned */
    const char *chip[ASSAY_WORTH_CHIPS]; /* borrowed from it; chip i is series i + 1 in every drawing */
    size_t n_chips;
    struct assay_worth_class of[ASSAY_KERNEL_CLASSES];
    char why[300]; /* why there is nothing to draw; "" where there is */
};

/* Reads the file and begins a drawing for each class that has points. What is wrong is in `why`. */
void assay_worth_begin(struct assay_worth *out, struct assay_plots *plots);
/* Takes one that was never begun, if it is all zeros. */
void assay_worth_release(struct assay_worth *worth);

/* The mark of a series in the drawing, as a character, so that colour alone tells nothing. */
const char *assay_worth_mark(size_t series);

#endif
