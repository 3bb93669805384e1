/* One series, night by night: its noise, and where its level changed. README.md has the formulas and their sources.
 *
 * Values are logarithms. A night's value is that of its first run; further runs of the same night are its second look (cusum.h).
 * What the host's sentinels did that night is taken out with coefficients estimated from the series itself. The baseline is a
 * Huber estimate over the quiet nights of a segment; after a change the next segment begins with the first night that had it. */
#ifndef ASSAY_JUDGE_HISTORY_CHANGE_H
#define ASSAY_JUDGE_HISTORY_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/judge/history/cusum.h"

#define ASSAY_CHANGE_MOST_FACTORS 4
#define ASSAY_CHANGE_MOST_AGAIN 4u /* further runs of a night that count */
#define ASSAY_CHANGE_LEARN 10      /* nights until a series is watched */
#define ASSAY_CHANGE_LEARN_AGAIN 5 /* after a change: its noise is known already */
#define ASSAY_CHANGE_LOOKS 5       /* classes of what a second look is worth: 0, 0.5, 1, 1.5, 2 */

/* Limits for one budget of false messages; the same for all series of a watch list. */
struct assay_change_limits {
    struct assay_cusum look[ASSAY_CHANGE_LOOKS];
    double smallest[ASSAY_CHANGE_LOOKS]; /* step found, in night's noises, when the baseline is known */
};
/* So that `series` series give at most one false message in `nights` nights, slower and faster together. */
void assay_change_limits_make(size_t series, double nights, struct assay_change_limits *out);

/* What was measured: n nights, ascending, without those that are missing. */
struct assay_change_series {
    size_t n;
    const double *value;
    const double *again;    /* the night's further runs, ASSAY_CHANGE_MOST_AGAIN places a night */
    const uint8_t *n_again; /* how many of them there are; NULL: none ever */
    const uint8_t *restart; /* the level is learned anew from here: the host changed; NULL: never */
    size_t n_factors;
    const double *factor[ASSAY_CHANGE_MOST_FACTORS];       /* of the night's first run; 0 where unknown */
    const double *factor_again[ASSAY_CHANGE_MOST_FACTORS]; /* of its further runs, as `again` */
    double within; /* variance of one run's value as its launches show it; NaN: not known */
};

struct assay_change {
    size_t last_good, first_bad, confirmed; /* nights, as indices */
    double before, after;                   /* levels; after less before is the step */
    double error;                           /* of the step: standard error, from the nights first_bad to confirmed */
    double noise;                           /* of one night, as it was known then */
    size_t baseline;                        /* nights that `before` is the level of */
};

/* What is known after the last night. */
struct assay_change_state {
    size_t segment;                           /* first night of the level that holds now */
    size_t nights;                            /* in the baseline; 0: nothing is watched yet */
    double level, sigma;                      /* of the baseline; noise of one night, correlation between nights included */
    double correlation;                       /* variance that correlation adds: 1 = none */
    double repeat;                            /* share of a night's noise that its runs have in common */
    double smallest;                          /* step found in 5 nights with 95 %, in logarithms; INFINITY: none yet */
    double slower, faster;                    /* S of both sides, over their alarm */
    bool again;                               /* the last night asks for a second look */
    double factor[ASSAY_CHANGE_MOST_FACTORS]; /* coefficients */
};

/* Standard error of a step between the level before and one of so many nights, 1 or more, after. */
double assay_change_error(const struct assay_change *change, size_t nights);

/* Follows the series. changes[most] in their order; more than that are not told (the last is kept). Returns their number.
 * `level`, if not NULL, gets for each night the level of its segment as known in the end. */
size_t assay_change_follow(const struct assay_change_series *series, const struct assay_change_limits *limits,
                           struct assay_change *changes, size_t most, struct assay_change_state *state, double *level);

#endif
