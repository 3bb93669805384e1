/* Is the settled verdict sound where latencies hang together? In M/D/1 and M/M/c near saturation, with a limit that 1.1 % of all
 * latencies exceed where 1 % may (from closed forms, queues.h), it may call at most 3 % of the runs valid. Prints the published
 * rule's share beside it, and how often a run of each length decides at other exceedances. Also: what is simulated is the queue that
 * the closed forms are about. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/parallel.h"
#include "harness/load/tests/queues.h"
#include "harness/load/verdict_loadgen.h"
#include "harness/load/verdict_settled.h"

#define P 0.99
#define LEVEL 0.01
#define RUNS 1000

static const struct queue queues[] = {
    {true, 1, 0.7},  {true, 1, 0.9},  {true, 1, 0.95},  {false, 1, 0.7}, {false, 1, 0.9}, {false, 1, 0.95},
    {false, 2, 0.7}, {false, 2, 0.9}, {false, 2, 0.95}, {false, 8, 0.7}, {false, 8, 0.9}, {false, 8, 0.95},
};
#define N_QUEUES (sizeof queues / sizeof *queues)
static const uint64_t lengths[] = {10000, 30000, 100000, 300000}; /* of a run's beginning */
static const double   exceedances[] = {0.003, 0.005, 0.008, 0.009, 0.01, 0.011, 0.0125, 0.015, 0.02};
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FALSE_AT 5 /* the exceedance that must not be called valid */
#define CURVE_RUNS 100

struct tally {
    unsigned valid, invalid, published;
};

static void count(const uint64_t *latency, uint64_t n, uint64_t limit, struct tally *t)
{
    struct assay_settled_verdict v;
    assay_settle(latency, n, limit, P, LEVEL, n, &v);
    t->valid += v.verdict == ASSAY_SETTLED_VALID;
    t->invalid += v.verdict == ASSAY_SETTLED_INVALID;
    t->published += assay_early_stopping_passes(P, n, v.over);
}

static int fail(const struct assay_error *err)
{
    fprintf(stderr, "long_settled: %s\n", err->message);
    return 1;
}

/* Until what began empty has forgotten it. */
static uint64_t warm_up(const struct queue *q)
{
    return (uint64_t)(20 / ((1 - q->load) * (1 - q->load)));
}

static void tell_name(const struct queue *q)
{
    printf("%s/%u rho %.2f", q->deterministic ? "M/D" : "M/M", q->servers, q->load);
}

/* ---- the virtual queue is the one of the closed forms ------------------------------------------------------------- */

#define BATCHES 40
#define BATCH 250000

/* Standard errors of the mean of the batches, by their spread, that lie between it and the closed form. */
static double errors_away(const double value[BATCHES], double closed)
{
    double mean = 0, sum = 0;
    for (int b = 0; b < BATCHES; b++)
        mean += value[b] / BATCHES;
    for (int b = 0; b < BATCHES; b++)
        sum += (value[b] - mean) * (value[b] - mean);
    return fabs(mean - closed) / sqrt(sum / (BATCHES * (BATCHES - 1)));
}

static int agree(const struct queue *q, uint64_t *latency, bool *sound)
{
    static const double share[] = {0.5, 0.1, 0.01};
    double              wait[BATCHES], over[3][BATCHES] = {{0}}, worst;
    struct queue_run    r;
    struct assay_error  err = {0};
    if (queue_start(q, 77 + (uint64_t)(q - queues), &r, &err))
        return fail(&err);
    queue_go(q, &r, warm_up(q), NULL, NULL);
    for (int b = 0; b < BATCHES; b++) {
        queue_go(q, &r, BATCH, latency, &wait[b]);
        wait[b] /= QUEUE_SERVICE_NS;
        for (int k = 0; k < 3; k++) {
            uint64_t limit = (uint64_t)(queue_limit(q, share[k]) * QUEUE_SERVICE_NS);
            for (uint64_t i = 0; i < BATCH; i++)
                over[k][b] += (double)(latency[i] > limit) / BATCH;
        }
    }
    assay_arrivals_free(r.arrivals);
    tell_name(q);
    worst = errors_away(wait, queue_mean_wait(q));
    printf(": standard errors from closed forms over %d queries: mean wait %.1f", BATCHES * BATCH, worst);
    for (int k = 0; k < 3; k++) {
        double away = errors_away(over[k], share[k]);
        printf(", p%g %.1f", 100 * (1 - share[k]), away);
        worst = fmax(worst, away);
    }
    putchar('\n');
    *sound = *sound && worst <= 4.5; /* 48 comparisons with 39 degrees of freedom: once in 300 times by chance */
    return 0;
}

/* ---- the verdict -------------------------------------------------------------------------------------------------- */

/* What became of the runs of one queue. */
struct study {
    uint64_t           limit[COUNT(exceedances)];
    struct tally       tally[COUNT(lengths)][COUNT(exceedances)];
    struct assay_error err;
};

static void tell(const struct queue *q, uint64_t n, const struct tally tally[COUNT(exceedances)], bool *sound)
{
    const struct tally *wrong = &tally[FALSE_AT];
    double              share = 100.0 * wrong->valid / RUNS;
    tell_name(q);
    printf(" n %6llu: at 1.1 %% settled valid %4.1f %% of %d, published rule %4.1f %%; valid/invalid %% at", (unsigned long long)n, share,
           RUNS, 100.0 * wrong->published / RUNS);
    for (size_t e = 0; e < COUNT(exceedances); e++) {
        double runs = e == FALSE_AT ? RUNS : CURVE_RUNS;
        printf(" %.3g:%.0f/%.0f", 100 * exceedances[e], 100 * tally[e].valid / runs, 100 * tally[e].invalid / runs);
    }
    putchar('\n');
    *sound = *sound && share <= 3;
}

static void one_run(const struct queue *q, unsigned run, uint64_t *latency, struct study *s)
{
    struct queue_run r;
    if (queue_start(q, 1000003u * (uint64_t)(q - queues) + run, &r, &s->err))
        return;
    queue_go(q, &r, warm_up(q), NULL, NULL);
    queue_go(q, &r, lengths[COUNT(lengths) - 1], latency, NULL);
    assay_arrivals_free(r.arrivals);
    for (size_t n = 0; n < COUNT(lengths); n++)
        for (size_t e = 0; e < COUNT(exceedances); e++)
            if (e == FALSE_AT || run < CURVE_RUNS)
                count(latency, lengths[n], s->limit[e], &s->tally[n][e]);
}

static void study_some(void *self, size_t begin, size_t end)
{
    struct study *studies = self;
    uint64_t     *latency = malloc(lengths[COUNT(lengths) - 1] * sizeof *latency);
    for (size_t i = begin; i < end; i++) {
        if (!latency)
            (void)ASSAY_FAIL(&studies[i].err, ASSAY_MEMORY, "no memory for latencies");
        for (unsigned run = 0; run < RUNS && !studies[i].err.code; run++)
            one_run(&queues[i], run, latency, &studies[i]);
    }
    free(latency);
}

static int study_all(bool *sound)
{
    static struct study studies[N_QUEUES];
    for (size_t i = 0; i < N_QUEUES; i++)
        for (size_t e = 0; e < COUNT(exceedances); e++)
            studies[i].limit[e] = (uint64_t)(queue_limit(&queues[i], exceedances[e]) * QUEUE_SERVICE_NS);
    assay_parallel_for(N_QUEUES, 1, study_some, studies);
    for (size_t i = 0; i < N_QUEUES; i++) {
        if (studies[i].err.code)
            return fail(&studies[i].err);
        for (size_t n = 0; n < COUNT(lengths); n++)
            tell(&queues[i], lengths[n], studies[i].tally[n], sound);
    }
    return 0;
}

int main(void)
{
    bool      sound = true;
    uint64_t *latency = malloc(BATCH * sizeof *latency);
    for (size_t i = 0; latency && i < N_QUEUES; i++)
        if (agree(&queues[i], latency, &sound))
            return 1;
    free(latency);
    if (!latency || study_all(&sound))
        return 1;
    printf("long_settled: %s\n", sound ? "at most 3 % of the runs are called valid that are not" : "FAILED: over 3 %, or another queue");
    return sound ? 0 : 1;
}
