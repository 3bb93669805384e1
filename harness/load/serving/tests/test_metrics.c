#include <criterion/criterion.h>
#include <math.h>

#include "harness/load/serving/metrics.h"

static struct assay_error          err;
static struct assay_served        *s;
static struct assay_served_metrics m;
static const struct assay_served_window all = {0, UINT64_MAX};

static struct assay_served_row row(uint64_t scheduled, uint64_t first, uint64_t completed, uint32_t output)
{
    return (struct assay_served_row){.scheduled_ns = scheduled, .first_ns = first, .last_ns = completed, .completed_ns = completed,
                                     .prompt_tokens = 10, .output_tokens = output};
}

static void begin(struct assay_served_window w)
{
    cr_assert(!assay_served_new(&w, &s, &err));
}

static void add(struct assay_served_row r)
{
    cr_assert(!assay_served_request(s, &r, &err));
}

static void end(struct assay_served_limits limits)
{
    cr_assert(!assay_served_summarize(s, &limits, &m, &err));
    assay_served_free(s);
}

Test(metrics, of_one_request_follow_their_formulas)
{
    struct assay_served_row r = row(1000, 1500, 2507, 11);
    uint64_t                tpot;
    cr_expect_eq(assay_served_ttft_ns(&r), 500);
    cr_expect_eq(assay_served_latency_ns(&r), 1507);
    cr_assert(assay_served_tpot_ns(&r, &tpot));
    cr_expect_eq(tpot, 100, "(1507 - 500) / 10 in whole nanoseconds");
    r.output_tokens = 2;
    cr_assert(assay_served_tpot_ns(&r, &tpot));
    cr_expect_eq(tpot, 1007);
    r.output_tokens = 1;
    cr_expect_not(assay_served_tpot_ns(&r, &tpot));
    r.output_tokens = 0;
    cr_expect_not(assay_served_tpot_ns(&r, &tpot));
}

Test(metrics, a_request_is_good_up_to_its_limits_and_not_beyond)
{
    struct assay_served_row r = row(0, 500, 1500, 11);
    cr_expect(assay_served_is_good(&r, &(struct assay_served_limits){0}));
    cr_expect(assay_served_is_good(&r, &(struct assay_served_limits){500, 100, 1500}));
    cr_expect_not(assay_served_is_good(&r, &(struct assay_served_limits){499, 100, 1500}));
    cr_expect_not(assay_served_is_good(&r, &(struct assay_served_limits){500, 99, 1500}));
    cr_expect_not(assay_served_is_good(&r, &(struct assay_served_limits){500, 100, 1499}));
    r.output_tokens = 1;
    cr_expect(assay_served_is_good(&r, &(struct assay_served_limits){500, 1, 1500}), "what it does not have, it keeps");
    r.status = ASSAY_TIMEOUT;
    cr_expect_not(assay_served_is_good(&r, &(struct assay_served_limits){0}));
}

Test(metrics, issued_is_completed_and_failed)
{
    begin(all);
    for (uint32_t i = 0; i < 3000; i++) {
        struct assay_served_row r = row(i, i + 10, i + 100, 1 + i % 4);
        r.status = i % 7 == 0 ? ASSAY_TIMEOUT : ASSAY_OK;
        add(r);
    }
    end((struct assay_served_limits){0});
    cr_expect_eq(m.issued, 3000);
    cr_expect_eq(m.failed, 429);
    cr_expect_eq(m.completed + m.failed, m.issued);
    cr_expect_eq(m.in_window + m.failed_in_window, 3000);
    cr_expect_eq(m.tpot.n + m.without_tpot, m.completed);
    cr_expect_gt(m.without_tpot, 0);
}

Test(metrics, requests_that_failed_give_no_rate_and_no_latency)
{
    begin(all);
    for (uint32_t i = 0; i < 60; i++) {
        struct assay_served_row r = row(i, 0, i + 1000, 0);
        r.status = ASSAY_DEVICE;
        add(r);
    }
    end((struct assay_served_limits){0});
    cr_expect_eq(m.failed, 60);
    cr_expect(m.goodput_per_s == 0 && m.requests_per_s == 0 && m.tokens_per_s == 0);
    cr_expect(m.ttft.n == 0 && m.latency.n == 0);
    cr_expect(isnan(m.tokens_per_s_user));
}

Test(metrics, percentiles_are_the_samples_at_floor_n_p)
{
    begin(all);
    for (uint64_t i = 0; i < 100; i++)
        add(row(0, 1 + (i * 37) % 100, 1000, 2));
    end((struct assay_served_limits){0});
    cr_expect_eq(m.ttft.n, 100);
    cr_expect_eq(m.ttft.p50_ns, 51, "sorted[50] of 1 .. 100");
    cr_expect_eq(m.ttft.p90_ns, 91);
    cr_expect_eq(m.ttft.p99_ns, 100);
    cr_expect_eq(m.ttft.max_ns, 100);
    cr_expect_float_eq(m.ttft.mean_ns, 50.5, 1e-9);
}

Test(metrics, gaps_are_counted_each_and_not_by_request)
{
    begin(all);
    uint64_t at = 1000000;
    assay_served_token(s, true, at, 0);
    for (int i = 0; i < 99; i++, at += 100000)
        assay_served_token(s, false, at + 100000, at);
    assay_served_token(s, false, at + 50000000, at); /* one long stop of one request */
    add(row(0, 1000000, at + 50000000, 101));
    end((struct assay_served_limits){0});
    cr_expect_eq(m.tokens, 101);
    cr_expect_eq(m.gap.n, 100);
    cr_expect_float_eq((double)m.gap.p50_ns, 100000, 800);
    cr_expect_float_eq((double)m.gap.p99_ns, 50000000, 400000);
    cr_expect_eq(m.gap.max_ns, 50000000);
    cr_expect_float_eq(m.gap.mean_ns, (99 * 100000 + 50000000) / 100.0, 1e-6);
    cr_expect_eq(m.tpot.p50_ns, 599000, "while the mean over the request hides it");
}

Test(metrics, a_window_cuts_requests_by_their_schedule_and_tokens_by_their_time)
{
    begin((struct assay_served_window){1000, 2000});
    add(row(999, 1000, 1500, 2));
    add(row(1000, 1100, 9000, 3)); /* ends long after the window, and counts */
    add(row(1999, 2500, 2600, 2));
    add(row(2000, 2100, 2200, 2));
    static const uint64_t token[] = {999, 1000, 1500, 1999, 2000};
    for (int i = 0; i < 5; i++)
        assay_served_token(s, i % 2, token[i], token[i] - 10);
    end((struct assay_served_limits){.latency_ns = 601});
    cr_expect_eq(m.issued, 4);
    cr_expect_eq(m.in_window, 2);
    cr_expect_eq(m.latency.max_ns, 8000);
    cr_expect_eq(m.good, 1);
    cr_expect_eq(m.tokens, 3);
    cr_expect_eq(m.window_ns, 1000);
    cr_expect_float_eq(m.tokens_per_s, 3 / 1e-6, 1e-3);
    cr_expect_float_eq(m.goodput_per_s, 1 / 1e-6, 1e-3);
}

Test(metrics, an_open_window_ends_with_the_last_request_failed_or_not)
{
    begin(all);
    add(row(0, 100, 1000, 2));
    struct assay_served_row late = row(10, 0, 4000, 0);
    late.status = ASSAY_TIMEOUT;
    add(late);
    end((struct assay_served_limits){0});
    cr_expect_eq(m.window_ns, 4000);
    cr_expect_float_eq(m.requests_per_s, 1 / 4e-6, 1e-3);
}

Test(metrics, a_users_rate_is_the_inverse_of_the_90th_percentile_of_tpot)
{
    begin(all);
    for (uint64_t i = 1; i <= 10; i++)
        add(row(0, 0, i * 1000000, 2));
    end((struct assay_served_limits){0});
    cr_expect_eq(m.tpot.p90_ns, 10000000);
    cr_expect_float_eq(m.tokens_per_s_user, 100, 1e-9);
}

Test(metrics, of_nothing_are_nothing)
{
    begin(all);
    end((struct assay_served_limits){0});
    cr_expect(m.issued == 0 && m.window_ns == 0);
    cr_expect(isnan(m.tokens_per_s) && isnan(m.goodput_per_s));
    assay_served_free(NULL);
}
