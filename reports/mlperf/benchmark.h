/* What MLPerf inference asks of a benchmark in a round, as far as a submission is checked for it; and which of a run's cases have the
 * shape of one. The rules are the published ones (inference policies; submission checker of round v6.1, which knows v5.1). */
#ifndef ASSAY_MLPERF_BENCHMARK_H
#define ASSAY_MLPERF_BENCHMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/plan/plan.h"
#include "harness/plan/seed_set.h"

enum assay_mlperf_round { ASSAY_MLPERF_V5_1, ASSAY_MLPERF_V6_1, ASSAY_MLPERF_ROUNDS };
enum assay_mlperf_division { ASSAY_MLPERF_OPEN, ASSAY_MLPERF_CLOSED };
/* Bits of system types. */
enum { ASSAY_MLPERF_EDGE = 1, ASSAY_MLPERF_DATACENTER = 2 };

enum assay_mlperf_scenario {
    ASSAY_MLPERF_SINGLE_STREAM, ASSAY_MLPERF_MULTI_STREAM, ASSAY_MLPERF_SERVER, ASSAY_MLPERF_INTERACTIVE, ASSAY_MLPERF_OFFLINE,
    ASSAY_MLPERF_SCENARIOS
};
/* Its folder: "SingleStream"; and as logs have it: the same, but interactive is "Server". */
const char *assay_mlperf_scenario_folder(enum assay_mlperf_scenario s);
const char *assay_mlperf_scenario_log(enum assay_mlperf_scenario s);
/* false: load of that kind is none of MLPerf's. */
bool        assay_mlperf_scenario_of(enum assay_scenario_type type, enum assay_mlperf_scenario *out);

struct assay_mlperf_limits {
    uint64_t latency_ns, ttft_ns, tpot_ns; /* at the 99th percentile; 0: none */
};
/* Audit tests of the closed division. */
enum { ASSAY_MLPERF_TEST01 = 1, ASSAY_MLPERF_TEST04 = 2, ASSAY_MLPERF_TEST06 = 4, ASSAY_MLPERF_TESTS = 3 };
const char *assay_mlperf_test_name(unsigned bit);

struct assay_mlperf_benchmark {
    const char *name;      /* of its folder: "llama2-70b-99.9" */
    const char *accuracy;  /* what stands in front of the figure in accuracy.txt */
    double      accuracy_least;
    const char *head;      /* of the case's name that has its shape */
    const char *shape[3];  /* and parameters there; NULL: no more */
    uint64_t    data_set;  /* samples; an accuracy run asks for each of them */
    uint64_t    loaded;    /* performance samples, at least */
    uint64_t    offline;   /* samples of the offline query, at least, in the closed division */
    struct assay_mlperf_limits server, interactive;
    unsigned    rounds;    /* bits of enum assay_mlperf_round that have it */
    unsigned    systems;   /* bits of system types that may have it */
    unsigned    tests;     /* bits */
    unsigned    needs[3];  /* bits of scenarios that closed edge, datacenter, both need */
    bool        needs_online; /* and one of server and interactive */
    bool        tokens;    /* it is judged by tokens */
};
/* The one whose name a folder has; NULL: the round has none of that name. */
const struct assay_mlperf_benchmark *assay_mlperf_benchmark_find(enum assay_mlperf_round round, const char *name);
/* The one whose shape the case has; NULL: none in that round. */
const struct assay_mlperf_benchmark *assay_mlperf_benchmark_of(enum assay_mlperf_round round, const struct assay_case *c);
/* Of the scenario in that benchmark. */
struct assay_mlperf_limits assay_mlperf_limits_of(const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s);

const char *assay_mlperf_round_name(enum assay_mlperf_round round);
/* The seeds that a round fixes, and their name in a scenario. */
const char *assay_mlperf_round_seeds(enum assay_mlperf_round round, struct assay_seeds *out);

#define ASSAY_MLPERF_LEAST_MS 600000u /* of a performance run */

#endif
