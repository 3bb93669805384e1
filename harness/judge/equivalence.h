/* Are trainings on B equivalent to trainings on A? Statistics of one number a training: its quality at the last step, less is
 * better. Pure functions.
 *
 * A pair is one training on each, D = quality of B - quality of A. With n complete pairs of mean m and standard deviation s, and
 * h = t(level, n - 1) s / sqrt(n), the interval is [m - h, m + h]: at level 0.95 a 90 % interval, each end of which is a
 * one-sided test at 5 %. With the margin delta, fixed before there are data:
 *
 *     equivalent       -delta < m - h and m + h < delta: two one-sided tests (D. J. Schuirmann, "A comparison of the two one-sided
 *                      tests procedure and the power approach for assessing the equivalence of average bioavailability",
 *                      Journal of Pharmacokinetics and Biopharmaceutics 15, 1987)
 *     not equivalent   delta < m - h or m + h < -delta: the interval lies outside; or B diverged in a pair in which A did not
 *     undecided        neither; or fewer than 3 complete pairs; or a training is missing
 *
 * If the true mean is outside the margin, "equivalent" is said with a chance of at most 1 - level; if it is within, "not
 * equivalent" by the interval with at most 1 - level.
 *
 * Trainings that diverged have no quality and are no part of m and s. A pair in which B alone diverged is a failure of
 * equivalence, however few: a mean over those that were left would hide it. A pair in which A alone, or both, diverged counts
 * for nothing and is said. What n trainings can say of the share of divergence on B is its upper bound by Clopper and
 * Pearson (1934), one-sided at `level`.
 *
 * Pairs needed for a power of 80 %: the smallest n with n >= (t(level, n - 1) + t(power', n - 1))^2 s^2 / d^2 (S.-C. Chow,
 * J. Shao, H. Wang, "Sample Size Calculations in Clinical Research", section 3.2), with
 *     d = delta, power' = 0.9            if there is no difference at all: both tests must hold
 *     d = | delta - |m| |, power' = 0.8  if the difference is as it was seen. */
#ifndef ASSAY_JUDGE_EQUIVALENCE_H
#define ASSAY_JUDGE_EQUIVALENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_EQUIVALENCE_LEVEL 0.95
#define ASSAY_EQUIVALENCE_POWER 0.8
#define ASSAY_EQUIVALENCE_LEAST_PAIRS 3u

enum assay_equivalence {
    ASSAY_EQUIVALENT = 1,
    ASSAY_NOT_EQUIVALENT = 2,
    ASSAY_EQUIVALENCE_UNDECIDED = 3,
};
const char *assay_equivalence_name(enum assay_equivalence outcome); /* "equivalent", "not equivalent", "undecided" */

enum assay_training_end {
    ASSAY_TRAINING_ENDED = 1,    /* with a quality */
    ASSAY_TRAINING_DIVERGED = 2, /* its loss is no number, or it knows no more than it did */
    ASSAY_TRAINING_MISSING = 3,  /* not run, not ended, or not judged */
};
struct assay_training {
    enum assay_training_end end;
    uint64_t                seed;
    double                  quality; /* of what ended, by the reference; else NaN or what is known */
    double                  claimed; /* by the device's own evaluation; NaN: none */
    char                    why[256]; /* of what did not end */
};
struct assay_training_pair {
    struct assay_training a, b;
};

struct assay_equivalence_result {
    enum assay_equivalence outcome;
    char     why[600];             /* sentences: what was found, and what would settle it */
    double   margin;
    size_t   pairs, complete;
    size_t   diverged_a, diverged_b, only_b, missing; /* trainings, trainings, pairs, pairs */
    double   share_high;           /* largest share of divergence on B that is compatible; NaN: nothing is known */
    double   mean, deviation, low, high; /* NaN below 2 complete pairs */
    double   p;                    /* the larger of the two tests' */
    double   shown;                /* the smallest margin at which these data are equivalent: max(|low|, |high|) */
    uint64_t needed_if_none, needed_if_seen; /* pairs, of what is undecided; 0: over a million, or not known */
};

/* margin > 0. */
void assay_equivalence_judge(const struct assay_training_pair *pairs, size_t n, double margin,
                             struct assay_equivalence_result *out);
/* Pairs for ASSAY_EQUIVALENCE_POWER with this deviation, if the true mean is `mean`; 0: over a million. */
uint64_t assay_equivalence_pairs(double deviation, double mean, double margin);

/* New reference; NULL when out of memory. */
json_t *assay_equivalence_to_json(const struct assay_equivalence_result *r, const struct assay_training_pair *pairs);
/* What that tells; *pairs is new, r->pairs of them. ASSAY_DATA: it is none. */
enum assay_code assay_equivalence_from_json(const json_t *json, struct assay_equivalence_result *r, struct assay_training_pair **pairs,
                                            struct assay_error *err);

#endif
