#include "harness/judge/history/change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/statistics.h"

#include "assay/banned.h"

#define CLIP ASSAY_CUSUM_CLIP
#define CLIPPED_VARIANCE 0.99501 /* E min(Z^2, 9) of a normal Z */
#define SMALLEST_NOISE 5e-4      /* of a night: what clocks resolve and placement of buffers does; also of what is computed */
#define CARRIED_NIGHTS 30.0      /* of a segment's noise that the next one is believed with */
#define LAGS 5                   /* nights that an excursion to the alarm takes: alarm / reference */
#define UNKNOWN_REPEAT 0.5
#define EXPECTED_SQUARES 16.0 /* what launches say of repeats counts as much as two second looks, at 2 to 3 night's noises each  \
                               */
#define FAR 4.0               /* standard deviations: where one false alarm in some 10^4 nights is */
#define UNKNOWN_CORRELATION 1.5 /* of a series of which nothing is known, which counts as much as so many nights of it: */
#define UNKNOWN_NIGHTS 15.0
#define SAFETY 2.0 /* limits are for so many times fewer false messages: for what the computation does not know */
#define GROWTH 1.1 /* of the baseline until it is estimated again */

void assay_change_limits_make(size_t series, double nights, struct assay_change_limits *out)
{
    double each = 2 * SAFETY * nights * (double)(series > 0 ? series : 1); /* two sides a series; expectations add */
    for (int i = 0; i < ASSAY_CHANGE_LOOKS; i++) {
        assay_cusum_make(each, 0.5 * i, &out->look[i]);
        out->smallest[i] = assay_cusum_smallest(&out->look[i]);
    }
}

struct following {
    const struct assay_change_series *series;
    const struct assay_change_limits *limits;
    double *residual, *scratch; /* of n nights */
    size_t segment, calm, need; /* the baseline is [segment, calm) */
    size_t next;                /* size of the baseline at which it is estimated again */
    bool known;
    double level, scale, correlation, unit, repeat, beta[ASSAY_CHANGE_MOST_FACTORS];
    double carried_scale, carried_correlation, carried; /* from the segment before, and for how many nights it counts */
    double together, squares; /* of second looks: sums of first score times mean of the further ones, and of squared first ones */
    double s[2];              /* slower, faster */
    size_t zero[2];           /* first night after S was 0 */
    bool again;
};

static double clip(double z)
{
    return z > CLIP ? CLIP : z < -CLIP ? -CLIP : z;
}

static double without_factors(const struct following *f, const double *const factor[], double value, size_t i)
{
    for (size_t k = 0; k < f->series->n_factors; k++)
        value -= f->beta[k] * factor[k][i];
    return value;
}

/* ---- the baseline ------------------------------------------------------------------------------------------------ */

/* Huber's proposal 2 (1964): location and scale together, so that the clipped scores have mean 0 and the variance that they have
 * for normal noise, whatever the noise is. */
static void locate(struct following *f)
{
    size_t n = f->calm - f->segment;
    double *r = f->residual + f->segment;
    double m = f->level, s = f->scale;
    if (!f->known) {
        memcpy(f->scratch, r, n * sizeof *r);
        m = assay_median(f->scratch, n);
        for (size_t i = 0; i < n; i++)
            f->scratch[i] = fabs(r[i] - m);
        s = fmax(assay_median(f->scratch, n) / 0.6745, SMALLEST_NOISE);
    }
    for (int step = 0; step < 12; step++) {
        double sum = 0, squares = 0, before = s;
        for (size_t i = 0; i < n; i++) {
            double z = clip((r[i] - m) / s);
            sum += z;
            squares += z * z;
        }
        double freedom = (double)n - 1 - (double)f->series->n_factors;
        double own = fmax(squares - sum * sum / (double)n, 0) * s * s / CLIPPED_VARIANCE,
               carried = f->carried * f->carried_scale * f->carried_scale;
        m += s * sum / (double)n;
        s = fmax(sqrt((own + carried) / (fmax(freedom, 1) + f->carried)), SMALLEST_NOISE);
        if (fabs(s - before) < 1e-4 * s && fabs(sum) < 1e-4 * (double)n)
            break;
    }
    f->level = m;
    f->scale = s;
}

/* Gauss elimination with the diagonal as pivot: the matrix is positive definite by its ridge. */
static void solve(size_t n, double a[][ASSAY_CHANGE_MOST_FACTORS + 1])
{
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < n; r++) {
            double factor = r == i ? 0 : a[r][i] / a[i][i];
            for (size_t j = i; factor != 0 && j <= n; j++)
                a[r][j] -= factor * a[i][j];
        }
    for (size_t i = 0; i < n; i++)
        a[i][n] /= a[i][i];
}

/* Coefficients of the factors: weighted least squares, with a normal prior of mean 0 and variance 1, by which a factor that has
 * not moved has no say. */
static void weigh_factors(struct following *f)
{
    const struct assay_change_series *x = f->series;
    size_t n = x->n_factors;
    double a[ASSAY_CHANGE_MOST_FACTORS][ASSAY_CHANGE_MOST_FACTORS + 1] = {{0}}, mean[ASSAY_CHANGE_MOST_FACTORS] = {0},
                                                                    weights = 0, values = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = f->segment; i < f->calm; i++) {
            double far = fabs(f->residual[i] - f->level) / f->scale, w = far > 2 ? 2 / far : 1;
            if (!pass) {
                weights += w;
                values += w * x->value[i];
            }
            for (size_t k = 0; k < n; k++) {
                if (!pass) {
                    mean[k] += w * x->factor[k][i];
                    continue;
                }
                double d = x->factor[k][i] - mean[k] / weights;
                a[k][n] += w * d * (x->value[i] - values / weights);
                for (size_t l = 0; l < n; l++)
                    a[k][l] += w * d * (x->factor[l][i] - mean[l] / weights);
            }
        }
    for (size_t k = 0; k < n; k++)
        a[k][k] += f->scale * f->scale;
    solve(n, a);
    for (size_t k = 0; k < n; k++)
        f->beta[k] = a[k][n];
}

static void take_factors_out(struct following *f)
{
    for (size_t i = f->segment; i < f->calm; i++)
        f->residual[i] = without_factors(f, f->series->factor, f->series->value[i], i);
}

/* By how much the variance of a mean over LAGS nights exceeds that of independent ones: Bartlett's weights (Newey and West 1987),
 * with 1/n for what subtracting the mean takes from each correlation. Never below 1. */
static void correlate(struct following *f)
{
    size_t n = f->calm - f->segment;
    double variance = 0, v = 1;
    for (size_t i = 0; i < n; i++) {
        f->scratch[i] = clip((f->residual[f->segment + i] - f->level) / f->scale);
        variance += f->scratch[i] * f->scratch[i];
    }
    for (size_t lag = 1; lag < LAGS && lag < n && variance > 0; lag++) {
        double sum = 0;
        for (size_t i = lag; i < n; i++)
            sum += f->scratch[i] * f->scratch[i - lag];
        v += 2 * (1 - (double)lag / LAGS) * (sum / variance + 1 / (double)n);
    }
    f->correlation = fmax(1, (v * (double)n + f->carried_correlation * f->carried + UNKNOWN_CORRELATION * UNKNOWN_NIGHTS) /
                                 ((double)n + f->carried + UNKNOWN_NIGHTS));
}

static double sigma(const struct following *f)
{
    return f->scale * sqrt(f->correlation);
}

/* One night's noise as a score is divided by: with what the baseline's own error does to an excursion of LAGS nights, and with
 * what a noise that is estimated needs, Student's t over the normal quantile as far out as an alarm is (Wallace 1959). */
static double unit(const struct following *f)
{
    double n = (double)(f->calm - f->segment), freedom = fmax(n - 1 - (double)f->series->n_factors, 1) + f->carried;
    double far = FAR * (8 * freedom + 3) / (8 * freedom + 1);
    return sigma(f) * sqrt(1 + LAGS / n) * sqrt(freedom * expm1(far * far / freedom)) / FAR;
}

static void estimate(struct following *f)
{
    size_t n = f->calm - f->segment;
    take_factors_out(f);
    locate(f);
    f->known = true;
    for (int pass = 0; pass < 2 && f->series->n_factors > 0 && n >= 2 * ASSAY_CHANGE_LEARN; pass++) {
        weigh_factors(f);
        take_factors_out(f);
        locate(f);
    }
    correlate(f);
    double within = f->series->within;
    double expected = isnan(within) ? UNKNOWN_REPEAT : fmax(0, 1 - within / (f->scale * f->scale));
    f->repeat = fmax(0, fmin(1, (expected * EXPECTED_SQUARES + f->together) / (EXPECTED_SQUARES + f->squares)));
    f->unit = unit(f);
    f->next = (size_t)((double)n * GROWTH) + 1;
}

/* ---- nights ------------------------------------------------------------------------------------------------------ */

static double score(const struct following *f, double residual)
{
    return clip((residual - f->level) / f->unit);
}

/* What runs in addition to a night's first are worth, in independent ones. */
static double worth(const struct following *f, unsigned n_again)
{
    double m = 1.0 + n_again;
    return m / (1 + (m - 1) * f->repeat) - 1;
}

static const struct assay_cusum *look_of(const struct following *f, double more)
{
    int class = (int)(2 * more + 1e-9);
    return &f->limits->look[class < ASSAY_CHANGE_LOOKS ? class : ASSAY_CHANGE_LOOKS - 1];
}

/* The night's further runs: how many, and the sum of their scores, each clipped by itself. */
static unsigned look_again(const struct following *f, size_t i, double *sum)
{
    unsigned n = f->series->n_again ? f->series->n_again[i] : 0;
    *sum = 0;
    for (unsigned k = 0; k < n; k++) {
        size_t at = i * ASSAY_CHANGE_MOST_AGAIN + k;
        *sum += score(f, without_factors(f, f->series->factor_again, f->series->again[at], at));
    }
    return n;
}

/* Both sides by one night; the side that raises the alarm, or -1. */
static int pass_night(struct following *f, size_t i)
{
    double first = score(f, without_factors(f, f->series->factor, f->series->value[i], i)), further;
    unsigned n_again = look_again(f, i, &further);
    const struct assay_cusum *once = look_of(f, 0), *twice = look_of(f, worth(f, n_again));
    int alarm = -1;
    bool looked = false;
    f->again = false;
    for (int side = 0; side < 2; side++) {
        double sign = side ? -1 : 1, before = f->s[side], s = fmax(0, before + sign * first - once->reference);
        bool second = n_again > 0 && s > once->again;
        const struct assay_cusum *c = second ? twice : once;
        looked = looked || second;
        if (second) { /* the mean of all runs, as so many independent ones, less the first */
            double mean = (first + further) / (1.0 + n_again);
            s = fmax(0, s + sign * ((1 + c->more) * mean - first) - c->more * c->reference);
        }
        f->again = f->again || (!n_again && s > once->again);
        f->s[side] = fmin(s, before + c->most);
        if (f->s[side] <= 0)
            f->zero[side] = i + 1;
        else if (f->s[side] > c->alarm)
            alarm = side;
    }
    if (looked) {
        f->together += first * further / n_again;
        f->squares += first * first;
    }
    if (f->s[0] <= 0 && f->s[1] <= 0)
        f->calm = i + 1;
    return alarm;
}

static void begin_segment(struct following *f, size_t first, size_t calm)
{
    if (f->known) {
        f->carried = fmin(CARRIED_NIGHTS, (double)(f->calm - f->segment) + f->carried);
        f->carried_scale = f->scale;
        f->carried_correlation = f->correlation;
        f->need = ASSAY_CHANGE_LEARN_AGAIN;
    }
    f->segment = first;
    f->calm = calm;
    f->known = false;
    f->s[0] = f->s[1] = 0;
    f->zero[0] = f->zero[1] = calm;
}

double assay_change_error(const struct assay_change *change, size_t nights)
{
    return change->noise * sqrt(1.0 / (double)nights + 1.0 / (double)change->baseline);
}

/* Where in the excursion the level most likely changed: the split with the largest gain (Hinkley 1970), from the last night at
 * which S was 0 on, or the night before it. */
static struct assay_change describe(const struct following *f, int side, size_t i)
{
    size_t from = f->zero[side] > f->segment + 1 ? f->zero[side] - 1 : f->zero[side], first = f->zero[side];
    double sum = 0, best = -1, sign = side ? -1 : 1;
    for (size_t k = i + 1; k-- > from;) {
        double n = (double)(i + 1 - k);
        sum += score(f, without_factors(f, f->series->factor, f->series->value[k], k));
        if (sign * sum > 0 && sum * sum / n > best) {
            best = sum * sum / n;
            first = k;
        }
    }
    struct assay_change c = {.last_good = first > 0 ? first - 1 : 0,
                             .first_bad = first,
                             .confirmed = i,
                             .before = f->level,
                             .noise = sigma(f),
                             .baseline = f->calm - f->segment};
    size_t n = i + 1 - first;
    for (size_t k = first; k <= i; k++)
        f->scratch[k - first] = without_factors(f, f->series->factor, f->series->value[k], k);
    c.after = assay_median(f->scratch, n);
    c.error = assay_change_error(&c, n);
    return c;
}

static void tell_state(const struct following *f, struct assay_change_state *out)
{
    *out = (struct assay_change_state){
        .segment = f->segment, .level = f->level, .smallest = INFINITY, .sigma = NAN, .correlation = 1, .repeat = NAN};
    if (!f->known)
        return;
    const struct assay_cusum *c = look_of(f, worth(f, ASSAY_CUSUM_RUNS_AGAIN));
    out->nights = f->calm - f->segment;
    out->sigma = sigma(f);
    out->correlation = f->correlation;
    out->repeat = f->repeat;
    out->smallest = f->limits->smallest[c - f->limits->look] * f->unit;
    out->slower = f->s[0] / c->alarm;
    out->faster = f->s[1] / c->alarm;
    out->again = f->again;
    memcpy(out->factor, f->beta, sizeof out->factor);
}

static void tell_level(const struct following *f, size_t end, double *level)
{
    for (size_t k = f->segment; level && k < end; k++)
        level[k] = f->known || f->calm > f->segment ? f->level : NAN;
}

static bool follow_night(struct following *f, size_t i, struct assay_change *change)
{
    if (!f->known || f->calm - f->segment >= f->next) {
        if (i - f->segment < f->need) {
            f->calm = i + 1;
            f->zero[0] = f->zero[1] = i + 1;
            return false;
        }
        estimate(f);
    }
    int side = pass_night(f, i);
    if (side >= 0)
        *change = describe(f, side, i);
    return side >= 0;
}

/* The level of a segment that ends before it was estimated is the median of its nights. */
static void close_segment(struct following *f, size_t end, double *level)
{
    if (!level || end <= f->segment)
        return;
    if (!f->known) {
        take_factors_out(f);
        memcpy(f->scratch, f->residual + f->segment, (end - f->segment) * sizeof *f->scratch);
        f->level = assay_median(f->scratch, end - f->segment);
    }
    tell_level(f, end, level);
}

size_t assay_change_follow(const struct assay_change_series *series, const struct assay_change_limits *limits,
                           struct assay_change *changes, size_t most, struct assay_change_state *state, double *level)
{
    size_t found = 0;
    struct following f = {
        .series = series, .limits = limits, .need = ASSAY_CHANGE_LEARN, .correlation = 1, .carried_correlation = 1};
    f.residual = calloc(2 * series->n + 2, sizeof *f.residual);
    f.scratch = f.residual ? f.residual + series->n + 1 : NULL;
    for (size_t i = 0; f.residual && i < series->n; i++) {
        struct assay_change change;
        if (series->restart && series->restart[i] && i > f.segment) {
            close_segment(&f, i, level);
            begin_segment(&f, i, i);
        }
        if (!follow_night(&f, i, &change))
            continue;
        changes[found < most ? found : most - 1] = change;
        found += found < most;
        close_segment(&f, change.first_bad, level);
        begin_segment(&f, change.first_bad, i + 1);
    }
    if (f.residual)
        close_segment(&f, series->n, level);
    tell_state(&f, state);
    free(f.residual);
    return found;
}
