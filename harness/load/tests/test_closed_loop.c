#include "harness/load/tests/fake.h"

#include "harness/load/closed_loop.h"
#include "suites/data/fill.h"

#define SLOTS ASSAY_MIN_SETS
#define MAX_SAMPLES 200000
#define MS 1000000ull
#define CANARY 0xA5A5A5A5A5A5A5A5ull

/* One run of the loop with all it told. */
static struct {
    struct assay_graph             *g;
    struct assay_graph_target      *t;
    struct assay_closed_loop        loop;
    struct assay_closed_loop_result out;
    struct assay_error              err;
    uint64_t                        samples[MAX_SAMPLES + 1];
    uint64_t                        seen, wrong, batches_ended, last_iteration, warmed_at; /* executions before the warm-up's end */
    uint64_t                        batch_begin, batch_length[512], n_batches; /* by the iterations that were seen */
    double                          share[512];
    size_t                          n_shares;
    enum fake_fault                 fault_after_warm_up;
} run;

static void see(void *self, uint64_t iteration, const struct assay_collected *left)
{
    float        a[FAKE_N], w[FAKE_N];
    const float *c = left->outputs[0];
    struct assay_error err = {0};
    (void)self;
    cr_expect(run.seen == 0 || iteration > run.last_iteration, "in the order they ran");
    cr_assert(!assay_fill_value(run.g, 0, 1, left->set, a, &err) && !assay_fill_value(run.g, 1, 1, left->set, w, &err));
    for (int k = 0; k < FAKE_N; k++)
        run.wrong += c[k] != a[k] + w[k];
    run.last_iteration = iteration;
    run.seen++;
}

static void batch_end(void *self)
{
    (void)self;
    if (run.n_batches < 512)
        run.batch_length[run.n_batches++] = run.last_iteration + 1 - run.batch_begin;
    run.batch_begin = run.last_iteration + 1;
    run.batches_ended++;
}

static void warmed(void *self)
{
    (void)self;
    run.warmed_at = fake.executes;
    fake.fault = run.fault_after_warm_up ? run.fault_after_warm_up : fake.fault;
}

static void progress(void *self, double share, uint64_t median_ns)
{
    (void)self;
    cr_expect_lt(median_ns, 1000 * MS);
    if (run.n_shares < 512)
        run.share[run.n_shares++] = share;
}

static void begin(void)
{
    run.g = fake_graph();
    (void)fake_setup(run.g);
    for (size_t i = 0; i <= MAX_SAMPLES; i++)
        run.samples[i] = CANARY;
    run.loop = (struct assay_closed_loop){.slots = SLOTS, .min_runs = 1, .max_ns = 10000 * MS, .samples = run.samples, .max_samples = MAX_SAMPLES, .see = see,
                                          .batch_end = batch_end, .warmed = warmed, .progress = progress, .collects = true, .timeout_ns = 1000 * MS};
}

static void end(void)
{
    assay_graph_target_free(run.t);
    assay_graph_free(run.g);
}

TestSuite(closed_loop, .init = begin, .fini = end, .timeout = 60);

static enum assay_code go(void)
{
    run.loop.target = run.t = fake_target(run.g);
    return assay_closed_loop_run(&run.loop, &run.out, &run.err);
}

/* It went on while one of the minima was not met, and no batch longer. */
static void expect_both_minima(void)
{
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect_geq(run.out.n, run.loop.min_runs);
    cr_expect_geq(run.out.timed_wall_ns, run.loop.min_ns);
    cr_expect_not(run.out.hit_wall_limit);
    for (size_t i = 0; i < run.n_shares; i++)
        cr_expect(i + 1 < run.n_shares ? run.share[i] < 1 : run.share[i] == 1, "batch %zu of %zu: share %g", i, run.n_shares, run.share[i]);
    for (size_t i = 1; i < run.n_shares; i++)
        cr_expect_geq(run.share[i], run.share[i - 1]);
}

Test(closed_loop, goes_on_until_the_runs_are_enough)
{
    fake.busy_ns = 50000;
    run.loop.min_runs = 500;
    expect_both_minima();
    cr_expect_geq(run.out.timed_wall_ns, 500 * fake.busy_ns);
}

Test(closed_loop, goes_on_until_the_time_is_enough)
{
    fake.busy_ns = 50000;
    run.loop.min_ns = 40 * MS;
    expect_both_minima();
}

Test(closed_loop, meets_both_minima_whichever_comes_later)
{
    fake.busy_ns = 20000;
    run.loop.min_ns = 30 * MS;
    run.loop.min_runs = 5000; /* 100 ms */
    expect_both_minima();
}

Test(closed_loop, ends_at_the_wall_limit_and_says_so)
{
    uint64_t before = assay_clock_now_ns();
    fake.busy_ns = MS / 2;
    run.loop.min_ns = 3600 * 1000 * MS;
    run.loop.max_ns = 60 * MS;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    uint64_t took = assay_clock_now_ns() - before;
    cr_expect(run.out.hit_wall_limit && run.out.n > 1);
    cr_expect(took > 90 * MS && took < 1500 * MS, "30 ms of warm-up and the limit: %llu ms", (unsigned long long)(took / MS));
}

Test(closed_loop, times_one_execution_at_least)
{
    fake.busy_ns = MS;
    run.loop.min_runs = 100;
    run.loop.max_ns = 1;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect(run.out.n == 1 && run.out.hit_wall_limit && run.out.warm_runs == 1);
    cr_expect(run.out.collected == 1 && run.seen == 1 && run.wrong == 0);
}

Test(closed_loop, never_stores_more_samples_than_there_is_room_for)
{
    run.loop.min_runs = 1000;
    run.loop.max_samples = 101;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect_eq(run.out.n, 101u);
    cr_expect_not(run.out.hit_wall_limit);
    cr_expect(run.samples[100] != CANARY && run.samples[101] == CANARY);
}

Test(closed_loop, warms_up_three_times_and_thirty_milliseconds_and_keeps_none_of_it)
{
    fake.busy_ns = 100000;
    fake.first_busy_ns = 5 * MS;
    run.loop.min_runs = 20;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect(run.out.warm_ns >= 30 * MS && run.out.warm_runs > 3);
    cr_expect_eq(run.warmed_at, run.out.warm_runs);
    cr_expect_eq(fake.executes, run.out.warm_runs + run.out.n);
    cr_expect_geq(run.out.first_ns, 5 * MS, "the very first execution by itself");
    cr_expect_lt(run.samples[0], run.out.first_ns);
}

Test(closed_loop, a_slow_case_is_warmed_up_three_times)
{
    fake.busy_ns = 15 * MS;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect_eq(run.out.warm_runs, 3u);
}

Test(closed_loop, stores_every_latency_as_it_comes_and_adds_nothing)
{
    uint64_t sum = 0;
    fake.busy_ns = 200000;
    run.loop.min_runs = 100;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    for (uint64_t i = 0; i < run.out.n; i++) {
        cr_expect_geq(run.samples[i], fake.busy_ns);
        sum += run.samples[i];
    }
    cr_expect_eq(sum, run.out.timed_span_ns);
    cr_expect_leq(run.out.timed_span_ns, run.out.timed_wall_ns);
    cr_expect_eq(run.samples[run.out.n], CANARY);
    cr_expect(run.out.device_ns_sum == 5 * run.out.n && run.out.device_ns_n == run.out.n);
}

Test(closed_loop, collects_the_last_round_of_every_batch_and_it_is_right)
{
    run.loop.min_ns = 50 * MS;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect_eq(run.seen, run.out.collected);
    cr_expect_eq(run.out.collected, run.out.batches * SLOTS);
    cr_expect_eq(run.batches_ended, run.out.batches);
    cr_expect(run.wrong == 0 && run.out.guard_changed == 0);
    cr_expect_eq(run.last_iteration, run.out.n - 1);
}

/* The number of rounds is geometric: a device cannot know when the last one comes. */
Test(closed_loop, batches_are_rounds_of_a_length_that_varies)
{
    uint64_t shortest = UINT64_MAX, longest = 0;
    fake.busy_ns = 20000;
    run.loop.min_runs = 6000; /* not a time: on a loaded machine few batches fit in one */
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_assert_gt(run.n_batches, 5u);
    for (uint64_t i = 0; i < run.n_batches; i++) {
        cr_expect_eq(run.batch_length[i] % SLOTS, 0u);
        shortest = run.batch_length[i] < shortest ? run.batch_length[i] : shortest;
        longest = run.batch_length[i] > longest ? run.batch_length[i] : longest;
    }
    cr_expect_gt(longest, shortest);
}

/* Growth of memory is watched from the end of the first batch. */
Test(closed_loop, the_first_batch_leaves_most_of_the_run_to_watch)
{
    run.loop.min_runs = 256; /* a batch is thousands of executions that take no time */
    for (int i = 0; i < 20; i++) {
        run.n_batches = run.batch_begin = run.last_iteration = run.seen = run.n_shares = 0;
        cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
        cr_assert_geq(run.n_batches, 2u);
        cr_expect_leq(run.batch_length[0], 64u);
        assay_graph_target_free(run.t);
    }
    run.t = NULL;
}

Test(closed_loop, allocates_nothing_while_it_times_and_counts_what_the_device_allocates)
{
    if (!assay_allocations_counted())
        cr_skip_test("this build cannot count allocations");
    fake.fault = FAKE_ALLOCATES;
    fake.busy_ns = 10000;
    run.loop.min_ns = 30 * MS;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect_eq(run.out.allocations.by_harness, 0u);
    cr_expect_eq(run.out.allocations.by_plugin, run.out.n);
}

Test(closed_loop, pairs_batches_with_bursts_of_the_ceilings)
{
    cr_assert_eq(assay_ceiling_open(1, &run.loop.ceiling, &run.err), ASSAY_OK, "%s", run.err.message);
    fake.busy_ns = 100000;
    run.loop.min_ns = 60 * MS;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    assay_ceiling_close(run.loop.ceiling);
    cr_expect(run.out.n_pairs >= 1 && run.out.n_pairs <= 1 + run.out.timed_wall_ns / (12 * MS), "%u pairs", run.out.n_pairs);
    for (uint32_t i = 0; i < run.out.n_pairs; i++) {
        cr_expect_geq(run.out.batch_median_ns[i], (double)fake.busy_ns);
        cr_expect(run.out.peak_flops_per_s[i] > 1e6 && run.out.triad_bytes_per_s[i] > 1e6);
    }
    cr_expect_eq(fake.executes, run.out.warm_runs + run.out.n);
}

static enum assay_code keep_nothing(void *self, enum assay_ceiling_question what, uint64_t amount, struct assay_ceiling_answer *out, struct assay_error *err)
{
    (void)self, (void)amount;
    *out = (struct assay_ceiling_answer){.rate = 1e9};
    return what == ASSAY_CEILING_TRIAD ? ASSAY_FAIL(err, ASSAY_IO, "gone") : ASSAY_OK;
}

Test(closed_loop, a_burst_that_nobody_answers_is_no_pair)
{
    const struct assay_ceiling_keeper keeper = {.ask = keep_nothing};
    cr_assert_eq(assay_ceiling_open_kept(&keeper, &run.loop.ceiling, &run.err), ASSAY_OK, "%s", run.err.message);
    fake.busy_ns = 100000;
    run.loop.min_ns = 60 * MS;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    assay_ceiling_close(run.loop.ceiling);
    cr_expect_eq(run.out.n_pairs, 0u);
}

Test(closed_loop, without_a_ceiling_has_no_pairs_and_without_values_collects_nothing)
{
    run.loop.collects = false;
    run.loop.min_runs = 50;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    cr_expect(run.out.n_pairs == 0 && run.out.collected == 0 && run.seen == 0);
}

Test(closed_loop, an_error_ends_it_with_where_it_was_and_nothing_in_flight_is_lost)
{
    fake.busy_ns = 15 * MS; /* three to warm up */
    fake.fail_execute = 5;
    run.loop.min_runs = 10;
    cr_expect_eq(go(), ASSAY_DEVICE);
    cr_expect(strstr(run.err.message, "as told") && run.err.nframes == 2 && strcmp(run.err.frame[1], "timed execution 1") == 0, "%s", run.err.frame[1]);
}

Test(closed_loop, an_error_while_it_warms_up_says_so)
{
    fake.fail_poll = 2;
    cr_expect_eq(go(), ASSAY_TIMEOUT);
    cr_expect_str_eq(run.err.frame[1], "warm-up execution 1");
    cr_expect_eq(fake.events, 1u, "it is in flight still");
    assay_graph_target_free(run.t);
    run.t = NULL;
    fake_expect_nothing_left();
}

Test(closed_loop, a_span_that_cannot_be_is_refused)
{
    static const struct { enum fake_fault fault; char message[40]; } rows[] = {
        {FAKE_BEGINS_EARLY, "before the execution before it ended"}, {FAKE_ENDS_LATE, "outside the call"}, {FAKE_OVERLAPS, "before the execution before it ended"},
        {FAKE_ENDS_BEFORE_IT_BEGINS, "span of an execution is wrong"}, {FAKE_WRONG_CLOCK, "span of an execution is wrong"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(&run.err, 0, sizeof run.err);
        fake.fault = rows[i].fault;
        fake.polls = 0;
        cr_expect_eq(go(), ASSAY_PROTOCOL, "fault %d", (int)rows[i].fault);
        cr_expect(strstr(run.err.message, rows[i].message) || (rows[i].fault == FAKE_BEGINS_EARLY && strstr(run.err.message, "outside the call")), "fault %d: %s",
                  (int)rows[i].fault, run.err.message);
        assay_graph_target_free(run.t);
        run.t = NULL;
    }
}

/* A device that is honest until it is timed. */
Test(closed_loop, a_span_that_cannot_be_is_refused_in_the_timed_region_too)
{
    run.fault_after_warm_up = FAKE_ENDS_LATE;
    run.loop.max_samples = 1; /* the first is the last: only the host's own clock can tell */
    cr_expect_eq(go(), ASSAY_PROTOCOL);
    cr_expect(strstr(run.err.message, "outside the call"), "%s", run.err.message);
}

/* In virtual time an execution begins where the one before it ended, however little time goes by here. */
Test(closed_loop, on_a_model_s_clock_executions_stand_end_to_end)
{
    fake.device.clock = ASSAY_CLOCK_MODEL;
    fake.model_ns = 7000;
    run.loop.min_runs = 40;
    cr_assert_eq(go(), ASSAY_OK, "%s", run.err.message);
    for (uint64_t i = 0; i < run.out.n; i++)
        cr_expect_eq(run.samples[i], 7000u);
    cr_expect_eq(fake.earliest_ns, 7000 * (run.out.warm_runs + run.out.n - 1));
}
