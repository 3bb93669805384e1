#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/load/serving/serve.h"
#include "harness/load/serving/tests/virtual_step.h"

static struct assay_error          err;
static struct assay_scenario       scenario;
static struct assay_seeds          seeds;
static struct assay_requests_setup requests;
static struct virtual_step         v, w;
static struct assay_serve          how;
static struct assay_serve_result   out;
static struct assay_served_metrics m;

static void lengths(const char *prompt, const char *output)
{
    cr_assert(!assay_lengths_parse(prompt, "prompt", &requests.prompt, &err));
    cr_assert(!assay_lengths_parse(output, "output", &requests.output, &err));
}

static void describe(const char *text, struct assay_step_limits limits, uint64_t a, uint64_t b, uint64_t c)
{
    cr_assert(!assay_scenario_parse(text, &scenario, &err), "%s", err.message);
    cr_assert(!assay_seeds_find("loadgen-v6.1", &seeds, &err));
    requests = (struct assay_requests_setup){.scenario = &scenario, .seeds = &seeds, .table = "", .vocabulary = VOCABULARY, .seed = 1};
    v = virtual_new(limits, a, b, c);
    v.target.self = &v;
    how = (struct assay_serve){.requests = &requests, .target = &v.target, .policy = {.chunk_tokens = 256}, .window = {0, UINT64_MAX}};
}

static void two_engines(struct assay_serve_link link)
{
    w = virtual_new(v.target.limits, v.a_ns, v.b_ns, v.c_ns);
    w.target.self = &w;
    how.decode = &w.target;
    how.link = link;
}

static void serve(struct assay_served_limits limits)
{
    cr_assert(!assay_serve_run(&how, &out, &err), "%s", err.message);
    cr_assert(!assay_served_summarize(out.served, &limits, &m, &err));
    cr_expect_eq(m.issued, m.completed + m.failed);
    cr_expect_eq(v.wrong, 0);
}

static struct assay_step_limits large(void)
{
    return (struct assay_step_limits){.max_tokens = 512, .max_sequences = 64, .block_tokens = 16, .n_blocks = 4096, .max_context = 4096};
}

/* Pollaczek and Khinchine: the mean wait of M/G/1 is lambda E[S^2] / (2 (1 - rho)). */
Test(serve, one_sequence_at_a_time_is_the_queue_of_the_books)
{
    double sum = 0, squares = 0, wait = 0;
    uint64_t n;
    describe("server/qps=70,min_queries=60000,min_duration_s=0s,performance_samples=4096", large(), 100000, 1000, 0);
    lengths("uniform-100-300", "uniform-20-160");
    how.policy.max_sequences = 1;
    serve((struct assay_served_limits){0});
    const struct assay_served_row *row = assay_served_rows(out.served, &n);
    cr_assert_eq(n, 60000);
    for (uint64_t i = 0; i < n; i++) {
        double s = 100000.0 * (1 + row[i].output_tokens - 1) + 1000.0 * (row[i].prompt_tokens + row[i].output_tokens - 1);
        double served = (double)(row[i].completed_ns - row[i].scheduled_ns);
        s += row[i].prompt_tokens > 256 ? 100000 : 0; /* a second step for its prompt */
        sum += s;
        squares += s * s;
        wait += served - s;
    }
    double mean = sum / (double)n, rho = 70e-9 * mean, expected = 70e-9 * squares / (double)n / (2 * (1 - rho));
    cr_expect(rho > 0.6 && rho < 0.7, "%g", rho);
    cr_expect_float_eq(wait / (double)n / expected, 1, 0.03, "%g ns instead of %g", wait / (double)n, expected);
    assay_served_free(out.served);
}

Test(serve, a_full_batch_gives_its_sequences_over_the_time_per_token)
{
    describe("concurrency/in_flight=64,min_queries=2000,min_duration_s=0s", large(), 1000000, 1000, 0);
    lengths("1", "200");
    serve((struct assay_served_limits){0});
    double tpot = 1000000 + 64 * 1000;
    cr_expect_float_eq(m.tokens_per_s / (64 / tpot * 1e9), 1, 0.03, "%g", m.tokens_per_s);
    cr_expect_float_eq((double)m.tpot.p50_ns / tpot, 1, 0.001);
    cr_expect_eq(out.engine.most_sequences, 64);
    cr_expect_eq(v.most_sequences, 64);
    assay_served_free(out.served);
}

Test(serve, a_fixed_number_is_in_flight_and_never_more)
{
    describe("concurrency/in_flight=5,min_queries=300,min_duration_s=0s", large(), 1000, 10, 1);
    lengths("uniform-10-300", "uniform-1-50");
    serve((struct assay_served_limits){0});
    cr_expect_eq(m.completed, 300);
    cr_expect_eq(v.most_sequences, 5);
    cr_expect_gt(m.without_tpot, 0);
    assay_served_free(out.served);
}

Test(serve, offline_and_single_stream_and_bursts_are_served_too)
{
    static const char scenarios[][90] = {"offline/qps=1,min_queries=100,min_duration_s=0s", "single_stream/min_queries=100,min_duration_s=0s",
                                         "burst/burst=10,period_ms=1,min_queries=100,min_duration_s=0s",
                                         "interactive/qps=1000,min_queries=100,min_duration_s=0s"};
    static const uint32_t most[] = {64, 1, 64, 64};
    for (int i = 0; i < 4; i++) {
        describe(scenarios[i], large(), 1000, 10, 1);
        lengths("uniform-10-300", "uniform-1-50");
        serve((struct assay_served_limits){0});
        cr_expect_eq(m.completed, 100);
        cr_expect_leq(v.most_sequences, most[i]);
        assay_served_free(out.served);
    }
}

Test(serve, the_same_seed_gives_the_same_rows_byte_for_byte)
{
    struct assay_served_row before[500];
    for (int again = 0; again < 2; again++) {
        uint64_t n;
        describe("server/qps=3000,min_queries=500,min_duration_s=0s", large(), 100000, 1000, 1);
        v.target.limits.n_blocks = 200; /* short of blocks: pre-emption */
        lengths("lognormal-100-0.8-400", "uniform-20-160");
        how.policy.reuses_prefixes = true;
        requests.shared_tokens = 50;
        requests.shared_prompts = 4;
        serve((struct assay_served_limits){0});
        const struct assay_served_row *rows = assay_served_rows(out.served, &n);
        cr_assert_eq(n, 500);
        cr_expect_gt(out.engine.preemptions, 0);
        cr_expect_gt(out.engine.reused_tokens, 0);
        cr_expect(!again || !memcmp(before, rows, sizeof before));
        memcpy(before, rows, sizeof before);
        assay_served_free(out.served);
    }
}

Test(serve, continuous_batches_give_more_than_static_ones)
{
    double rate[2];
    for (int i = 0; i < 2; i++) {
        describe("offline/qps=1,min_queries=1000,min_duration_s=0s", large(), 1000000, 1000, 0);
        lengths("16", "uniform-1-200");
        how.policy.is_static = i;
        serve((struct assay_served_limits){0});
        rate[i] = m.tokens_per_s;
        assay_served_free(out.served);
    }
    cr_expect_gt(rate[0], 1.5 * rate[1], "half the places of a static batch are empty on average");
}

Test(serve, pieces_of_prompts_bound_the_gaps_between_tokens)
{
    describe("server/qps=200,min_queries=400,min_duration_s=0s", large(), 100000, 10000, 0);
    lengths("uniform-100-300", "uniform-50-100");
    how.policy = (struct assay_engine_policy){.chunk_tokens = 64, .max_tokens = 80};
    serve((struct assay_served_limits){0});
    cr_expect_leq(m.gap.max_ns, 100000 + 80 * 10000, "every step is one of 80 tokens at most, and everybody has a token in each");
    assay_served_free(out.served);
    how.policy = (struct assay_engine_policy){.chunk_tokens = 0};
    serve((struct assay_served_limits){0});
    cr_expect_gt(m.gap.p99_ns, 100000 + 100 * 10000, "a whole prompt has 100 tokens or more");
    assay_served_free(out.served);
}

/* ---- two engines ----------------------------------------------------------------------------------------------------- */

Test(serve, a_second_engine_goes_on_when_the_cache_has_come_over_the_link)
{
    uint64_t n;
    describe("single_stream/min_queries=1,min_duration_s=0s", large(), 1000, 10, 0);
    lengths("100", "5");
    two_engines((struct assay_serve_link){.latency_ns = 70, .bytes_per_s = 1e9, .bytes_per_token = 3});
    serve((struct assay_served_limits){0});
    const struct assay_served_row *row = assay_served_rows(out.served, &n);
    cr_assert_eq(n, 1);
    uint64_t first = 1000 + 100 * 10;
    cr_expect_eq(row->first_ns, first);
    cr_expect_eq(row->last_ns, first + 300 + 70 + 4 * (1000 + 10));
    cr_expect_eq(row->output_tokens, 5);
    cr_expect_eq(m.tokens, 5, "each token once");
    cr_expect_eq(m.gap.n, 4);
    cr_expect_eq(out.engine.steps, 1);
    cr_expect_eq(out.decode.steps, 4);
    assay_served_free(out.served);
}

Test(serve, the_link_takes_one_cache_at_a_time)
{
    uint64_t n;
    describe("offline/qps=1,min_queries=3,min_duration_s=0s", large(), 1000, 10, 0);
    lengths("100", "2");
    how.policy.chunk_tokens = 512;
    two_engines((struct assay_serve_link){.bytes_per_s = 1e9, .bytes_per_token = 100});
    serve((struct assay_served_limits){0});
    const struct assay_served_row *row = assay_served_rows(out.served, &n);
    cr_assert_eq(n, 3);
    for (uint64_t i = 0; i < 3; i++) {
        cr_expect_eq(row[i].first_ns, 1000 + 3000);
        cr_expect_eq(row[i].last_ns, 4000 + (i + 1) * 10000 + 1010);
    }
    assay_served_free(out.served);
}

Test(serve, each_lane_of_a_link_takes_one_cache_at_a_time)
{
    uint64_t n;
    describe("offline/qps=1,min_queries=3,min_duration_s=0s", large(), 1000, 10, 0);
    lengths("100", "2");
    how.policy.chunk_tokens = 512;
    two_engines((struct assay_serve_link){.bytes_per_s = 1e9, .bytes_per_token = 100, .lanes = 2});
    serve((struct assay_served_limits){0});
    const struct assay_served_row *row = assay_served_rows(out.served, &n);
    cr_assert_eq(n, 3);
    cr_expect_eq(row[0].last_ns, 4000 + 10000 + 1020, "two come together, and share a step");
    cr_expect_eq(row[1].last_ns, row[0].last_ns);
    cr_expect_eq(row[2].last_ns, 4000 + 2 * 10000 + 1010);
    assay_served_free(out.served);
}

/* A long prompt on one lane, short ones behind it on the other: these arrive first, and are admitted first. */
Test(serve, a_short_cache_overtakes_a_long_one_on_another_lane)
{
    uint64_t n;
    FILE    *f = fopen("/tmp/test_serve_lanes.csv", "w");
    cr_assert(f && fputs("scheduled_ns,sample_index,prompt_tokens,output_tokens\n0,0,400,2\n0,1,50,2\n0,2,50,2\n", f) > 0 && !fclose(f));
    describe("trace/trace=/tmp/test_serve_lanes.csv", large(), 1000, 10, 0);
    how.policy.chunk_tokens = 512;
    two_engines((struct assay_serve_link){.bytes_per_s = 1e9, .bytes_per_token = 100, .lanes = 2});
    serve((struct assay_served_limits){0});
    (void)remove("/tmp/test_serve_lanes.csv");
    const struct assay_served_row *row = assay_served_rows(out.served, &n);
    cr_assert_eq(n, 3);
    uint64_t prompts = 1000 + 500 * 10;
    for (uint64_t i = 0; i < 3; i++)
        cr_expect_eq(row[i].last_ns, prompts + (row[i].prompt_tokens == 400 ? 40000 : i < 1 ? 5000 : 10000) + 1010, "row %d", (int)i);
    cr_expect_eq(row[2].prompt_tokens, 400u, "the long one ends last");
    assay_served_free(out.served);
}

Test(serve, two_engines_keep_long_prompts_away_from_who_generates)
{
    describe("server/qps=200,min_queries=400,min_duration_s=0s", large(), 100000, 10000, 0);
    lengths("uniform-100-300", "uniform-50-100");
    serve((struct assay_served_limits){0});
    cr_expect_gt(m.gap.p99_ns, 100000 + 100 * 10000);
    assay_served_free(out.served);
    two_engines((struct assay_serve_link){.bytes_per_s = 1e12, .bytes_per_token = 1000});
    serve((struct assay_served_limits){0});
    cr_expect_eq(m.completed, 400);
    cr_expect_leq((double)m.gap.p90_ns, 1.008 * (100000 + 64 * 10000), "a step is one token of 64 sequences at most; the way over the link is one gap of each request");
    assay_served_free(out.served);
}

Test(serve, two_engines_serve_a_fixed_number_in_flight_even_short_of_blocks)
{
    describe("concurrency/in_flight=40,min_queries=600,min_duration_s=0s", large(), 1000, 10, 1);
    v.target.limits.n_blocks = 60;
    lengths("uniform-10-300", "uniform-1-200");
    two_engines((struct assay_serve_link){.latency_ns = 10000, .bytes_per_s = 1e9, .bytes_per_token = 100});
    serve((struct assay_served_limits){0});
    cr_expect_eq(m.completed, 600);
    cr_expect_gt(out.decode.preemptions, 0);
    uint64_t tokens = 0, n;
    const struct assay_served_row *row = assay_served_rows(out.served, &n);
    for (uint64_t i = 0; i < n; i++)
        tokens += row[i].output_tokens;
    cr_expect_eq(tokens, m.tokens);
    assay_served_free(out.served);
}

Test(serve, two_engines_are_for_a_model_clock)
{
    describe("offline/qps=1,min_queries=3,min_duration_s=0s", large(), 1000, 10, 0);
    lengths("100", "2");
    two_engines((struct assay_serve_link){.bytes_per_s = 1e9});
    w.target.limits.clock = ASSAY_CLOCK_HOST;
    cr_expect_eq(assay_serve_run(&how, &out, &err), ASSAY_UNSUPPORTED);
    w.target.limits.clock = ASSAY_CLOCK_MODEL;
    how.link.bytes_per_s = 0;
    cr_expect_eq(assay_serve_run(&how, &out, &err), ASSAY_CONFIG);
    how.link.bytes_per_s = 1;
    how.policy.is_static = true;
    cr_expect_eq(assay_serve_run(&how, &out, &err), ASSAY_CONFIG);
}

/* ---- what goes wrong --------------------------------------------------------------------------------------------------- */

Test(serve, requests_that_can_be_too_long_are_refused_before_the_first_step)
{
    describe("server/qps=100", large(), 1000, 10, 0);
    lengths("uniform-1-4000", "97");
    cr_expect_eq(assay_serve_run(&how, &out, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "a request of 4000 + 97 tokens; the model's context has 4096");
    v.target.limits.n_blocks = 100;
    lengths("uniform-1-1500", "101");
    cr_expect_eq(assay_serve_run(&how, &out, &err), ASSAY_OK);
    assay_served_free(out.served);
    lengths("uniform-1-1500", "102");
    v.steps = 0;
    cr_expect_eq(assay_serve_run(&how, &out, &err), ASSAY_CONFIG);
    cr_expect_eq(v.steps, 0);
    cr_expect(strstr(err.message, "cache blocks"), "%s", err.message);
}

Test(serve, a_device_that_fails_fails_what_was_issued_and_drops_nothing)
{
    static const char scenarios[][80] = {"server/qps=100000,min_queries=500,min_duration_s=0s", "concurrency/in_flight=30,min_queries=500,min_duration_s=0s",
                                         "offline/qps=1,min_queries=500,min_duration_s=0s"};
    for (int i = 0; i < 6; i++) {
        describe(scenarios[i % 3], large(), 100000, 10, 1);
        lengths("100", "20");
        if (i >= 3)
            two_engines((struct assay_serve_link){.latency_ns = 300000, .bytes_per_s = 1e9, .bytes_per_token = 100});
        (i < 3 ? &v : &w)->fail_step = 31;
        serve((struct assay_served_limits){0});
        cr_expect_eq(out.failure.code, ASSAY_DEVICE);
        cr_expect_gt(m.failed, 0);
        cr_expect_leq(m.issued, 500);
        cr_expect(i % 3 != 2 || m.issued == 500, "offline all were issued at once");
        cr_expect(i % 3 != 1 || m.failed <= 30, "%lu", (unsigned long)m.failed);
        assay_served_free(out.served);
    }
}

Test(serve, an_overload_ends_by_timeouts_that_are_counted)
{
    describe("server/qps=1000,min_queries=2000,min_duration_s=0s", large(), 1000000, 1000, 0);
    lengths("100", "50");
    how.policy.max_sequences = 4;
    how.timeout_ns = 200000000;
    serve((struct assay_served_limits){.latency_ns = 200000000});
    cr_expect_eq(m.issued, 2000);
    cr_expect(m.failed > 1000 && m.completed > 10, "%lu failed", (unsigned long)m.failed);
    cr_expect_leq(m.latency.max_ns, 200000000 + 51 * 1400000);
    cr_expect_leq(m.good, m.completed);
    assay_served_free(out.served);
}

Test(serve, a_described_host_delays_the_first_token_by_its_admission)
{
    struct assay_engine_description host;
    describe("single_stream/min_queries=10,min_duration_s=0s", large(), 1000, 10, 0);
    lengths("100", "5");
    cr_assert_eq(setenv("ASSAY_DATA", ".", 1), 0);
    cr_assert(!assay_engine_description_find("vllm-class", &host, &err));
    how.host = &host;
    how.layers = 18;
    serve((struct assay_served_limits){0});
    cr_expect_eq(m.ttft.p50_ns, 15563000 + 126000 + 4000 + 1000 + 1000 + 46000);
    cr_expect_eq(m.tpot.p50_ns, 126000 + 4000 + 1010 + 777000 / 4);
    assay_served_free(out.served);
    v.target.limits.clock = ASSAY_CLOCK_HOST;
    cr_expect_eq(assay_serve_run(&how, &out, &err), ASSAY_CONFIG, "a real host is measured");
}
