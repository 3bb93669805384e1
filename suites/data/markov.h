/* Text whose best reachable loss is known exactly: a source of order 3 with a copy rule at distance 32.
 *
 * Symbols 0 .. V-1; the last one is the marker M. A free step draws the next symbol from the distribution of its context:
 * M with probability p; else the symbol of rank r with probability (1 - p) q[r], where the context (the last symbol, and
 * whether the two before it are odd) says which symbol has which rank. The step behind a marker is no free step: it repeats
 * the symbol of 32 places before (symbol 0 if that was a marker), with certainty.
 *
 * So every second step at most is a copy, none of them gives a marker, and a cycle of a free step has p copies:
 *     entropy rate = (h(p) + (1 - p) H(q)) / (1 + p)  nats a symbol,
 * h and H the entropies of one bit and of q, since each context has the same distribution up to a permutation. This holds
 * for the process itself, whatever happened before; nothing is estimated. */
#ifndef ASSAY_DATA_MARKOV_H
#define ASSAY_DATA_MARKOV_H

#include <stddef.h>
#include <stdint.h>

#define ASSAY_MARKOV_SYMBOLS 16
#define ASSAY_MARKOV_DISTANCE 32

struct assay_markov {
    uint64_t seed;
    uint8_t  symbol_of_rank[4 * ASSAY_MARKOV_SYMBOLS][ASSAY_MARKOV_SYMBOLS - 1];
};

/* The source of a seed: its permutations. */
void assay_markov_init(struct assay_markov *m, uint64_t seed);
/* Sequence number `index` of the source: n symbols, a function of (seed, index). Sequences are independent; each begins
 * behind 64 symbols that are not shown, so that copies have something to copy. */
void assay_markov_sequence(const struct assay_markov *m, uint64_t index, size_t n, int64_t *out);
/* Nats a symbol: no model can have a smaller expected loss. */
double assay_markov_entropy_rate(void);
/* Standard deviation, in nats, of what a symbol adds to the loss of a reader who knows the source: the mean over n symbols has
 * this over sqrt n. By the renewal of free steps: a cycle is a free step of surprisal S and the copy behind it, if any, of 0;
 *     deviation^2 = variance of (S - rate * (symbols of the cycle)) / (mean symbols of a cycle). */
double assay_markov_loss_deviation(void);
/* Probability of each symbol behind what was said; `past` points behind the last symbol, at least 32 stand before it. For
 * tests, and for telling what a perfect model would lose on a given text. */
void assay_markov_next(const struct assay_markov *m, const int64_t *past, double out[ASSAY_MARKOV_SYMBOLS]);

#endif
