/* Keys and their order are LoadGen 6.0.17's (test_settings_internal.cc, loadgen.cc, results.cc); those of its own build are left out, and
 * "generator…" stands in their place. */
#include <inttypes.h>
#include <string.h>

#include "harness/run/audit.h"
#include "reports/mlperf/logs.h"

#include "assay/banned.h"

/* Times of lines are those of the run: begin and end. */
struct log {
    struct assay_sink *to;
    uint64_t           now_ns;
    unsigned           line;
};

static void begin(struct log *l, const char *key)
{
    assay_sink_raw(l->to, ":::MLLOG {\"key\": \"%s\", \"value\": ", key);
}

static void end(struct log *l, bool is_error)
{
    assay_sink_raw(l->to, ", \"time_ms\": %" PRIu64 ".%06" PRIu64 ", \"namespace\": \"assay\", \"event_type\": \"POINT_IN_TIME\", \"metadata\": "
                   "{\"is_error\": %s, \"is_warning\": false, \"file\": \"assay\", \"line_no\": %u, \"pid\": 0, \"tid\": 0}}\n",
                   l->now_ns / 1000000, l->now_ns % 1000000, is_error ? "true" : "false", ++l->line);
}

static void text(struct log *l, const char *key, const char *value)
{
    begin(l, key);
    assay_sink_raw(l->to, "\"");
    assay_sink_text(l->to, value);
    assay_sink_raw(l->to, "\"");
    end(l, false);
}

static void number(struct log *l, const char *key, uint64_t value)
{
    begin(l, key);
    assay_sink_raw(l->to, "%" PRIu64, value);
    end(l, false);
}

/* Six digits, as LoadGen's streams have. */
static void real(struct log *l, const char *key, double value)
{
    begin(l, key);
    assay_sink_raw(l->to, "%g", value);
    end(l, false);
}

static void truth(struct log *l, const char *key, bool value)
{
    begin(l, key);
    assay_sink_raw(l->to, "%s", value ? "true" : "false");
    end(l, false);
}

/* ---- what was asked for -------------------------------------------------------------------------------------------- */

static void about(struct log *l, const struct assay_mlperf_result *r)
{
    const struct assay_record *rec = r->record;
    char                       name[900];
    (void)snprintf(name, sizeof name, "%s on %s", rec->backend, *rec->device.product ? rec->device.product : rec->device.name);
    text(l, "generator", "assay");
    text(l, "generator_version", ASSAY_VERSION);
    text(l, "generator_label", ASSAY_MLPERF_LABEL);
    text(l, "generator_case", rec->case_name);
    text(l, "generator_repeat", rec->repeat);
    text(l, "sut_name", name);
    text(l, "qsl_name", "inputs that assay generates from a seed");
    number(l, "qsl_reported_total_count", r->scenario.total_samples);
    number(l, "qsl_reported_performance_count", r->scenario.performance_samples);
}

static uint64_t samples_per_query(const struct assay_mlperf_result *r)
{
    return r->kind == ASSAY_MLPERF_OFFLINE ? r->queries : r->kind == ASSAY_MLPERF_MULTI_STREAM ? r->scenario.samples_per_query : 1;
}

/* LoadGen dumps them twice: as asked for and as they hold; here nothing changes between. */
static void settings(struct log *l, const struct assay_mlperf_result *r, const char *which, enum assay_mlperf_mode mode)
{
    const struct assay_scenario *s = &r->scenario;
    const bool                   offline = r->kind == ASSAY_MLPERF_OFFLINE, same = !strcmp(r->record->audit.test, "TEST04");
    char                         key[80];
#define KEY(name) ((void)snprintf(key, sizeof key, "%s_" name, which), key)
    text(l, KEY("scenario"), assay_mlperf_scenario_log(r->kind));
    text(l, KEY("test_mode"), mode == ASSAY_MLPERF_ACCURACY ? "AccuracyOnly" : "PerformanceOnly");
    number(l, KEY("samples_per_query"), samples_per_query(r));
    real(l, KEY("target_qps"), s->qps);
    number(l, KEY("target_latency_ns"), r->kind == ASSAY_MLPERF_SERVER || r->kind == ASSAY_MLPERF_INTERACTIVE ? s->latency_ns : 0);
    real(l, KEY("target_latency_percentile"), s->percentile);
    number(l, KEY("min_duration_ms"), s->min_duration_ns / 1000000);
    number(l, KEY("max_duration_ms"), s->max_duration_ns / 1000000);
    number(l, KEY("min_query_count"), offline ? 1 : assay_scenario_least(s));
    number(l, KEY("max_query_count"), 0);
    number(l, KEY("qsl_rng_seed"), r->seeds.qsl);
    number(l, KEY("sample_index_rng_seed"), r->seeds.sample);
    number(l, KEY("schedule_rng_seed"), r->seeds.schedule);
    truth(l, KEY("performance_issue_unique"), false);
    truth(l, KEY("performance_issue_same"), same);
    number(l, KEY("performance_issue_same_index"), same ? ASSAY_AUDIT_SAME_SAMPLE : 0);
    number(l, KEY("accuracy_log_sampling_target"), strcmp(r->record->audit.test, "TEST01") ? 0 : ASSAY_AUDIT_LOGGED);
    number(l, KEY("performance_sample_count"), s->performance_samples);
    truth(l, KEY("sample_concatenate_permutation"), s->equal_issue);
    truth(l, KEY("use_token_latencies"), r->tokens);
#undef KEY
    if (r->tokens) {
        char token[80];
        (void)snprintf(token, sizeof token, "%s_ttft_latency", which);
        number(l, token, s->ttft_ns);
        (void)snprintf(token, sizeof token, "%s_tpot_latency", which);
        number(l, token, s->tpot_ns);
    }
}

/* ---- what came of it ----------------------------------------------------------------------------------------------- */

static void spread(struct log *l, const struct assay_mlperf_spread *s, const char *stem, const char *middle)
{
    char key[100];
    if (!s->n)
        return;
    const struct { const char *name; uint64_t ns; } ends[] = {{"min", s->min_ns}, {"max", s->max_ns}, {"mean", s->mean_ns}};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(key, sizeof key, "result%s_%s%s_ns", stem, ends[i].name, middle);
        number(l, key, ends[i].ns);
    }
    for (int p = 0; p < ASSAY_MLPERF_PERCENTILES; p++) {
        (void)snprintf(key, sizeof key, "result%s_%.2f_percentile%s_ns", stem, 100 * assay_mlperf_percentile[p], middle);
        number(l, key, s->at_ns[p]);
    }
}

static void rates(struct log *l, const struct assay_mlperf_result *r)
{
    const double rest = (double)(r->samples ? r->samples - 1 : 0);
    switch (r->kind) {
    case ASSAY_MLPERF_OFFLINE:
        real(l, "result_samples_per_second", assay_mlperf_per_second((double)r->samples, r->longest_ns));
        if (r->tokens)
            real(l, "result_tokens_per_second", assay_mlperf_per_second((double)r->tokens_n, r->longest_ns));
        break;
    case ASSAY_MLPERF_SERVER:
    case ASSAY_MLPERF_INTERACTIVE:
        real(l, "result_scheduled_samples_per_sec", assay_mlperf_per_second(rest, r->last_scheduled_ns));
        real(l, "result_completed_samples_per_sec", assay_mlperf_per_second(rest, r->last_done_ns));
        if (r->tokens)
            real(l, "result_completed_tokens_per_second", assay_mlperf_per_second((double)r->tokens_n, r->last_done_ns));
        break;
    default:
        real(l, "result_qps_with_loadgen_overhead", assay_mlperf_per_second((double)r->queries, r->last_done_ns));
        real(l, "result_qps_without_loadgen_overhead", assay_mlperf_per_second(1, r->latency.mean_ns));
        if (r->early_stopping_ns)
            number(l, r->kind == ASSAY_MLPERF_SINGLE_STREAM ? "early_stopping_latency_ss" : "early_stopping_latency_ms", r->early_stopping_ns);
    }
}

static void results(struct log *l, const struct assay_mlperf_result *r)
{
    const struct assay_load *load = &r->record->load;
    if (r->kind != ASSAY_MLPERF_OFFLINE) {
        text(l, "early_stopping_result", r->early_stopping);
        truth(l, "early_stopping_met", r->stops_early);
    }
    text(l, "result_validity", r->valid ? "VALID" : "INVALID");
    if (!r->valid)
        text(l, "result_invalid_reason", *load->invalid ? load->invalid : load->loadgen);
    if (r->kind == ASSAY_MLPERF_SERVER || r->kind == ASSAY_MLPERF_INTERACTIVE)
        truth(l, "result_perf_constraints_met", r->within_limits);
    truth(l, "result_min_duration_met", r->long_enough);
    truth(l, "result_min_queries_met", r->many_enough);
    rates(l, r);
    number(l, "result_query_count", r->kind == ASSAY_MLPERF_OFFLINE ? 1 : r->queries);
    if (r->scenario.latency_ns)
        number(l, "result_overlatency_query_count", r->over);
    spread(l, &r->latency, "", "_latency");
    spread(l, &r->ttft, "_first_token", "_latency");
    spread(l, &r->tpot, "_time_per_output_token", "");
    number(l, "generator_queries_kept", r->latency.n);
    if (load->failed) {
        begin(l, "error_runtime");
        assay_sink_raw(l->to, "\"%" PRIu64 " of %" PRIu64 " queries failed\"", load->failed, load->issued);
        end(l, true);
    }
    number(l, "num_errors", load->failed ? 1 : 0);
}

void assay_mlperf_detail(const struct assay_mlperf_result *r, enum assay_mlperf_mode mode, uint64_t outputs, struct assay_sink *to)
{
    struct log l = {.to = to};
    about(&l, r);
    settings(&l, r, "requested", mode);
    settings(&l, r, "effective", mode);
    l.now_ns = r->record->load.duration_ns;
    if (mode == ASSAY_MLPERF_ACCURACY) {
        number(&l, "generator_outputs_kept", outputs);
        number(&l, "num_errors", 0);
    } else {
        results(&l, r);
    }
    text(&l, "generator_end", ASSAY_MLPERF_LABEL);
}
