#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/load/serving/metrics.h"
#include "harness/load/serving/tests/virtual_step.h"
#include "harness/run/case_metrics.h"
#include "harness/run/case_serve.h"
#include "harness/store/run_folder.h"

static struct assay_error          err;
static struct virtual_step         v, w;
static struct assay_case           what;
static struct assay_case_job       job;
static struct assay_record        *rec;
static struct assay_course         course;
static struct assay_backend        backend;
static struct assay_case_serve_on  on;
static char                        folder[64];

static void start(const char *scenario, const char *serving, bool values)
{
    (void)snprintf(folder, sizeof folder, "/tmp/test_case_serve.XXXXXX");
    cr_assert(mkdtemp(folder) && !setenv("ASSAY_DATA", ".", 1));
    char samples[100];
    (void)snprintf(samples, sizeof samples, "%s/samples", folder);
    cr_assert(!assay_folder_make(samples, &err));
    v = virtual_new((struct assay_step_limits){.max_tokens = 128, .max_sequences = 8, .block_tokens = 16, .n_blocks = 128, .max_context = 512,
                                               .values = values}, 1000000, 1000, 1);
    v.target.self = &v;
    what = (struct assay_case){.name = "decoder.serve", .id = "0123456789abcdef", .phase = "serve"};
    cr_assert(!assay_scenario_parse(scenario, &what.scenario, &err), "%s", err.message);
    cr_assert(!assay_serving_parse(serving, &what.serving, &err), "%s", err.message);
    job = (struct assay_case_job){.what = &what, .folder = folder, .power = "", .seed = 1};
    rec = calloc(1, sizeof *rec);
    (void)snprintf(rec->backend, sizeof rec->backend, "model:test");
    backend = (struct assay_backend){.size = sizeof backend, .name = "model"};
    course = (struct assay_course){.job = &job, .record = rec, .phase_begin_ns = assay_clock_now_ns()};
    course.opened.backend = &backend;
    course.opened.device.clock = ASSAY_CLOCK_MODEL;
    on = (struct assay_case_serve_on){.target = &v.target, .layers = 4, .vocabulary = VOCABULARY, .cache_bytes_per_token = 1000};
}

static void stop(void)
{
    char command[128];
    assay_meter_close(course.meter);
    assay_counters_close(course.counters);
    if (course.samples.at)
        (void)assay_mapped_file_close(&course.samples, course.samples_path, 0, &err);
    if (course.series.at)
        (void)assay_mapped_file_close(&course.series, course.series_path, 0, &err);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
    free(v.cache);
    free(rec);
}

static double metric(enum assay_metric m)
{
    cr_expect(rec->metric[m].has_value, "%s: %s", assay_metric_row(m)->name, rec->metric[m].why);
    return rec->metric[m].value;
}

Test(case_serve, requests_are_served_recorded_and_compared_with_themselves_alone)
{
    start("interactive/qps=20,min_queries=2500,min_duration_s=0,ttft_ms=2000,tpot_ms=200", "/prompt=uniform-10-200,output=uniform-2-60,engine=ideal", true);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_eq(rec->load.issued, 2500);
    cr_expect_eq(rec->load.completed + rec->load.failed, rec->load.issued);
    cr_expect_eq(metric(ASSAY_METRIC_tokens_equal_share), 1);
    cr_expect_eq(metric(ASSAY_METRIC_parting_margin), 0);
    cr_expect(strstr(rec->load.served, "of 16 requests served again alone 16 gave the same tokens"), "%s", rec->load.served);
    cr_expect(strstr(rec->load.served, "engine 'ideal'"));
    cr_expect(metric(ASSAY_METRIC_ttft_ns) > 1e6 && metric(ASSAY_METRIC_ttft_ns) <= metric(ASSAY_METRIC_ttft_p90_ns));
    cr_expect(metric(ASSAY_METRIC_tpot_ns) >= 1.0e6 && metric(ASSAY_METRIC_tpot_ns) <= metric(ASSAY_METRIC_tpot_p99_ns));
    cr_expect_float_eq(metric(ASSAY_METRIC_tokens_per_s_user) * metric(ASSAY_METRIC_tpot_p90_ns), 1e9, 1);
    cr_expect_eq(metric(ASSAY_METRIC_settled_valid), 1, "%s", rec->load.settled);
    cr_expect_eq(metric(ASSAY_METRIC_loadgen_valid), 1, "%s", rec->load.loadgen);
    cr_expect(metric(ASSAY_METRIC_goodput_per_s) > 10 && metric(ASSAY_METRIC_goodput_per_s) < 30);
    cr_expect_eq(metric(ASSAY_METRIC_engine_step_ns), 0);
    cr_expect_gt(metric(ASSAY_METRIC_sequences_per_step), 1);
    cr_expect_eq(course.loop.n, 2500);
    uint32_t *word = NULL;
    size_t    words = 0, requests = 0;
    cr_assert_eq(assay_tokens_read(folder, rec, &word, &words, &err), ASSAY_OK, "%s", err.message);
    for (size_t at = 0; at < words; at += 3 + (size_t)word[at + 2], requests++)
        cr_expect(word[at] < 2500 && word[at + 2] >= 2 && word[at + 2] <= 60 && word[at + 3] < VOCABULARY);
    cr_expect_eq(requests, 16u);
    free(word);
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++)
        cr_expect(rec->metric[i].has_value || *rec->metric[i].why, "%s has neither value nor reason", assay_metric_row((enum assay_metric)i)->name);
    stop();
}

Test(case_serve, the_rows_of_requests_are_kept_in_a_file)
{
    struct assay_mapped_file file;
    char                     path[300];
    start("server/qps=50,min_queries=40,min_duration_s=0", "/engine=ideal", false);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    (void)snprintf(path, sizeof path, "%s/%s", folder, rec->load.served_file);
    cr_assert(!assay_mapped_file_read(path, &file, &err), "%s", err.message);
    cr_assert_eq(file.bytes, 40 * sizeof(struct assay_served_row));
    const struct assay_served_row *row = file.at;
    for (int i = 0; i < 40; i++)
        cr_expect(row[i].prompt_tokens == 64 && row[i].output_tokens == 16 && row[i].first_ns > row[i].scheduled_ns);
    assay_mapped_file_release(&file);
    cr_expect_eq(strlen(rec->load.served_sha256), 64);
    cr_expect_not(rec->metric[ASSAY_METRIC_tokens_equal_share].has_value);
    cr_expect(strstr(rec->load.served, "the device computes none"));
    stop();
}

/* A device whose tokens depend on what stands beside them. */
static enum assay_code dependent(void *self, const struct assay_step *step, int32_t *next, float *margin, struct assay_span *span, struct assay_error *e)
{
    enum assay_code code = virtual_execute(self, step, next, margin, span, e);
    for (uint32_t i = 0; i < step->n_sequences; i++) {
        next[i] = step->n_sequences > 1 ? (next[i] + 1) % VOCABULARY : next[i];
        if (margin)
            margin[i] = 5;
    }
    return code;
}

Test(case_serve, a_device_whose_tokens_depend_on_their_neighbours_is_found)
{
    start("concurrency/in_flight=8,min_queries=50,min_duration_s=0", "/engine=ideal", true);
    v.target.execute = dependent;
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_eq(metric(ASSAY_METRIC_tokens_equal_share), 0);
    cr_expect_eq(metric(ASSAY_METRIC_parting_margin), 5);
    cr_expect(strstr(rec->noise_complaint, "has another token"), "%s", rec->noise_complaint);
    stop();
}

Test(case_serve, what_the_described_host_takes_is_in_the_times)
{
    start("single_stream/min_queries=10,min_duration_s=0", "/engine=vllm-class", false);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_eq(metric(ASSAY_METRIC_ttft_ns), 15563000 + 126000 + 4000 + 1000000 + 64 * 1000 + 46000);
    cr_expect_eq(metric(ASSAY_METRIC_engine_step_ns), 130000);
    stop();
    start("single_stream/min_queries=10,min_duration_s=0", "/engine=vlm-class", false);
    cr_expect_eq(assay_case_serve_on(&course, &on, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.hint, "did you mean 'vllm-class'?");
    stop();
}

Test(case_serve, a_cache_too_small_for_a_request_is_one_clear_line)
{
    start("server/qps=50,min_queries=40,min_duration_s=0", "/prompt=400,output=100,engine=ideal", false);
    v.target.limits.n_blocks = 31;
    cr_expect_eq(assay_case_serve_on(&course, &on, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "a request of 400 + 100 tokens needs 32 cache blocks of 16 tokens; there are 31");
    stop();
}

Test(case_serve, a_limit_that_is_not_kept_is_settled_to_be_broken)
{
    start("interactive/qps=20,min_queries=700,min_duration_s=0,ttft_ms=450,tpot_ms=1", "/prompt=64,output=16,engine=ideal", false);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_eq(metric(ASSAY_METRIC_settled_valid), 0, "%s", rec->load.settled);
    cr_expect_eq(metric(ASSAY_METRIC_loadgen_valid), 0);
    cr_expect(strstr(rec->load.invalid, "tpot"), "%s", rec->load.invalid);
    cr_expect_eq(metric(ASSAY_METRIC_goodput_per_s), 0);
    stop();
}

/* Ten joules a step, of four devices. */
static void ten_a_step(void *self, struct assay_case_serve_use *out)
{
    out->devices = 4;
    out->joules = 10 * (double)((const struct virtual_step *)self)->steps;
}

Test(case_serve, says_what_a_token_takes_and_how_many_devices_a_demand)
{
    start("interactive/qps=20,min_queries=200,min_duration_s=0,ttft_ms=2000,tpot_ms=200", "/prompt=64,output=16,engine=ideal,demand_per_s=100", false);
    on.use = ten_a_step;
    on.self = &v;
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_float_eq(metric(ASSAY_METRIC_joules_per_token), 10 * (double)rec->load.executions / (200 * 16), 1e-9, "what warmed up does not count");
    cr_expect_float_eq(metric(ASSAY_METRIC_tokens_per_s) * 4, metric(ASSAY_METRIC_items_per_s), 1e-6);
    cr_expect_float_eq(metric(ASSAY_METRIC_goodput_per_device_s) * 4, metric(ASSAY_METRIC_goodput_per_s), 1e-9);
    double needed = 100 / metric(ASSAY_METRIC_goodput_per_device_s), said = metric(ASSAY_METRIC_devices_for_demand);
    cr_expect_float_eq(said, needed, 1e-9, "%g devices, %g are needed", said, needed);
    stop();
    start("interactive/qps=20,min_queries=200,min_duration_s=0,ttft_ms=2000,tpot_ms=0.5", "/prompt=64,output=16,engine=ideal,demand_per_s=100", false);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_str_eq(rec->metric[ASSAY_METRIC_devices_for_demand].why, "no request kept its limits");
    cr_expect_str_eq(rec->metric[ASSAY_METRIC_joules_per_token].why, "the model has no power for the device");
    stop();
}

Test(case_serve, two_engines_share_the_rate_of_tokens)
{
    double one;
    start("server/qps=50,min_queries=200,min_duration_s=0", "/engine=ideal", false);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    one = metric(ASSAY_METRIC_tokens_per_s);
    stop();
    start("server/qps=50,min_queries=200,min_duration_s=0", "/engine=ideal,link_bytes_per_s=1e10", false);
    w = v;
    w.target.self = &w;
    on.decode = &w.target;
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_float_eq(metric(ASSAY_METRIC_tokens_per_s), one / 2, one / 20);
    stop();
}

Test(case_serve, a_device_that_fails_says_so_and_its_requests_failed)
{
    start("server/qps=50,min_queries=200,min_duration_s=0", "/engine=ideal", false);
    v.fail_step = 100;
    cr_expect_eq(assay_case_serve_on(&course, &on, &err), ASSAY_DEVICE);
    cr_expect_str_eq(err.message, "the device is gone");
    cr_expect_gt(rec->load.failed, 0);
    cr_expect_eq(rec->load.completed + rec->load.failed, rec->load.issued);
    cr_expect(strstr(rec->load.invalid, "requests failed"), "%s", rec->load.invalid);
    stop();
}

Test(case_serve, the_highest_rate_that_keeps_the_limits_is_found_and_run_once_more)
{
    start("interactive/qps=0,min_queries=200,min_duration_s=0,ttft_ms=50,tpot_ms=5", "/prompt=32,output=16,engine=ideal", false);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    const struct assay_metric_value *peak = &rec->metric[ASSAY_METRIC_peak_qps];
    /* a step of 1 ms and 1 us a token: eight sequences have 16 tokens in 16 steps, less than 8 / 16 ms = 500 a second */
    cr_assert(peak->has_value, "%s; %s", peak->why, rec->load.peak);
    cr_expect(peak->value > 200 && peak->value < 500, "%g; %s", peak->value, rec->load.peak);
    cr_expect_eq(rec->load.rate, peak->value, "that rate was run");
    cr_expect_eq(metric(ASSAY_METRIC_settled_valid), 1);
    cr_expect(strstr(rec->load.peak, "looks: "), "%s", rec->load.peak);
    cr_expect(rec->load.issued >= 600 && rec->load.completed + rec->load.failed == rec->load.issued);
    stop();
}

Test(case_serve, no_rate_keeps_a_limit_that_a_lone_request_breaks)
{
    start("interactive/qps=0,min_queries=100,min_duration_s=0,ttft_ms=0.5,tpot_ms=0", "/prompt=32,output=4,engine=ideal", false);
    cr_assert(!assay_case_serve_on(&course, &on, &err), "%s", err.message);
    cr_expect_not(rec->metric[ASSAY_METRIC_peak_qps].has_value);
    cr_expect_str_eq(rec->metric[ASSAY_METRIC_peak_qps].why, "no rate was settled to be valid");
    stop();
}
