#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/load/serving/requests.h"
#include "harness/load/serving/tests/virtual_step.h"

static struct assay_error          err;
static struct assay_scenario       scenario;
static struct assay_seeds          seeds;
static struct assay_requests_setup setup;
static struct assay_requests      *r;
static struct assay_engine_source  source;
static struct assay_engine_request q;
static char                        path[64];

static void describe(const char *text)
{
    cr_assert(!assay_scenario_parse(text, &scenario, &err), "%s", err.message);
    cr_assert(!assay_seeds_find("loadgen-v6.1", &seeds, &err));
    setup = (struct assay_requests_setup){.scenario = &scenario, .seeds = &seeds, .table = "", .vocabulary = VOCABULARY, .seed = 1};
    cr_assert(!assay_lengths_parse("uniform-5-50", "prompt", &setup.prompt, &err));
    cr_assert(!assay_lengths_parse("uniform-2-20", "output", &setup.output, &err));
}

static void make(void)
{
    cr_assert(!assay_requests_new(&setup, &r, &err), "%s", err.message);
    source = assay_requests_source(r);
}

static bool next(void)
{
    if (!source.peek(source.self, &q))
        return false;
    source.take(source.self);
    return true;
}

static const char *file(const char *text)
{
    (void)snprintf(path, sizeof path, "/tmp/test_requests.XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

Test(requests, of_a_server_come_at_the_times_of_its_arrivals_and_end_when_there_are_enough)
{
    uint64_t n = 0, before = 0;
    describe("server/qps=100,min_queries=200,min_duration_s=3s");
    setup.admission_ns = 77;
    make();
    for (; next(); n++, before = q.scheduled_ns) {
        cr_expect_eq(q.id, n);
        cr_expect_geq(q.scheduled_ns, before);
        cr_expect_eq(q.ready_ns, q.scheduled_ns + 77);
        cr_expect(q.prompt_tokens >= 5 && q.prompt_tokens <= 50 && q.output_tokens >= 2 && q.output_tokens <= 20);
    }
    cr_expect_lt(before, 3000000000);
    cr_expect(n > 240 && n < 360, "three seconds take longer than 200 queries");
    cr_expect_float_eq(assay_requests_share(r), 1, 0.05);
    assay_requests_free(r);
}

Test(requests, same_seed_same_stream_and_another_seed_another)
{
    uint64_t sum[3] = {0};
    for (int i = 0; i < 3; i++) {
        int32_t tokens[50];
        describe("server/qps=100,min_queries=50,min_duration_s=0s");
        setup.seed = i < 2 ? 1 : 2;
        make();
        while (next()) {
            assay_requests_prompt(r, q.id, q.prompt_tokens, tokens);
            sum[i] = sum[i] * 31 + q.scheduled_ns + q.prompt_tokens * 7 + q.output_tokens + (uint64_t)virtual_token(tokens, q.prompt_tokens);
        }
        assay_requests_free(r);
    }
    cr_expect_eq(sum[0], sum[1]);
    cr_expect_neq(sum[0], sum[2]);
}

Test(requests, of_a_fixed_concurrency_come_when_one_has_ended)
{
    describe("concurrency/in_flight=3,min_queries=6,min_duration_s=0s");
    make();
    for (int i = 0; i < 3; i++)
        cr_assert(next() && q.scheduled_ns == 0);
    cr_expect_not(next(), "three are in flight");
    assay_requests_ended(r, 500);
    cr_assert(next());
    cr_expect_eq(q.scheduled_ns, 500);
    assay_requests_ended(r, 900);
    assay_requests_ended(r, 700); /* another engine, told later */
    cr_assert(next());
    cr_expect_eq(q.scheduled_ns, 700);
    cr_assert(next());
    cr_expect_eq(q.scheduled_ns, 900);
    assay_requests_ended(r, 1000);
    cr_expect_not(next(), "six there are");
    assay_requests_free(r);
}

Test(requests, a_run_that_breaks_off_waits_for_no_completion)
{
    describe("concurrency/in_flight=2,min_queries=100,min_duration_s=0s");
    make();
    cr_assert(next() && next());
    assay_requests_stop(r);
    assay_requests_ended(r, 10);
    cr_expect_not(next());
    assay_requests_free(r);
}

Test(requests, offline_all_come_at_once)
{
    uint64_t n = 0;
    describe("offline/qps=1,min_queries=300,min_duration_s=0s");
    make();
    for (; next(); n++)
        cr_expect_eq(q.scheduled_ns, 0);
    cr_expect_eq(n, 300);
    assay_requests_free(r);
}

Test(requests, of_several_samples_are_refused)
{
    describe("multi_stream");
    cr_expect_eq(assay_requests_new(&setup, &r, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.hint, "concurrency"));
}

Test(requests, of_a_trace_have_its_times_and_lengths)
{
    char name[300];
    (void)file("scheduled_ns,sample_index,prompt_tokens,output_tokens\n0,1,30,4\n1000,0,7,9\n1000,2,12,1\n");
    (void)snprintf(name, sizeof name, "trace/trace=%s", path);
    describe(name);
    make();
    cr_assert(next() && q.scheduled_ns == 0 && q.prompt_tokens == 30 && q.output_tokens == 4);
    cr_assert(next() && q.scheduled_ns == 1000 && q.prompt_tokens == 7 && q.output_tokens == 9);
    cr_assert(next() && q.scheduled_ns == 1000 && q.prompt_tokens == 12 && q.output_tokens == 1);
    cr_expect_not(next());
    assay_requests_free(r);
    (void)unlink(path);
}

static struct assay_engine *engine(uint32_t n_blocks, uint32_t context, struct virtual_step *v)
{
    struct assay_engine *e;
    *v = virtual_new((struct assay_step_limits){.max_tokens = 64, .max_sequences = 4, .block_tokens = 4, .n_blocks = n_blocks, .max_context = context},
                     1, 1, 0);
    struct assay_engine_setup how = {.target = &v->target, .policy = {.chunk_tokens = 64}};
    cr_assert(!assay_engine_new(&how, &e, &err));
    return e;
}

Test(requests, the_longest_must_fit_into_cache_and_context)
{
    struct virtual_step v;
    describe("server/qps=100");
    make(); /* up to 50 + 20 tokens: 69 are read, 18 blocks */
    struct assay_engine *large = engine(18, 70, &v), *few_blocks = engine(17, 70, &v), *short_context = engine(18, 69, &v);
    cr_expect(!assay_requests_fit(r, large, 70, &err));
    cr_expect_eq(assay_requests_fit(r, few_blocks, 70, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_requests_fit(r, short_context, 69, &err), ASSAY_CONFIG);
    assay_engine_free(large);
    assay_engine_free(few_blocks);
    assay_engine_free(short_context);
    assay_requests_free(r);
}

Test(requests, a_trace_names_the_line_that_is_beyond_the_context)
{
    struct virtual_step v;
    char                name[300];
    (void)file("scheduled_ns,sample_index,prompt_tokens,output_tokens\n0,1,30,4\n1000,0,60,9\n1001,0,6,9\n");
    (void)snprintf(name, sizeof name, "trace/trace=%s", path);
    describe(name);
    make();
    struct assay_engine *e = engine(18, 68, &v);
    cr_expect_eq(assay_requests_fit(r, e, 68, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, ":3:"), "%s", err.message);
    assay_engine_free(e);
    e = engine(17, 69, &v);
    cr_expect(!assay_requests_fit(r, e, 69, &err), "68 tokens are read: 17 blocks");
    assay_engine_free(e);
    e = engine(16, 69, &v);
    cr_expect_eq(assay_requests_fit(r, e, 69, &err), ASSAY_CONFIG);
    assay_engine_free(e);
    assay_requests_free(r);
    (void)unlink(path);
}

Test(requests, a_table_gives_a_sample_both_its_lengths)
{
    describe("server/qps=100,min_queries=200,min_duration_s=0s");
    setup.table = file("prompt_tokens,output_tokens\n10,1\r\n20,2\n40,4\n");
    make();
    uint64_t seen[5] = {0};
    while (next()) {
        cr_assert(q.output_tokens <= 4 && q.prompt_tokens == q.output_tokens * 10);
        seen[q.output_tokens]++;
    }
    cr_expect(seen[1] > 40 && seen[2] > 40 && seen[4] > 40);
    assay_requests_free(r);
    (void)unlink(path);
}

Test(requests, a_table_that_is_none_is_refused_with_its_line)
{
    static const char wrong[][80] = {"", "prompt,output\n1,1\n", "prompt_tokens,output_tokens\n", "prompt_tokens,output_tokens", "prompt_tokens,output_tokens\r",
                                     "prompt_tokens,output_tokens\n5,5\n5\n", "prompt_tokens,output_tokens\n5,5\n0,5\n",
                                     "prompt_tokens,output_tokens\n5,5\n5,-5\n", "prompt_tokens,output_tokens\n5,5\n5,5,5\n",
                                     "prompt_tokens,output_tokens\n5,5\n5,99999999999999999999\n", "prompt_tokens,output_tokens\n5,5\n\n5,5\n",
                                     "prompt_tokens,output_tokens\n5,5\n5,100000001\n", "prompt_tokens,output_tokens\n100000000,100000000\n5,0\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        describe("server/qps=100");
        setup.table = file(wrong[i]);
        cr_expect_eq(assay_requests_new(&setup, &r, &err), ASSAY_DATA, "%zu", i);
        cr_expect(strchr(err.message, '\n') == NULL && (i < 5 || strstr(err.message, ":3:")), "%s", err.message);
        (void)unlink(path);
    }
    describe("server/qps=100");
    setup.table = "/nonexistent/table.csv";
    cr_expect_eq(assay_requests_new(&setup, &r, &err), ASSAY_IO);
}

Test(requests, prompts_begin_with_one_of_the_shared_ones_and_go_on_with_their_own)
{
    enum { N = 40, SHARED = 12, PROMPTS = 3 };
    int32_t  tokens[N][20], begin[PROMPTS][SHARED];
    uint32_t n_begins = 0;
    describe("server/qps=100");
    setup.shared_tokens = SHARED;
    setup.shared_prompts = PROMPTS;
    make();
    for (uint64_t i = 0; i < N; i++) {
        uint32_t k = 0;
        assay_requests_prompt(r, i, 20, tokens[i]);
        while (k < n_begins && memcmp(begin[k], tokens[i], sizeof begin[k]) != 0)
            k++;
        cr_assert_lt(k, PROMPTS);
        if (k == n_begins)
            memcpy(begin[n_begins++], tokens[i], sizeof begin[0]);
        for (uint64_t j = 0; j < i; j++)
            cr_expect_arr_neq(tokens[i] + SHARED, tokens[j] + SHARED, 8 * sizeof(int32_t));
        for (int t = 0; t < 20; t++)
            cr_expect(tokens[i][t] >= 0 && tokens[i][t] < VOCABULARY);
    }
    cr_expect_eq(n_begins, PROMPTS);
    int32_t part[15];
    assay_requests_prompt(r, 5, 15, part);
    cr_expect_arr_eq(part, tokens[5], sizeof part, "a shorter one is its beginning");
    assay_requests_free(r);
}
