#include "harness/load/drive.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/memory.h"

#include "assay/banned.h"

/* A target of one server: an execution takes fixed_ns and each_ns for every sample. On a model clock, or, asynchronously, on the
 * host's. What it is told to do wrong it does from execution `from` on. */
enum fault { NONE, FAILS, NEVER_COMPLETES, ENDS_BEFORE_IT_BEGINS, STAMPS_TOO_EARLY, WRONG_CLOCK, WRONG_TOKEN, POLL_FAILS };
static struct {
    enum assay_clock clock;
    uint64_t         fixed_ns, each_ns, free_ns, begin_ns, end_ns, issued, from, cancelled, most_samples, last_places, samples[8];
    enum fault       fault;
    bool             busy;
} server;

static bool faulty(enum fault fault)
{
    return server.fault == fault && server.issued > server.from;
}

static enum assay_code issue(void *self, const struct assay_query *q, uint64_t *token, struct assay_error *err)
{
    uint64_t earliest = server.clock == ASSAY_CLOCK_MODEL ? q->earliest_ns : assay_clock_now_ns();
    (void)self;
    cr_assert(!server.busy, "one execution at once was asked for");
    if (server.issued < 8)
        server.samples[server.issued] = q->samples[0];
    server.issued++;
    server.last_places = q->n_places;
    if (q->n_samples > server.most_samples)
        server.most_samples = q->n_samples;
    if (faulty(FAILS))
        return ASSAY_FAIL(err, ASSAY_DEVICE, "it failed as told");
    server.begin_ns = earliest > server.free_ns ? earliest : server.free_ns;
    server.end_ns = server.free_ns = server.begin_ns + server.fixed_ns + server.each_ns * q->n_samples;
    server.busy = true;
    *token = server.issued;
    return ASSAY_OK;
}

static enum assay_code poll(void *self, uint64_t timeout_ns, uint64_t *token, struct assay_span *span, struct assay_error *err)
{
    uint64_t until = assay_clock_now_ns() + timeout_ns;
    (void)self;
    if (faulty(POLL_FAILS))
        return ASSAY_FAIL(err, ASSAY_DEVICE, "polling failed as told");
    while (server.clock == ASSAY_CLOCK_HOST && (faulty(NEVER_COMPLETES) || assay_clock_now_ns() < server.end_ns))
        if (assay_clock_now_ns() >= until)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "not yet");
    if (faulty(NEVER_COMPLETES))
        return ASSAY_FAIL(err, ASSAY_TIMEOUT, "never");
    server.busy = false;
    *token = server.issued + (faulty(WRONG_TOKEN) ? 7 : 0);
    span->clock = faulty(WRONG_CLOCK) ? ASSAY_CLOCK_DEVICE : server.clock;
    span->begin_ns = faulty(STAMPS_TOO_EARLY) ? server.begin_ns - 1000000000u : server.begin_ns;
    span->end_ns = faulty(ENDS_BEFORE_IT_BEGINS) ? server.begin_ns - 1 : server.end_ns;
    return ASSAY_OK;
}

static void cancel(void *self, uint64_t token)
{
    (void)self, (void)token;
    server.busy = false;
    server.cancelled++;
}

static struct assay_drive_result r;
static uint64_t                  rows, row_failures, last_completed;
static double                    waited_ns; /* sum of latencies of the rows */

static void on_row(void *self, const struct assay_query_row *row)
{
    (void)self;
    rows++;
    row_failures += row->status != 0;
    cr_assert(row->scheduled_ns <= row->issued_ns || row->status);
    cr_assert(row->issued_ns <= row->completed_ns);
    waited_ns += (double)(row->completed_ns - row->scheduled_ns);
    last_completed = row->completed_ns;
}

static void run_with(const char *scenario, struct assay_drive d)
{
    struct assay_error    err = {0};
    struct assay_scenario s;
    struct assay_seeds    seeds;
    struct assay_target   target = {.clock = server.clock, .issue = issue, .poll = poll, .cancel = cancel};
    cr_assert_eq(assay_scenario_parse(scenario, &s, &err), ASSAY_OK, "%s", err.message);
    assay_seeds_from(1, &seeds);
    rows = row_failures = 0;
    waited_ns = 0;
    d.scenario = &s;
    d.seeds = &seeds;
    d.target = &target;
    d.batching.maximum = (uint32_t)s.max_batch;
    d.batching.delay_ns = s.batch_delay_ns;
    d.executions = d.executions ? d.executions : 1;
    d.timeout_ns = d.timeout_ns ? d.timeout_ns : 10000000000u;
    d.lateness_limit_ns = 100000;
    d.completed = on_row;
    cr_assert_eq(assay_drive_run(&d, &r, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(r.issued, r.completed + r.failed);
    cr_expect_eq(rows, r.issued);
    cr_expect_eq(row_failures, r.failed);
}

static void run(const char *scenario)
{
    run_with(scenario, (struct assay_drive){.timeout_ns = 0});
}

static void begin(void)
{
    memset(&server, 0, sizeof server);
    server.clock = ASSAY_CLOCK_MODEL;
    server.fixed_ns = 1000000;
}
TestSuite(drive, .init = begin, .timeout = 60);

/* ---- each scenario ------------------------------------------------------------------------------------------- */

Test(drive, single_stream_issues_the_next_query_when_the_last_is_done)
{
    run("single_stream/min_queries=50,min_duration_s=0");
    cr_expect_eq(r.completed, 50);
    cr_expect_eq(r.executions, 50);
    cr_expect_eq(r.last_completed_ns, 50000000);
    cr_expect_eq(r.latency.min_ns, 1000000);
    cr_expect_eq(r.latency.max_ns, 1000000);
}

Test(drive, multi_stream_query_is_done_when_the_last_of_its_samples_is)
{
    run("multi_stream/min_queries=10,min_duration_s=0,samples_per_query=8");
    cr_expect_eq(r.completed, 10);
    cr_expect_eq(r.samples, 80);
    cr_expect_eq(r.latency.max_ns, 8000000);
    begin();
    run("multi_stream/min_queries=10,min_duration_s=0,samples_per_query=8,max_batch=8");
    cr_expect_eq(r.executions, 10);
    cr_expect_eq(r.latency.max_ns, 1000000);
    cr_expect_eq(server.most_samples, 8);
}

Test(drive, offline_is_all_at_once_in_batches_as_large_as_they_may_be)
{
    server.each_ns = 1000;
    run("offline/min_queries=100,min_duration_s=0,max_batch=32");
    cr_expect_eq(r.completed, 100);
    cr_expect_eq(r.executions, 4);
    cr_expect_eq(r.last_completed_ns, 4 * 1000000 + 100 * 1000);
}

Test(drive, an_execution_has_the_least_size_of_batch_that_holds_its_samples)
{
    static const uint32_t sizes[] = {1, 4, 16};
    const struct assay_batching b = {.sizes = sizes, .n_sizes = 3};
    run_with("offline/min_queries=37,min_duration_s=0,max_batch=16", (struct assay_drive){.batching = b});
    cr_expect_eq(r.executions, 3);
    cr_expect_eq(r.places, 16 + 16 + 16, "5 samples are more than 4");
    begin();
    run_with("offline/min_queries=36,min_duration_s=0,max_batch=16", (struct assay_drive){.batching = b});
    cr_expect_eq(r.places, 16 + 16 + 4);
    cr_expect_eq(server.last_places, 4);
    begin();
    run_with("offline/min_queries=33,min_duration_s=0,max_batch=16", (struct assay_drive){.batching = b});
    cr_expect_eq(r.places, 16 + 16 + 1);
    begin();
    run("offline/min_queries=33,min_duration_s=0,max_batch=16");
    cr_expect_eq(r.places, 3 * 16, "without sizes there is one");
}

Test(drive, concurrency_keeps_its_number_in_flight)
{
    run("concurrency/in_flight=4,min_queries=400,min_duration_s=0");
    cr_expect_eq(assay_histogram_percentile(&r.latency, 0.5) / 100000, 40, "three others are ahead of each");
    cr_expect_eq(r.completed, 400);
}

Test(drive, bursts_come_together_at_their_period)
{
    run("burst/burst=5,period_ms=100,min_queries=20,min_duration_s=0");
    cr_expect_eq(r.latency.max_ns, 5000000);
    cr_expect_eq(r.latency.min_ns, 1000000);
    cr_expect_eq(r.last_scheduled_ns, 300000000);
}

Test(drive, server_ends_when_count_and_duration_are_both_met)
{
    run("server/qps=100,min_queries=10,min_duration_s=2");
    cr_expect(r.last_scheduled_ns >= 2000000000 && r.completed >= 150, "%llu", (unsigned long long)r.completed);
    begin();
    run("server/qps=100,min_queries=700,min_duration_s=0");
    cr_expect_eq(r.completed, 700);
}

Test(drive, equal_issue_ends_at_a_multiple_of_the_loaded_set)
{
    run("server/qps=100,min_queries=10,min_duration_s=1,performance_samples=64,equal_issue=true");
    cr_expect(r.completed % 64 == 0 && r.completed >= 64);
}

Test(drive, maximum_duration_ends_it_and_says_so)
{
    run("server/qps=100,min_queries=1000000,min_duration_s=1,max_duration_s=2");
    cr_expect(r.hit_wall_limit);
    cr_expect(r.last_scheduled_ns < 2000000000);
    begin();
    run("server/qps=100,min_queries=10,min_duration_s=1,max_duration_s=2");
    cr_expect(!r.hit_wall_limit);
}

/* ---- batches --------------------------------------------------------------------------------------------------- */

Test(drive, batch_that_is_not_full_leaves_after_its_delay)
{
    run("burst/burst=3,period_ms=100,min_queries=12,min_duration_s=0,max_batch=8,batch_delay_ms=10");
    cr_expect_eq(r.executions, 4);
    cr_expect_eq(server.most_samples, 3);
    cr_expect_eq(r.latency.max_ns, 11000000, "ten of delay and one of execution: %llu", (unsigned long long)r.latency.max_ns);
    cr_expect_eq(r.latency.min_ns, 1000000, "the last burst does not wait for what will not come: %llu",
                 (unsigned long long)r.latency.min_ns);
}

Test(drive, full_batch_does_not_wait_and_the_rest_is_left_behind)
{
    run("burst/burst=9,period_ms=100,min_queries=18,min_duration_s=0,max_batch=8,batch_delay_ms=10");
    cr_expect_eq(r.executions, 4);
    cr_expect_eq(r.latency.min_ns, 1000000);
}

Test(drive, concurrency_below_the_batch_does_not_wait_for_what_cannot_come)
{
    run("concurrency/in_flight=3,min_queries=30,min_duration_s=0,max_batch=8,batch_delay_ms=1000");
    cr_expect_eq(r.latency.max_ns, 1000000);
}

/* ---- virtual time ------------------------------------------------------------------------------------------------ */

/* Pollaczek and Khinchine: the mean wait of M/D/1 is rho / (2 (1 - rho)) services. */
Test(drive, mean_latency_of_a_queue_is_that_of_the_closed_form)
{
    static const double load[] = {0.5, 0.8};
    for (size_t i = 0; i < 2; i++) {
        char scenario[128];
        begin();
        (void)snprintf(scenario, sizeof scenario, "server/qps=%g,min_queries=1000000,min_duration_s=0", 1000 * load[i]);
        run(scenario);
        double mean = waited_ns / 1e6 / (double)r.completed, exact = 1 + load[i] / (2 * (1 - load[i]));
        cr_expect(fabs(mean / exact - 1) < 0.02, "load %g: %g, not %g", load[i], mean, exact);
        cr_expect_eq(r.lateness.max_ns, 0, "a model's clock has no lateness");
    }
}

Test(drive, model_clock_that_stands_somewhere_is_where_the_run_begins)
{
    server.free_ns = 5000000000u;
    run_with("single_stream/min_queries=3,min_duration_s=0", (struct assay_drive){.model_begin_ns = 5000000000u});
    cr_expect_eq(r.last_completed_ns, 3000000);
}

Test(drive, same_seed_gives_the_same_run_to_the_nanosecond)
{
    run("server/qps=700,min_queries=5000,min_duration_s=0");
    uint64_t first = last_completed;
    double   sum = waited_ns;
    begin();
    run("server/qps=700,min_queries=5000,min_duration_s=0");
    cr_expect(last_completed == first && waited_ns == sum);
}

/* Launches of one queue run in order, however many the device has been given. */
Test(drive, executions_given_ahead_change_nothing_on_a_device_of_one_queue)
{
    run("server/qps=900,min_queries=20000,min_duration_s=0");
    uint64_t last = last_completed;
    double   sum = waited_ns;
    begin();
    run_with("server/qps=900,min_queries=20000,min_duration_s=0", (struct assay_drive){.executions = 3});
    cr_expect_eq(r.most_in_flight, 3);
    cr_expect_eq(last_completed, last);
    cr_expect_float_eq(waited_ns / sum, 1, 1e-12);
}

/* A device of two queues on the host's clock: what is begun first is not always what is done first. */
static struct { uint64_t token, begin_ns, end_ns; } lane[2];
static enum assay_code issue_two(void *self, const struct assay_query *q, uint64_t *token, struct assay_error *err)
{
    size_t i = lane[0].token ? 1 : 0;
    (void)self, (void)err;
    cr_assert(!lane[i].token, "no more than two");
    lane[i].begin_ns = assay_clock_now_ns();
    lane[i].end_ns = lane[i].begin_ns + (q->samples[0] % 2 ? 20000 : 90000);
    *token = lane[i].token = ++server.issued;
    return ASSAY_OK;
}
static enum assay_code poll_two(void *self, uint64_t timeout_ns, uint64_t *token, struct assay_span *span, struct assay_error *err)
{
    uint64_t until = assay_clock_now_ns() + timeout_ns;
    (void)self;
    for (;;) {
        uint64_t now = assay_clock_now_ns();
        for (size_t i = 0; i < 2; i++)
            if (lane[i].token && lane[i].end_ns <= now) {
                *token = lane[i].token;
                span->clock = ASSAY_CLOCK_HOST;
                span->begin_ns = lane[i].begin_ns;
                span->end_ns = lane[i].end_ns;
                lane[i].token = 0;
                return ASSAY_OK;
            }
        if (now >= until)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "not yet");
    }
}

Test(drive, two_at_once_may_end_in_another_order)
{
    struct assay_error    err = {0};
    struct assay_scenario s;
    struct assay_seeds    seeds;
    struct assay_target   target = {.clock = ASSAY_CLOCK_HOST, .issue = issue_two, .poll = poll_two, .cancel = cancel};
    struct assay_drive    d = {.scenario = &s, .seeds = &seeds, .target = &target, .batching = {.maximum = 1}, .executions = 2,
                               .timeout_ns = 10000000000u, .lateness_limit_ns = 100000, .completed = on_row};
    cr_assert_eq(assay_scenario_parse("concurrency/in_flight=5,min_queries=300,min_duration_s=0", &s, &err), ASSAY_OK);
    assay_seeds_from(1, &seeds);
    cr_assert_eq(assay_drive_run(&d, &r, &err), ASSAY_OK);
    cr_expect(r.completed == 300 && r.failed == 0 && r.executions == 300 && rows == 300);
    cr_expect_eq(r.most_in_flight, 2);
    cr_expect(r.latency.min_ns >= 20000);
}

/* ---- what goes wrong ----------------------------------------------------------------------------------------------- */

Test(drive, query_that_fails_is_counted_and_the_others_go_on)
{
    server.fault = FAILS;
    server.from = 990;
    run("single_stream/min_queries=1000,min_duration_s=0");
    cr_expect_eq(r.failed, 10);
    cr_expect_eq(r.completed, 990);
    cr_expect_eq(r.latency.n, 990);
    cr_expect_str_eq(r.first_failure.message, "it failed as told");
    cr_expect(!r.gave_up);
}

Test(drive, a_hundred_failures_in_a_row_end_it)
{
    server.fault = FAILS;
    server.from = 10;
    run("single_stream/min_queries=1000000,min_duration_s=0");
    cr_expect(r.gave_up);
    cr_expect_eq(r.failed, ASSAY_DRIVE_GIVES_UP);
}

Test(drive, target_that_never_completes_ends_by_timeout_and_its_queries_have_failed)
{
    server.clock = ASSAY_CLOCK_HOST;
    server.fixed_ns = 1000;
    server.fault = NEVER_COMPLETES;
    server.from = 5;
    run_with("burst/burst=20,period_ms=1,min_queries=20,min_duration_s=0", (struct assay_drive){.timeout_ns = 20000000});
    cr_expect_eq(r.completed, 5);
    cr_expect_eq(r.failed, 15);
    cr_expect_eq(server.cancelled, 1, "the others timed out while they waited");
    cr_expect_eq(r.first_failure.code, ASSAY_TIMEOUT);
}

Test(drive, what_takes_longer_than_it_may_has_failed_on_a_model_clock_too)
{
    run_with("burst/burst=20,period_ms=1000,min_queries=20,min_duration_s=0", (struct assay_drive){.timeout_ns = 5000000});
    cr_expect_eq(r.completed, 5);
    cr_expect_eq(r.failed, 15);
}

Test(drive, spans_that_cannot_be_make_queries_fail)
{
    static const enum fault faults[] = {ENDS_BEFORE_IT_BEGINS, STAMPS_TOO_EARLY, WRONG_CLOCK, WRONG_TOKEN};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        for (int host = 0; host < 2; host++) {
            begin();
            server.clock = host ? ASSAY_CLOCK_HOST : ASSAY_CLOCK_MODEL;
            server.fixed_ns = 1000;
            server.free_ns = 2000000000u * (uint64_t)!host;
            server.fault = faults[i];
            server.from = 10;
            run_with("single_stream/min_queries=15,min_duration_s=0", (struct assay_drive){.model_begin_ns = server.free_ns});
            cr_expect_eq(r.completed, 10, "fault %zu", i);
            cr_expect_eq(r.first_failure.code, ASSAY_PROTOCOL);
        }
}

Test(drive, poll_that_fails_loses_what_is_in_flight_and_no_more)
{
    server.clock = ASSAY_CLOCK_HOST;
    server.fixed_ns = 1000;
    server.fault = POLL_FAILS;
    server.from = 10;
    run("single_stream/min_queries=12,min_duration_s=0");
    cr_expect_eq(r.completed, 10);
    cr_expect_eq(r.failed, 2);
}

/* ---- the host's clock ------------------------------------------------------------------------------------------------ */

Test(drive, arrivals_are_never_issued_before_they_are_due)
{
    server.clock = ASSAY_CLOCK_HOST;
    server.fixed_ns = 2000;
    run("server/qps=5000,min_queries=500,min_duration_s=0");
    cr_expect_eq(r.completed, 500);
    cr_expect(r.latency.min_ns >= 2000);
    cr_expect_eq(r.lateness.n, r.executions);
}

Test(drive, nothing_is_allocated_between_the_first_issue_and_the_last_completion)
{
    if (!assay_allocations_counted())
        cr_skip_test("this build cannot count allocations");
    server.clock = ASSAY_CLOCK_HOST;
    server.fixed_ns = 1000;
    run("server/qps=20000,min_queries=500,min_duration_s=0,max_batch=4");
    cr_expect_eq(r.allocations.by_harness, 0);
    cr_expect_eq(r.allocations.by_plugin, 0);
}

static uint64_t told;
static void on_progress(void *self, double share, uint64_t median_ns)
{
    (void)self, (void)median_ns;
    cr_assert(share >= 0 && share <= 1 && !server.busy);
    told++;
}

static void on_slow_progress(void *self, double share, uint64_t median_ns)
{
    on_progress(self, share, median_ns);
    assay_clock_sleep_until_ns(assay_clock_now_ns() + 200000000);
}

Test(drive, progress_between_queries_is_in_no_latency)
{
    server.clock = ASSAY_CLOCK_HOST;
    server.fixed_ns = 1000;
    run_with("single_stream/min_queries=1,min_duration_s=0.8", (struct assay_drive){.progress = on_slow_progress});
    cr_expect(told >= 1);
    cr_expect(r.latency.max_ns < 200000000 && r.lateness.max_ns < 200000000);
}

Test(drive, progress_is_told_only_while_nothing_runs)
{
    server.clock = ASSAY_CLOCK_HOST;
    server.fixed_ns = 1000;
    run_with("server/qps=50,min_queries=40,min_duration_s=0", (struct assay_drive){.progress = on_progress});
    cr_expect(told >= 1);
}
