/* Order statistics, and what may be said of launches, ratios and percentiles. */
#include "harness/measure/statistics.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/error.h"
#include "harness/base/random.h"
#include "assay/banned.h"

#define BOOTSTRAP_DRAWS 2000
#define INSERTION_LIMIT 24

/* ---- order ---- */

static void exchange(uint64_t *a, uint64_t *b)
{
    uint64_t t = *a;
    *a = *b;
    *b = t;
}

static void insertion_sort(uint64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t value = x[i];
        size_t   at = i;
        for (; at && x[at - 1] > value; at--)
            x[at] = x[at - 1];
        x[at] = value;
    }
}

static void sift_down(uint64_t *x, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && x[child] < x[child + 1])
            child++;
        if (x[root] >= x[child])
            return;
        exchange(&x[root], &x[child]);
    }
}

static void heap_sort(uint64_t *x, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(x, i, n);
    for (size_t end = n; end-- > 1;) {
        exchange(&x[0], &x[end]);
        sift_down(x, 0, end);
    }
}

/* Hoare's partition around the median of three: [0, left) <= [left, n), both parts non-empty. Needs n >= 3. */
static size_t partition(uint64_t *x, size_t n)
{
    uint64_t a = x[0], b = x[n / 2], c = x[n - 1];
    uint64_t pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
    size_t   i = 0, j = n - 1;
    for (;; i++, j--) {
        while (x[i] < pivot)
            i++;
        while (x[j] > pivot)
            j--;
        if (i >= j)
            return j + 1;
        exchange(&x[i], &x[j]);
    }
}

/* In place and without allocation, unlike qsort: the harness sorts between bursts. */
void assay_sort_u64(uint64_t *samples, size_t n)
{
    unsigned depth = 2;
    for (size_t i = n; i; i >>= 1)
        depth += 2;
    while (n > INSERTION_LIMIT) {
        if (!depth--) {
            heap_sort(samples, n);
            return;
        }
        size_t left = partition(samples, n);
        if (left < n - left) {
            assay_sort_u64(samples, left);
            samples += left;
            n -= left;
        } else {
            assay_sort_u64(samples + left, n - left);
            n = left;
        }
    }
    insertion_sort(samples, n);
}

double assay_median_u64(const uint64_t *sorted, size_t n)
{
    if (!n)
        return NAN;
    uint64_t low = sorted[(n - 1) / 2], high = sorted[n / 2];
    return (double)low + (double)(high - low) / 2;
}

uint64_t assay_percentile_u64(const uint64_t *sorted, size_t n, double p)
{
    /* 100 * 0.29 is 28.999999999999996 in binary; the reader means 29. */
    double at = floor((double)n * p * (1 + 4 * DBL_EPSILON));
    size_t i = at > 0 ? (size_t)at : 0;
    return sorted[i < n ? i : n - 1];
}

/* Hoare's selection: afterwards values[k] is in its place, nothing greater stands before it. */
double assay_rank(double *values, size_t n, size_t k)
{
    for (size_t low = 0, high = n - 1; low < high;) {
        double pivot = values[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;; i++, j--) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i >= j)
                break;
            double t = values[i];
            values[i] = values[j];
            values[j] = t;
        }
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[k];
}

double assay_median(double *values, size_t n)
{
    if (!n)
        return NAN;
    double upper = assay_rank(values, n, n / 2);
    if (n % 2)
        return upper;
    double lower = values[0];
    for (size_t i = 1; i < n / 2; i++)
        lower = values[i] > lower ? values[i] : lower;
    return lower + (upper - lower) / 2;
}

/* ---- estimates ---- */

ASSAY_PRINTF(2, 3)
static void because(struct assay_estimate *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(e->why, sizeof e->why, fmt, args);
    va_end(args);
}

static struct assay_estimate estimate_of(double value, uint64_t n)
{
    return (struct assay_estimate){.has_value = true, .value = value, .low = NAN, .high = NAN, .n = n};
}

static struct assay_estimate nothing(uint64_t n)
{
    struct assay_estimate e = estimate_of(NAN, n);
    e.has_value = false;
    return e;
}

static void set_interval(struct assay_estimate *e, double low, double high, double level)
{
    e->has_interval = true;
    e->low = low;
    e->high = high;
    e->level = level;
}

/* Mean and variance (n - 1) of the logarithms; false when one of them has none. */
static bool log_moments(const double *x, size_t n, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] > 0) || isinf(x[i]))
            return false;
        sum += log(x[i]);
    }
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (log(x[i]) - *mean) * (log(x[i]) - *mean);
    *variance = n > 1 ? squares / (double)(n - 1) : NAN;
    return true;
}

static void log_interval(struct assay_estimate *e, double center, double error, double freedom, double level)
{
    double half = error > 0 ? assay_student_quantile(0.5 + level / 2, freedom) * error : 0;
    set_interval(e, exp(center - half), exp(center + half), level);
}

static bool level_is_wrong(struct assay_estimate *e, double level)
{
    bool wrong = !(level > 0 && level < 1);
    if (wrong)
        because(e, "a level must be between 0 and 1, got %g", level);
    return wrong;
}

struct assay_estimate assay_estimate_launches(const double *medians, size_t n, double level)
{
    double                mean, variance;
    struct assay_estimate e = nothing(n);
    if (!n) {
        because(&e, "no launch");
        return e;
    }
    if (!log_moments(medians, n, &mean, &variance)) {
        because(&e, "a launch's median is not a positive number");
        return e;
    }
    e = estimate_of(exp(mean), n);
    if (n < 2)
        because(&e, "one launch: the spread between launches is unknown");
    else if (!level_is_wrong(&e, level))
        log_interval(&e, mean, sqrt(variance / (double)n), (double)(n - 1), level);
    return e;
}

/* Of the logarithms of one side's medians. */
struct moments {
    size_t n;
    double mean, variance;
};

/* Differences of logarithms, pair by pair: Student's interval with n - 1 degrees of freedom. */
static struct assay_estimate ratio_of_pairs(const double *a, const double *b, size_t n, double level)
{
    struct assay_estimate e;
    double                mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += (log(b[i]) - log(a[i])) / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = log(b[i]) - log(a[i]) - mean;
        squares += d * d;
    }
    e = estimate_of(exp(mean), n);
    if (n < 2)
        because(&e, "one pair of launches: the spread between launches is unknown");
    else if (!level_is_wrong(&e, level))
        log_interval(&e, mean, sqrt(squares / (double)(n - 1) / (double)n), (double)(n - 1), level);
    return e;
}

/* Welch's: two sides of their own spread, the degrees of freedom by Satterthwaite. */
static struct assay_estimate ratio_of_means(const struct moments *a, const struct moments *b, double level)
{
    struct assay_estimate e = estimate_of(exp(b->mean - a->mean), a->n < b->n ? a->n : b->n);
    if (a->n < 2 || b->n < 2) {
        because(&e, "one launch on a side (%zu against %zu): the spread between launches is unknown", a->n, b->n);
        return e;
    }
    if (level_is_wrong(&e, level))
        return e;
    double share_a = a->variance / (double)a->n, share_b = b->variance / (double)b->n, sum = share_a + share_b;
    double freedom = sum * sum / (share_a * share_a / (double)(a->n - 1) + share_b * share_b / (double)(b->n - 1));
    log_interval(&e, b->mean - a->mean, sqrt(sum), freedom, level);
    return e;
}

struct assay_estimate assay_estimate_ratio(const double *a, size_t n_a, const double *b, size_t n_b, bool paired,
                                           double level)
{
    struct moments        of_a = {.n = n_a}, of_b = {.n = n_b};
    size_t                fewer = n_a < n_b ? n_a : n_b;
    struct assay_estimate e = nothing(fewer);
    if (!fewer)
        because(&e, "no launch on one side: %zu against %zu", n_a, n_b);
    else if (paired && n_a != n_b)
        because(&e, "pairs need equal numbers of launches, got %zu and %zu", n_a, n_b);
    else if (!log_moments(a, n_a, &of_a.mean, &of_a.variance) || !log_moments(b, n_b, &of_b.mean, &of_b.variance))
        because(&e, "a launch's median is not a positive number");
    else
        e = paired ? ratio_of_pairs(a, b, n_a, level) : ratio_of_means(&of_a, &of_b, level);
    return e;
}

/* `room` holds 2 n + BOOTSTRAP_DRAWS doubles. */
static void bootstrap_pairs(const double *a, const double *b, size_t n, double level, uint64_t seed, double *room,
                            struct assay_estimate *e)
{
    double             *draw_a = room, *draw_b = room + n, *ratio = room + 2 * n, tail = (1 - level) / 2;
    struct assay_random random;
    assay_random_init(&random, seed);
    for (size_t k = 0; k < BOOTSTRAP_DRAWS; k++) {
        for (size_t i = 0; i < n; i++) {
            size_t from = (size_t)assay_random_below(&random, n);
            draw_a[i] = a[from];
            draw_b[i] = b[from];
        }
        double under = assay_median(draw_a, n);
        ratio[k] = assay_median(draw_b, n) / under;
    }
    size_t cut = (size_t)(tail * BOOTSTRAP_DRAWS);
    double low = assay_rank(ratio, BOOTSTRAP_DRAWS, cut);
    set_interval(e, low, assay_rank(ratio, BOOTSTRAP_DRAWS, BOOTSTRAP_DRAWS - 1 - cut), level);
}

struct assay_estimate assay_estimate_interleaved(const double *a, const double *b, size_t n, double level,
                                                 uint64_t seed)
{
    struct assay_estimate e = nothing(n);
    bool                  usable = true;
    for (size_t i = 0; i < n; i++)
        usable = usable && a[i] > 0 && b[i] >= 0 && !isinf(a[i]) && !isinf(b[i]);
    if (!n || !usable) {
        because(&e, n ? "a member of a pair is not a positive number" : "no pair was taken");
        return e;
    }
    double *room = calloc(2 * n + BOOTSTRAP_DRAWS, sizeof *room);
    if (!room) {
        because(&e, "no memory for %zu pairs", n);
        return e;
    }
    for (size_t i = 0; i < n; i++) {
        room[i] = a[i];
        room[n + i] = b[i];
    }
    double under = assay_median(room, n);
    e = estimate_of(assay_median(room + n, n) / under, n);
    if (n < ASSAY_BOOTSTRAP_MIN_PAIRS)
        because(&e, "too few: %zu pairs, an interval needs %d", n, ASSAY_BOOTSTRAP_MIN_PAIRS);
    else if (!level_is_wrong(&e, level))
        bootstrap_pairs(a, b, n, level, seed, room, &e);
    free(room);
    return e;
}

/* The real r in (0, m] where the r-th of m ordered draws lies below the p-quantile with probability `chance`: it is
 * Beta(r, m + 1 - r) distributed, so I_p(r, m + 1 - r) = chance, which falls as r grows. */
static double rank_below(double m, double p, double chance)
{
    double low = 0, high = m + 1;
    for (int i = 0; i < 60; i++) {
        double middle = low + (high - low) / 2;
        if (assay_incomplete_beta(middle, m + 1 - middle, p) > chance)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

struct assay_estimate assay_estimate_percentile(const uint64_t *sorted, size_t n, double effective_n, double p,
                                                double level)
{
    struct assay_estimate e = nothing(n);
    if (!n || !(p >= 0 && p < 1)) {
        because(&e, n ? "a percentile must be in [0, 1), got %g" : "no sample", p);
        return e;
    }
    e = estimate_of((double)assay_percentile_u64(sorted, n, p), n);
    if (level_is_wrong(&e, level))
        return e;
    double m = effective_n > (double)n ? (double)n : effective_n, tail = (1 - level) / 2;
    double needed = ceil(fmax(log(tail) / log(p), log(tail) / log1p(-p)));
    if (!(m >= needed)) {
        because(&e, "too few: %.0f effective of %zu samples, %g %% needs %.0f", m > 0 ? m : 0.0, n, 100 * p, needed);
        return e;
    }
    /* Outwards to whole ranks of the effective sample, then to the same share of the real one. */
    double low = floor(rank_below(m, p, 1 - tail)), high = ceil(rank_below(m, p, tail)), scale = (double)n / m;
    size_t first = low < 1 ? 0 : (size_t)(low * scale) - 1, last = (size_t)ceil(high * scale) - 1;
    set_interval(&e, (double)sorted[first], (double)sorted[last < n ? last : n - 1], level);
    return e;
}
