/* How sure a prediction is: bands from chips left out, from what a description leaves open, and a grade for what it rests on. */
#ifndef ASSAY_MODEL_INTERVAL_H
#define ASSAY_MODEL_INTERVAL_H

#include "harness/model/coefficients.h"
#include "harness/model/table.h"

/* Half the width of the 80 % band of a new chip, in logarithms of time: README.md, "Intervals". */
struct assay_band {
    double      half;
    const char *mark; /* what must be said of it; "" = nothing */
};
struct assay_band assay_band_of(const struct assay_fitted *f, const char *vendor, enum assay_kernel_class class,
                                enum assay_memory_class memory, enum assay_format_class format, enum assay_regime regime);

/* The same half of this very chip: wider in attention over many queries, the less it is like any chip measured. */
double assay_band_half(const struct assay_fitted *f, const struct assay_described *device, const struct assay_chip *chip,
                       enum assay_kernel_class class, enum assay_format_class format, enum assay_regime regime);

/* Of that half, what chips left out of the fit showed; the rest are priors. */
double assay_band_measured(const struct assay_fitted *f, const char *vendor, enum assay_kernel_class class,
                           enum assay_memory_class memory, enum assay_format_class format, enum assay_regime regime);

#define ASSAY_DRAWS 100
/* What is the same for every kernel on a device; the description and the fit must outlive it. */
struct assay_estimator {
    const struct assay_described *device;
    const struct assay_fitted    *fitted;
    struct assay_coefficients     k;
    struct assay_chip             middle, draws[ASSAY_DRAWS];
    bool                          open;    /* some field is a range */
    unsigned                      derived; /* enum assay_derived */
};
void assay_estimator_init(struct assay_estimator *e, const struct assay_described *device, const struct assay_fitted *fitted);

struct assay_estimate {
    double ns; /* NaN where what it rests on is only known as a range: there is no point */
    double p10_ns, p90_ns;
    char grade; /* A calibrated on this chip, B complete datasheet, C reported, inferred or derived numbers, D a number is assumed
                 */
    char               why[240];
    struct assay_price price; /* of the middle of what is known */
};
/* ASSAY_UNSUPPORTED: the device lacks what the form needs; the message names it. */
enum assay_code assay_estimate(const struct assay_estimator *e, const struct assay_kernel *kernel, struct assay_estimate *out,
                               struct assay_error *err);

#endif
