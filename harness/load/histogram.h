/* Durations counted in buckets of constant relative width: 10^9 of them take no more memory than 10^4. */
#ifndef ASSAY_LOAD_HISTOGRAM_H
#define ASSAY_LOAD_HISTOGRAM_H

#include <stdint.h>

#define ASSAY_HISTOGRAM_BITS 7u /* buckets of a power of two: values are off by at most 2^-7 = 0.8 % */
#define ASSAY_HISTOGRAM_BUCKETS ((64u - ASSAY_HISTOGRAM_BITS + 1u) << ASSAY_HISTOGRAM_BITS)

struct assay_histogram {
    uint64_t n, sum_ns, min_ns, max_ns;
    uint64_t count[ASSAY_HISTOGRAM_BUCKETS];
};
void assay_histogram_init(struct assay_histogram *h);
void assay_histogram_add(struct assay_histogram *h, uint64_t ns);
/* The bucket's upper end of the sample at floor(n p): never below it, at most 2^-7 above. n > 0, 0 <= p < 1. */
uint64_t assay_histogram_percentile(const struct assay_histogram *h, double p);
/* How many are over the limit, the bucket that holds it shared in proportion. */
double assay_histogram_over(const struct assay_histogram *h, uint64_t limit_ns);

#endif
