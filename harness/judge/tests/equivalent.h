/* Pairs of trainings on paper: qualities drawn about means that are known, so that it is known what should be said of them. */
#ifndef ASSAY_JUDGE_EQUIVALENT_H
#define ASSAY_JUDGE_EQUIVALENT_H

#include <math.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/judge/equivalence.h"

#define MOST 64

static inline struct assay_training_pair pair_of(double a, double b)
{
    return (struct assay_training_pair){{.end = ASSAY_TRAINING_ENDED, .quality = a, .claimed = a},
                                        {.end = ASSAY_TRAINING_ENDED, .quality = b, .claimed = b}};
}

/* n pairs with a common part, and differences from the normal distribution of this mean and deviation. */
static inline struct assay_equivalence_result drawn(struct assay_random *random, size_t n, double mean, double deviation, double margin)
{
    struct assay_training_pair      pairs[MOST];
    struct assay_equivalence_result r;
    for (size_t i = 0; i < n; i++) {
        double a = 2 + assay_random_normal(random);
        pairs[i] = pair_of(a, a + mean + deviation * assay_random_normal(random));
    }
    assay_equivalence_judge(pairs, n, margin, &r);
    return r;
}

struct rates {
    double said[ASSAY_EQUIVALENCE_UNDECIDED + 1]; /* share of rounds, by outcome */
    double covered;                               /* the interval holds the true mean */
};

static inline struct rates simulate(size_t rounds, size_t n, double mean, double deviation, double margin)
{
    struct rates        out = {.covered = 0};
    struct assay_random random;
    assay_random_init(&random, 1 + n);
    for (size_t i = 0; i < rounds; i++) {
        struct assay_equivalence_result r = drawn(&random, n, mean, deviation, margin);
        out.said[r.outcome] += 1 / (double)rounds;
        out.covered += (r.low <= mean && mean <= r.high) / (double)rounds;
    }
    return out;
}

/* Five deviations of a share p of as many rounds. */
static inline double chance(double p, size_t rounds)
{
    return 5 * sqrt(p * (1 - p) / (double)rounds);
}

#endif
