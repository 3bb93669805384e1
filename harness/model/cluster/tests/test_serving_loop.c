#include <criterion/criterion.h>
#include <math.h>

#include "harness/model/cluster/serving_loop.h"

/* Component 0: what a step takes, BARE for itself and PROMPT a token of a prompt; 1: steps; 2: sequences in them. */
#define BARE 10.0
#define PROMPT 1.0

static struct assay_error         err;
static double                     most_tokens, most_sequences, cached_past;
static struct assay_serving_means m;

static enum assay_code step(void *self, const struct assay_serving_work *w, struct assay_serving_time *out, struct assay_error *e)
{
    (void)self;
    (void)e;
    out->of[0] = BARE + PROMPT * w->prompt_tokens;
    out->of[1] = 1;
    out->of[2] = w->sequences + w->prompts;
    most_tokens = fmax(most_tokens, w->sequences + w->prompt_tokens);
    most_sequences = fmax(most_sequences, w->sequences + w->prompts);
    cached_past = fmax(cached_past, w->sequences > 0 ? w->cached_tokens / w->sequences : 0);
    return ASSAY_OK;
}

static struct assay_serving_loop loop(double prompt, double output, double in_flight)
{
    return (struct assay_serving_loop){.prompt_tokens = prompt, .output_tokens = output, .in_flight = in_flight, .seats = 1e6, .step_tokens = 8192,
                                       .cuts_prompts = true, .rounds = 3};
}

static void follow(const struct assay_serving_loop *l)
{
    err = (struct assay_error){.code = ASSAY_OK};
    most_tokens = most_sequences = cached_past = 0;
    cr_assert_eq(assay_serving_loop_run(l, step, NULL, &m, &err), ASSAY_OK, "%s", err.message);
}

Test(serving_loop, one_request_takes_its_prompt_and_then_a_step_a_token)
{
    struct assay_serving_loop l = loop(100, 11, 1);
    l.rounds = 1;
    follow(&l);
    cr_expect_float_eq(m.ttft[ASSAY_SERVING_FIRST].of[0], BARE + 100 * PROMPT, 1e-9);
    cr_expect_float_eq(m.tpot[ASSAY_SERVING_FIRST].of[0], BARE, 1e-9);
    cr_expect_float_eq(m.whole.of[0], 11 * BARE + 100 * PROMPT, 1e-9);
    cr_expect_eq(m.steps, 11);
    cr_expect_eq(m.requests[ASSAY_SERVING_LATER], 0);
    cr_expect_float_eq(cached_past, 100 + 9.0 / 2, 1e-9); /* ten steps as one, at the middle of what the cache grows by */
}

Test(serving_loop, a_prompt_longer_than_a_step_is_cut)
{
    struct assay_serving_loop l = loop(1000, 2, 1);
    l.rounds = 1;
    l.step_tokens = 300;
    follow(&l);
    cr_expect_float_eq(m.ttft[ASSAY_SERVING_FIRST].of[0], 4 * BARE + 1000 * PROMPT, 1e-9);
    cr_expect_leq(most_tokens, 300);
}

Test(serving_loop, prompts_that_are_not_cut_wait_for_a_step_with_room)
{
    struct assay_serving_loop l = loop(100, 2, 3);
    l.rounds = 1;
    l.step_tokens = 250; /* two at a time */
    l.cuts_prompts = false;
    follow(&l);
    /* Two after the first step, the third after the second, which the other two share. */
    cr_expect_float_eq(m.ttft[ASSAY_SERVING_FIRST].of[0], (2 * (BARE + 200) + (2 * BARE + 300)) / 3, 1e-9, "%g", m.ttft[ASSAY_SERVING_FIRST].of[0]);
    l.cuts_prompts = true; /* half of the third goes with the first two */
    follow(&l);
    cr_expect_float_eq(m.ttft[ASSAY_SERVING_FIRST].of[0], (2 * (BARE + 250) + (2 * BARE + 300)) / 3, 1e-9, "%g", m.ttft[ASSAY_SERVING_FIRST].of[0]);
}

Test(serving_loop, where_prompts_are_computed_alone_nobody_generates_meanwhile)
{
    struct assay_serving_loop l = loop(100, 11, 4);
    l.rounds = 1;
    l.step_tokens = 100;
    follow(&l);
    double mixed = m.tpot[ASSAY_SERVING_FIRST].of[0];
    l.prompts_alone = true;
    follow(&l);
    /* They end together: each waits for the prompts behind its own, and then all take ten steps. */
    cr_expect_float_eq(m.tpot[ASSAY_SERVING_FIRST].of[0], (10 * BARE + (3 + 2 + 1 + 0) / 4.0 * (BARE + 100)) / 10, 1e-9);
    cr_expect_lt(mixed, m.tpot[ASSAY_SERVING_FIRST].of[0]);
}

Test(serving_loop, who_finds_no_seat_waits_for_one)
{
    struct assay_serving_loop l = loop(100, 11, 2);
    l.rounds = 1;
    l.seats = 1;
    follow(&l);
    double each = BARE + 100 + 10 * BARE;
    cr_expect_float_eq(m.ttft[ASSAY_SERVING_FIRST].of[0], (BARE + 100 + each + BARE + 100) / 2, 1e-9);
    cr_expect_eq(most_sequences, 1);
    l.seats = 2;
    follow(&l);
    cr_expect_eq(most_sequences, 2);
}

Test(serving_loop, later_rounds_come_as_seats_are_given_back_and_the_last_counts_for_nobody)
{
    struct assay_serving_loop l = loop(100, 11, 4);
    follow(&l);
    cr_expect_eq(m.requests[ASSAY_SERVING_FIRST], 4);
    cr_expect_eq(m.requests[ASSAY_SERVING_LATER], 4);
    cr_expect_float_eq(m.ttft[ASSAY_SERVING_LATER].of[0], m.ttft[ASSAY_SERVING_FIRST].of[0], 1e-9); /* all four in step */
    cr_expect_float_eq(m.whole.of[2], 3 * 4 * 11, 1e-9); /* every token once */
}

Test(serving_loop, outputs_that_differ_bring_requests_one_by_one)
{
    struct assay_serving_loop l = loop(1000, 200, 32);
    l.rounds = 4;
    l.settling = 1;
    follow(&l);
    double together = m.ttft[ASSAY_SERVING_LATER].of[0];
    l.spread = 0.5;
    follow(&l);
    cr_expect_lt(m.ttft[ASSAY_SERVING_LATER].of[0], together / 2);
    cr_expect_geq(m.ttft[ASSAY_SERVING_LATER].of[0], BARE + 1000);
    cr_expect_eq(most_sequences, 32);
}

Test(serving_loop, the_mean_of_outputs_that_differ_is_what_was_asked_for)
{
    double sum = 0, low = INFINITY, high = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        double tokens = assay_serving_output_tokens(500, 0.3, i);
        sum += tokens / 1000;
        low = fmin(low, tokens);
        high = fmax(high, tokens);
    }
    cr_expect_float_eq(sum, 500, 1);
    cr_expect(low >= 425 && low < 430 && high <= 575 && high > 570, "%g %g", low, high);
    cr_expect_eq(assay_serving_output_tokens(500, 0, 7), 500);
}

Test(serving_loop, refuses_what_cannot_be_served)
{
    static const struct {
        double prompt, output, in_flight, seats;
    } bad[] = {{0, 1, 1, 1}, {1, 0.5, 1, 1}, {1, 1, 0, 1}, {1, 1, 1, 0.5}, {1, 1, 30000, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct assay_serving_loop l = loop(bad[i].prompt, bad[i].output, bad[i].in_flight);
        l.seats = bad[i].seats;
        err = (struct assay_error){.code = ASSAY_OK};
        cr_expect_eq(assay_serving_loop_run(&l, step, NULL, &m, &err), ASSAY_CONFIG, "%zu", i);
    }
    struct assay_serving_loop l = loop(1, 1, 1);
    follow(&l);
    cr_expect_eq(m.tpot[ASSAY_SERVING_FIRST].of[0], 0); /* one token has none after it */
}
