#include "harness/load/steady.h"

#include <stdbool.h>
#include <stdio.h>

#include "harness/measure/statistics.h"

#include "assay/banned.h"

#define BATCHES 200u
#define LEAST_BATCH 5u /* of White's MSER-5 */
#define LEAST 100u     /* latencies; fewer tell no opening from the rest */
#define ALLOWED_SHARE 0.25

static double mean_of(const uint64_t *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum / (double)n;
}

/* The d that makes variance / (m - d) of what is behind it least, over the first half; from the end, so that each d costs a step. */
static size_t least_standard_error(const double *mean, size_t m)
{
    double sum = 0, squares = 0, best = 0, origin = mean[m - 1];
    size_t at = 0;
    bool   any = false;
    for (size_t d = m; d-- > 0;) {
        double x = mean[d] - origin, n = (double)(m - d); /* from the last one on: far from 0 squares would cancel */
        sum += x;
        squares += x * x;
        double mser = (squares - sum * sum / n) / n / n;
        if (d <= m / 2 && (!any || mser <= best)) {
            best = mser;
            at = d;
            any = true;
        }
    }
    return at;
}

/* Is the mean of the batches before d outside of the middle 80 % of those behind it? Else it is nothing that sets them apart. */
static bool stands_apart(const double *mean, size_t m, size_t d)
{
    double head = 0, rest[BATCHES];
    for (size_t i = 0; i < d; i++)
        head += mean[i] / (double)d;
    for (size_t i = d; i < m; i++)
        rest[i - d] = mean[i];
    double low = assay_rank(rest, m - d, (m - d) / 10), high = assay_rank(rest, m - d, (m - d) - 1 - (m - d) / 10);
    return head < low || head > high;
}

void assay_steady_find(const uint64_t *latencies_ns, size_t n, struct assay_steady *out)
{
    double mean[BATCHES];
    size_t each = n / BATCHES > LEAST_BATCH ? n / BATCHES : LEAST_BATCH, m = n / each;
    out->first = 0;
    if (n < LEAST) {
        (void)snprintf(out->why, sizeof out->why, "all %zu latencies count: fewer than %u tell no opening from the rest", n, LEAST);
        return;
    }
    m = m < BATCHES ? m : BATCHES;
    for (size_t i = 0; i < m; i++)
        mean[i] = mean_of(latencies_ns + i * each, each);
    size_t d = least_standard_error(mean, m);
    if (d == 0 || !stands_apart(mean, m, d)) {
        (void)snprintf(out->why, sizeof out->why, "all %zu latencies count: no opening stands apart from the rest", n);
        return;
    }
    double share = (double)(d * each) / (double)n;
    if (share > ALLOWED_SHARE) {
        (void)snprintf(out->why, sizeof out->why, "all %zu latencies count: the run is not steady (its first %.0f %% stand apart, more than %.0f %%)",
                       n, 100 * share, 100 * ALLOWED_SHARE);
        return;
    }
    out->first = d * each;
    (void)snprintf(out->why, sizeof out->why, "the first %zu of %zu latencies are its opening and do not count for settled", out->first, n);
}
