#include "harness/judge/compare_statistics.h"

#include <math.h>
#include <stdlib.h>

#include "harness/measure/statistics.h"

#include "assay/banned.h"

#define UPPER (1 - (1 - ASSAY_COMPARE_LEVEL) / 2)
#define MOST_LAUNCHES 1000000u

static double log_mean(const double *values, size_t n)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += log(values[i]) / (double)n;
    return mean;
}

double assay_compare_log_variance(const double *values, size_t n)
{
    double mean = log_mean(values, n), squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (log(values[i]) - mean) * (log(values[i]) - mean);
    return squares / (double)(n - 1);
}

static struct assay_compare_test of_pairs(const double *a, const double *b, size_t n)
{
    struct assay_compare_test test = {.paired = true, .n = n, .freedom = (double)(n - 1)};
    double squares = 0;
    test.mean = log_mean(b, n) - log_mean(a, n);
    for (size_t i = 0; i < n; i++) {
        double d = log(b[i]) - log(a[i]) - test.mean;
        squares += d * d;
    }
    test.variance = squares / (double)(n - 1);
    test.error = sqrt(test.variance / (double)n);
    return test;
}

struct assay_compare_test assay_compare_test_make(const double *a, size_t n_a, const double *b, size_t n_b, bool paired)
{
    if (paired)
        return of_pairs(a, b, n_a);
    double va = assay_compare_log_variance(a, n_a), vb = assay_compare_log_variance(b, n_b);
    double ea = va / (double)n_a, eb = vb / (double)n_b, sum = ea + eb;
    return (struct assay_compare_test){
        .mean = log_mean(b, n_b) - log_mean(a, n_a),
        .error = sqrt(sum),
        .freedom = sum * sum / (ea * ea / (double)(n_a - 1) + eb * eb / (double)(n_b - 1)), /* Welch, Satterthwaite */
        .variance = va + vb,
        .n = n_a < n_b ? n_a : n_b,
    };
}

double assay_compare_test_p(const struct assay_compare_test *test, double margin)
{
    double over = test->mean - margin;
    if (!(test->error > 0))
        return over > 0 ? 0 : 1;
    double t = over / test->error, v = test->freedom;
    double tail = assay_incomplete_beta(v / 2, 0.5, v / (v + t * t)) / 2; /* of |T| > |t|, one side */
    return t > 0 ? tail : 1 - tail;
}

static bool is_enough(const struct assay_compare_test *test, uint64_t n, double distance)
{
    double freedom = (double)(test->paired ? n - 1 : 2 * n - 2);
    return assay_student_quantile(UPPER, freedom) * sqrt(test->variance / (double)n) <= distance;
}

uint64_t assay_compare_test_more(const struct assay_compare_test *test, double margin)
{
    double distance = fabs(test->mean - margin);
    uint64_t low = test->n, high = 2 * low;
    if (is_enough(test, low, distance) || !is_enough(test, MOST_LAUNCHES, distance))
        return 0;
    while (!is_enough(test, high, distance)) {
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (is_enough(test, middle, distance))
            high = middle;
        else
            low = middle;
    }
    return high - test->n;
}

double assay_compare_self(double s, size_t n)
{
    return expm1(assay_student_quantile(UPPER, (double)(2 * n - 2)) * s * sqrt(2.0 / (double)n));
}

struct ranked {
    double p;
    size_t at;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->p > y->p) - (x->p < y->p);
}

bool assay_compare_holm(const double *p, size_t n, double level, bool *rejected)
{
    struct ranked *sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < n; i++) {
        sorted[i] = (struct ranked){p[i], i};
        rejected[i] = false;
    }
    qsort(sorted, n, sizeof *sorted, compare_ranked);
    for (size_t i = 0; i < n && sorted[i].p <= level / (double)(n - i); i++)
        rejected[sorted[i].at] = true;
    free(sorted);
    return true;
}
