/* How errors are distributed: what sums that are rounded to nearest can and cannot look like, whatever their order. Sees truncation
 * and short accumulators far inside a worst-case bound. README.md has the reasoning. */
#ifndef ASSAY_VERIFY_ERRORS_H
#define ASSAY_VERIFY_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of elements whose error has a known deviation at most. All zero to begin with. */
struct assay_errors {
    uint64_t n;                  /* elements */
    uint64_t inward, outward;    /* of those that are off: toward zero, away from it */
    uint64_t up, down;
    double   squares;            /* sum of (error / deviation)^2 */
};
/* deviation > 0, expected finite. */
void assay_errors_add(struct assay_errors *e, double observed, double expected, double deviation);
void assay_errors_join(struct assay_errors *e, const struct assay_errors *other);

/* By how many standard deviations more errors have one sign than the other: (a - b) / sqrt(a + b), the sign test. Positive: toward
 * zero; up. 0 below 64 errors. */
double assay_errors_lean(const struct assay_errors *e);
double assay_errors_drift(const struct assay_errors *e);
/* Either is beyond what chance gives with a probability of 10^-6: the sums, or what is stored of them, are not rounded to nearest. */
bool   assay_errors_are_biased(const struct assay_errors *e);
/* Root of the mean square of error / deviation: at most about 1 for sums that are rounded to nearest. NAN below 64 elements. */
double assay_errors_rms(const struct assay_errors *e);
/* It is beyond what chance gives with a probability of 10^-6. */
bool   assay_errors_are_large(const struct assay_errors *e);

#endif
