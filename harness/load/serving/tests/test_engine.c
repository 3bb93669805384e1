#include <criterion/criterion.h>
#include <stdio.h>

#include "harness/load/serving/engine.h"
#include "harness/load/serving/tests/virtual_step.h"

#define MOST 64
#define A 1000u
#define B 10u

/* A few requests and all that is told of them. */
static struct {
    struct assay_engine_request request[MOST];
    size_t                      n, next;
    struct assay_engine_ended   ended[MOST];
    uint32_t                    order[MOST], n_ended;
    int32_t                     tokens[MOST][256];
    uint64_t                    token_ns[MOST][128];
    bool                        same_prompts;
} run;
static struct assay_error    err;
static struct virtual_step   v;
static struct assay_engine  *e;

static bool peek(void *self, struct assay_engine_request *next)
{
    (void)self;
    if (run.next == run.n)
        return false;
    *next = run.request[run.next];
    return true;
}

static void take(void *self)
{
    (void)self;
    run.next++;
}

static void content(void *self, const struct assay_engine_request *r, int32_t *prompt)
{
    (void)self;
    for (uint32_t i = 0; i < r->prompt_tokens; i++)
        prompt[i] = (int32_t)((run.same_prompts ? 0 : r->id * 31) + i * 7) % VOCABULARY;
}

static void token(void *self, const struct assay_engine_request *r, uint32_t index, uint64_t at_ns, uint64_t previous_ns)
{
    (void)self;
    cr_expect(!index || run.token_ns[r->id][index - 1] == previous_ns);
    run.token_ns[r->id][index] = at_ns;
}

static void ended(void *self, const struct assay_engine_ended *x)
{
    (void)self;
    cr_assert_lt(run.n_ended, MOST);
    run.order[run.n_ended++] = (uint32_t)x->request.id;
    run.ended[x->request.id] = *x;
    if (x->tokens)
        memcpy(run.tokens[x->request.id], x->tokens, sizeof(int32_t) * (x->request.prompt_tokens + x->output_tokens));
}

static void add(uint64_t at_ns, uint32_t prompt, uint32_t output)
{
    run.request[run.n] = (struct assay_engine_request){.id = run.n, .scheduled_ns = at_ns, .ready_ns = at_ns, .prompt_tokens = prompt,
                                                       .output_tokens = output};
    run.n++;
}

static struct assay_step_limits limits(uint32_t n_blocks, bool values)
{
    return (struct assay_step_limits){.max_tokens = 64, .max_sequences = 8, .block_tokens = 4, .n_blocks = n_blocks, .max_context = 128,
                                      .values = values};
}

static void start(struct assay_step_limits l, struct assay_engine_policy policy, const struct assay_engine_description *host, uint64_t timeout_ns)
{
    v = virtual_new(l, A, B, 0);
    v.target.self = &v;
    struct assay_engine_setup how = {.target = &v.target, .policy = policy, .host = host, .layers = 3, .timeout_ns = timeout_ns,
                                     .source = {.peek = peek, .take = take, .content = content}, .watch = {.token = token, .ended = ended}};
    cr_assert(!assay_engine_new(&how, &e, &err), "%s", err.message);
}

static void go(void)
{
    for (uint64_t next; (next = assay_engine_next_ns(e)) != UINT64_MAX;) {
        assay_engine_skip(e, next);
        cr_assert(!assay_engine_step(e, &err), "%s", err.message);
        cr_assert_lt(v.steps, 100000);
    }
    cr_expect_eq(v.wrong, 0);
}

static struct assay_engine_counts finish(void)
{
    struct assay_engine_counts counts = assay_engine_counts(e);
    assay_engine_free(e);
    free(v.cache);
    return counts;
}

static const struct assay_engine_policy chunks = {.chunk_tokens = 64};

/* ---- time ---------------------------------------------------------------------------------------------------------- */

Test(engine, one_request_takes_its_prompts_step_and_one_for_each_further_token)
{
    add(500, 20, 5);
    start(limits(64, false), chunks, NULL, 0);
    go();
    uint64_t first = 500 + A + 20 * B;
    cr_expect_eq(run.ended[0].first_ns, first);
    cr_expect_eq(run.ended[0].last_ns, first + 4 * (A + B));
    cr_expect_eq(run.ended[0].completed_ns, run.ended[0].last_ns);
    cr_expect_eq(run.ended[0].output_tokens, 5);
    struct assay_engine_counts c = finish();
    cr_expect_eq(c.steps, 5);
    cr_expect_eq(c.tokens, 24);
    cr_expect_eq(c.busy_ns, run.ended[0].last_ns - 500);
    cr_expect_eq(c.most_blocks, 6, "the last token is never read");
}

Test(engine, a_prompt_is_cut_into_chunks_and_its_first_token_comes_with_the_last)
{
    add(0, 50, 1);
    start(limits(64, false), (struct assay_engine_policy){.chunk_tokens = 16}, NULL, 0);
    go();
    cr_expect_eq(run.ended[0].first_ns, 4 * A + 50 * B, "ceil(50 / 16) steps");
    cr_expect_eq(finish().steps, 4);
}

Test(engine, a_full_batch_gives_as_many_tokens_a_step_as_it_has_sequences)
{
    for (int i = 0; i < 8; i++)
        add(0, 4, 64);
    start(limits(200, false), chunks, NULL, 0);
    go();
    uint64_t first = A + 32 * B, step = A + 8 * B;
    for (int i = 0; i < 8; i++) {
        cr_expect_eq(run.ended[i].first_ns, first);
        cr_expect_eq(run.ended[i].last_ns, first + 63 * step, "B / TPOT(B), TPOT(B) = a + b B");
    }
    cr_expect_eq(finish().most_sequences, 8);
}

Test(engine, who_generates_does_not_wait_for_whole_prompts_when_they_are_cut)
{
    add(0, 4, 20);
    add(1, 60, 2);
    start(limits(64, false), (struct assay_engine_policy){.chunk_tokens = 8}, NULL, 0);
    go();
    for (int i = 1; i < 20; i++)
        cr_expect_leq(run.token_ns[0][i] - run.token_ns[0][i - 1], A + 9 * B, "a token and a chunk of 8");
    cr_expect_eq(run.ended[1].first_ns - run.ended[0].first_ns, 8 * A + 60 * B + 8 * B);
    (void)finish();
}

Test(engine, an_arrival_after_a_steps_begin_waits_for_its_end)
{
    add(0, 10, 2);
    add(A / 2, 10, 1);
    start(limits(64, false), chunks, NULL, 0);
    go();
    cr_expect_eq(run.ended[0].first_ns, A + 10 * B);
    cr_expect_eq(run.ended[1].first_ns, A + 10 * B + A + 11 * B);
    (void)finish();
}

Test(engine, the_hosts_own_time_is_added_where_it_is_described)
{
    struct assay_engine_description host = {.graphs = false};
    static const double ns[ASSAY_ENGINE_COSTS] = {[ASSAY_ENGINE_STEP] = 100, [ASSAY_ENGINE_REQUEST] = 20, [ASSAY_ENGINE_LAYER] = 7,
                                                  [ASSAY_ENGINE_TOKEN] = 3, [ASSAY_ENGINE_COMPLETION] = 5};
    for (int i = 0; i < ASSAY_ENGINE_COSTS; i++)
        host.cost[i].ns = ns[i];
    add(0, 10, 3);
    start(limits(64, false), chunks, &host, 0);
    go();
    uint64_t each = 100 + 20 + 3 * 7;
    cr_expect_eq(run.ended[0].first_ns, each + A + 10 * B + 3);
    cr_expect_eq(run.ended[0].last_ns, 3 * each + 3 * A + 12 * B + 3, "the way to the user delays no step");
    cr_expect_eq(run.ended[0].completed_ns, run.ended[0].last_ns + 5);
    cr_expect_eq(finish().host_ns, 3 * each);
    run.n = run.next = run.n_ended = 0;
    host.graphs = true;
    add(0, 10, 3);
    start(limits(64, false), chunks, &host, 0);
    go();
    cr_expect_eq(finish().host_ns, 3 * (each - 3 * 7), "one launch for all layers");
}

/* ---- admission and pre-emption -------------------------------------------------------------------------------------- */

Test(engine, admits_no_more_than_the_cache_has_blocks_for)
{
    for (int i = 0; i < 4; i++)
        add(0, 16, 1); /* 4 blocks each */
    start(limits(9, false), chunks, NULL, 0);
    go();
    cr_expect_eq(v.most_sequences, 2);
    cr_expect_eq(run.ended[0].first_ns, run.ended[1].first_ns);
    cr_expect_lt(run.ended[1].first_ns, run.ended[2].first_ns);
    cr_expect_eq(finish().preemptions, 0);
}

Test(engine, admits_in_the_order_of_arrival_even_if_a_later_one_would_fit)
{
    add(0, 16, 9);
    add(0, 60, 1); /* 15 blocks: not beside the first */
    add(0, 4, 1);
    start(limits(18, false), (struct assay_engine_policy){.chunk_tokens = 64}, NULL, 0);
    go();
    cr_expect_eq(run.order[0], 0);
    cr_expect_leq(run.ended[1].first_ns, run.ended[2].first_ns);
    (void)finish();
}

Test(engine, the_last_admitted_gives_up_its_blocks_and_computes_them_again)
{
    add(0, 8, 20);
    add(0, 8, 20); /* 2 blocks each, and then 7 */
    start(limits(10, true), chunks, NULL, 0);
    go();
    cr_expect_eq(run.ended[0].preemptions, 0);
    cr_expect_geq(run.ended[1].preemptions, 1);
    cr_expect_lt(run.ended[0].last_ns, run.ended[1].last_ns);
    struct assay_engine_counts c = finish();
    cr_expect_eq(c.preemptions, run.ended[1].preemptions);
    cr_expect_gt(c.recomputed_tokens, 8);
    cr_expect_leq(c.most_blocks, 10);
}

Test(engine, a_cache_of_just_enough_blocks_serves_all_one_after_the_other)
{
    for (int i = 0; i < 5; i++)
        add(0, 9, 12); /* 20 tokens are read: 5 blocks */
    start(limits(5, true), chunks, NULL, 0);
    cr_expect(!assay_engine_fits(e, 9, 12, &err));
    cr_expect_eq(assay_engine_fits(e, 9, 13, &err), ASSAY_CONFIG, "21 tokens, 6 blocks");
    cr_expect_str_eq(err.message, "a request of 9 + 13 tokens needs 6 cache blocks of 4 tokens; there are 5");
    go();
    cr_expect_eq(run.n_ended, 5);
    for (uint32_t i = 0; i < 5; i++)
        cr_expect(run.order[i] == i && run.ended[i].output_tokens == 12);
    (void)finish();
}

Test(engine, says_what_is_too_long_for_the_context_and_for_a_step)
{
    start(limits(100, false), (struct assay_engine_policy){.chunk_tokens = 0}, NULL, 0);
    cr_expect(!assay_engine_fits(e, 60, 5, &err));
    cr_expect_eq(assay_engine_fits(e, 60, 6, &err), ASSAY_CONFIG, "65 tokens in a step of 64");
    cr_expect(*err.hint);
    cr_expect_eq(assay_engine_fits(e, 1, 128, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "a request of 1 + 128 tokens; the model's context has 128");
    cr_expect_eq(assay_engine_fits(e, 0, 1, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_engine_fits(e, 1, 0, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_engine_fits(e, UINT32_MAX, UINT32_MAX, &err), ASSAY_CONFIG);
    (void)finish();
    start(limits(100, false), chunks, NULL, 0);
    cr_expect(!assay_engine_fits(e, 1, 127, &err));
    (void)finish();
}

Test(engine, a_request_that_no_cache_could_hold_fails_and_the_others_are_served)
{
    add(0, 8, 4);
    add(0, 100, 20);
    add(0, 8, 4);
    start(limits(20, false), chunks, NULL, 0);
    go();
    cr_expect_eq(run.n_ended, 3);
    cr_expect_eq(run.ended[1].code, ASSAY_CONFIG);
    cr_expect(run.ended[0].code == ASSAY_OK && run.ended[2].code == ASSAY_OK);
    (void)finish();
}

Test(engine, refuses_a_policy_that_the_target_cannot_follow)
{
    v = virtual_new(limits(8, false), A, B, 0);
    struct assay_engine_setup how = {.target = &v.target, .source = {.peek = peek}};
    how.policy.max_tokens = 65;
    cr_expect_eq(assay_engine_new(&how, &e, &err), ASSAY_CONFIG);
    how.policy = (struct assay_engine_policy){.max_sequences = 9};
    cr_expect_eq(assay_engine_new(&how, &e, &err), ASSAY_CONFIG);
    how.policy = (struct assay_engine_policy){.max_tokens = 7, .max_sequences = 8};
    cr_expect_eq(assay_engine_new(&how, &e, &err), ASSAY_CONFIG);
    how.policy.max_tokens = 8;
    cr_expect_eq(assay_engine_new(&how, &e, &err), ASSAY_OK);
    assay_engine_free(e);
}

/* ---- policies --------------------------------------------------------------------------------------------------------- */

Test(engine, nobody_joins_a_static_batch_before_all_have_left)
{
    add(0, 8, 2);
    add(0, 8, 10);
    add(1, 8, 2);
    start(limits(64, false), (struct assay_engine_policy){.chunk_tokens = 64, .is_static = true}, NULL, 0);
    go();
    cr_expect_lt(run.ended[0].last_ns, run.ended[1].last_ns);
    cr_expect_eq(run.ended[2].first_ns, run.ended[1].last_ns + A + 8 * B);
    (void)finish();
}

Test(engine, a_static_batch_is_full_even_if_its_prompts_need_several_steps)
{
    for (int i = 0; i < 8; i++)
        add(0, 40, 3);
    start(limits(200, true), (struct assay_engine_policy){.chunk_tokens = 0, .is_static = true}, NULL, 0);
    go();
    cr_expect_eq(finish().most_sequences, 8);
    cr_expect_eq(run.n_ended, 8);
}

Test(engine, a_prompt_that_was_there_before_is_computed_from_its_last_block_on)
{
    run.same_prompts = true;
    add(0, 16, 2);
    add(100000, 16, 2);
    add(200000, 18, 2);
    start(limits(64, true), (struct assay_engine_policy){.chunk_tokens = 64, .reuses_prefixes = true}, NULL, 0);
    go();
    cr_expect_eq(run.ended[0].reused_tokens, 0);
    cr_expect_eq(run.ended[1].reused_tokens, 12, "the last token is always computed: 3 of 4 blocks");
    cr_expect_eq(run.ended[1].first_ns, 100000 + A + 4 * B);
    cr_expect_eq(run.ended[2].reused_tokens, 16);
    cr_expect_eq(finish().reused_tokens, 28);
    cr_expect_arr_eq(run.tokens[0], run.tokens[1], 18 * sizeof(int32_t));
}

Test(engine, a_prefix_is_shared_while_its_first_holder_still_runs)
{
    run.same_prompts = true;
    add(0, 16, 40);
    add(2000, 16, 40);
    start(limits(30, true), (struct assay_engine_policy){.chunk_tokens = 64, .reuses_prefixes = true}, NULL, 0);
    go();
    cr_expect_eq(run.ended[1].reused_tokens, 12);
    cr_expect_eq(finish().most_blocks, 14 + 14 - 3);
    cr_expect_arr_eq(run.tokens[0], run.tokens[1], 56 * sizeof(int32_t));
}

/* What each request's tokens are when it is alone. */
static void alone(const struct assay_engine_request *r, int32_t *tokens)
{
    content(NULL, r, tokens);
    for (uint32_t n = r->prompt_tokens; n < r->prompt_tokens + r->output_tokens; n++)
        tokens[n] = virtual_token(tokens, n);
}

Test(engine, whatever_the_policy_the_tokens_are_those_of_a_request_alone)
{
    static const struct assay_engine_policy policies[] = {
        {.chunk_tokens = 64}, {.chunk_tokens = 1}, {.chunk_tokens = 5}, {.chunk_tokens = 7, .max_tokens = 9}, {.chunk_tokens = 0},
        {.chunk_tokens = 6, .reuses_prefixes = true}, {.chunk_tokens = 64, .is_static = true}, {.chunk_tokens = 64, .max_sequences = 1},
        {.chunk_tokens = 0, .reuses_prefixes = true, .is_static = true},
    };
    for (size_t p = 0; p < sizeof policies / sizeof *policies; p++)
        for (uint32_t n_blocks = 16; n_blocks <= 64; n_blocks += 8)
            for (int same = 0; same < 2; same++) {
                memset(&run, 0, sizeof run);
                run.same_prompts = same;
                for (uint32_t i = 0; i < 24; i++)
                    add(i * 700, 1 + i * 5 % 31, 1 + i * 11 % 29);
                start(limits(n_blocks, true), policies[p], NULL, 0);
                go();
                cr_assert_eq(run.n_ended, 24);
                for (uint32_t i = 0; i < 24; i++) {
                    int32_t expected[256];
                    alone(&run.request[i], expected);
                    cr_assert_eq(run.ended[i].output_tokens, run.request[i].output_tokens);
                    cr_assert_arr_eq(run.tokens[i], expected, sizeof(int32_t) * (run.request[i].prompt_tokens + run.request[i].output_tokens),
                                     "policy %zu, %u blocks, request %u", p, n_blocks, i);
                }
                (void)finish();
            }
}

Test(engine, the_same_input_gives_the_same_times)
{
    uint64_t before[24];
    for (int again = 0; again < 2; again++) {
        memset(&run, 0, sizeof run);
        for (uint32_t i = 0; i < 24; i++)
            add(i * 300, 1 + i * 5 % 31, 1 + i * 11 % 29);
        start(limits(20, false), (struct assay_engine_policy){.chunk_tokens = 6, .reuses_prefixes = true}, NULL, 0);
        go();
        for (int i = 0; i < 24; i++) {
            cr_expect(!again || before[i] == run.ended[i].last_ns);
            before[i] = run.ended[i].last_ns;
        }
        (void)finish();
    }
}

/* ---- failures ------------------------------------------------------------------------------------------------------- */

Test(engine, who_takes_too_long_fails_and_makes_room)
{
    add(0, 8, 100);
    add(0, 8, 2);
    start(limits(64, false), (struct assay_engine_policy){.chunk_tokens = 64, .max_sequences = 1}, NULL, 20 * A);
    go();
    cr_expect_eq(run.ended[0].code, ASSAY_TIMEOUT);
    cr_expect(run.ended[0].output_tokens > 15 && run.ended[0].output_tokens < 22);
    cr_expect_eq(run.ended[1].code, ASSAY_TIMEOUT, "it waited as long");
    cr_expect_eq(run.ended[1].output_tokens, 0);
    cr_expect_eq(run.n_ended, 2);
    (void)finish();
}

Test(engine, a_request_that_is_just_in_time_does_not_fail)
{
    add(0, 10, 3);
    start(limits(64, false), chunks, NULL, 3 * A + 12 * B);
    go();
    cr_expect_eq(run.ended[0].code, ASSAY_OK);
    (void)finish();
    memset(&run, 0, sizeof run);
    add(0, 10, 3);
    start(limits(64, false), chunks, NULL, 2 * A + 11 * B - 1);
    go();
    cr_expect_eq(run.ended[0].code, ASSAY_TIMEOUT);
    (void)finish();
}

Test(engine, when_a_step_fails_all_that_is_there_is_told_to_have_failed)
{
    for (int i = 0; i < 12; i++)
        add(0, 8, 9);
    add(1000000000, 8, 9);
    start(limits(64, false), chunks, NULL, 0);
    v.fail_step = 3;
    enum assay_code code = ASSAY_OK;
    while (!code)
        code = assay_engine_step(e, &err);
    cr_expect_eq(code, ASSAY_DEVICE);
    assay_engine_abandon(e, code);
    cr_expect_eq(run.n_ended, 12, "what has not come is not issued");
    for (int i = 0; i < 12; i++)
        cr_expect_eq(run.ended[i].code, ASSAY_DEVICE);
    cr_expect_eq(assay_engine_next_ns(e), 1000000000);
    (void)finish();
}

Test(engine, does_not_believe_a_step_that_ended_before_it_began)
{
    add(5000, 8, 9);
    start(limits(64, false), chunks, NULL, 0);
    v.a_ns = (uint64_t)0 - 2000;
    assay_engine_skip(e, 5000);
    cr_expect_eq(assay_engine_step(e, &err), ASSAY_PROTOCOL);
    (void)finish();
}
