/* What one launch says by itself: spread, outliers, memory of its own past, drift. */
#include <math.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/measure/statistics.h"
#include "assay/banned.h"

#define OUTLIER_DEVIATIONS 10.0
#define MAD_TO_DEVIATION 1.482602218505602   /* 1 / Phi^-1(3/4) */
#define MEAN_TO_DEVIATION 1.253314137315500  /* sqrt(pi / 2): the same of the mean absolute deviation */
#define MAX_LAGS 256
#define COARSEN 16
#define MAX_POINTS 256
#define DRIFT_DRAWS 400
#define DRIFT_CHANCE 0.9995 /* of each side: 99.9 % of both */
#define DRIFT_MARGIN 1.25   /* what simulated first-order noise needs besides, so that 99.9 % is kept (README) */
#define MAX_RHO 0.97

/* ---- spread ---- */

/* In whole nanoseconds; a double, because that of the largest sample is not one of its own kind. */
static double distance(uint64_t value, double from)
{
    return floor(fabs((double)value - from));
}

/* Median of |x - center|: in sorted data the nearest ones stand around the center, so walk outwards from it. */
static double median_deviation(const uint64_t *sorted, size_t n, double center)
{
    size_t right = 0, high = n;
    while (right < high) {
        size_t middle = right + (high - right) / 2;
        if ((double)sorted[middle] < center)
            right = middle + 1;
        else
            high = middle;
    }
    double last = 0, before = 0;
    for (size_t left = right, taken = 0; taken <= n / 2; taken++) {
        before = last;
        double down = left ? center - (double)sorted[left - 1] : INFINITY;
        double up = right < n ? (double)sorted[right] - center : INFINITY;
        last = down < up ? down : up;
        if (down < up)
            left--;
        else
            right++;
    }
    return n % 2 ? last : (before + last) / 2;
}

/* Iglewicz and Hoaglin (1993): |x - median| over the deviation that the MAD, or where that is zero the mean absolute
 * deviation, stands for. */
static uint64_t count_outliers(const uint64_t *sorted, size_t n, double center, double mad)
{
    double   sum = 0;
    uint64_t count = 0;
    for (size_t i = 0; i < n && mad == 0; i++)
        sum += fabs((double)sorted[i] - center);
    double limit = OUTLIER_DEVIATIONS * (mad > 0 ? mad * MAD_TO_DEVIATION : sum / (double)n * MEAN_TO_DEVIATION);
    for (size_t i = 0; i < n; i++)
        count += distance(sorted[i], center) > limit;
    return count;
}

/* ---- memory ---- */

static double mean_of(const uint64_t *x, size_t n)
{
    double mean = 0; /* running, so that no sum overflows or loses digits */
    for (size_t i = 0; i < n; i++)
        mean += ((double)x[i] - mean) / (double)(i + 1);
    return mean;
}

static double autocovariance(const uint64_t *x, size_t n, double mean, size_t lag)
{
    double sum = 0;
    for (size_t i = 0; i + lag < n; i++)
        sum += ((double)x[i] - mean) * ((double)x[i + lag] - mean);
    return sum / (double)n;
}

/* Geyer's initial positive sequence (1992): n times the variance of the mean of x, from pairs of autocovariances as
 * long as their sum stays positive. False: it had not ended at MAX_LAGS. */
static bool variance_of_mean(const uint64_t *x, size_t n, double *out)
{
    double mean = mean_of(x, n), variance = autocovariance(x, n, mean, 0), sum = -variance;
    for (size_t lag = 0; lag + 1 < n; lag += 2) {
        if (lag >= MAX_LAGS)
            return false;
        double pair = autocovariance(x, n, mean, lag) + autocovariance(x, n, mean, lag + 1);
        if (pair <= 0)
            break;
        sum += 2 * pair;
    }
    *out = sum > 0 ? sum : variance;
    return true;
}

/* A long memory is followed on ever coarser sums of neighbours (batch means), which have the same mean. */
static double effective_count(const uint64_t *samples, size_t n, double variance, uint64_t *scratch)
{
    double          of_mean = 0, scale = 1;
    const uint64_t *x = samples;
    size_t          count = n;
    if (!(variance > 0))
        return (double)n;
    while (!variance_of_mean(x, count, &of_mean)) {
        size_t fewer = count / COARSEN;
        for (size_t i = 0; i < fewer; i++) {
            uint64_t sum = 0;
            for (size_t k = 0; k < COARSEN; k++)
                sum += x[i * COARSEN + k];
            scratch[i] = sum;
        }
        x = scratch;
        count = fewer;
        scale *= COARSEN;
    }
    double effective = variance / (of_mean / (scale * scale) / (double)count);
    return fmin((double)n, fmax(1, effective));
}

/* ---- drift ---- */

struct series {
    size_t n;
    double x[MAX_POINTS];
    double room[MAX_POINTS];
};

/* At most MAX_POINTS points: the samples, or medians of equal windows of them. */
static void series_init(struct series *s, const uint64_t *samples, size_t n, uint64_t *scratch)
{
    s->n = n < MAX_POINTS ? n : MAX_POINTS;
    for (size_t i = 0; i < s->n; i++) {
        size_t begin = n / s->n * i, width = n / s->n;
        memcpy(scratch, samples + begin, width * sizeof *scratch);
        assay_sort_u64(scratch, width);
        s->x[i] = assay_median_u64(scratch, width);
    }
}

static double quarter_median(struct series *s, size_t begin)
{
    memcpy(s->room, s->x + begin, s->n / 4 * sizeof *s->room);
    return assay_median(s->room, s->n / 4);
}

/* Variance of the mean of `length` neighbours of a first-order process, times length, over its variance. */
static double inflation(double rho, double length)
{
    return (1 + rho) / (1 - rho) - 2 * rho * (1 - pow(rho, length)) / (length * (1 - rho) * (1 - rho));
}

static double lag_one(const double *x, size_t n)
{
    double mean = 0, product = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        square += (x[i] - mean) * (x[i] - mean);
        product += i ? (x[i] - mean) * (x[i - 1] - mean) : 0;
    }
    return square > 0 ? product / square : 0;
}

/* One quarter's median of a driftless run: blocks drawn from the residuals. */
static double draw_quarter(struct series *s, size_t block, struct assay_random *random)
{
    size_t quarter = s->n / 4;
    for (size_t i = 0; i < quarter;) {
        size_t from = (size_t)assay_random_below(random, s->n - block + 1);
        for (size_t k = 0; k < block && i < quarter; k++)
            s->room[i++] = s->x[from + k];
    }
    return assay_median(s->room, quarter);
}

/* How far a quarter's median may be from where it stands, by ranks: `ranks` up or down, whichever is farther. This sees
 * what blocks do not: a quarter that stands between two modes and could have fallen to the other. */
static double median_reach(struct series *s, size_t begin, double ranks)
{
    size_t quarter = s->n / 4, by = (size_t)fmin(ceil(ranks), (double)quarter / 2);
    memcpy(s->room, s->x + begin, quarter * sizeof *s->room);
    double up = assay_rank(s->room, quarter, quarter / 2 + by < quarter ? quarter / 2 + by : quarter - 1);
    double down = assay_rank(s->room, quarter, quarter / 2 - by);
    double center = assay_rank(s->room, quarter, quarter / 2);
    return fmax(up - center, center - down);
}

/* Deviation of (last quarter - first quarter) in driftless runs by block bootstrap (Kuensch 1989). */
static double drawn_deviation(struct series *s, size_t block)
{
    double              squares = 0;
    struct assay_random random;
    assay_random_init(&random, 1);
    for (int k = 0; k < DRIFT_DRAWS; k++) {
        double difference = draw_quarter(s, block, &random);
        difference -= draw_quarter(s, block, &random);
        squares += difference * difference / DRIFT_DRAWS;
    }
    return sqrt(squares);
}

/* What |last quarter - first quarter| stays below without drift. The line through the two quarters is taken out first,
 * else a drift would hide behind the noise it makes; that makes rho seem smaller by about (2 + 4 rho) / n, which is put
 * back with two standard errors. The block's length is that of Carlstein (1986) for a first-order process; what such a
 * process loses in blocks of that length is put back; Student's quantile, with as many degrees as there are independent
 * points, pays for not knowing the deviation. */
static double drift_bound(struct series *s, double first, double last)
{
    size_t samples_each = s->n / 4;
    double n = (double)s->n, quarter = (double)samples_each, slope = (last - first) / (n - quarter);
    for (size_t i = 0; i < s->n; i++)
        s->x[i] -= slope * (double)i;
    double rho = fmin(MAX_RHO, fmax(0, lag_one(s->x, s->n)));
    rho = fmin(MAX_RHO, rho + (2 + 4 * rho) / n + 2 * sqrt((1 - rho * rho) / n));
    double best = pow(2 * rho / (1 - rho * rho), 2.0 / 3) * cbrt(1.5 * n);
    size_t block = (size_t)fmin(fmax(1, ceil(best)), quarter);

    double restored = sqrt(fmax(1, inflation(rho, quarter) / inflation(rho, (double)block)));
    double freedom = fmax(3, n * (1 - rho) / (1 + rho) - 2);
    double quantile = assay_student_quantile(DRIFT_CHANCE, freedom);
    double drawn = DRIFT_MARGIN * quantile * restored * drawn_deviation(s, block);
    double ranks = quantile * sqrt(quarter * inflation(rho, quarter)) / 2;
    return fmax(drawn, hypot(median_reach(s, 0, ranks), median_reach(s, s->n - samples_each, ranks)));
}

static void judge_drift(const uint64_t *samples, size_t n, uint64_t *scratch, struct assay_launch_summary *out)
{
    struct series s;
    out->drift = out->drift_noise = NAN;
    if (n < ASSAY_DRIFT_MIN_SAMPLES)
        return;
    series_init(&s, samples, n, scratch);
    double first = quarter_median(&s, 0), last = quarter_median(&s, s.n - s.n / 4);
    if (!(first > 0))
        return;
    out->drift = last / first - 1;
    /* A nanosecond is the clock's grain: less than that is no drift. */
    out->drift_noise = fmax(drift_bound(&s, first, last), 1) / first;
}

/* ---- trend ---- */

#define TREND_BLOCKS 24
#define TREND_KEPT 512

static double trend_of(const uint64_t *samples, size_t n, uint64_t *scratch)
{
    double decile[TREND_BLOCKS], score = 0;
    if (n < 2 * TREND_BLOCKS)
        return NAN;
    for (size_t b = 0; b < TREND_BLOCKS; b++) {
        size_t begin = n * b / TREND_BLOCKS, length = n * (b + 1) / TREND_BLOCKS - begin;
        size_t kept = length < TREND_KEPT ? length : TREND_KEPT, tenth = kept / 10;
        for (size_t i = 0; i < kept; i++)
            scratch[i] = samples[begin + i * length / kept];
        assay_sort_u64(scratch, kept);
        decile[b] = (double)scratch[tenth];
    }
    for (size_t i = 0; i < TREND_BLOCKS; i++)
        for (size_t k = i + 1; k < TREND_BLOCKS; k++)
            score += (decile[k] > decile[i]) - (decile[k] < decile[i]);
    return score / (TREND_BLOCKS * (TREND_BLOCKS - 1) / 2.0);
}

void assay_launch_summarize(const uint64_t *samples, size_t n, uint64_t *sorted, struct assay_launch_summary *out)
{
    memset(out, 0, sizeof *out);
    out->n = n;
    out->mean_ns = mean_of(samples, n);
    double variance = autocovariance(samples, n, out->mean_ns, 0);
    out->lag1 = variance > 0 ? autocovariance(samples, n, out->mean_ns, 1) / variance : 0;
    out->effective_n = effective_count(samples, n, variance, sorted);
    judge_drift(samples, n, sorted, out);
    out->trend = trend_of(samples, n, sorted);

    memcpy(sorted, samples, n * sizeof *sorted);
    assay_sort_u64(sorted, n);
    out->min_ns = (double)sorted[0];
    out->max_ns = (double)sorted[n - 1];
    out->median_ns = assay_median_u64(sorted, n);
    out->p25_ns = (double)assay_percentile_u64(sorted, n, 0.25);
    out->p75_ns = (double)assay_percentile_u64(sorted, n, 0.75);
    out->mad_ns = median_deviation(sorted, n, out->median_ns);
    out->outliers = count_outliers(sorted, n, out->median_ns, out->mad_ns);
}
