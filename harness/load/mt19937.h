/* The random numbers of MLPerf's LoadGen: std::mt19937 (Matsumoto, Nishimura 1998) and what libstdc++ (GCC 11 and later) makes of
 * it. The C++ standard fixes the generator, not the distributions, so these are libstdc++'s, bit for bit. */
#ifndef ASSAY_LOAD_MT19937_H
#define ASSAY_LOAD_MT19937_H

#include <stdint.h>

struct assay_mt19937 {
    uint32_t state[624];
    uint32_t numbers[624]; /* made of the state, all at once */
    unsigned at;           /* the next of them; 624: none is left */
};

/* A wider seed counts modulo 2^32, as std::mt19937's does. */
void     assay_mt19937_init(struct assay_mt19937 *g, uint64_t seed);
uint32_t assay_mt19937_next(struct assay_mt19937 *g);
/* std::uniform_int_distribution over [0, n), n > 0: Lemire's multiplication with rejection (ACM TOMACS 29, 2019). */
uint32_t assay_mt19937_below(struct assay_mt19937 *g, uint32_t n);
/* std::generate_canonical<double, 53>: in [0, 1), of two words. */
double   assay_mt19937_unit(struct assay_mt19937 *g);
/* std::exponential_distribution<double>(rate). */
double   assay_mt19937_exponential(struct assay_mt19937 *g, double rate);
/* std::shuffle of values[n]; NULL: only draws what a shuffle of n would draw. */
void     assay_mt19937_shuffle(struct assay_mt19937 *g, uint32_t *values, uint32_t n);

#endif
