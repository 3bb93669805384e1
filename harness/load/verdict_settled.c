#include "harness/load/verdict_settled.h"

#include <math.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/base/student.h"

#include "assay/banned.h"

#define BATCHES 40u
#define MOST_LONGER 1e6 /* times the run: beyond it, the share is at the limit for all that a run can tell */

/* The value at rank `rank` of the sorted series, by counting its bytes from the highest on: in place, without memory. */
static uint64_t ranked(const uint64_t *values, uint64_t n, uint64_t rank, unsigned bytes)
{
    uint64_t prefix = 0;
    for (unsigned byte = bytes; byte-- > 0;) {
        uint64_t count[256] = {0}, digit = 0;
        unsigned shift = 8 * byte;
        for (uint64_t i = 0; i < n; i++)
            if (shift == 56 || values[i] >> (shift + 8) == prefix)
                count[values[i] >> shift & 255]++;
        while (rank >= count[digit])
            rank -= count[digit++];
        prefix = prefix << 8 | digit;
    }
    return prefix;
}

static unsigned bytes_of_largest(const uint64_t *values, uint64_t n)
{
    uint64_t all = 0;
    for (uint64_t i = 0; i < n; i++)
        all |= values[i];
    return all ? (71u - (unsigned)__builtin_clzll(all)) / 8 : 1;
}

static uint64_t count_over(const uint64_t *values, uint64_t n, uint64_t level)
{
    uint64_t over = 0;
    for (uint64_t i = 0; i < n; i++)
        over += values[i] > level;
    return over;
}

/* How much more the share over `level` varies from batch to batch than if latencies were independent. */
static double dispersion(const uint64_t *values, uint64_t per_batch, uint64_t level)
{
    double share[BATCHES], mean = 0, sum = 0;
    for (unsigned b = 0; b < BATCHES; b++) {
        share[b] = (double)count_over(values + b * per_batch, per_batch, level) / (double)per_batch;
        mean += share[b] / BATCHES;
    }
    for (unsigned b = 0; b < BATCHES; b++)
        sum += (share[b] - mean) * (share[b] - mean);
    return mean > 0 && mean < 1 ? (double)per_batch * sum / ((BATCHES - 1) * mean * (1 - mean)) : 1;
}

static double largest_dispersion(const uint64_t *values, uint64_t n)
{
    static const double levels[] = {0.5, 0.8, 0.9, 0.95, 0.98};
    uint64_t            per_batch = n / BATCHES;
    unsigned            bytes = bytes_of_largest(values, n);
    double              largest = 1;
    for (size_t i = 0; per_batch && i < sizeof levels / sizeof *levels; i++)
        largest = fmax(largest, dispersion(values, per_batch, ranked(values, n, (uint64_t)((double)n * levels[i]), bytes)));
    return largest;
}

/* The chance of so few over the limit, or of so many, if exactly the allowed share were over it. */
static double tail_of_few(double within, double over, double p)
{
    return within > 0 ? assay_incomplete_beta(within, over + 1, p) : 1;
}

static double tail_of_many(double within, double over, double p)
{
    return over > 0 ? assay_incomplete_beta(over, within + 1, 1 - p) : 1;
}

static bool decided(double within, double over, double p, double level)
{
    return within + over >= ASSAY_SETTLED_LEAST && (tail_of_few(within, over, p) <= level || tail_of_many(within, over, p) <= level);
}

/* How many times as long the run has to be to decide, if what was seen goes on; infinite if that is out of reach. */
static double times_as_long(double within, double over, double p, double level)
{
    double low = 1, high = 2;
    while (!decided(within * high, over * high, p, level)) {
        low = high;
        high *= 2;
        if (high > MOST_LONGER)
            return INFINITY;
    }
    for (int i = 0; i < 30; i++) {
        double middle = (low + high) / 2;
        if (decided(within * middle, over * middle, p, level))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* "1.2 % of 5000 over 15.00 ms, 1 % allowed, phi 3.4" */
static void tell_shares(const struct assay_settled_verdict *v, uint64_t limit_ns, double p, struct assay_text *out)
{
    assay_text_add(out, "%.3g %% of %llu over ", 100 * (double)v->over / (double)v->n, (unsigned long long)v->n);
    assay_string_quantity(out, (double)limit_ns / 1e9, "s", 4);
    assay_text_add(out, ", %.3g %% allowed, phi %.3g", 100 * (1 - p), v->phi);
}

static void tell(struct assay_settled_verdict *v, uint64_t limit_ns, double p, double level, double longer)
{
    struct assay_text why = ASSAY_TEXT(v->why);
    if (v->verdict == ASSAY_SETTLED_VALID || v->verdict == ASSAY_SETTLED_INVALID) {
        assay_text_add(&why, "%s: ", v->verdict == ASSAY_SETTLED_VALID ? "valid" : "invalid");
        tell_shares(v, limit_ns, p, &why);
        assay_text_add(&why, ", chance %.2g <= %.2g", v->tail, level);
        return;
    }
    assay_text_add(&why, "undecided: ");
    if (!v->n) {
        assay_text_add(&why, "there is no latency");
        return;
    }
    if (isinf(longer))
        assay_text_add(&why, "too near to the limit to tell by a longer run; ");
    else
        assay_text_add(&why, "about %.0f more seconds or %.0f more seeds; ", ceil(v->more_seconds), ceil(longer - 1));
    tell_shares(v, limit_ns, p, &why);
}

void assay_settle(const uint64_t *latencies_ns, uint64_t n, uint64_t limit_ns, double p, double level, uint64_t span_ns,
                  struct assay_settled_verdict *out)
{
    struct assay_settled_verdict v = {.verdict = ASSAY_UNDECIDED, .n = n, .phi = 1, .tail = 1, .more_seconds = INFINITY};
    double                       longer = INFINITY;
    if (n) {
        v.over = count_over(latencies_ns, n, limit_ns);
        v.phi = largest_dispersion(latencies_ns, n);
        double over = (double)v.over / v.phi, within = (double)(n - v.over) / v.phi;
        double few = tail_of_few(within, over, p), many = tail_of_many(within, over, p);
        v.tail = fmin(few, many);
        v.margin = (1 - p - (double)v.over / (double)n) / (1 - p);
        if (decided(within, over, p, level))
            v.verdict = few <= level ? ASSAY_SETTLED_VALID : ASSAY_SETTLED_INVALID;
        else
            longer = times_as_long(within, over, p, level);
        v.more_seconds = v.verdict == ASSAY_UNDECIDED ? (longer - 1) * (double)span_ns / 1e9 : 0;
    }
    tell(&v, limit_ns, p, level, longer);
    *out = v;
}
