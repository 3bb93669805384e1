#include <sys/stat.h>

#include "reports/mlperf/result.h"
#include "reports/mlperf/tests/mlperf_run.h"

static struct scratch             s;
static struct assay_mlperf_result r;
static struct assay_error         err;

static void begin(void)
{
    s = scratch_new();
    (void)mkdir(in(&s, "samples"), 0755);
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(result, .init = begin, .fini = end, .timeout = 30);

/* Latencies 1 us, 2 us … n us at a query a millisecond. */
static struct assay_record *ramp(const char *name, size_t n)
{
    struct assay_record    *record = made_record(name);
    struct assay_query_row *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct assay_query_row){.query = i, .scheduled_ns = i * MS, .issued_ns = i * MS, .completed_ns = i * MS + (i + 1) * 1000, .samples = 1};
    record->load = (struct assay_load){.issued = n, .completed = n, .samples = n, .every = 1, .kept = n, .duration_ns = rows[n - 1].completed_ns};
    assay_run_folder_queries_file(record->id, record->backend, 0, record->load.series_file);
    made_file(s.path, record->load.series_file, rows, n * sizeof *rows, record->load.series_sha256);
    free(rows);
    return record;
}

static enum assay_code reads(const struct assay_record *record)
{
    err = (struct assay_error){0};
    return assay_mlperf_result_read(s.path, record, 5, &r, &err);
}

Test(result, percentiles_are_at_floor_np_of_the_sorted_latencies)
{
    cr_assert_eq(reads(ramp(RESNET50 "server/qps=1000,min_queries=700,min_duration_s=0", 1000)), ASSAY_OK, "%s", err.message);
    static const uint64_t expected_us[] = {501, 901, 951, 971, 991, 1000};
    for (int p = 0; p < ASSAY_MLPERF_PERCENTILES; p++)
        cr_expect_eq(r.latency.at_ns[p], expected_us[p] * 1000, "percentile %d", p);
    cr_expect(r.latency.min_ns == 1000 && r.latency.max_ns == 1000000 && r.latency.mean_ns == 500500);
    cr_expect(r.last_scheduled_ns == 999 * MS && r.last_done_ns == 1000 * MS);
    cr_expect(r.queries == 1000 && r.samples == 1000);
}

Test(result, a_server_stops_early_where_so_few_are_over_its_limit)
{
    /* of 1,000 at p99: with t over, h(t) must be within; 2 over need 1000 - 2 >= h(2) = 838, 3 need 1002 */
    cr_assert_eq(reads(ramp(RESNET50 "server/qps=1000,min_queries=700,min_duration_s=0,latency_ms=0.998", 1000)), ASSAY_OK, "%s", err.message);
    cr_expect(r.over == 2 && r.stops_early && r.within_limits && r.valid, "%s", r.early_stopping);
    cr_assert_eq(reads(ramp(RESNET50 "server/qps=1000,min_queries=700,min_duration_s=0,latency_ms=0.997", 1000)), ASSAY_OK, "%s", err.message);
    cr_expect(r.over == 3 && !r.stops_early && !r.within_limits && !r.valid, "%s", r.early_stopping);
}

Test(result, minimums_hold_at_them_and_not_below)
{
    cr_assert_eq(reads(ramp(RESNET50 "server/qps=1000,min_queries=1000,min_duration_s=0.999", 1000)), ASSAY_OK, "%s", err.message);
    cr_expect(r.long_enough && r.many_enough && r.valid);
    cr_assert_eq(reads(ramp(RESNET50 "server/qps=1000,min_queries=1001,min_duration_s=0.9990001", 1000)), ASSAY_OK, "%s", err.message);
    cr_expect(!r.long_enough && !r.many_enough && !r.valid);
}

Test(result, what_the_run_itself_found_counts_too)
{
    struct assay_record *record = ramp(RESNET50 "server/qps=1000,min_queries=700,min_duration_s=0", 1000);
    record->metric[ASSAY_METRIC_loadgen_valid].value = 0;
    cr_assert_eq(reads(record), ASSAY_OK);
    cr_expect(!r.valid);
    record->metric[ASSAY_METRIC_loadgen_valid].value = 1;
    record->load.failed = 1;
    cr_assert_eq(reads(record), ASSAY_OK);
    cr_expect(!r.valid, "a query failed");
}

Test(result, single_stream_has_the_latency_that_early_stopping_leaves)
{
    cr_assert_eq(reads(ramp(RESNET50 "single_stream/min_queries=1,min_duration_s=0", 64)), ASSAY_OK, "%s", err.message);
    cr_expect(r.stops_early && r.early_stopping_ns == 64000, "p90 of 64: t = 1, sorted[63]");
    cr_assert_eq(reads(ramp(RESNET50 "single_stream/min_queries=1,min_duration_s=0", 63)), ASSAY_OK, "%s", err.message);
    cr_expect(!r.stops_early && !r.early_stopping_ns && !r.valid, "63 are too few");
}

Test(result, seeds_are_the_named_ones_or_the_runs)
{
    struct assay_seeds expected;
    cr_assert_eq(reads(ramp(RESNET50 "server/qps=1000,seeds=loadgen-v6.1", 100)), ASSAY_OK, "%s", err.message);
    cr_expect_eq(r.seeds.schedule, 16159082839903944936u);
    cr_assert_eq(reads(ramp(RESNET50 "server/qps=1000", 100)), ASSAY_OK, "%s", err.message);
    assay_seeds_from(5, &expected);
    cr_expect_eq(r.seeds.schedule, expected.schedule);
}

Test(result, of_served_requests_has_tokens_and_their_limits)
{
    struct assay_record *record = made_record(LLAMA2 "interactive/qps=2,min_queries=100,min_duration_s=0,ttft_ms=101,tpot_ms=20" SERVED);
    made_served(s.path, record, 1000, 600 * MS, false);
    cr_assert_eq(reads(record), ASSAY_OK, "%s", err.message);
    cr_expect(r.tokens && r.tokens_n == 10000 && r.queries == 1000);
    cr_expect(r.ttft.at_ns[4] == 100 * MS + 4 && r.tpot.at_ns[4] == 20 * MS && r.latency.min_ns == 280 * MS, "TPOT = (280 - 100) / 9 ms");
    cr_expect(r.valid, "%s", r.early_stopping);
    record = made_record(LLAMA2 "interactive/qps=2,min_queries=100,min_duration_s=0,ttft_ms=101,tpot_ms=19" SERVED);
    made_served(s.path, record, 1000, 600 * MS, false);
    cr_assert_eq(reads(record), ASSAY_OK, "%s", err.message);
    cr_expect(!r.valid && strstr(r.early_stopping, "further tokens: 1000 of 1000 over"), "%s", r.early_stopping);
}

Test(result, where_every_second_query_was_kept_counts_are_the_runs)
{
    struct assay_record *record = made_record(RESNET50 "offline/min_queries=768,min_duration_s=0");
    made_queries(s.path, record, 384, MS, 1, 2);
    cr_assert_eq(reads(record), ASSAY_OK, "%s", err.message);
    cr_expect(r.queries == 768 && r.samples == 768 && r.latency.n == 384 && r.valid);
    cr_expect(fabs(assay_mlperf_per_second((double)r.samples, r.longest_ns) - 2000) < 1e-9);
    cr_expect_eq(assay_mlperf_per_second(5, 0), 0);
}
