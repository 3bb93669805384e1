/* What may be said about repeated timings. Pure functions over arrays. Formulas and sources: README.md. */
#ifndef ASSAY_MEASURE_STATISTICS_H
#define ASSAY_MEASURE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/student.h"

/* An estimate that may lack a value or an interval; `why` says why something is missing. */
struct assay_estimate {
    bool     has_value, has_interval;
    double   value, low, high; /* interval at `level` */
    double   level;            /* 0.95, or 0 without interval */
    uint64_t n;                /* what was counted: launches, samples */
    char     why[96];
};

/* Order statistics of n u64 samples (nanoseconds). `sorted` variants take ascending input. */
void     assay_sort_u64(uint64_t *samples, size_t n);
double   assay_median_u64(const uint64_t *sorted, size_t n);
/* The k-th smallest (from 0) of n > k finite doubles; the array is put into another order. */
double   assay_rank(double *values, size_t n, size_t k);
/* Median of n > 0 finite doubles in any order; the array is put into another order. */
double   assay_median(double *values, size_t n);
/* The sample at floor(n * p), as the field counts percentiles; n > 0, 0 <= p < 1. */
uint64_t assay_percentile_u64(const uint64_t *sorted, size_t n, double p);

/* Fewer samples say nothing about a drift. */
#define ASSAY_DRIFT_MIN_SAMPLES 60

/* What one launch says by itself: no interval, by design. Needs n > 0. */
struct assay_launch_summary {
    uint64_t n;
    double   median_ns, p25_ns, p75_ns, min_ns, max_ns, mean_ns;
    double   mad_ns;    /* median absolute deviation */
    uint64_t outliers;  /* modified z-score over 14.8 = 10 / 0.6745: named, never dropped */
    double   drift;     /* median of the last quarter over median of the first quarter, minus 1 (in time order) */
    double   drift_noise; /* what |drift| stays below in 99.9 % of driftless runs, by block bootstrap of this run;
                           * drift and drift_noise are NaN with fewer than ASSAY_DRIFT_MIN_SAMPLES */
    double   trend;       /* Kendall's tau (1938) of time and the lower deciles of 24 blocks in time order: 1 when every block
                             is slower than those before it, about 0.5 for one step half-way (a neighbour that begins to
                             work), NaN with fewer than 48 samples. The lower decile is what a busy machine disturbs least */
    double   lag1;      /* autocorrelation at lag 1, in time order */
    double   effective_n; /* n corrected for autocorrelation (initial positive sequence, Geyer 1992) */
    uint64_t windows;   /* number of batches the samples came from; 0 if not batched: the caller fills it in */
};
/* samples in time order; `sorted` is room for n and holds the samples in ascending order afterwards. */
void assay_launch_summarize(const uint64_t *samples, size_t n, uint64_t *sorted, struct assay_launch_summary *out);

/* t interval over the logarithms of R launch medians: value = geometric mean. R < 2 gives no interval and says so. */
struct assay_estimate assay_estimate_launches(const double *medians, size_t n, double level);
/* Ratio b/a of two sets of launch medians: paired by index when `paired` (interleaved launches, equal n), else Welch. */
struct assay_estimate assay_estimate_ratio(const double *a, size_t n_a, const double *b, size_t n_b, bool paired,
                                           double level);
/* Ratio median(b) / median(a) of pairs taken in turn (A B A B) within one launch: bootstrap interval over pairs,
 * from ASSAY_BOOTSTRAP_MIN_PAIRS on; the same seed gives the same interval. */
#define ASSAY_BOOTSTRAP_MIN_PAIRS 10
struct assay_estimate assay_estimate_interleaved(const double *a, const double *b, size_t n, double level, uint64_t seed);
/* A percentile with a binomial interval widened by effective_n; without enough effective samples beyond it the value
 * comes without interval and the why is "too few" with the numbers. */
struct assay_estimate assay_estimate_percentile(const uint64_t *sorted, size_t n, double effective_n, double p,
                                                double level);

#endif
