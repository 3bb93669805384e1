#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "harness/base/student.h"
#include "harness/judge/tests/candidates.h"

/* latency of at most 1 us with a guard band of 5 %, outputs, stability */
#define THREE                                                                                                                    \
    RULE("time", "mandatory", FIGURE)                                                                                            \
    "," RULE("right", "mandatory", "\"test\":\"pass\",\"holds\":\"outputs\",\"case\":\"*\"") "," RULE(                           \
        "stable", "mandatory", "\"test\":\"pass\",\"holds\":\"stability\"")

struct judged {
    struct scratch             s;
    struct assay_policy        policy;
    struct assay_qualification q;
};

static struct judged judge(const char *text, const struct candidate *c)
{
    struct judged      j = {.s = scratch_new()};
    struct assay_error err;
    cr_assert_eq(policy_of(&j.s, text, &j.policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&j.policy, &c->run, 1, &j.q, &err), ASSAY_OK, "%s", err.message);
    return j;
}

static void done(struct judged *j)
{
    assay_qualification_release(&j->q);
    assay_policy_release(&j->policy);
    scratch_remove(&j->s);
}

static const double fast[] = {880, 900, 890, 895}, slow[] = {1500, 1510, 1490, 1495}, near[] = {960, 990, 930, 975};

Test(qualify, decides_by_where_the_bounds_lie)
{
    static const struct {
        double              center, step;
        enum assay_decision decision;
        enum assay_reason   reason;
        bool                more;
    } rows[] = {
        {0.90, 0.001, ASSAY_QUALIFIED, ASSAY_REASON_MEETS, false},
        {0.90, 0.05, ASSAY_INSUFFICIENT, ASSAY_REASON_BETWEEN, true},
        {0.97, 0.001, ASSAY_INSUFFICIENT, ASSAY_REASON_GUARD_BAND, false},
        {1.10, 0.001, ASSAY_NOT_QUALIFIED, ASSAY_REASON_BELOW, false},
        {1.10, 0.05, ASSAY_INSUFFICIENT, ASSAY_REASON_BELOW_ALONE, true},
        {1.10, 0.2, ASSAY_INSUFFICIENT, ASSAY_REASON_BETWEEN, true},
    };
    struct assay_rule rule = {
        .threshold = 1e-6, .stated = 1, .unit = "us", .guard_band = 0.05, .alpha = 0.05, .least_launches = 2};
    struct assay_error err = {0};
    cr_assert_eq(assay_expression_parse("latency_ns", &rule.expression, &err), ASSAY_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_rule_result r = {.rule = &rule};
        double                   values[5];
        for (int k = 0; k < 5; k++)
            values[k] = 1e-6 * rows[i].center * exp(rows[i].step * (k - 2));
        assay_rule_decide(&rule, values, 5, 10, &r);
        cr_expect_eq(r.decision, rows[i].decision, "row %zu: %s", i, assay_reason_name(r.reason));
        cr_expect_eq(r.reason, rows[i].reason, "row %zu: %s", i, assay_reason_name(r.reason));
        cr_expect_eq(r.more_launches > 0, rows[i].more, "row %zu", i);
        cr_expect(r.low <= r.value && r.value <= r.high && fabs(r.value - rows[i].center) < 1e-9, "row %zu: %g in %g %g", i,
                  r.value, r.low, r.high);
    }
}

Test(qualify, more_launches_of_the_same_spread_settle_it)
{
    struct assay_rule rule = {
        .threshold = 100, .stated = 100, .unit = "1/s", .guard_band = 0.02, .alpha = 0.05, .least_launches = 2};
    struct assay_error err = {0};
    cr_assert_eq(assay_expression_parse("items_per_s", &rule.expression, &err), ASSAY_OK);
    struct assay_rule_result r = {.rule = &rule};
    double                   three[] = {104, 110, 117};
    assay_rule_decide(&rule, three, 3, 1, &r);
    cr_assert_eq(r.decision, ASSAY_INSUFFICIENT);
    cr_assert(r.more_launches > 0);
    /* the formula itself: L with n launches of this mean and deviation */
    double mean = 0, s = 0, gate = log(102);
    for (int i = 0; i < 3; i++)
        mean += log(three[i]) / 3;
    for (int i = 0; i < 3; i++)
        s += (log(three[i]) - mean) * (log(three[i]) - mean) / 2;
    double n = 3 + (double)r.more_launches;
    cr_expect(mean - assay_student_quantile(0.95, n - 1) * sqrt(s / n) > gate);
    cr_expect(mean - assay_student_quantile(0.95, n - 2) * sqrt(s / (n - 1)) <= gate);
}

Test(qualify, a_looser_threshold_never_takes_a_decision_back)
{
    struct assay_random r;
    struct assay_rule   rule = {.stated = 1, .unit = "us", .alpha = 0.05, .least_launches = 2};
    struct assay_error  err = {0};
    cr_assert_eq(assay_expression_parse("latency_ns", &rule.expression, &err), ASSAY_OK);
    assay_random_init(&r, 8);
    for (int i = 0; i < 60; i++) {
        double values[6];
        size_t n = 2 + assay_random_below(&r, 5);
        int    last = ASSAY_NOT_QUALIFIED;
        for (size_t k = 0; k < n; k++)
            values[k] = 1e-6 * exp(0.1 * assay_random_normal(&r));
        rule.guard_band = 0.1 * assay_random_unit(&r);
        for (double t = 0.5; t < 30; t *= t < 2 ? 1.05 : 10) {
            struct assay_rule_result out = {.rule = &rule};
            rule.threshold = 1e-6 * t;
            assay_rule_decide(&rule, values, n, 4, &out);
            int rank = out.decision == ASSAY_NOT_QUALIFIED  ? ASSAY_NOT_QUALIFIED
                       : out.decision == ASSAY_INSUFFICIENT ? ASSAY_NOT_QUALIFIED + 1
                                                            : ASSAY_NOT_QUALIFIED + 2;
            cr_assert(rank >= last, "trial %d at %g", i, t);
            last = rank;
        }
        cr_expect_eq(last, ASSAY_NOT_QUALIFIED + 2, "at twenty times the time all of them hold");
    }
}

/* A device exactly at the threshold must not qualify more often than in 5 % of tests, nor be refused more often. */
Test(qualify, errs_no_more_often_than_it_says)
{
    struct assay_random r;
    struct assay_rule   rule = {.threshold = 1, .stated = 1, .unit = "1/s", .alpha = 0.05, .least_launches = 2};
    struct assay_error  err = {0};
    size_t              qualified = 0, refused = 0, trials = 3000;
    cr_assert_eq(assay_expression_parse("items_per_s", &rule.expression, &err), ASSAY_OK);
    assay_random_init(&r, 88);
    for (size_t i = 0; i < trials; i++) {
        struct assay_rule_result out = {.rule = &rule};
        double                   values[4];
        for (int k = 0; k < 4; k++)
            values[k] = exp(0.03 * assay_random_normal(&r));
        assay_rule_decide(&rule, values, 4, 1, &out);
        qualified += out.decision == ASSAY_QUALIFIED;
        refused += out.decision == ASSAY_NOT_QUALIFIED;
    }
    /* four standard deviations of a share of 5 % in 3,000 are 1.6 % */
    cr_expect(fabs((double)qualified / (double)trials - 0.05) < 0.01, "qualified %zu", qualified);
    cr_expect(fabs((double)refused / (double)trials - 0.05) < 0.01, "refused %zu", refused);
}

Test(qualify, a_candidate_needs_all_mandatory_rules)
{
    struct candidate c;
    candidate_begin(&c, fast, 4), candidate_end(&c);
    struct judged j = judge(POLICY("", THREE), &c);
    cr_expect_eq(j.q.decision, ASSAY_QUALIFIED);
    cr_expect(j.q.candidates[0].passed == 3 && j.q.candidates[0].measured);
    done(&j);
    j = judge(POLICY("", THREE "," RULE("talk", "mandatory", "\"test\":\"pass\",\"holds\":\"words\"")), &c);
    cr_expect_eq(j.q.decision, ASSAY_INSUFFICIENT, "a clause that nothing decides stays open");
    done(&j);
    candidate_release(&c);
    candidate_begin(&c, slow, 4), candidate_end(&c);
    j = judge(POLICY("", THREE), &c);
    cr_expect_eq(j.q.decision, ASSAY_NOT_QUALIFIED);
    cr_expect(j.q.candidates[0].failed == 1 && j.q.candidates[0].results[0].reason == ASSAY_REASON_BELOW);
    done(&j);
    candidate_release(&c);
    candidate_begin(&c, near, 4), candidate_end(&c);
    j = judge(POLICY("", THREE), &c);
    cr_expect_eq(j.q.decision, ASSAY_INSUFFICIENT);
    done(&j);
    candidate_release(&c);
}

Test(qualify, a_device_that_crashes_hangs_or_is_lost_is_refused)
{
    static const enum assay_status how[] = {ASSAY_STATUS_CRASHED, ASSAY_STATUS_TIMEOUT, ASSAY_STATUS_ERROR};
    for (size_t i = 0; i < 3; i++) {
        struct candidate c;
        candidate_begin(&c, fast, 4);
        c.record[2]->status = how[i];
        c.record[2]->error.code = ASSAY_DEVICE;
        candidate_end(&c);
        struct judged j = judge(POLICY("", THREE), &c);
        cr_expect_eq(j.q.decision, ASSAY_NOT_QUALIFIED);
        cr_expect_eq(j.q.candidates[0].results[2].reason, ASSAY_REASON_UNSTABLE);
        done(&j);
        candidate_release(&c);
    }
}

/* Another folder of the same chip, with a case that no rule names. */
static void aside_begin(struct candidate *c)
{
    candidate_begin(c, slow, 4);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(c->record[i]->case_name, sizeof c->record[i]->case_name, "gemm/m=32,n=32,k=32");
        (void)snprintf(c->record[i]->id, sizeof c->record[i]->id, "0123456789abcdef");
    }
}

Test(qualify, a_folder_without_a_case_that_is_asked_for_is_no_candidate_and_counts_for_the_one_that_has_it)
{
    static const struct {
        enum assay_status  status;
        enum assay_outcome outcome;
        enum assay_decision decision;
        size_t             decides; /* which rule */
    } rows[] = {
        {ASSAY_STATUS_OK, ASSAY_PASS, ASSAY_QUALIFIED, 0},
        {ASSAY_STATUS_CRASHED, ASSAY_PASS, ASSAY_NOT_QUALIFIED, 2},
        {ASSAY_STATUS_OK, ASSAY_FAIL, ASSAY_NOT_QUALIFIED, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct candidate c, aside;
        candidate_begin(&c, fast, 4);
        candidate_end(&c);
        aside_begin(&aside);
        aside.record[1]->status = rows[i].status;
        aside.verdict[1].check.outcome = rows[i].outcome;
        candidate_end(&aside);
        for (int order = 0; order < 2; order++) {
            struct judged              j = {.s = scratch_new()};
            struct assay_error         err;
            const struct assay_summary both[] = {order ? aside.run : c.run, order ? c.run : aside.run};
            cr_assert_eq(policy_of(&j.s, POLICY("", THREE), &j.policy, &err), ASSAY_OK, "%s", err.message);
            cr_assert_eq(assay_qualify(&j.policy, both, 2, &j.q, &err), ASSAY_OK, "%s", err.message);
            cr_assert_eq(j.q.n, 1, "row %zu: %zu candidates", i, j.q.n);
            cr_expect_eq(j.q.candidates[0].run, &both[order], "the folder that has the case");
            cr_expect_eq(j.q.decision, rows[i].decision, "row %zu, order %d", i, order);
            cr_expect_eq(j.q.candidates[0].results[rows[i].decides].decision, rows[i].decision, "row %zu, order %d", i, order);
            done(&j);
        }
        candidate_release(&c);
        candidate_release(&aside);
    }
}

Test(qualify, two_folders_with_the_case_are_two_candidates_and_one_without_it_is_one)
{
    struct candidate c, other;
    candidate_begin(&c, fast, 4);
    candidate_end(&c);
    aside_begin(&other);
    candidate_end(&other);
    for (int alone = 0; alone < 2; alone++) {
        struct judged              j = {.s = scratch_new()};
        struct assay_error         err;
        const struct assay_summary both[] = {alone ? other.run : c.run, c.run};
        cr_assert_eq(policy_of(&j.s, POLICY("", THREE), &j.policy, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_qualify(&j.policy, both, alone ? 1 : 2, &j.q, &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(j.q.n, alone ? 1 : 2);
        if (alone)
            cr_expect_eq(j.q.candidates[0].results[0].reason, ASSAY_REASON_NO_CASE, "nobody else tells of the chip");
        done(&j);
    }
    candidate_release(&c);
    candidate_release(&other);
}

Test(qualify, outputs_decide_before_any_figure)
{
    static const struct {
        enum assay_outcome   outcome;
        enum assay_assurance assurance;
        enum assay_decision  decision;
    } rows[] = {
        {ASSAY_MARGINAL, ASSAY_ASSURANCE_FULL, ASSAY_QUALIFIED},
        {ASSAY_FAIL, ASSAY_ASSURANCE_FULL, ASSAY_NOT_QUALIFIED},
        {ASSAY_UNTRUSTED, ASSAY_ASSURANCE_FULL, ASSAY_INSUFFICIENT},
        {ASSAY_NOT_CHECKED, ASSAY_ASSURANCE_NONE, ASSAY_INSUFFICIENT},
        {ASSAY_PASS, ASSAY_ASSURANCE_LOCAL, ASSAY_INSUFFICIENT},
        {ASSAY_PASS, ASSAY_ASSURANCE_SAMPLED, ASSAY_QUALIFIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct candidate c;
        candidate_begin(&c, fast, 4);
        c.verdict[1].check.outcome = rows[i].outcome;
        c.verdict[1].check.assurance = rows[i].assurance;
        candidate_end(&c);
        struct judged j = judge(POLICY("", THREE), &c);
        cr_expect_eq(j.q.decision, rows[i].decision, "row %zu: %s", i, assay_reason_name(j.q.candidates[0].results[0].reason));
        done(&j);
        candidate_release(&c);
    }
}

Test(qualify, a_device_that_declines_is_a_gap_of_the_tool)
{
    struct candidate c;
    candidate_begin(&c, fast, 2);
    for (int i = 0; i < 2; i++)
        c.record[i]->status = ASSAY_STATUS_UNSUPPORTED;
    candidate_end(&c);
    struct judged j = judge(POLICY("", THREE), &c);
    cr_expect_eq(j.q.decision, ASSAY_INSUFFICIENT);
    cr_expect_eq(j.q.candidates[0].results[0].reason, ASSAY_REASON_GAP);
    done(&j);
    candidate_release(&c);
}

Test(qualify, origin_is_as_the_buyer_says)
{
    static const struct {
        char                rule[160];
        enum assay_decision decision;
    } rows[] = {
        {"\"rule\":\"none\"", ASSAY_QUALIFIED},
        {"\"rule\":\"domestic_if_state_funded\",\"domestic\":\"CN\",\"state_funded\":true", ASSAY_NOT_QUALIFIED},
        {"\"rule\":\"domestic_if_state_funded\",\"domestic\":\"CN\",\"state_funded\":false", ASSAY_QUALIFIED},
        {"\"rule\":\"domestic_if_state_funded\",\"domestic\":\"US\",\"state_funded\":true", ASSAY_QUALIFIED},
        {"\"rule\":\"replace_under_30_percent\",\"domestic\":\"CN\",\"state_funded\":true,\"complete_share\":0.29",
         ASSAY_NOT_QUALIFIED},
        {"\"rule\":\"replace_under_30_percent\",\"domestic\":\"CN\",\"state_funded\":true,\"complete_share\":0.3",
         ASSAY_QUALIFIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct candidate c;
        char             text[3000];
        candidate_begin(&c, fast, 4), candidate_end(&c);
        (void)snprintf(text, sizeof text, "%.*s\"origin\":{%s},\"offers\":[{\"device\":\"chip\",\"origin\":\"US\"}],%s",
                       (int)strlen(POLICY("", "")) - 11, POLICY("", ""), rows[i].rule,
                       "\"rules\":[" THREE "," RULE("from", "mandatory", "\"test\":\"pass\",\"holds\":\"origin\"") "]}");
        struct judged j = judge(text, &c);
        cr_expect_eq(j.q.decision, rows[i].decision, "row %zu", i);
        done(&j);
        candidate_release(&c);
    }
}

Test(qualify, divisions_never_mix_and_what_is_not_for_sale_stands_last)
{
    struct candidate c, m;
    candidate_begin(&c, fast, 4), candidate_end(&c);
    struct judged j =
        judge(POLICY("\"offers\":[{\"device\":\"chip\",\"division\":\"open\",\"differences\":\"vendor's stack\"}],", THREE), &c);
    cr_expect_eq(j.q.decision, ASSAY_INSUFFICIENT);
    cr_expect_eq(j.q.candidates[0].results[0].reason, ASSAY_REASON_DIVISION);
    done(&j);
    candidate_begin(&m, fast, 4);
    for (int i = 0; i < 4; i++)
        m.record[i]->evidence = ASSAY_EVIDENCE_MODELLED,
        (void)snprintf(m.record[i]->backend, sizeof m.record[i]->backend, "model:0");
    candidate_end(&m);
    struct assay_summary runs[] = {m.run, c.run};
    j = judge(POLICY("", THREE), &c);
    struct assay_qualification q;
    struct assay_error         err = {0};
    cr_assert_eq(assay_qualify(&j.policy, runs, 2, &q, &err), ASSAY_OK);
    cr_expect(q.candidates[0].measured && !q.candidates[1].measured, "measured candidates stand first");
    assay_qualification_release(&q);
    done(&j);
    candidate_release(&c), candidate_release(&m);
}

/* ---- a figure that is not measured can never qualify anything ------------------------------------------------------------------ */

/* Anything at all, but right, stable and fast: whether it qualifies is up to where it comes from. */
static void anything(struct candidate *c, struct assay_random *r)
{
    static const char grades[][2] = {"", "A", "B", "C", "D"};
    double            fast_ns[4];
    size_t            n = 2 + assay_random_below(r, 3);
    for (size_t i = 0; i < n; i++)
        fast_ns[i] = 100 * exp(0.001 * assay_random_normal(r));
    candidate_begin(c, fast_ns, n);
    for (size_t i = 0; i < n; i++) {
        struct assay_record *one = c->record[i];
        bool                 strange = assay_random_below(r, 4) == 0;
        one->evidence = strange ? (enum assay_evidence)(1 + assay_random_below(r, 7)) : ASSAY_EVIDENCE_MEASURED;
        if (assay_random_below(r, 4) == 0)
            one->device.clock = (enum assay_clock)(1 + assay_random_below(r, 3));
        if (assay_random_below(r, 4) == 0)
            one->device.origin = (enum assay_origin)(1 + assay_random_below(r, 4));
        if (assay_random_below(r, 4) == 0)
            one->metric[ASSAY_METRIC_latency_ns].clock = (enum assay_clock)assay_random_below(r, 4);
        if (assay_random_below(r, 6) == 0)
            memcpy(one->grade, grades[assay_random_below(r, 5)], 2);
        if (assay_random_below(r, 8) == 0)
            one->metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){
                .has_interval = true, .low = 90, .high = 110, .level = 0.8, .clock = ASSAY_CLOCK_MODEL};
    }
    candidate_end(c);
}

static bool is_hardware(const struct assay_record *r)
{
    return r->evidence == ASSAY_EVIDENCE_MEASURED && r->device.origin == ASSAY_ORIGIN_REAL &&
           r->device.clock != ASSAY_CLOCK_MODEL && r->metric[ASSAY_METRIC_latency_ns].clock != ASSAY_CLOCK_MODEL && !*r->grade;
}

Test(qualify, nothing_but_measurements_on_hardware_ever_qualifies)
{
    struct scratch      s = scratch_new();
    struct assay_policy policy;
    struct assay_error  err;
    struct assay_random r;
    size_t              qualified = 0, refused = 0;
    cr_assert_eq(policy_of(&s, POLICY("", THREE "," RULE("nice", "scored", FIGURE ",\"points\":100")), &policy, &err), ASSAY_OK,
                 "%s", err.message);
    assay_random_init(&r, 888);
    for (int i = 0; i < 4000; i++) {
        struct candidate           c;
        struct assay_qualification q;
        bool                       hardware = true;
        anything(&c, &r);
        for (size_t k = 0; k < c.row.n_launches; k++)
            hardware = hardware && is_hardware(c.record[k]);
        cr_assert_eq(assay_qualify(&policy, &c.run, 1, &q, &err), ASSAY_OK);
        cr_assert_eq(q.decision == ASSAY_QUALIFIED, hardware, "trial %d: %s", i,
                     assay_reason_name(q.candidates[0].results[0].reason));
        for (size_t k = 0; k < policy.n_rules && !hardware; k++)
            cr_assert_eq(q.candidates[0].results[k].decision, ASSAY_INSUFFICIENT, "trial %d rule %zu", i, k);
        for (size_t k = 0; k < policy.n_rules; k++)
            cr_assert(!q.candidates[0].results[k].has_point || q.candidates[0].results[k].value > 0);
        qualified += q.decision == ASSAY_QUALIFIED;
        refused += q.decision != ASSAY_QUALIFIED;
        assay_qualification_release(&q);
        candidate_release(&c);
    }
    cr_expect(qualified > 200 && refused > 200, "both must have been seen: %zu and %zu", qualified, refused);
    assay_policy_release(&policy);
    scratch_remove(&s);
}

Test(qualify, a_modelled_candidate_qualifies_by_no_evidence_however_fast_and_is_not_refused_by_its_range)
{
    for (enum assay_evidence e = ASSAY_EVIDENCE_MIXED; e <= ASSAY_EVIDENCE_INSTRUMENT; e++)
        for (int speed = 0; speed < 2; speed++) {
            struct candidate c;
            candidate_begin(&c, speed ? fast : slow, 4);
            for (int i = 0; i < 4; i++)
                c.record[i]->evidence = e;
            candidate_end(&c);
            struct judged j = judge(POLICY("", THREE), &c);
            cr_expect_eq(j.q.decision, ASSAY_INSUFFICIENT);
            cr_expect(!j.q.candidates[0].measured && j.q.candidates[0].undecided == 3);
            done(&j);
            candidate_release(&c);
        }
}

Test(qualify, a_range_without_a_point_stays_without_one)
{
    struct candidate c;
    candidate_begin(&c, fast, 2);
    for (int i = 0; i < 2; i++) {
        struct assay_record *r = c.record[i];
        r->evidence = ASSAY_EVIDENCE_MODELLED;
        r->device.clock = ASSAY_CLOCK_MODEL;
        r->device.origin = ASSAY_ORIGIN_MODELLED;
        memcpy(r->grade, "D", 2);
        r->metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){.has_interval = true,
                                                                         .low = 500,
                                                                         .high = 4000,
                                                                         .level = 0.8,
                                                                         .clock = ASSAY_CLOCK_MODEL,
                                                                         .why = "a required number is assumed"};
    }
    candidate_end(&c);
    struct judged                   j = judge(POLICY("", THREE), &c);
    const struct assay_rule_result *r = &j.q.candidates[0].results[0];
    cr_expect(!r->has_point && r->has_bounds && r->level == 0.8);
    cr_expect(fabs(r->low - 0.5) < 1e-12 && fabs(r->high - 4) < 1e-12, "%g %g", r->low, r->high);
    cr_expect_str_eq(r->grade, "D");
    done(&j);
    candidate_release(&c);
}
