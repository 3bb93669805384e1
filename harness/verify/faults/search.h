/* How small a fault is found? */
#ifndef ASSAY_FAULTS_SEARCH_H
#define ASSAY_FAULTS_SEARCH_H

#include "harness/verify/faults/subjects.h"

/* n trials without a miss, after which a rate of at least 99 % has been shown with 95 % (Clopper and Pearson: 1 - 0.05^(1/n)). */
#define ASSAY_FAULT_TRIALS 300u
#define ASSAY_FAULT_STEPS 4 /* sizes are powers of 2^(1/4) times the least */
#define ASSAY_FAULT_CONFIDENCE 0.95

struct assay_fault_rate {
    bool                  reached; /* of a kind with sizes: some size was found in every trial; size says the smallest */
    double                size;
    uint32_t              found, trials;
    double                at_least;     /* lower limit of the rate of finding, one-sided, at ASSAY_FAULT_CONFIDENCE */
    enum assay_instrument by;           /* that decided most often */
    uint32_t              differ;       /* trials in which bits differed from run to run */
};

/* found of n outcomes with a kind at a size (of a kind without sizes: 0), trials from `first` on; stops at the first miss if
 * all_or_none. What is planted is a function of (subject, kind, trial). */
enum assay_code assay_fault_count(const struct assay_fault_bench *b, const struct assay_fault_kind *kind, double size, uint32_t first,
                                  uint32_t trials, bool all_or_none, struct assay_fault_rate *out, struct assay_error *err);
/* The smallest size found in all of ASSAY_FAULT_TRIALS trials: by bisection over fewer, which have their own random numbers, then one
 * size up as long as one is missed. Of a kind without sizes: how many are found. */
enum assay_code assay_fault_smallest(const struct assay_fault_bench *b, const struct assay_fault_kind *kind, struct assay_fault_rate *out,
                                     struct assay_error *err);

#endif
