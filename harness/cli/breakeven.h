/* The curve of assay breakeven, as a table and as a drawing. */
#ifndef ASSAY_CLI_BREAKEVEN_H
#define ASSAY_CLI_BREAKEVEN_H

#include "assay/error.h"

#define ASSAY_CURVE_POINTS 13

/* With that bandwidth, the peak that makes the two even, and sure; infinite: none does. */
struct assay_curve_point {
    double bandwidth, even, sure;
};
struct assay_curve {
    const char *peak;                      /* the field's key */
    double low, high, peak_low, peak_high; /* what is described of bandwidth and peak */
    struct assay_curve_point at[ASSAY_CURVE_POINTS];
};

/* BASE.csv and BASE.svg. */
enum assay_code assay_curve_write(const struct assay_curve *curve, const char *base, struct assay_error *err);

#endif
