/* Nights made of recorded launches: a moving-block bootstrap (Künsch 1989), blocks of 8 launches, a night of 3 and its second
 * looks after it in the same block; or of a normal first-order autoregression. */
#ifndef ASSAY_JUDGE_HISTORY_TESTS_NOISE_H
#define ASSAY_JUDGE_HISTORY_TESTS_NOISE_H

#include <math.h>
#include <stdint.h>

#include "harness/base/random.h"
#include "harness/judge/history/change.h"
#include "harness/judge/history/tests/recorded.h"
#include "harness/measure/statistics.h"

#define NOISE_BLOCK 8
#define NOISE_LAUNCHES 3
#define NOISE_MOST_NIGHTS 1024

struct noise {
    struct assay_random random;
    int source;         /* recorded case; -1: normal */
    double correlation; /* of normal nights */
    double scale;       /* so that a night has standard deviation 1, correlation included */
    unsigned at, left;
    double last;
};

/* A series with its memory. */
struct noise_series {
    struct assay_change_series series;
    double value[NOISE_MOST_NIGHTS], again[NOISE_MOST_NIGHTS * ASSAY_CHANGE_MOST_AGAIN], spread[NOISE_MOST_NIGHTS];
    uint8_t n_again[NOISE_MOST_NIGHTS];
};

static inline double noise_launch(struct noise *n)
{
    if (n->left == 0) {
        n->at = (unsigned)assay_random_below(&n->random, RECORDED_LAUNCHES);
        n->left = NOISE_BLOCK;
    }
    n->left--;
    return recorded[n->source][n->at++ % RECORDED_LAUNCHES];
}

/* One run of a few launches: its median; the variance of a mean of so many goes to *within. */
static inline double noise_run(struct noise *n, double *within)
{
    double x[NOISE_LAUNCHES], sum = 0, squares = 0;
    for (int i = 0; i < NOISE_LAUNCHES; i++) {
        x[i] = noise_launch(n);
        sum += x[i];
    }
    for (int i = 0; i < NOISE_LAUNCHES; i++)
        squares += (x[i] - sum / NOISE_LAUNCHES) * (x[i] - sum / NOISE_LAUNCHES);
    *within = squares / (NOISE_LAUNCHES - 1) / NOISE_LAUNCHES * n->scale * n->scale;
    return n->scale * assay_median(x, NOISE_LAUNCHES);
}

static inline double noise_night(struct noise *n, double *within)
{
    if (n->source >= 0)
        return noise_run(n, within);
    n->last = n->correlation * n->last + sqrt(1 - n->correlation * n->correlation) * assay_random_normal(&n->random);
    *within = n->scale * n->scale;
    return n->scale * n->last;
}

/* A second look at what is normal is independent of the first. */
static inline double noise_again(struct noise *n)
{
    double within;
    return n->source >= 0 ? noise_run(n, &within) : n->scale * assay_random_normal(&n->random);
}

/* Scale from the variance of means of 5 nights, which is what the watch calls the night's noise. */
static inline struct noise noise_make(int source, double correlation, uint64_t seed)
{
    enum { MEANS = 20000 };
    struct noise n = {.source = source, .correlation = correlation, .scale = 1};
    double squares = 0, all = 0, within;
    assay_random_init(&n.random, seed);
    for (int i = 0; i < MEANS; i++) {
        double sum = 0;
        for (int k = 0; k < 5; k++)
            sum += noise_night(&n, &within);
        squares += sum * sum / 5;
        all += sum / 5;
    }
    n.scale = 1 / sqrt(squares / MEANS - 5 * (all / MEANS) * (all / MEANS));
    return n;
}

/* Nights of noise `sigma`, from night `bad` on slower by `step`. */
static inline void noise_fill(struct noise *n, size_t nights, double sigma, size_t bad, double step, struct noise_series *out)
{
    for (size_t i = 0; i < nights; i++) {
        double level = i >= bad ? step : 0;
        out->value[i] = level + sigma * noise_night(n, &out->spread[i]);
        out->n_again[i] = ASSAY_CUSUM_RUNS_AGAIN;
        for (unsigned k = 0; k < ASSAY_CUSUM_RUNS_AGAIN; k++)
            out->again[i * ASSAY_CHANGE_MOST_AGAIN + k] = level + sigma * noise_again(n);
    }
    double two = 1 - 2.0 / 18, share = n->source >= 0 ? two * two * two : 1; /* median of a variance with 2 degrees of freedom */
    double room[NOISE_MOST_NIGHTS];
    for (size_t i = 0; i < nights; i++)
        room[i] = out->spread[i];
    out->series = (struct assay_change_series){.n = nights,
                                               .value = out->value,
                                               .again = out->again,
                                               .n_again = out->n_again,
                                               .within = sigma * sigma * assay_median(room, nights) / share};
}

#endif
