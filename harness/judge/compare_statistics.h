/* The statistics of a comparison (compare.h has the formulas): one test, its size, and many tests together. */
#ifndef ASSAY_JUDGE_COMPARE_STATISTICS_H
#define ASSAY_JUDGE_COMPARE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSAY_COMPARE_LEVEL 0.95

/* The difference of log medians, B minus A, as a t variable. */
struct assay_compare_test {
    double mean, error, freedom; /* standard error of the mean; error 0: no spread at all */
    double variance;             /* of one pair, or of one launch of each: error^2 = variance / n for n on each side */
    bool   paired;
    size_t n; /* on the side that has fewer */
};

/* Launch medians, all positive; at least 2 on each side, equal numbers when paired. */
struct assay_compare_test assay_compare_test_make(const double *a, size_t n_a, const double *b, size_t n_b,
                                                  bool paired);
/* Chance of a mean this large or larger if the true one were `margin`. */
double assay_compare_test_p(const struct assay_compare_test *test, double margin);
/* About how many launches more on each side until the interval, with this spread and this mean, leaves `margin` out;
 * 0: over a million, or it leaves it out already. */
uint64_t assay_compare_test_more(const struct assay_compare_test *test, double margin);

/* exp of the half-width of the interval of comparing A with itself, minus 1: standard deviation s of a log launch median,
 * n >= 2 launches on each side. */
double assay_compare_self(double s, size_t n);
/* Variance of logarithms, n >= 2. */
double assay_compare_log_variance(const double *values, size_t n);

/* Holm: rejected[i] for the p[i] that stay below `level` in the family of n. */
bool assay_compare_holm(const double *p, size_t n, double level, bool *rejected);

#endif
