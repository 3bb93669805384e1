/* Random numbers as a function of (key, counter): Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). Any slice can be made again by anyone, on any number of threads. */
#ifndef ASSAY_BASE_RANDOM_H
#define ASSAY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The block function: counter and key in, 128 random bits out. */
void assay_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Every stream below is this one. Block b of stream `key` is the block function of counter {low half of b, high half
 * of b, 0, 0} and key {low half, high half}; word i of the stream is word i mod 4 of block i / 4. Other people's
 * Philox gives the same words. No library function takes part in what is made of them, only operations that IEEE 754
 * fixes, so the bits are the same on every machine, with every compiler (-ffp-contract=off) and any vector width. */

/* The words one after the other. */
struct assay_random {
    uint64_t key, block;
    uint32_t word[4];
    unsigned used; /* words of `word` already given */
};
void     assay_random_init(struct assay_random *r, uint64_t key);
uint32_t assay_random_u32(struct assay_random *r);
uint64_t assay_random_u64(struct assay_random *r);                      /* two words, the low one first */
double   assay_random_unit(struct assay_random *r);                     /* [0, 1), 53 bits */
double   assay_random_normal(struct assay_random *r);                   /* mean 0, variance 1; takes four words */
uint64_t assay_random_below(struct assay_random *r, uint64_t n);        /* [0, n), unbiased; n > 0 */

/* out[i] = value first + i of the stream `key`, so that the bits do not depend on how a range is cut up.
 *
 * Uniform in [low, high), low < high, both finite: low + (high - low) / 2^24 * u with u the top 24 bits of word i,
 * each operation in double, the result rounded to float; where that rounds up to `high`, the float below it. */
void assay_random_uniform_f32(uint64_t key, uint64_t first, size_t n, float low, float high, float *out);
/* mean + deviation * z in double, rounded to float. By Box and Muller ("A note on the generation of random normal
 * deviates", 1958) words 2j and 2j + 1, call them a and b, give z = r cos t for value 2j and z = r sin t for value
 * 2j + 1, where r = sqrt(-2 ln((a + 1) / 2^32)), so |z| <= 6.67, and t = 2 pi b / 2^32. */
void assay_random_normal_f32(uint64_t key, uint64_t first, size_t n, float mean, float deviation, float *out);
/* Uniform integers in [low, high], both included, low <= high; exactly unbiased. Value i is low + d mod (high - low
 * + 1), d made of words 2i and 2i + 1, the low one first; a d that would bias the remainder is drawn again from the
 * same place of the block with 1, 2, ... in the third word of the counter. */
void assay_random_integers(uint64_t key, uint64_t first, size_t n, int64_t low, int64_t high, int64_t *out);

/* From the operating system: for choices a device must not foresee. Never the same twice, so never for inputs. */
uint64_t assay_random_entropy(void);

#endif
