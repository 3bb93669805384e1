#include <sys/stat.h>

#include "reports/mlperf/log_file.h"
#include "reports/mlperf/logs.h"
#include "reports/mlperf/tests/mlperf_run.h"

static struct scratch             s;
static struct assay_mlperf_result r;
static struct assay_record        record;
static char                      *text;

static void begin(void)
{
    struct assay_error err = {0};
    s = scratch_new();
    (void)mkdir(in(&s, "samples"), 0755);
    record = *made_record(RESNET50 "server/qps=2,latency_ms=15," RESNET50_SET "loadgen");
    made_queries(s.path, &record, 1024, 600 * MS, 1, 1);
    cr_assert_eq(assay_mlperf_result_read(s.path, &record, 7, &r, &err), ASSAY_OK, "%s", err.message);
}

static void end(void)
{
    free(text);
    scratch_remove(&s);
}

TestSuite(logs, .init = begin, .fini = end);

static void write_log(void (*log)(const struct assay_mlperf_result *r, enum assay_mlperf_mode mode, struct assay_sink *to), enum assay_mlperf_mode mode,
                      enum assay_escape how)
{
    size_t            bytes;
    struct assay_sink to = {.out = open_memstream(&text, &bytes), .how = how};
    log(&r, mode, &to);
    cr_assert(fclose(to.out) == 0 && !to.failed);
}

static void detail(const struct assay_mlperf_result *result, enum assay_mlperf_mode mode, struct assay_sink *to)
{
    assay_mlperf_detail(result, mode, 8, to);
}

Test(logs, detail_says_first_and_last_who_wrote_it_and_pretends_nothing)
{
    static const char *const pretended[] = {"loadgen_version", "loadgen_git", "loadgen_build", "mlperf::logging"};
    write_log(detail, ASSAY_MLPERF_PERFORMANCE, ASSAY_ESCAPE_JSON);
    cr_expect(!strncmp(text, ":::MLLOG {\"key\": \"generator\", \"value\": \"assay\"", 46), "%.80s", text);
    char *last = strrchr(text, '{');
    cr_expect(last && strstr(text, "\"generator_label\", \"value\": \"unverified: written by assay"));
    cr_expect(strstr(text + strlen(text) - 400, "\"generator_end\", \"value\": \"unverified"));
    for (size_t i = 0; i < sizeof pretended / sizeof *pretended; i++)
        cr_expect_not(strstr(text, pretended[i]), "%s", pretended[i]);
}

Test(logs, detail_is_read_again_with_all_its_values)
{
    struct assay_mlperf_log log;
    struct assay_error      err = {0};
    uint64_t                whole;
    double                  rate;
    write_log(detail, ASSAY_MLPERF_PERFORMANCE, ASSAY_ESCAPE_JSON);
    put_bytes(in(&s, "log"), text, strlen(text));
    cr_assert_eq(assay_mlperf_log_read(in(&s, "log"), &log, &err), ASSAY_OK, "%s", err.message);
    cr_expect(assay_mlperf_log_u64(&log, "effective_schedule_rng_seed", &whole) && whole == 16159082839903944936u);
    cr_expect(assay_mlperf_log_u64(&log, "result_99.00_percentile_latency_ns", &whole) && whole == r.latency.at_ns[4]);
    cr_expect(assay_mlperf_log_u64(&log, "result_99.90_percentile_latency_ns", &whole) && whole == r.latency.at_ns[5]);
    cr_expect(assay_mlperf_log_f64(&log, "result_completed_samples_per_sec", &rate) && fabs(rate / (1023 * 1e9 / (double)r.last_done_ns) - 1) < 1e-5,
              "(n - 1) / the last completion, six digits");
    cr_expect_str_eq(assay_mlperf_log_text(&log, "sut_name"), "cuda:0 on Card <b>7\"", "what stands in names is escaped");
    cr_expect_str_eq(assay_mlperf_log_text(&log, "result_validity"), "VALID");
    cr_expect(log.errors == 0);
    assay_mlperf_log_release(&log);
}

Test(logs, a_run_with_failures_has_an_error_line_and_is_invalid)
{
    struct assay_mlperf_log log;
    struct assay_error      err = {0};
    record.load.failed = 2;
    r.valid = false;
    write_log(detail, ASSAY_MLPERF_PERFORMANCE, ASSAY_ESCAPE_JSON);
    put_bytes(in(&s, "log"), text, strlen(text));
    cr_assert_eq(assay_mlperf_log_read(in(&s, "log"), &log, &err), ASSAY_OK, "%s", err.message);
    cr_expect(log.errors == 1 && !strcmp(assay_mlperf_log_text(&log, "result_validity"), "INVALID"));
    assay_mlperf_log_release(&log);
}

Test(logs, an_accuracy_log_has_no_figures)
{
    write_log(detail, ASSAY_MLPERF_ACCURACY, ASSAY_ESCAPE_JSON);
    cr_expect(strstr(text, "\"AccuracyOnly\"") && strstr(text, "\"generator_outputs_kept\", \"value\": 8"));
    cr_expect_not(strstr(text, "result_"));
}

Test(logs, summary_has_the_lines_that_tools_look_for_and_the_label)
{
    static const char *const lines[] = {"unverified: written by assay", "\nScenario : Server\n", "\nMode     : PerformanceOnly\n", "\nCompleted samples per second    : ",
                                        "\nResult is : VALID\n", "  Performance constraints satisfied : Yes\n", "  Min duration satisfied : Yes\n",
                                        "  Min queries satisfied : Yes\n", "  Early stopping satisfied: Yes\n", "99.00 percentile latency (ns)   : ",
                                        "\nNo warnings encountered during test.\n", "\nNo errors encountered during test.\n"};
    write_log(assay_mlperf_summary, ASSAY_MLPERF_PERFORMANCE, ASSAY_ESCAPE_TERMINAL);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect(strstr(text, lines[i]), "%s", lines[i]);
}
