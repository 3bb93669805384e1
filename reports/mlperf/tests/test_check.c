/* Each rule for a log, just inside and just outside. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reports/mlperf/check.h"

#define REAL(x) json_real(x)
#define WHOLE(x) json_integer(x)

static struct assay_mlperf_log   log_of;
static struct assay_mlperf_notes notes;
static struct assay_mlperf_how   how;

static void put(const char *key, json_t *value)
{
    (void)json_object_set_new(log_of.values, key, value);
}

/* What every rule lets pass, for all scenarios of both benchmarks. */
static void begin(void)
{
    how = (struct assay_mlperf_how){.division = ASSAY_MLPERF_CLOSED, .round = ASSAY_MLPERF_V6_1, .submitter = "ORG"};
    log_of = (struct assay_mlperf_log){.values = json_object(), .lines = 1};
    put("effective_performance_sample_count", WHOLE(24576));
    put("effective_qsl_rng_seed", WHOLE(2085463073848966840));
    put("effective_sample_index_rng_seed", WHOLE(2747215439041700203));
    put("effective_schedule_rng_seed", json_string("\x01" "16159082839903944936"));
    put("effective_min_duration_ms", WHOLE(600000));
    put("effective_min_query_count", WHOLE(1));
    put("effective_samples_per_query", WHOLE(24576));
    put("effective_target_latency_ns", WHOLE(15000000));
    put("early_stopping_met", json_true());
    put("early_stopping_latency_ss", WHOLE(1));
    put("early_stopping_latency_ms", WHOLE(1));
    put("result_completed_samples_per_sec", REAL(1e-6));
    put("result_samples_per_second", REAL(1e-6));
    put("result_completed_tokens_per_second", REAL(1e-6));
    put("result_tokens_per_second", REAL(1e-6));
    put("requested_use_token_latencies", json_true());
    put("result_first_token_99.00_percentile_latency_ns", WHOLE(449999999));
    put("result_time_per_output_token_99.00_percentile_ns", WHOLE(39999999));
    put("result_validity", json_string("VALID"));
    put("qsl_reported_total_count", WHOLE(50000));
}

static void end(void)
{
    assay_mlperf_log_release(&log_of);
    assay_mlperf_notes_release(&notes);
}

TestSuite(check, .init = begin, .fini = end);

static size_t refusals(const char *benchmark, enum assay_mlperf_scenario scenario)
{
    const struct assay_mlperf_benchmark *b = assay_mlperf_benchmark_find(how.round, benchmark);
    assay_mlperf_notes_release(&notes);
    put("effective_scenario", json_string(assay_mlperf_scenario_log(scenario)));
    assay_mlperf_check_performance(&log_of, &how, b, scenario, "log", &notes);
    return notes.n;
}

Test(check, a_log_at_every_limit_passes)
{
    for (int s = 0; s < ASSAY_MLPERF_SCENARIOS; s++)
        if (s != ASSAY_MLPERF_INTERACTIVE)
            cr_expect_eq(refusals("resnet50", (enum assay_mlperf_scenario)s), 0u, "%s", notes.n ? notes.list[0].text : "");
    cr_expect_eq(refusals("llama2-70b-99.9", ASSAY_MLPERF_INTERACTIVE), 0u, "%s", notes.n ? notes.list[0].text : "");
    cr_expect_eq(refusals("llama2-70b-99.9", ASSAY_MLPERF_OFFLINE), 0u, "%s", notes.n ? notes.list[0].text : "");
}

/* `inside` passes, `outside` is refused once, and so is a log without the key. */
static void at_the_edge(const char *benchmark, enum assay_mlperf_scenario scenario, const char *key, json_t *inside, json_t *outside)
{
    put(key, inside);
    cr_expect_eq(refusals(benchmark, scenario), 0u, "%s inside: %s", key, notes.n ? notes.list[0].text : "");
    put(key, outside);
    cr_expect_eq(refusals(benchmark, scenario), 1u, "%s outside", key);
    cr_expect(notes.n && strstr(notes.list[0].text, key), "%s", key);
    json_object_del(log_of.values, key);
    cr_expect_eq(refusals(benchmark, scenario), 1u, "%s is missing", key);
}

Test(check, counts_and_durations)
{
    const enum assay_mlperf_scenario offline = ASSAY_MLPERF_OFFLINE, single = ASSAY_MLPERF_SINGLE_STREAM;
    at_the_edge("resnet50", single, "effective_performance_sample_count", WHOLE(1024), WHOLE(1023));
    put("effective_performance_sample_count", WHOLE(24576));
    at_the_edge("resnet50", single, "effective_min_duration_ms", WHOLE(600000), WHOLE(599999));
    put("effective_min_duration_ms", WHOLE(600000));
    at_the_edge("resnet50", offline, "effective_samples_per_query", WHOLE(24576), WHOLE(24575));
    put("effective_samples_per_query", WHOLE(24576));
    at_the_edge("llama2-70b-99.9", offline, "effective_samples_per_query", WHOLE(24576), WHOLE(24575));
    put("effective_samples_per_query", WHOLE(24575));
    how.division = ASSAY_MLPERF_OPEN;
    cr_expect_eq(refusals("resnet50", offline), 0u, "the open division may have fewer");
}

Test(check, seeds_are_those_of_the_round)
{
    at_the_edge("resnet50", ASSAY_MLPERF_SERVER, "effective_qsl_rng_seed", WHOLE(2085463073848966840), WHOLE(2085463073848966841));
    put("effective_qsl_rng_seed", WHOLE(2085463073848966840));
    at_the_edge("resnet50", ASSAY_MLPERF_SERVER, "effective_sample_index_rng_seed", WHOLE(2747215439041700203), WHOLE(2747215439041700202));
    put("effective_sample_index_rng_seed", WHOLE(2747215439041700203));
    at_the_edge("resnet50", ASSAY_MLPERF_SERVER, "effective_schedule_rng_seed", json_string("\x01" "16159082839903944936"),
                json_string("\x01" "16159082839903944937"));
    put("effective_schedule_rng_seed", json_string("16159082839903944936"));
    cr_expect_eq(refusals("resnet50", ASSAY_MLPERF_SERVER), 1u, "a seed in quotes is none");
    how.round = ASSAY_MLPERF_V5_1;
    cr_expect_eq(refusals("resnet50", ASSAY_MLPERF_SERVER), 3u, "another round has others");
}

Test(check, latencies_at_and_beyond_their_limits)
{
    at_the_edge("resnet50", ASSAY_MLPERF_SERVER, "effective_target_latency_ns", WHOLE(15000000), WHOLE(15000001));
    at_the_edge("llama2-70b-99.9", ASSAY_MLPERF_SERVER, "result_first_token_99.00_percentile_latency_ns", WHOLE(1999999999), WHOLE(2000000000));
    put("result_first_token_99.00_percentile_latency_ns", WHOLE(1));
    at_the_edge("llama2-70b-99.9", ASSAY_MLPERF_SERVER, "result_time_per_output_token_99.00_percentile_ns", WHOLE(199999999), WHOLE(200000000));
    put("result_time_per_output_token_99.00_percentile_ns", WHOLE(1));
    at_the_edge("llama2-70b-99.9", ASSAY_MLPERF_INTERACTIVE, "result_first_token_99.00_percentile_latency_ns", WHOLE(449999999), WHOLE(450000000));
    put("result_first_token_99.00_percentile_latency_ns", WHOLE(1));
    at_the_edge("llama2-70b-99.9", ASSAY_MLPERF_INTERACTIVE, "result_time_per_output_token_99.00_percentile_ns", WHOLE(39999999), WHOLE(40000000));
}

Test(check, metrics_are_above_zero_and_of_the_scenario)
{
    static const struct { const char *benchmark; enum assay_mlperf_scenario scenario; const char *key; } rows[] = {
        {"resnet50", ASSAY_MLPERF_SINGLE_STREAM, "early_stopping_latency_ss"}, {"resnet50", ASSAY_MLPERF_MULTI_STREAM, "early_stopping_latency_ms"},
        {"resnet50", ASSAY_MLPERF_SERVER, "result_completed_samples_per_sec"}, {"resnet50", ASSAY_MLPERF_OFFLINE, "result_samples_per_second"},
        {"llama2-70b-99.9", ASSAY_MLPERF_SERVER, "result_completed_tokens_per_second"}, {"llama2-70b-99.9", ASSAY_MLPERF_OFFLINE, "result_tokens_per_second"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        at_the_edge(rows[i].benchmark, rows[i].scenario, rows[i].key, REAL(1e-9), REAL(0));
        put(rows[i].key, WHOLE(1));
    }
}

Test(check, what_must_be_true_and_valid)
{
    at_the_edge("resnet50", ASSAY_MLPERF_SERVER, "early_stopping_met", json_true(), json_false());
    cr_expect_eq(refusals("resnet50", ASSAY_MLPERF_OFFLINE), 0u, "offline has no early stopping");
    put("early_stopping_met", json_true());
    at_the_edge("llama2-70b-99.9", ASSAY_MLPERF_OFFLINE, "requested_use_token_latencies", json_true(), json_false());
    cr_expect_eq(refusals("resnet50", ASSAY_MLPERF_OFFLINE), 0u, "of a benchmark without tokens it is not asked");
    at_the_edge("resnet50", ASSAY_MLPERF_SERVER, "result_validity", json_string("VALID"), json_string("INVALID"));
    put("result_validity", json_string("VALID"));
    log_of.errors = 1;
    cr_expect_eq(refusals("resnet50", ASSAY_MLPERF_SERVER), 1u, "a line that is an error");
}

Test(check, the_scenario_is_the_folders)
{
    const struct assay_mlperf_benchmark *b = assay_mlperf_benchmark_find(how.round, "resnet50");
    put("effective_scenario", json_string("Server"));
    assay_mlperf_check_performance(&log_of, &how, b, ASSAY_MLPERF_OFFLINE, "log", &notes);
    cr_assert_eq(notes.n, 1u);
    cr_expect_str_eq(notes.list[0].text, "log: effective_scenario is 'Server', 'Offline' is wanted");
}

Test(check, an_accuracy_log_counts_the_data_set)
{
    const struct assay_mlperf_benchmark *b = assay_mlperf_benchmark_find(how.round, "resnet50");
    static const struct { const char *key; int total; size_t refused; } rows[] = {
        {"qsl_reported_total_count", 50000, 0}, {"qsl_reported_total_count", 49999, 1}, {"effective_accuracy_sample_count", 50000, 0},
        {"effective_accuracy_sample_count", 50001, 1},
    };
    put("effective_scenario", json_string("Offline"));
    for (size_t i = 0; i < 4; i++) {
        put(rows[i].key, WHOLE(rows[i].total));
        assay_mlperf_notes_release(&notes);
        assay_mlperf_check_accuracy(&log_of, b, ASSAY_MLPERF_OFFLINE, "log", &notes);
        cr_expect_eq(notes.n, rows[i].refused, "row %zu", i);
    }
    log_of.errors = 1;
    assay_mlperf_check_accuracy(&log_of, b, ASSAY_MLPERF_OFFLINE, "log", &notes);
    cr_expect_eq(notes.n, 3u, "and error lines are refused");
}
