/* The special functions behind intervals and bounds. */
#ifndef ASSAY_BASE_STUDENT_H
#define ASSAY_BASE_STUDENT_H

#include <stdint.h>

/* Regularized incomplete beta I_x(a, b) for a, b > 0 and 0 <= x <= 1; Student's t quantile (infinite degrees of
 * freedom: the normal one); normal quantile. NaN outside the domain. */
double assay_incomplete_beta(double a, double b, double x);
double assay_student_quantile(double p, double degrees_of_freedom);
double assay_normal_quantile(double p);
/* Largest share of bad things compatible with k seen in n at confidence (Clopper and Pearson 1934, one-sided). */
double assay_upper_share(uint64_t k, uint64_t n, double confidence);
/* Regularized incomplete gamma Q(a, x) for a > 0, x >= 0 (DLMF 8.2.4): the chance of at most a - 1 events where x are expected. */
double assay_incomplete_gamma(double a, double x);
/* Largest expected number of events compatible with k seen, at confidence: P(at most k | it) = 1 - confidence, half the quantile of
 * chi-square with 2 k + 2 degrees of freedom (Garwood 1936); -ln(1 - confidence) for none seen. */
double assay_upper_events(uint64_t k, double confidence);

#endif
