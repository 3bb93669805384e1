/* Random numbers as a function of (key, counter): Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). Any slice can be made again by anyone, on any number of threads. */
#ifndef ASSAY_BASE_RANDOM_H
#define ASSAY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The block function: counter and key in, 128 random bits out. */
void assay_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A sequential stream over the same function. */
struct assay_random {
    uint64_t key, block;
    uint32_t word[4];
    unsigned used; /* words of `word` already given */
};
void     assay_random_init(struct assay_random *r, uint64_t key);
uint32_t assay_random_u32(struct assay_random *r);
uint64_t assay_random_u64(struct assay_random *r);
double   assay_random_unit(struct assay_random *r);                     /* [0, 1), 53 bits */
double   assay_random_normal(struct assay_random *r);                   /* mean 0, variance 1 */
uint64_t assay_random_below(struct assay_random *r, uint64_t n);        /* [0, n), unbiased; n > 0 */

/* out[i] = the i-th of the stream `key`, from index `first`: uniform in [low, high) as float, exactly
 * low + (high - low) * u / 2^24 with u the top 24 bits; bits do not depend on how a range is cut up. */
void assay_random_uniform_f32(uint64_t key, uint64_t first, size_t n, float low, float high, float *out);
/* Normal by Box and Muller, in double, rounded to float; same independence of cuts. */
void assay_random_normal_f32(uint64_t key, uint64_t first, size_t n, float mean, float deviation, float *out);
/* Uniform integers in [low, high], both included. */
void assay_random_integers(uint64_t key, uint64_t first, size_t n, int64_t low, int64_t high, int64_t *out);

/* From the operating system: for choices a device must not foresee. */
uint64_t assay_random_entropy(void);

#endif
