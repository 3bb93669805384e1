/* Sums of binomial chances, term by term in long double: no beta function takes part. */
#ifndef ASSAY_TESTS_BINOMIAL_H
#define ASSAY_TESTS_BINOMIAL_H

#include <math.h>
#include <stdint.h>

/* P(at most t of n are over | each is with 1 - p), from the chance of t downwards. */
static inline long double binomial_at_most(uint64_t n, uint64_t t, double p)
{
    long double q = 1 - (long double)p, r = p, log_term = (long double)(n - t) * logl(r) + (long double)t * logl(q), sum = 0;
    for (uint64_t i = 1; i <= t; i++)
        log_term += logl((long double)(n - t + i) / (long double)i);
    long double term = expl(log_term);
    for (uint64_t k = t;; k--) {
        sum += term;
        if (k == 0 || term < sum * 1e-22L)
            return sum;
        term *= (long double)k * r / ((long double)(n - k + 1) * q);
    }
}

#endif
