#include "harness/judge/history/cusum.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

#define STATES 100 /* of S; twice as many change a threshold by less than 1 % */
#define SETTLE 60  /* nights after which S has forgotten where it began */
#define MOST_SHARE 0.6

#define BETWEEN (2 * STATES) /* between the looks of a night S may exceed the alarm */

/* S in steps of `width`: state 0 is S <= width / 2, state i is within width / 2 of i * width. */
struct chain {
    double to[STATES][STATES];
};

static double width_of(const struct assay_cusum *c)
{
    return c->alarm / (STATES - 0.5);
}

/* Chance that S grows by at most x: of the first look, of what a second one adds. */
static double first_look(const struct assay_cusum *c, double step, double x)
{
    double z = x + c->reference;
    if (z >= c->clip)
        return 1;
    return z < -c->clip ? 0 : 0.5 * erfc((step - z) * M_SQRT1_2);
}

static double second_look(const struct assay_cusum *c, double step, double x)
{
    return 0.5 * erfc((c->more * (step - c->reference) - x) * M_SQRT1_2 / sqrt(c->more));
}

typedef double grows_fn(const struct assay_cusum *c, double step, double x);

/* Chances to go from each of `from` states to each of `to`, row by row. */
static void fill(const struct assay_cusum *c, double step, grows_fn *grows, int from, int to, double *out)
{
    double w = width_of(c), at_most[2 * BETWEEN]; /* growth by d states or less, d from -BETWEEN */
    for (int d = 0; d < 2 * BETWEEN; d++)
        at_most[d] = grows(c, step, (d - BETWEEN + 0.5) * w);
    for (int i = 0; i < from; i++)
        for (int j = 0; j < to; j++)
            out[i * to + j] = at_most[j - i + BETWEEN] - (j ? at_most[j - i + BETWEEN - 1] : 0);
}

/* What a night adds beyond `most` is cut: it ends there instead, also what would have been an alarm. */
static void cut(const struct assay_cusum *c, struct chain *night)
{
    int most = (int)fmin(c->most / width_of(c) + 0.5, STATES);
    for (int i = 0; i + most < STATES; i++) {
        double below = 0;
        for (int j = 0; j < i + most; j++)
            below += night->to[i][j];
        night->to[i][i + most] = 1 - below;
        for (int j = i + most + 1; j < STATES; j++)
            night->to[i][j] = 0;
    }
}

/* One night with its looks. */
static void make_night(const struct assay_cusum *c, double step, struct chain *out)
{
    double first[STATES][BETWEEN], more[BETWEEN][STATES];
    int again = (int)fmin(c->again / width_of(c) + 0.5, BETWEEN);
    if (c->more <= 0) {
        fill(c, step, first_look, STATES, STATES, out->to[0]);
        cut(c, out);
        return;
    }
    fill(c, step, first_look, STATES, BETWEEN, first[0]);
    fill(c, step, second_look, BETWEEN, STATES, more[0]);
    for (int i = 0; i < STATES; i++) {
        for (int j = 0; j < STATES; j++)
            out->to[i][j] = j <= again ? first[i][j] : 0;
        for (int k = again + 1; k < BETWEEN; k++)
            for (int j = 0; first[i][k] > 0 && j < STATES; j++)
                out->to[i][j] += first[i][k] * more[k][j];
    }
    cut(c, out);
}

/* (I - night) t = 1 by elimination: diagonally dominant, so without exchange of rows. */
double assay_cusum_nights(const struct assay_cusum *c)
{
    struct chain a;
    double t[STATES];
    make_night(c, 0, &a);
    for (int i = 0; i < STATES; i++) {
        t[i] = 1;
        for (int j = 0; j < STATES; j++)
            a.to[i][j] = (i == j) - a.to[i][j];
    }
    for (int i = 0; i < STATES; i++)
        for (int r = i + 1; r < STATES; r++) {
            double factor = a.to[r][i] / a.to[i][i];
            for (int j = i; j < STATES; j++)
                a.to[r][j] -= factor * a.to[i][j];
            t[r] -= factor * t[i];
        }
    for (int i = STATES - 1; i >= 0; i--) {
        for (int j = i + 1; j < STATES; j++)
            t[i] -= a.to[i][j] * t[j];
        t[i] /= a.to[i][i];
    }
    return t[0];
}

void assay_cusum_make(double nights, double more, struct assay_cusum *c)
{
    double low = 0.5, high = 30;
    *c = (struct assay_cusum){
        .reference = ASSAY_CUSUM_REFERENCE, .clip = ASSAY_CUSUM_CLIP, .again = ASSAY_CUSUM_AGAIN, .more = more};
    for (int i = 0; i < 24; i++) {
        c->alarm = 0.5 * (low + high);
        c->most = MOST_SHARE * c->alarm;
        double found = assay_cusum_nights(c);
        /* beyond what double can resolve the chain's answer is no longer a number of nights */
        if (found < nights && found > 0)
            low = c->alarm;
        else
            high = c->alarm;
    }
    c->alarm = high;
    c->most = MOST_SHARE * high;
}

/* One night later; returns the chance that there was no alarm. */
static double pass_night(const struct chain *night, double s[STATES])
{
    double next[STATES] = {0}, left = 0;
    for (int i = 0; i < STATES; i++)
        for (int j = 0; j < STATES; j++)
            next[j] += s[i] * night->to[i][j];
    for (int j = 0; j < STATES; j++)
        left += next[j];
    memcpy(s, next, sizeof next);
    return left;
}

/* S after a long time without an alarm. */
static void settle(const struct assay_cusum *c, double s[STATES])
{
    struct chain quiet;
    make_night(c, 0, &quiet);
    memset(s, 0, STATES * sizeof *s);
    s[0] = 1;
    for (int t = 0; t < SETTLE; t++) {
        double left = pass_night(&quiet, s);
        for (int i = 0; i < STATES; i++)
            s[i] /= left;
    }
}

static double power_from(const struct assay_cusum *c, const double from[STATES], double step, unsigned n)
{
    struct chain night;
    double s[STATES], left = 1;
    memcpy(s, from, sizeof s);
    make_night(c, step, &night);
    for (unsigned t = 0; t < n; t++)
        left = pass_night(&night, s);
    return 1 - left;
}

double assay_cusum_power(const struct assay_cusum *c, double step, unsigned n)
{
    double s[STATES];
    settle(c, s);
    return power_from(c, s, step, n);
}

double assay_cusum_smallest(const struct assay_cusum *c)
{
    double s[STATES], low = 0, high = 40;
    settle(c, s);
    for (int i = 0; i < 24; i++) {
        double step = 0.5 * (low + high);
        *(power_from(c, s, step, ASSAY_CUSUM_NIGHTS) < ASSAY_CUSUM_CHANCE ? &low : &high) = step;
    }
    return high;
}

double assay_cusum_again(const struct assay_cusum *c)
{
    double s[STATES], first[STATES][BETWEEN], share = 0;
    int again = (int)fmin(c->again / width_of(c) + 0.5, BETWEEN);
    settle(c, s);
    fill(c, 0, first_look, STATES, BETWEEN, first[0]);
    for (int i = 0; i < STATES; i++)
        for (int j = again + 1; j < BETWEEN; j++)
            share += s[i] * first[i][j];
    return share;
}
