#include <math.h>

#include "harness/base/random.h"
#include "harness/judge/compare.h"
#include "harness/judge/compare_statistics.h"
#include "harness/judge/tests/run_builder.h"

#define FROM_A                                                                                                         \
    (struct assay_compare_setup)                                                                                       \
    {                                                                                                                  \
        .delta = -1                                                                                                    \
    }

static struct assay_compare compare(const struct assay_summary *a, const struct assay_summary *b,
                                    struct assay_compare_setup setup)
{
    struct assay_compare out;
    struct assay_error err = {0};
    cr_assert_eq(assay_compare_runs(a, b, &setup, &out, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < out.n_rows; i++)
        cr_expect(*out.rows[i].why, "every row says why");
    return out;
}

/* Medians around `center`, spread evenly in logarithm by `step`. */
static void spread(double *out, size_t n, double center, double step)
{
    for (size_t i = 0; i < n; i++)
        out[i] = center * exp(step * ((double)i - (double)(n - 1) / 2));
}

/* Runs "a" and "b" of one case each, five launches. */
static void two_runs(const struct scratch *s, double center_b, double step, struct assay_summary out[2])
{
    for (int k = 0; k < 2; k++) {
        struct builder b;
        double medians[5];
        spread(medians, 5, k ? center_b : 100, step);
        builder_begin(&b, s, k ? "b" : "a", json_object());
        builder_launches(&b, 0, "cpu", medians, 5, ASSAY_PASS);
        builder_end(&b, &out[k]);
    }
}

Test(compare, has_three_outcomes_by_where_the_interval_lies)
{
    static const struct {
        double center_b, step;
        enum assay_comparison outcome;
    } rows[] = {
        {100, 0.001, ASSAY_NO_WORSE}, {90, 0.001, ASSAY_NO_WORSE}, {101, 0.0005, ASSAY_NO_WORSE},
        {103, 0.001, ASSAY_WORSE},    {150, 0.01, ASSAY_WORSE},    {102.5, 0.01, ASSAY_UNDECIDED},
        {101, 0.05, ASSAY_UNDECIDED}, {97, 0.05, ASSAY_UNDECIDED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scratch s = scratch_new();
        struct assay_summary run[2];
        two_runs(&s, rows[i].center_b, rows[i].step, run);
        struct assay_compare c = compare(&run[0], &run[1], (struct assay_compare_setup){.delta = 0.02});
        cr_assert_eq(c.n_rows, 1u);
        cr_expect_eq(c.rows[0].outcome, rows[i].outcome, "row %zu: %s", i, c.rows[0].why);
        cr_expect_eq(c.outcome, rows[i].outcome);
        cr_expect(fabs(c.rows[0].ratio.value - rows[i].center_b / 100) < 1e-9 && c.rows[0].ratio.has_interval);
        cr_expect(c.counts[rows[i].outcome] == 1 && !c.rows[0].paired && c.rows[0].tested);
        cr_expect_eq(c.rows[0].more_launches > 0, rows[i].outcome == ASSAY_UNDECIDED);
        if (rows[i].outcome == ASSAY_UNDECIDED)
            cr_expect(strstr(c.rows[0].why, "more launches would settle it"), "%s", c.rows[0].why);
        cr_expect_eq(c.rows[0].confirmed, rows[i].outcome == ASSAY_WORSE);
        assay_compare_release(&c);
        assay_summary_release(&run[0]);
        assay_summary_release(&run[1]);
        scratch_remove(&s);
    }
}

Test(compare, takes_its_margin_from_what_a_against_a_shows)
{
    struct scratch s = scratch_new();
    struct assay_summary run[2];
    double medians[5];
    two_runs(&s, 100, 0.02, run);
    struct assay_compare c = compare(&run[0], &run[1], FROM_A);
    spread(medians, 5, 100, 0.02);
    double expected = assay_compare_self(sqrt(assay_compare_log_variance(medians, 5)), 5);
    cr_expect(fabs(c.delta - expected) < 1e-12 && c.delta > 0.04, "%g", c.delta);
    cr_expect(strstr(c.delta_how, "t(0.975, 8)") && strstr(c.delta_how, "over 1 cases"), "%s", c.delta_how);
    cr_expect_eq(c.outcome, ASSAY_NO_WORSE, "a run against its own like, with its own margin: %s", c.why);
    assay_compare_release(&c);
    assay_summary_release(&run[0]), assay_summary_release(&run[1]);
    scratch_remove(&s);

    s = scratch_new();
    two_runs(&s, 100, 1e-5, run);
    c = compare(&run[0], &run[1], FROM_A);
    cr_expect_eq(c.delta, 0.01, "never below 1 %%");
    assay_compare_release(&c);
    c = compare(&run[0], &run[1], (struct assay_compare_setup){.delta = 0});
    cr_expect(c.delta == 0 && strcmp(c.delta_how, "given") == 0);
    assay_compare_release(&c);
    assay_summary_release(&run[0]), assay_summary_release(&run[1]);
    scratch_remove(&s);
}

Test(compare, pools_the_margin_over_cases_by_their_degrees_of_freedom)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary run;
    double few[3], many[9], single[1] = {7};
    spread(few, 3, 100, 0.05);
    spread(many, 9, 1000, 0.01);
    builder_begin(&b, &s, "run", json_object());
    builder_launches(&b, 0, "cpu", few, 3, ASSAY_PASS);
    builder_launches(&b, 1, "cpu", many, 9, ASSAY_PASS);
    builder_launches(&b, 2, "cpu", few, 3, ASSAY_PASS);
    builder_launches(&b, 3, "cpu", single, 1, ASSAY_PASS);
    for (unsigned i = 0; i < 4; i++)
        builder_launches(&b, i, "fast", i == 1 ? many : few, i == 1 ? 9 : 3, ASSAY_PASS);
    builder_end(&b, &run);
    struct assay_compare c = compare(&run, &run, (struct assay_compare_setup){"cpu", "fast", -1});
    double pooled = (2 * 2 * assay_compare_log_variance(few, 3) + 8 * assay_compare_log_variance(many, 9)) / 12;
    cr_expect(fabs(c.delta - assay_compare_self(sqrt(pooled), 3)) < 1e-12, "n = 3 is the median of 3, 3, 9");
    assay_compare_release(&c);
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(compare, pairs_launches_of_one_run_and_so_sees_through_what_both_had)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary run;
    builder_begin(&b, &s, "run", json_object());
    static const double drift[] = {1, 1.5, 0.7, 1.2, 2}; /* the machine's, seen by both */
    for (uint32_t k = 0; k < 5; k++) {
        builder_append(&b, builder_record(0, "cpu", k, 100 * drift[k]));
        if (k != 3) /* a launch without partner */
            builder_append(&b, builder_record(0, "fast", k, 105 * drift[k] * (k % 2 ? 1.001 : 0.999)));
    }
    builder_append(&b, builder_record(1, "cpu", 0, 100));
    builder_append(&b, builder_record(2, "fast", 0, 100));
    builder_end(&b, &run);
    struct assay_compare c = compare(&run, &run, (struct assay_compare_setup){"cpu", "fast", 0.02});
    cr_assert_eq(c.n_rows, 1u);
    cr_expect(c.rows[0].paired && c.rows[0].pairs == 4 && c.outcome == ASSAY_WORSE, "%s", c.rows[0].why);
    cr_expect(fabs(c.rows[0].ratio.value - 1.05) < 0.001);
    cr_expect(c.only_a == 1 && c.only_b == 1);
    assay_compare_release(&c);
    c = compare(&run, &run, (struct assay_compare_setup){"fast", "cpu", 0.02});
    cr_expect_eq(c.outcome, ASSAY_NO_WORSE, "the other way round");
    assay_compare_release(&c);
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(compare, is_undecided_with_one_launch_and_says_so)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary run[2];
    for (int k = 0; k < 2; k++) {
        double one[1] = {k ? 200 : 100};
        builder_begin(&b, &s, k ? "b" : "a", json_object());
        builder_launches(&b, 0, "cpu", one, 1, ASSAY_PASS);
        builder_end(&b, &run[k]);
    }
    struct assay_compare c = compare(&run[0], &run[1], FROM_A);
    cr_expect(c.outcome == ASSAY_UNDECIDED && c.rows[0].outcome == ASSAY_UNDECIDED && !c.rows[0].tested);
    cr_expect(strstr(c.rows[0].why, "one launch") && c.rows[0].more_launches == 1, "%s", c.rows[0].why);
    cr_expect(c.delta == 0.01 && strstr(c.delta_how, "no case of A has two launches"), "%s", c.delta_how);
    assay_compare_release(&c);
    assay_summary_release(&run[0]), assay_summary_release(&run[1]);
    scratch_remove(&s);
}

/* One case, two launches of 100 on each side, with these ends and verdicts (0: none). */
static const struct {
    enum assay_status status_a, status_b;
    enum assay_outcome verdict_a, verdict_b;
    double time_b;
    enum assay_comparison outcome;
    char why[48];
} accuracy[] = {
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_PASS, ASSAY_FAIL, 50, ASSAY_WORSE, "from pass to fail"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_PASS, ASSAY_MARGINAL, 50, ASSAY_WORSE, "from pass to marginal"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_MARGINAL, ASSAY_NOT_CHECKED, 50, ASSAY_WORSE, "to not_checked"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_MARGINAL, ASSAY_PASS, 100, ASSAY_NO_WORSE, "not above the margin"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_FAIL, ASSAY_PASS, 500, ASSAY_NO_WORSE, "A's results are fail"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_FAIL, ASSAY_FAIL, 50, ASSAY_NOT_COMPARABLE, "say nothing"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_NOT_CHECKED, ASSAY_NOT_CHECKED, 100, ASSAY_NO_WORSE, "not above"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_PASS, (enum assay_outcome)0, 100, ASSAY_UNDECIDED, "B is not validated"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, ASSAY_PASS, (enum assay_outcome)0, 200, ASSAY_WORSE, "above the margin"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, (enum assay_outcome)0, (enum assay_outcome)0, 100, ASSAY_NO_WORSE, "not above"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_OK, (enum assay_outcome)0, ASSAY_FAIL, 100, ASSAY_WORSE, "B's results are fail"},
    {ASSAY_STATUS_OK, ASSAY_STATUS_CRASHED, ASSAY_PASS, ASSAY_PASS, 50, ASSAY_WORSE, "crashed: because"},
    {ASSAY_STATUS_TIMEOUT, ASSAY_STATUS_OK, ASSAY_PASS, ASSAY_PASS, 500, ASSAY_NO_WORSE, "A did not: timeout: because"},
    {ASSAY_STATUS_ERROR, ASSAY_STATUS_UNSUPPORTED, ASSAY_PASS, ASSAY_PASS, 1, ASSAY_NOT_COMPARABLE, "neither ended ok"},
};

Test(compare, puts_results_that_got_worse_above_all_times)
{
    for (size_t i = 0; i < sizeof accuracy / sizeof accuracy[0]; i++) {
        struct scratch s = scratch_new();
        struct builder b;
        struct assay_summary run[2];
        for (int k = 0; k < 2; k++) {
            builder_begin(&b, &s, k ? "b" : "a", json_object());
            for (uint32_t launch = 0; launch < 2; launch++) {
                enum assay_outcome verdict = k ? accuracy[i].verdict_b : accuracy[i].verdict_a;
                struct assay_record *r =
                    builder_record(0, "cpu", launch, (k ? accuracy[i].time_b : 100) + launch * 1e-6);
                r->status = k ? accuracy[i].status_b : accuracy[i].status_a;
                (void)snprintf(r->reason, sizeof r->reason, "because");
                builder_append(&b, r);
                if (verdict)
                    builder_judge(&b, r, verdict);
            }
            builder_end(&b, &run[k]);
        }
        struct assay_compare c = compare(&run[0], &run[1], (struct assay_compare_setup){.delta = 0.02});
        cr_expect_eq(c.rows[0].outcome, accuracy[i].outcome, "row %zu: %s", i, c.rows[0].why);
        cr_expect(strstr(c.rows[0].why, accuracy[i].why), "row %zu: %s", i, c.rows[0].why);
        cr_expect_eq(c.outcome, accuracy[i].outcome == ASSAY_NOT_COMPARABLE ? ASSAY_UNDECIDED : accuracy[i].outcome);
        assay_compare_release(&c);
        assay_summary_release(&run[0]), assay_summary_release(&run[1]);
        scratch_remove(&s);
    }
}

static void set_evidence(struct assay_record *r, enum assay_evidence evidence, enum assay_clock clock, double low,
                         double high)
{
    struct assay_metric_value *m = &r->metric[ASSAY_METRIC_latency_ns];
    r->evidence = evidence;
    m->clock = clock;
    m->has_interval = high > 0;
    m->low = low, m->high = high, m->level = high > 0 ? 0.9 : 0;
}

Test(compare, never_sets_a_model_beside_a_measurement_unmarked)
{
    static const struct {
        enum assay_evidence evidence;
        enum assay_clock clock;
        double low, high;
        enum assay_comparison outcome;
        char why[48];
    } rows[] = {
        {ASSAY_EVIDENCE_MEASURED, ASSAY_CLOCK_HOST, 0, 0, ASSAY_NOT_COMPARABLE, "one clock is a model's"},
        {ASSAY_EVIDENCE_SIMULATED, ASSAY_CLOCK_HOST, 0, 0, ASSAY_NOT_COMPARABLE, "is simulated"},
        {ASSAY_EVIDENCE_MODELLED, ASSAY_CLOCK_MODEL, 0, 0, ASSAY_UNDECIDED, "the model of B gives no range"},
        {ASSAY_EVIDENCE_MODELLED, ASSAY_CLOCK_MODEL, 90, 95, ASSAY_UNDECIDED, "on both sides of the margin"},
        {ASSAY_EVIDENCE_MODELLED, ASSAY_CLOCK_MODEL, 60, 70, ASSAY_NO_WORSE, "not above the margin"},
        {ASSAY_EVIDENCE_MODELLED, ASSAY_CLOCK_MODEL, 140, 150, ASSAY_WORSE, "above the margin"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scratch s = scratch_new();
        struct builder b;
        struct assay_summary run;
        builder_begin(&b, &s, "run", json_object());
        for (uint32_t k = 0; k < 3; k++) {
            struct assay_record *r = builder_record(0, "model", k, 100);
            set_evidence(r, ASSAY_EVIDENCE_MODELLED, ASSAY_CLOCK_MODEL, 80, 120);
            builder_append(&b, r);
            r = builder_record(0, "other", k, 100);
            set_evidence(r, rows[i].evidence, rows[i].clock, rows[i].low, rows[i].high);
            builder_append(&b, r);
        }
        builder_end(&b, &run);
        struct assay_compare c = compare(&run, &run, FROM_A); /* exactly two back ends: no need to name them */
        cr_assert_eq(c.n_rows, 1u);
        cr_expect_eq(c.rows[0].outcome, rows[i].outcome, "row %zu: %s", i, c.rows[0].why);
        cr_expect(strstr(c.rows[0].why, rows[i].why), "row %zu: %s", i, c.rows[0].why);
        cr_expect_eq(c.rows[0].evidence_differs, rows[i].evidence != ASSAY_EVIDENCE_MODELLED);
        cr_expect(!c.rows[0].tested, "where there is no chance there is no test");
        cr_expect_eq(c.outcome, rows[i].outcome == ASSAY_NOT_COMPARABLE ? ASSAY_UNDECIDED : rows[i].outcome);
        assay_compare_release(&c);
        assay_summary_release(&run);
        scratch_remove(&s);
    }
}

/* 20 cases; one is just worse by itself (p near 0.02), or clearly. */
Test(compare, does_not_call_a_run_worse_for_one_of_many_that_chance_may_give, .timeout = 60)
{
    for (int clear = 0; clear < 2; clear++) {
        struct scratch s = scratch_new();
        struct builder b;
        struct assay_summary run[2];
        for (int k = 0; k < 2; k++) {
            builder_begin(&b, &s, k ? "b" : "a", json_object());
            for (unsigned i = 0; i < 20; i++) {
                double medians[3];
                spread(medians, 3, k && i == 7 ? (clear ? 130 : 104.6) : 100, i == 7 ? 0.01 : 0.001);
                builder_launches(&b, i, "cpu", medians, 3, (enum assay_outcome)0);
            }
            builder_end(&b, &run[k]);
        }
        struct assay_compare c = compare(&run[0], &run[1], (struct assay_compare_setup){.delta = 0.02});
        cr_expect(c.rows[7].outcome == ASSAY_WORSE && c.counts[ASSAY_WORSE] == 1 && c.counts[ASSAY_NO_WORSE] == 19);
        cr_expect_eq(c.rows[7].confirmed, clear == 1, "p = %g", c.rows[7].p);
        cr_expect_eq(c.outcome, clear ? ASSAY_WORSE : ASSAY_UNDECIDED, "%s", c.why);
        cr_expect(strstr(c.family_how, "each of 20 cases is tested at 95 % by itself: 1 worse"), "%s", c.family_how);
        cr_expect(strstr(c.family_how, clear ? "together): 1 worse" : "together): 0 worse"), "%s", c.family_how);
        assay_compare_release(&c);
        assay_summary_release(&run[0]), assay_summary_release(&run[1]);
        scratch_remove(&s);
    }
}

Test(compare, asks_which_back_ends_where_there_is_a_choice)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_error err = {0};
    struct assay_compare c;
    struct assay_summary many, one, other;
    double medians[] = {100, 101};
    builder_begin(&b, &s, "many", json_object());
    builder_launches(&b, 0, "cpu", medians, 2, ASSAY_PASS);
    builder_launches(&b, 0, "fast", medians, 2, ASSAY_PASS);
    builder_launches(&b, 0, "slow", medians, 2, ASSAY_PASS);
    builder_end(&b, &many);
    builder_begin(&b, &s, "one", json_object());
    builder_launches(&b, 0, "cpu", medians, 2, ASSAY_PASS);
    builder_launches(&b, 1, "cpu", medians, 2, ASSAY_PASS);
    builder_end(&b, &one);
    builder_begin(&b, &s, "other", json_object());
    builder_launches(&b, 0, "cuda", medians, 2, ASSAY_PASS);
    builder_end(&b, &other);

    c = compare(&many, &one, FROM_A);
    cr_expect(c.n_rows == 1 && strcmp(c.rows[0].b->backend, "cpu") == 0, "what both have");
    cr_expect(c.only_a == 0 && c.only_b == 1);
    assay_compare_release(&c);
    c = compare(&one, &other, FROM_A);
    cr_expect(c.n_rows == 1 && strcmp(c.rows[0].b->backend, "cuda") == 0, "the only one of each");
    assay_compare_release(&c);
    c = compare(&many, &other, (struct assay_compare_setup){.backend_a = "fast", .delta = -1});
    cr_expect(c.n_rows == 1 && strcmp(c.rows[0].a->backend, "fast") == 0);
    assay_compare_release(&c);

    struct assay_compare_setup setup = FROM_A;
    cr_expect_eq(assay_compare_runs(&many, &other, &setup, &c, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "which back end of run A") && strstr(err.hint, "cpu fast slow"), "%s", err.hint);
    cr_expect_eq(assay_compare_runs(&many, &many, &setup, &c, &err), ASSAY_CONFIG, "a run against itself");
    setup.backend_b = "gpu";
    cr_expect_eq(assay_compare_runs(&many, &other, &setup, &c, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "run B has no back end 'gpu'") && strstr(err.hint, "cuda"), "%s", err.message);
    setup = (struct assay_compare_setup){.delta = NAN};
    cr_expect_eq(assay_compare_runs(&one, &one, &setup, &c, &err), ASSAY_CONFIG);
    assay_summary_release(&many), assay_summary_release(&one), assay_summary_release(&other);
    scratch_remove(&s);
}

Test(compare, of_runs_without_a_common_case_is_undecided)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary run[2];
    double medians[] = {100, 101};
    for (unsigned k = 0; k < 2; k++) {
        builder_begin(&b, &s, k ? "b" : "a", json_object());
        builder_launches(&b, k, "cpu", medians, 2, ASSAY_PASS);
        builder_end(&b, &run[k]);
    }
    struct assay_compare c = compare(&run[0], &run[1], FROM_A);
    cr_expect(c.n_rows == 0 && c.outcome == ASSAY_UNDECIDED && strcmp(c.why, "no case is in both") == 0);
    cr_expect(c.only_a == 1 && c.only_b == 1);
    assay_compare_release(&c);
    assay_summary_release(&run[0]), assay_summary_release(&run[1]);
    scratch_remove(&s);
}

Test(compare, is_written_as_json_with_both_evidences_and_the_numbers)
{
    struct scratch s = scratch_new();
    struct assay_summary run[2];
    two_runs(&s, 150, 0.001, run);
    struct assay_compare c = compare(&run[0], &run[1], FROM_A);
    json_t *json = assay_compare_to_json(&c), *row = json_array_get(json_object_get(json, "cases"), 0);
    cr_assert(row);
    cr_expect_str_eq(json_string_value(json_object_get(json, "outcome")), "worse");
    cr_expect_str_eq(json_string_value(json_object_get(row, "case")), "gemm/k=0");
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(row, "b"), "evidence")), "measured");
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(row, "b"), "verdict")), "pass");
    cr_expect_eq(json_real_value(json_object_get(json_object_get(row, "ratio"), "low")), c.rows[0].ratio.low);
    cr_expect(json_is_true(json_object_get(row, "confirmed")) && json_is_real(json_object_get(row, "p")));
    json_decref(json);
    assay_compare_release(&c);
    assay_summary_release(&run[0]), assay_summary_release(&run[1]);
    scratch_remove(&s);
}

/* Many runs of the same thing: the promise of the family, and that a real change is found. */
Test(compare, calls_the_same_worse_about_as_rarely_as_it_promises, .timeout = 300)
{
    enum { ROUNDS = 60, CASES = 6 };
    struct assay_random random;
    unsigned worse = 0, found = 0;
    assay_random_init(&random, 7);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct scratch s = scratch_new();
        struct builder b;
        struct assay_summary run;
        builder_begin(&b, &s, "run", json_object());
        for (unsigned i = 0; i < CASES; i++)
            for (int k = 0; k < 3; k++) {
                static const char names[][8] = {"a", "same", "slower"};
                double medians[5];
                for (int l = 0; l < 5; l++)
                    medians[l] = (k == 2 ? 130 : 100) * exp(0.02 * assay_random_normal(&random));
                builder_launches(&b, i, names[k], medians, 5, (enum assay_outcome)0);
            }
        builder_end(&b, &run);
        struct assay_compare c = compare(&run, &run, (struct assay_compare_setup){"a", "same", 0});
        worse += c.outcome == ASSAY_WORSE;
        assay_compare_release(&c);
        c = compare(&run, &run, (struct assay_compare_setup){"a", "slower", -1});
        found += c.outcome == ASSAY_WORSE;
        assay_compare_release(&c);
        assay_summary_release(&run);
        scratch_remove(&s);
    }
    /* With margin 0 at most 2.5 % of the rounds: 8 or more of 60 would come once in 30 000 times. */
    cr_expect_lt(worse, 8u);
    cr_expect_eq(found, (unsigned)ROUNDS);
}
