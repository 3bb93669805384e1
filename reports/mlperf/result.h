/* What MLPerf's rules make of one launch of a case: counts, latencies, rates, whether the rules hold. From the record and its raw
 * series alone, with the formulas of LoadGen 6.0.17 (logging.cc, results.cc):
 *
 *   percentile p of n latencies         sorted[floor(n p)], p of 50, 90, 95, 97, 99, 99.9 %
 *   server: completed samples a second  (n - 1) / time at which the last query was done; scheduled: / its scheduled time
 *   offline: samples a second           n / latency of the whole
 *   tokens a second                     all tokens of it / the same times
 *   early stopping                      harness/load/verdict_loadgen.h; of tokens: of the first token's and of the further tokens' limit */
#ifndef ASSAY_MLPERF_RESULT_H
#define ASSAY_MLPERF_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/seed_set.h"
#include "harness/store/record.h"
#include "reports/mlperf/benchmark.h"

#define ASSAY_MLPERF_PERCENTILES 6
extern const double assay_mlperf_percentile[ASSAY_MLPERF_PERCENTILES];

struct assay_mlperf_spread {
    uint64_t n; /* 0: nothing else counts */
    uint64_t min_ns, max_ns, mean_ns, at_ns[ASSAY_MLPERF_PERCENTILES];
};

struct assay_mlperf_result {
    const struct assay_record *record; /* borrowed */
    struct assay_scenario      scenario;
    enum assay_mlperf_scenario kind;
    bool                       tokens;  /* it was served token by token */
    struct assay_seeds         seeds;   /* of its streams */
    uint64_t queries, samples, tokens_n; /* queries issued; samples and tokens of completed ones */
    uint64_t last_scheduled_ns, last_done_ns, longest_ns; /* last_done: of the query that was issued last */
    struct assay_mlperf_spread latency, ttft, tpot;
    uint64_t over;                   /* latencies over the scenario's limit */
    uint64_t early_stopping_ns;      /* single and multi stream: the estimate; 0: there are too few */
    bool     stops_early, long_enough, many_enough, within_limits, valid;
    char     early_stopping[200];    /* a sentence */
};

/* `run_seed`: of the run, for cases whose streams come from it. ASSAY_UNSUPPORTED, with the reason, for what none of MLPerf's logs can
 * say: load of another kind, a model's clock, a run that did not end well. ASSAY_DATA: its files are not those that were recorded. */
enum assay_code assay_mlperf_result_read(const char *folder, const struct assay_record *record, uint64_t run_seed,
                                         struct assay_mlperf_result *out, struct assay_error *err);

/* n / time, a second; 0 where no time went by. */
double assay_mlperf_per_second(double n, uint64_t ns);

#endif
