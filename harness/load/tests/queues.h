/* Queues whose waiting times are known in closed form, in virtual time: M/D/1 and M/M/c, first come first served. Time is in services:
 * a service takes 1 on average. */
#ifndef ASSAY_TESTS_QUEUES_H
#define ASSAY_TESTS_QUEUES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/load/arrivals.h"

#define QUEUE_SERVICE_NS 1000000.0 /* of the mean service */
#define QUEUE_MAX_SERVERS 8

struct queue {
    bool     deterministic; /* M/D/1 */
    unsigned servers;
    double   load; /* rho: arrivals per service and server */
};

/* ---- closed forms -------------------------------------------------------------------------------------------- */

/* The chance to wait in M/M/c (Erlang C), by the recursion of Erlang B. */
static inline double queue_chance_to_wait(const struct queue *q)
{
    double a = q->load * q->servers, blocked = 1;
    for (unsigned k = 1; k <= q->servers; k++)
        blocked = a * blocked / (k + a * blocked);
    return blocked / (1 - q->load * (1 - blocked));
}

/* M/D/1: Pollaczek and Khinchine; M/M/c: Erlang C over c - a. */
static inline double queue_mean_wait(const struct queue *q)
{
    if (q->deterministic)
        return q->load / (2 * (1 - q->load));
    return queue_chance_to_wait(q) / (q->servers * (1 - q->load));
}

#define QUEUE_STATES 1200

/* M/D/1: chances of k in the system, by balancing the crossings of every level: no term is negative. Returns their sums. */
static inline void queue_states(double load, double sum[QUEUE_STATES])
{
    double p[QUEUE_STATES], more[QUEUE_STATES], a = exp(-load), above = 1 - a;
    for (int k = 0; k < QUEUE_STATES; k++) { /* more[k]: more than k arrive in a service */
        more[k] = above > 0 ? above : 0;
        a *= load / (k + 1);
        above -= a;
        if (k > 40)
            above = 0; /* below 1e-50 */
    }
    p[0] = 1 - load;
    sum[0] = p[0];
    for (int j = 0; j + 1 < QUEUE_STATES; j++) {
        double in = p[0] * more[j];
        for (int i = 1; i <= j; i++)
            in += p[i] * more[j - i + 1];
        p[j + 1] = in / exp(-load);
        sum[j + 1] = sum[j] + p[j + 1];
    }
}

/* P(wait > x) of M/D/1 (Franx, Operations Research Letters 29, 2001, with c = 1): with k = floor(x) + 1 and u = load (k - x),
 * P(wait <= x) = e^-u sum over j < k of P(at most k - 1 - j wait) u^j / j!. */
static inline double queue_wait_beyond_deterministic(double load, double x)
{
    static double sum[QUEUE_STATES], of_load;
    if (of_load != load) {
        queue_states(load, sum);
        of_load = load;
    }
    int    k = (int)floor(x) + 1;
    double u = load * (k - x), term = exp(-u), within = 0;
    for (int j = 0; j < k; j++) {
        within += sum[k - j] * term; /* at most k - 1 - j wait: at most k - j are there */
        term *= u / (j + 1);
    }
    return 1 - within;
}

/* P(latency > t), latency = wait + service. */
static inline double queue_latency_beyond(const struct queue *q, double t)
{
    if (q->deterministic)
        return t < 1 ? 1 : queue_wait_beyond_deterministic(q->load, t - 1);
    double waits = queue_chance_to_wait(q), rate = q->servers * (1 - q->load);
    double both = fabs(rate - 1) < 1e-9 ? (1 + t) * exp(-t) : (rate * exp(-t) - exp(-rate * t)) / (rate - 1);
    return (1 - waits) * exp(-t) + waits * both;
}

/* The limit that the share `beyond` of latencies exceeds. */
static inline double queue_limit(const struct queue *q, double beyond)
{
    double low = 0, high = 1;
    while (queue_latency_beyond(q, high) > beyond)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (queue_latency_beyond(q, middle) > beyond)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* ---- virtual time --------------------------------------------------------------------------------------------- */

struct queue_run {
    struct assay_arrivals *arrivals;
    struct assay_random    services;
    double                 free_ns[QUEUE_MAX_SERVERS];
};

static inline enum assay_code queue_start(const struct queue *q, uint64_t seed, struct queue_run *out, struct assay_error *err)
{
    struct assay_scenario scenario;
    struct assay_seeds    seeds;
    out->arrivals = NULL;
    if (assay_scenario_parse("server/performance_samples=1,min_queries=0", &scenario, err))
        return err->code;
    scenario.qps = q->load * q->servers * 1e9 / QUEUE_SERVICE_NS;
    assay_seeds_from(seed, &seeds);
    assay_random_init(&out->services, seed ^ 0x5e41ce5u);
    memset(out->free_ns, 0, sizeof out->free_ns);
    return assay_arrivals_new(&scenario, &seeds, &out->arrivals, err);
}

/* Latencies of the next n queries; *wait_ns (may be NULL): their mean wait. */
static inline void queue_go(const struct queue *q, struct queue_run *r, uint64_t n, uint64_t *latency_ns, double *wait_ns)
{
    double sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct assay_arrival row;
        unsigned             first = 0;
        (void)assay_arrivals_next(r->arrivals, &row);
        for (unsigned s = 1; s < q->servers; s++)
            if (r->free_ns[s] < r->free_ns[first])
                first = s;
        double arrival = (double)row.scheduled_ns, start = fmax(arrival, r->free_ns[first]);
        double service = q->deterministic ? 1 : -log1p(-assay_random_unit(&r->services));
        r->free_ns[first] = start + service * QUEUE_SERVICE_NS;
        sum += start - arrival;
        if (latency_ns)
            latency_ns[i] = (uint64_t)(r->free_ns[first] - arrival);
    }
    if (wait_ns)
        *wait_ns = sum / (double)n;
}

#endif
