/* The lines are LoadGen 6.0.17's (results.cc). */
#include <inttypes.h>

#include "reports/mlperf/logs.h"

#include "assay/banned.h"

static const char rule[] = "================================================\n";

static const char *yes(bool value)
{
    return value ? "Yes" : "NO";
}

static void head(const struct assay_mlperf_result *r, struct assay_sink *to)
{
    const struct assay_record *rec = r->record;
    assay_sink_raw(to, "%sMLPerf Results Summary, written by assay\n%s" ASSAY_MLPERF_LABEL "\n", rule, rule);
    assay_sink_raw(to, "SUT name : ");
    assay_sink_textf(to, "%s on %s", rec->backend, *rec->device.product ? rec->device.product : rec->device.name);
    assay_sink_raw(to, "\nScenario : %s\nMode     : PerformanceOnly\n", assay_mlperf_scenario_log(r->kind));
}

static void metric(const struct assay_mlperf_result *r, struct assay_sink *to)
{
    switch (r->kind) {
    case ASSAY_MLPERF_OFFLINE:
        assay_sink_raw(to, "Samples per second: %g\n", assay_mlperf_per_second((double)r->samples, r->longest_ns));
        if (r->tokens)
            assay_sink_raw(to, "Tokens per second: %g\n", assay_mlperf_per_second((double)r->tokens_n, r->longest_ns));
        break;
    case ASSAY_MLPERF_SERVER:
    case ASSAY_MLPERF_INTERACTIVE:
        assay_sink_raw(to, "Completed samples per second    : %.2f\n", assay_mlperf_per_second((double)(r->samples ? r->samples - 1 : 0), r->last_done_ns));
        if (r->tokens)
            assay_sink_raw(to, "Completed tokens per second: %.2f\n", assay_mlperf_per_second((double)r->tokens_n, r->last_done_ns));
        break;
    default: {
        int p = r->kind == ASSAY_MLPERF_SINGLE_STREAM ? 1 : 4;
        assay_sink_raw(to, "%.1fth percentile latency (ns) : %" PRIu64 "\n", 100 * assay_mlperf_percentile[p], r->latency.at_ns[p]);
    }
    }
}

static void verdict(const struct assay_mlperf_result *r, struct assay_sink *to)
{
    const struct assay_load *load = &r->record->load;
    assay_sink_raw(to, "Result is : %s\n", r->valid ? "VALID" : "INVALID");
    if (r->kind == ASSAY_MLPERF_SERVER || r->kind == ASSAY_MLPERF_INTERACTIVE)
        assay_sink_raw(to, "  Performance constraints satisfied : %s\n", yes(r->within_limits));
    assay_sink_raw(to, "  Min duration satisfied : %s\n  Min queries satisfied : %s\n", yes(r->long_enough), yes(r->many_enough));
    if (r->kind != ASSAY_MLPERF_OFFLINE)
        assay_sink_raw(to, "  Early stopping satisfied: %s\n", yes(r->stops_early));
    if (!r->valid) {
        assay_sink_raw(to, "Recommendations:\n * ");
        assay_sink_text(to, *load->invalid ? load->invalid : load->loadgen);
        assay_sink_raw(to, "\n");
    }
    if (r->kind != ASSAY_MLPERF_OFFLINE)
        assay_sink_raw(to, "Early Stopping Result:\n * %s\n", r->early_stopping);
}

static void spread(struct assay_sink *to, const struct assay_mlperf_spread *s, const char *what)
{
    if (!s->n)
        return;
    assay_sink_raw(to, "\nMin %s (ns)  : %" PRIu64 "\nMax %s (ns)  : %" PRIu64 "\nMean %s (ns) : %" PRIu64 "\n", what, s->min_ns, what, s->max_ns,
                   what, s->mean_ns);
    for (int p = 0; p < ASSAY_MLPERF_PERCENTILES; p++)
        assay_sink_raw(to, "%.2f percentile %s (ns)   : %" PRIu64 "\n", 100 * assay_mlperf_percentile[p], what, s->at_ns[p]);
}

static void parameters(const struct assay_mlperf_result *r, struct assay_sink *to)
{
    const struct assay_scenario *s = &r->scenario;
    assay_sink_raw(to, "\n%sTest Parameters Used\n%s", rule, rule);
    assay_sink_raw(to, "samples_per_query : %" PRIu64 "\ntarget_qps : %g\ntarget_latency (ns): %" PRIu64 "\n",
                   r->kind == ASSAY_MLPERF_OFFLINE ? r->queries : s->samples_per_query, s->qps, s->latency_ns);
    if (r->tokens)
        assay_sink_raw(to, "ttft_latency (ns): %" PRIu64 "\ntpot_latency (ns): %" PRIu64 "\n", s->ttft_ns, s->tpot_ns);
    assay_sink_raw(to, "min_duration (ms): %" PRIu64 "\nmax_duration (ms): %" PRIu64 "\nmin_query_count : %" PRIu64 "\n",
                   s->min_duration_ns / 1000000, s->max_duration_ns / 1000000, r->kind == ASSAY_MLPERF_OFFLINE ? 1 : assay_scenario_least(s));
    assay_sink_raw(to, "qsl_rng_seed : %" PRIu64 "\nsample_index_rng_seed : %" PRIu64 "\nschedule_rng_seed : %" PRIu64 "\n", r->seeds.qsl,
                   r->seeds.sample, r->seeds.schedule);
    assay_sink_raw(to, "performance_sample_count : %" PRIu64 "\n", s->performance_samples);
}

void assay_mlperf_summary(const struct assay_mlperf_result *r, enum assay_mlperf_mode mode, struct assay_sink *to)
{
    const uint64_t failed = r->record->load.failed;
    if (mode == ASSAY_MLPERF_PERFORMANCE) {
        head(r, to);
        metric(r, to);
        verdict(r, to);
        assay_sink_raw(to, "\n%sAdditional Stats\n%s", rule, rule);
        spread(to, &r->latency, "latency");
        spread(to, &r->ttft, "First Token latency");
        spread(to, &r->tpot, "Time to Output Token");
        parameters(r, to);
    } else {
        assay_sink_raw(to, ASSAY_MLPERF_LABEL "\n");
    }
    assay_sink_raw(to, "\nNo warnings encountered during test.\n\n");
    if (failed && mode == ASSAY_MLPERF_PERFORMANCE)
        assay_sink_raw(to, "1 ERROR encountered. See detailed log.\n");
    else
        assay_sink_raw(to, "No errors encountered during test.\n");
}
