/* How work arrives. A case's name ends in it: `resnet50.infer/batch=1@server/latency_ms=15,qps=40`. Rules: README.md. */
#ifndef ASSAY_PLAN_SCENARIO_H
#define ASSAY_PLAN_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/option.h"
#include "assay/text.h"
#include "harness/plan/buckets.h"

enum assay_scenario_type {
    ASSAY_SINGLE_STREAM = 1, /* the next query when the last one is done */
    ASSAY_MULTI_STREAM,      /* the same, of several samples each */
    ASSAY_SERVER,            /* Poisson arrivals at qps */
    ASSAY_INTERACTIVE,       /* a server with limits on first and next tokens */
    ASSAY_OFFLINE,           /* everything at once */
    ASSAY_CONCURRENCY,       /* a fixed number in flight */
    ASSAY_BURST,             /* groups at a period */
    ASSAY_TRACE,             /* the times that a file gives */
};

/* One struct for all: a scenario's table holds the rows that it has, the rest stays as its defaults are. */
struct assay_scenario {
    enum assay_scenario_type type;
    double   qps;                   /* server, interactive: the rate, 0: find the highest; offline: what is expected */
    uint64_t samples_per_query;     /* multi_stream */
    uint64_t in_flight;             /* concurrency */
    uint64_t burst, burst_period_ns;
    char     trace[200];            /* a CSV of scheduled_ns[,sample_index[,prompt_tokens,output_tokens]] */
    double   percentile;            /* that the latency limit is about: 0.9, 0.99 */
    uint64_t latency_ns;            /* the limit, from the scheduled time; 0: none */
    uint64_t ttft_ns, tpot_ns;      /* limits of tokens at the same percentile; 0: none */
    uint64_t performance_samples;   /* P: loaded at once, drawn from */
    uint64_t total_samples;         /* of the data set, at least P */
    uint64_t min_queries, min_duration_ns, max_duration_ns; /* max 0: none */
    uint64_t expected_latency_ns;   /* single_stream with equal issue: sets how many queries are prepared for */
    bool     equal_issue;           /* every sample equally often */
    int64_t  max_batch;             /* samples of one execution, at most; 0: find the one with the highest rate */
    char     buckets[ASSAY_BUCKETS_TEXT_BYTES]; /* smaller batches that are compiled for as well (buckets.h) */
    uint64_t batch_delay_ns;        /* that a batch which is not full waits for more */
    char     seeds[32];             /* a named set (seed_set.h), or "case": from the run's seed */
    char     profile[16];           /* "short", "loadgen": where defaults come from */
};

struct assay_scenario_row {
    enum assay_scenario_type         type;
    const char                *name, *about;
    const struct assay_option *options; /* over struct assay_scenario; lives as long as the program */
};
/* All, in the order of the enum; ends with a row whose name is NULL. */
extern const struct assay_scenario_row assay_scenarios[];

/* From "NAME[/key=value,…]"; defaults are those of the profile that it names. */
enum assay_code assay_scenario_parse(const char *text, struct assay_scenario *out, struct assay_error *err);
/* The canonical form: keys sorted, defaults written out. Parsing it gives the same scenario. */
void            assay_scenario_write(const struct assay_scenario *s, struct assay_text *out);

/* What a run has to issue at least: min_queries; with equal issue up to a multiple of the loaded set, as LoadGen counts. Of offline,
 * the samples of its one query. */
uint64_t assay_scenario_least(const struct assay_scenario *s);
/* Of arrivals, a second on average; 0: there is none, as they wait for each other, come at once or as a file says. */
double   assay_scenario_rate(const struct assay_scenario *s);
/* Is the rate to be found: qps=0 where it is the rate of arrivals? */
bool     assay_scenario_searches(const struct assay_scenario *s);
/* Is the batch to be found with it? */
bool     assay_scenario_searches_batch(const struct assay_scenario *s);

#endif
