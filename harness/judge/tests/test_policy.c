#include <criterion/criterion.h>

#include "harness/base/tests/source.h"
#include "harness/judge/policy_check.h"
#include "harness/judge/tests/candidates.h"

#define LATENCY RULE("a", "mandatory", FIGURE)
#define WITHOUT_THRESHOLD                                                                                                        \
    "\"test\":\"quantified\",\"case\":\"" CANDIDATE_CASE "\",\"metric\":\"latency_ns\",\"unit\":\"us\",\"guard_band\":0.05"

Test(policy, that_says_all_it_must_is_read)
{
    struct scratch      s = scratch_new();
    struct assay_policy p;
    struct assay_error  err;
    cr_assert_eq(policy_of(&s, POLICY("\"offers\":[{\"device\":\"x\",\"price\":[1,2,3]}],", LATENCY), &p, &err), ASSAY_OK, "%s",
                 err.message);
    cr_expect_eq(p.n_rules, 1u);
    cr_expect_eq(p.n_mandatory, 1u);
    cr_expect_str_eq(p.rules[0].text, "T");
    cr_expect(strstr(p.rules[0].case_name, "transpose_b=false"), "defaults are written out: %s", p.rules[0].case_name);
    cr_expect(p.rules[0].threshold == 1e-6 && p.rules[0].stated == 1);
    cr_expect(p.offers[0].price.low == 1 && p.offers[0].price.high == 3 && p.offers[0].available);
    cr_expect(assay_policy_offer(&p, "x") && !assay_policy_offer(&p, "y"));
    assay_policy_release(&p);
    scratch_remove(&s);
}

/* What is wrong, and words of the one line that says so. */
static const struct {
    char text[700], says[100];
} wrong[] = {
    {POLICY("", RULE("a", "mandatory", WITHOUT_THRESHOLD)), "threshold"},
    {POLICY("", RULE("a", "scored", FIGURE ",\"points\":3")), "nothing to qualify by"},
    {POLICY("", LATENCY "," LATENCY), "two rules 'a'"},
    {POLICY("\"speling\":1,", LATENCY), "speling"},
    {POLICY("", RULE("a", "mandatry", FIGURE)), "did you mean 'mandatory'"},
    {POLICY("", RULE("a", "mandatory", FIGURE ",\"points\":3")), "only a scored rule has points"},
    {POLICY(
         "",
         RULE(
             "a", "mandatory",
             "\"test\":\"quantified\",\"case\":\"gem/m=1\",\"metric\":\"latency_ns\",\"unit\":\"us\",\"threshold\":1,\"guard_band\":0")),
     "unknown case 'gem/m=1'"},
    {POLICY(
         "",
         RULE(
             "a", "mandatory",
             "\"test\":\"quantified\",\"case\":\"gemm\",\"metric\":\"latency_ns\",\"unit\":\"1/s\",\"threshold\":1,\"guard_band\":0")),
     "units are mixed"},
    {POLICY(
         "",
         RULE(
             "a", "mandatory",
             "\"test\":\"quantified\",\"case\":\"gemm\",\"metric\":\"latency\",\"unit\":\"s\",\"threshold\":1,\"guard_band\":0")),
     "did you mean 'latency_ns'"},
    {POLICY(
         "",
         RULE(
             "a", "mandatory",
             "\"test\":\"quantified\",\"case\":\"gemm\",\"metric\":\"latency_ns\",\"unit\":\"s\",\"threshold\":0,\"guard_band\":0")),
     "above 0"},
    {POLICY(
         "",
         RULE(
             "a", "mandatory",
             "\"test\":\"quantified\",\"case\":\"*\",\"metric\":\"latency_ns\",\"unit\":\"s\",\"threshold\":1,\"guard_band\":0")),
     "not of '*'"},
    {POLICY("", RULE("a", "mandatory", "\"test\":\"pass\",\"holds\":\"stability\",\"threshold\":1")), "has no 'threshold'"},
    {POLICY("", RULE("a", "mandatory", "\"test\":\"pass\",\"holds\":\"stability\",\"case\":\"gemm\"")),
     "only outputs and figures"},
    {POLICY("\"offers\":[{\"device\":\"x\",\"origin\":\"China\"}],", LATENCY), "two letters"},
    {POLICY("\"offers\":[{\"device\":\"x\",\"price\":[3,2,1]}],", LATENCY), "ascending"},
    {POLICY("\"offers\":[{\"device\":\"x\",\"price_source\":\"a paper\"}],", LATENCY), "there is none"},
    {POLICY("\"offers\":[{\"device\":\"x\",\"price\":5,\"price_question\":\"how much\"}],", LATENCY), "offers without one"},
    {POLICY("\"offers\":[{\"device\":\"x\"},{\"device\":\"x\"}],", LATENCY), "two offers"},
    {POLICY("\"offers\":[{\"device\":\"x\",\"at_promise_per_s\":5}],", LATENCY), "at_promise_source"},
    {POLICY("\"demand\":{\"unit\":\"token\",\"per_s_by_hour\":[1,2]},", LATENCY), "24 numbers"},
    {POLICY("\"origin\":{\"rule\":\"domestic_if_state_funded\"},", LATENCY), "domestic"},
    {"{\"format\":\"assay-policy/2\"}", "assay-policy/1"},
    {"{", "policy.json"},
};

Test(policy, that_is_wrong_is_refused_in_one_line_that_says_where)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct scratch      s = scratch_new();
        struct assay_policy p;
        struct assay_error  err;
        enum assay_code     code = policy_of(&s, wrong[i].text, &p, &err);
        char                all[700];
        (void)snprintf(all, sizeof all, "%s %s", err.message, err.hint);
        cr_expect(code == ASSAY_DATA || code == ASSAY_CONFIG, "row %zu: code %d", i, (int)code);
        cr_expect(strstr(all, wrong[i].says), "row %zu says: %s", i, all);
        cr_expect(!strchr(err.message, '\n'));
        assay_policy_release(&p);
        scratch_remove(&s);
    }
}

Test(policy, cannot_name_evidence_that_never_qualifies_as_the_least_it_takes)
{
    static const char weak[][12] = {"mixed", "claimed", "modelled", "simulated", "instrument", "none"};
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        struct scratch      s = scratch_new();
        struct assay_policy p;
        struct assay_error  err;
        char                text[900];
        (void)snprintf(text, sizeof text,
                       POLICY("", "{\"id\":\"a\",\"clause\":{\"document\":\"D\",\"number\":\"1\",\"text\":\"T\"},"
                                  "\"kind\":\"mandatory\",\"division\":\"closed\",\"evidence\":\"%s\"," FIGURE "}"),
                       weak[i]);
        cr_expect_eq(policy_of(&s, text, &p, &err), ASSAY_DATA, "%s", text);
        cr_expect(strstr(err.message, "can qualify"), "%s", err.message);
        assay_policy_release(&p);
        scratch_remove(&s);
    }
}

Test(policy, the_ready_examples_are_read_and_nothing_is_found_in_them)
{
    find_source();
    static const char names[][24] = {"inference-service", "training-cluster", "mixed", "state-funded-site"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct assay_policy   p;
        struct assay_error    err = {0};
        struct assay_finding *found = NULL;
        size_t                n = 0;
        cr_assert_eq(assay_policy_read(names[i], &p, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_policy_check(&p, NULL, &found, &n, &err), ASSAY_OK);
        cr_expect_eq(n, 0u, "%s: %s", names[i], n ? found[0].what : "");
        for (size_t k = 0; k < p.n_offers; k++)
            cr_expect(!(p.offers[k].at_promise_per_s.high > 0), "no throughput of a product is made up");
        free(found);
        assay_policy_release(&p);
    }
}

static bool finds(const char *text, const struct assay_summary *runs, size_t n_runs, const char *says)
{
    struct scratch             s = scratch_new();
    struct assay_policy        p;
    struct assay_error         err;
    struct assay_qualification q = {.owned = NULL};
    struct assay_finding      *found = NULL;
    size_t                     n = 0;
    bool                       seen = false;
    cr_assert_eq(policy_of(&s, text, &p, &err), ASSAY_OK, "%s", err.message);
    if (n_runs)
        cr_assert_eq(assay_qualify(&p, runs, n_runs, &q, &err), ASSAY_OK);
    cr_assert_eq(assay_policy_check(&p, n_runs ? &q : NULL, &found, &n, &err), ASSAY_OK);
    for (size_t i = 0; i < n; i++)
        seen = seen || strstr(found[i].what, says);
    free(found);
    assay_qualification_release(&q);
    assay_policy_release(&p);
    scratch_remove(&s);
    return seen;
}

Test(policy_check, finds_clauses_that_no_case_decides)
{
    cr_expect(finds(POLICY("", RULE("a", "mandatory", "\"test\":\"pass\",\"holds\":\"words\"")), NULL, 0, "no case decides"),
              "%s", "words");
    cr_expect(finds(
        POLICY(
            "",
            RULE(
                "a", "mandatory",
                "\"test\":\"quantified\",\"case\":\"gemm\",\"metric\":\"quality\",\"unit\":\"1\",\"threshold\":1,\"guard_band\":0")),
        NULL, 0, "trained to a quality"));
    cr_expect(!finds(POLICY("", LATENCY), NULL, 0, "no case decides"));
}

#define OF(name, metric, unit)                                                                                                   \
    POLICY("", RULE("a", "mandatory",                                                                                            \
                    "\"test\":\"quantified\",\"case\":\"" name "\",\"metric\":\"" metric "\",\"unit\":\"" unit               \
                    "\",\"threshold\":1,\"guard_band\":0"))
#define SERVED "decoder.serve/model=tiny-dense,batch=8,packed=64,tokens=200@interactive/qps=2+serving/prompt=16,output=8"

Test(policy_check, finds_figures_that_the_case_cannot_have)
{
    static const struct {
        char policy[900], says[60];
        bool found;
    } rows[] = {
        {OF("gemm", "ttft_ns", "ms"), "of what is served", true},
        {OF(SERVED, "ttft_ns", "ms"), "of what is served", false},
        {OF("gemm", "samples_per_s", "1/s"), "of cases with a scenario", true},
        {OF("gemm@offline", "samples_per_s", "1/s"), "of cases with a scenario", false},
        {OF("gemm@server/qps=5,latency_ms=9", "peak_qps", "1/s"), "rate is to be found", true},
        {OF("gemm@server/qps=0,latency_ms=9", "peak_qps", "1/s"), "rate is to be found", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(finds(rows[i].policy, NULL, 0, rows[i].says), rows[i].found, "row %zu", i);
}

#define DEMAND(peak, rest)                                                                                                       \
    "\"demand\":{\"unit\":\"token\",\"per_s_by_hour\":[" peak ",0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]" rest "},"
#define LIMIT ",\"first_token_s\":{\"p50\":1,\"p99\":2}"
#define CURVE ",\"case\":\"" SERVED "\""

Test(policy_check, finds_a_demand_that_no_run_can_show)
{
    static const struct {
        char demand[900], says[60];
        bool found;
    } rows[] = {
        {DEMAND("0", ""), "0 in every hour", true},
        {DEMAND("1", ""), "0 in every hour", false},
        {DEMAND("1", LIMIT), "limits of time and no case", true},
        {DEMAND("1", LIMIT CURVE), "limits of time and no case", false},
        {DEMAND("1", CURVE), "no limit of time", true},
        {DEMAND("1", LIMIT CURVE), "no limit of time", false},
        {DEMAND("1", LIMIT CURVE ",\"input_length\":{\"p50\":16,\"p99\":16}"), "input lengths", false},
        {DEMAND("1", LIMIT CURVE ",\"input_length\":{\"p50\":14,\"p99\":16}"), "input lengths", true},
        {DEMAND("1", LIMIT CURVE ",\"output_length\":{\"p50\":8,\"p99\":9}"), "output lengths", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const char whole[] = POLICY("", LATENCY);
        char              room[4000];
        struct assay_text text = ASSAY_TEXT(room);
        const char       *rules = strstr(whole, "\"rules\"");
        assay_text_add(&text, "%.*s%s%s", (int)(rules - whole), whole, rows[i].demand, rules);
        cr_expect_eq(finds(room, NULL, 0, rows[i].says), rows[i].found, "row %zu", i);
    }
}

Test(policy_check, finds_points_of_a_price_that_nobody_can_compute)
{
    cr_expect(finds(POLICY("\"price_points\":[20,30,101],\"all_points\":100,", LATENCY "," RULE("b", "scored", FIGURE ",\"points\":70")), NULL, 0,
                    "more than all_points"));
    cr_expect(!finds(POLICY("\"price_points\":[20,30,100],\"all_points\":100,", LATENCY "," RULE("b", "scored", FIGURE ",\"points\":70")), NULL,
                     0, "more than all_points"));
    cr_expect(finds(POLICY("\"price_points\":30,\"all_points\":100,", LATENCY "," RULE("b", "scored", FIGURE ",\"points\":70")), NULL, 0,
                    "there are no costs"));
}

Test(policy_check, finds_points_that_do_not_add_up)
{
    cr_expect(finds(POLICY("\"price_points\":30,\"all_points\":100,", LATENCY "," RULE("b", "scored", FIGURE ",\"points\":69")),
                    NULL, 0, "do not add up"));
    cr_expect(!finds(POLICY("\"price_points\":30,\"all_points\":100,", LATENCY "," RULE("b", "scored", FIGURE ",\"points\":70")),
                     NULL, 0, "do not add up"));
}

Test(policy_check, finds_a_threshold_that_one_candidate_alone_can_meet)
{
    static const double fast[] = {500, 510, 490}, slow[] = {5000, 5100, 4900};
    struct candidate    a, b;
    candidate_begin(&a, fast, 3), candidate_end(&a);
    candidate_begin(&b, slow, 3), candidate_end(&b);
    struct assay_summary runs[] = {a.run, b.run}, both[] = {a.run, a.run};
    cr_expect(finds(POLICY("", LATENCY), runs, 2, "only one of the 2 candidates"));
    cr_expect(!finds(POLICY("", LATENCY), both, 2, "only one"));
    cr_expect(finds(POLICY("", LATENCY), &runs[1], 1, "the only candidate with a figure cannot"));
    candidate_release(&a), candidate_release(&b);
}

#define TRAINING(rest) "\"demand\":{\"unit\":\"token\",\"training\":{" rest "}},"
#define STEP "\"case\":\"decoder.train/model=tiny-dense,dp=2\",\"items\":8.64e9,\"days\":100"

Test(policy, a_training_asks_for_the_same_rate_in_every_hour)
{
    static const char   whole[] = POLICY("", LATENCY);
    struct scratch      s = scratch_new();
    struct assay_policy p;
    struct assay_error  err = {0};
    char                room[4000];
    struct assay_text   text = ASSAY_TEXT(room);
    const char         *rules = strstr(whole, "\"rules\"");
    assay_text_add(&text, "%.*s%s%s", (int)(rules - whole), whole, TRAINING(STEP), rules);
    cr_assert_eq(policy_of(&s, room, &p, &err), ASSAY_OK, "%s", err.message);
    cr_expect(p.demand.given && p.demand.training_items == 8.64e9 && p.demand.training_days == 100 && !strstr(p.demand.family, "dp="));
    for (int i = 0; i < 24; i++)
        cr_expect_float_eq(p.demand.per_s_by_hour[i], 1000, 1e-9);
    assay_policy_release(&p);
    scratch_remove(&s);
    cr_expect(!finds(room, NULL, 0, "no limit of time"), "its days are the limit");
}

Test(policy, a_demand_names_a_case_that_is_served_at_a_rate)
{
    static const struct {
        char demand[600], says[60];
    } rows[] = {
        {DEMAND("1", ",\"case\":\"gemm\""), "served at a rate"},
        {DEMAND("1", ",\"case\":\"gemm@server/qps=5,latency_ms=9\""), "served at a rate"},
        {DEMAND("1", ",\"case\":\"gem\""), "unknown case 'gem'"},
        {DEMAND("1", CURVE), ""},
        {TRAINING(STEP), ""},
        {TRAINING("\"case\":\"gemm\",\"items\":1,\"days\":1"), "must be a step of one"},
        {TRAINING("\"case\":\"decoder.train/model=tiny-dense\",\"items\":0,\"days\":1"), "'items'"},
        {TRAINING("\"case\":\"decoder.train/model=tiny-dense\",\"items\":5"), "'days'"},
        {DEMAND("1", ",\"training\":{" STEP "}"), "'per_s_by_hour'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const char   whole[] = POLICY("", LATENCY);
        struct scratch      s = scratch_new();
        struct assay_policy p;
        struct assay_error  err = {0};
        char                room[4000];
        struct assay_text   text = ASSAY_TEXT(room);
        const char         *rules = strstr(whole, "\"rules\"");
        assay_text_add(&text, "%.*s%s%s", (int)(rules - whole), whole, rows[i].demand, rules);
        cr_expect_eq(policy_of(&s, room, &p, &err) != ASSAY_OK, *rows[i].says != 0, "row %zu: %s", i, err.message);
        cr_expect(strstr(err.message, rows[i].says), "%s", err.message);
        assay_policy_release(&p);
        scratch_remove(&s);
    }
}
