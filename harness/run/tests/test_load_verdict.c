#include "harness/run/load_verdict.h"

#include <criterion/criterion.h>
#include <string.h>

#include "assay/banned.h"

enum { MOST = 4096 };
static struct assay_record          record;
static struct assay_drive_result    r;
static struct assay_series          series;
static struct assay_query_row       rows[MOST];
static uint64_t                     latencies[MOST];
static struct assay_scenario        scenario;

/* n queries, 1 ms apart, of which `over` take 20 ms and the others 1 ms. */
static void queries(const char *text, uint64_t n, uint64_t over)
{
    struct assay_error err = {0};
    cr_assert_eq(assay_scenario_parse(text, &scenario, &err), ASSAY_OK, "%s", err.message);
    memset(&record, 0, sizeof record);
    memset(&r, 0, sizeof r);
    assay_histogram_init(&r.latency);
    assay_histogram_init(&r.lateness);
    assay_series_init(&series, rows, MOST);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t               latency = over && i % (n / over) == 0 && i / (n / over) < over ? 20000000 : 1000000;
        struct assay_query_row row = {.query = i, .scheduled_ns = i * 1000000, .issued_ns = i * 1000000,
                                      .completed_ns = i * 1000000 + latency, .samples = 1};
        assay_series_add(&series, &row);
        assay_histogram_add(&r.latency, latency);
        assay_histogram_add(&r.lateness, 10);
    }
    r.issued = r.completed = r.samples = r.executions = n;
    r.last_scheduled_ns = n ? (n - 1) * 1000000 : 0;
    r.last_completed_ns = n * 1000000;
}

static void judge(void)
{
    assay_load_judge(&scenario, &r, &series, latencies, ASSAY_CLOCK_HOST, &record);
}

static bool is_valid(void)
{
    return record.metric[ASSAY_METRIC_loadgen_valid].value == 1;
}

#define SERVER "server/qps=1000,min_duration_s=0,latency_ms=10"

Test(load_verdict, early_stopping_is_just_met_or_just_missed)
{
    queries(SERVER ",min_queries=662", 662, 1);
    judge();
    cr_expect(is_valid(), "%s", record.load.loadgen);
    queries(SERVER ",min_queries=661", 661, 1);
    judge();
    cr_expect(!is_valid(), "%s", record.load.loadgen);
}

Test(load_verdict, count_is_just_enough_or_one_too_few)
{
    queries(SERVER ",min_queries=700", 700, 0);
    judge();
    cr_expect(is_valid());
    queries(SERVER ",min_queries=701", 700, 0);
    judge();
    cr_expect(!is_valid());
    cr_expect(strstr(record.load.loadgen, "700 queries < 701"), "%s", record.load.loadgen);
}

Test(load_verdict, duration_is_just_enough_or_a_nanosecond_too_short)
{
    queries("server/qps=1000,min_duration_s=0.999,latency_ms=10,min_queries=1", 1000, 0);
    judge();
    cr_expect(is_valid(), "%s", record.load.loadgen);
    r.last_scheduled_ns--;
    judge();
    cr_expect(!is_valid());
}

Test(load_verdict, one_failure_is_too_many_and_named)
{
    queries(SERVER ",min_queries=1", 1000, 0);
    r.failed = 1;
    r.completed--;
    (void)ASSAY_FAIL(&r.first_failure, ASSAY_DEVICE, "bus error");
    judge();
    cr_expect(!is_valid());
    cr_expect(strstr(record.load.invalid, "1 of 1000 queries failed") && strstr(record.load.invalid, "bus error"), "%s",
              record.load.invalid);
}

Test(load_verdict, failed_queries_count_as_over_the_limit_for_settled)
{
    queries(SERVER ",min_queries=1", 4000, 0);
    judge();
    cr_expect_eq(record.metric[ASSAY_METRIC_settled_valid].value, 1, "%s", record.load.settled);
    for (size_t i = 0; i < 4000; i += 20)
        rows[i].status = ASSAY_DEVICE;
    judge();
    cr_expect(record.metric[ASSAY_METRIC_settled_valid].has_value && record.metric[ASSAY_METRIC_settled_valid].value == 0, "%s",
              record.load.settled);
}

Test(load_verdict, lateness_is_just_allowed_or_just_not)
{
    queries(SERVER ",min_queries=1", 1000, 0);
    r.late = 5; /* half of what may be over the limit */
    judge();
    cr_expect_str_eq(record.load.invalid, "");
    r.late = 6;
    judge();
    cr_expect(strstr(record.load.invalid, "0.6 % of the executions were issued more than 200 us late, 0.5 % may be"), "%s",
              record.load.invalid);
}

Test(load_verdict, overload_is_told_before_what_follows_from_it)
{
    queries(SERVER ",min_queries=1", 1000, 0);
    r.late = 900;
    r.last_completed_ns = r.last_scheduled_ns / 20 * 21; /* just not */
    judge();
    cr_expect(strstr(record.load.invalid, "late"), "%s", record.load.invalid);
    r.last_completed_ns += 2000000;
    judge();
    cr_expect(strstr(record.load.invalid, "overloaded: 1000 queries a second came, 951"), "%s", record.load.invalid);
}

Test(load_verdict, lateness_limit_is_a_share_of_the_latency_limit_and_not_less_than_what_a_clock_can)
{
    queries("server/latency_ms=100", 1, 0);
    cr_expect_eq(assay_lateness_limit_ns(&scenario), 2000000);
    queries("server/latency_ms=1", 1, 0);
    cr_expect_eq(assay_lateness_limit_ns(&scenario), 100000);
}

Test(load_verdict, end_before_the_minimum_names_the_setting)
{
    queries(SERVER ",min_queries=1", 1000, 0);
    r.hit_wall_limit = true;
    judge();
    cr_expect(strstr(record.load.invalid, "max_duration_s"), "%s", record.load.invalid);
}

Test(load_verdict, share_over_the_limit_that_is_settled_is_told_with_both_numbers)
{
    queries(SERVER ",min_queries=1", 4000, 400);
    judge();
    cr_expect_eq(record.metric[ASSAY_METRIC_settled_valid].value, 0);
    cr_expect(record.metric[ASSAY_METRIC_settled_valid].has_value);
    cr_expect(strstr(record.load.invalid, "10 % of the latencies are over 10 ms, 1 % may be"), "%s", record.load.invalid);
    cr_expect_eq(record.load.over, 400);
}

Test(load_verdict, single_stream_has_the_latency_that_early_stopping_leaves)
{
    queries("single_stream/min_queries=64,min_duration_s=0", 64, 0);
    judge();
    cr_expect(is_valid(), "%s", record.load.loadgen);
    cr_expect(record.metric[ASSAY_METRIC_early_stopping_latency_ns].has_value);
    queries("single_stream/min_queries=63,min_duration_s=0", 63, 0);
    judge();
    cr_expect(!is_valid(), "%s", record.load.loadgen);
    cr_expect(!record.metric[ASSAY_METRIC_early_stopping_latency_ns].has_value);
    cr_expect(strstr(record.load.settled, "no latency limit"));
}

Test(load_verdict, multi_stream_needs_662_queries_for_its_percentile)
{
    queries("multi_stream/min_queries=1,min_duration_s=0", 662, 0);
    judge();
    cr_expect(is_valid(), "%s", record.load.loadgen);
    queries("multi_stream/min_queries=1,min_duration_s=0", 661, 0);
    judge();
    cr_expect(!is_valid() && strstr(record.load.invalid, "too few"), "%s", record.load.invalid);
}

Test(load_verdict, end_at_the_maximum_is_broken_only_before_the_minimum)
{
    queries(SERVER ",min_queries=1", 4000, 0);
    judge();
    cr_expect_str_eq(record.load.invalid, "");
    r.hit_wall_limit = true;
    judge();
    cr_expect(strstr(record.load.invalid, "before its minimum"), "%s", record.load.invalid);
}

Test(load_verdict, offline_is_judged_by_its_length)
{
    queries("offline/min_queries=100,min_duration_s=0.1,qps=100", 100, 0);
    judge();
    cr_expect(is_valid(), "%s", record.load.loadgen);
    r.last_completed_ns = 99999999;
    judge();
    cr_expect(!is_valid());
}

Test(load_verdict, rates_follow_from_samples_and_the_last_completion)
{
    queries(SERVER ",min_queries=1", 1000, 0);
    record.items = 3;
    judge();
    cr_expect_eq(record.metric[ASSAY_METRIC_samples_per_s].value, 1000);
    cr_expect_eq(record.metric[ASSAY_METRIC_items_per_s].value, 3000);
}
