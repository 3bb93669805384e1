#include "reports/decision/deviation.h"

#include <criterion/criterion.h>

#include "harness/judge/tests/candidates.h"
#include "reports/decision/deviation_page.h"
#include "reports/tests/markup.h"

#define HOSTILE "<script>\"'&`=cmd|"

/* One rule "at most 1 us" of one candidate with so many launches of the latency. */
struct world {
    struct scratch             s;
    struct candidate           c;
    struct assay_policy        policy;
    struct assay_qualification q;
};

static void world_begin(struct world *w, double latency_ns, size_t n, bool modelled)
{
    double             latency[8];
    struct assay_error err = {0};
    for (size_t i = 0; i < n; i++)
        latency[i] = latency_ns + 0.001 * (double)i;
    memset(w, 0, sizeof *w);
    w->s = scratch_new();
    candidate_begin(&w->c, latency, n);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(w->c.record[i]->device.product, sizeof w->c.record[i]->device.product, "%s", HOSTILE);
        (void)snprintf(w->c.record[i]->repeat, sizeof w->c.record[i]->repeat, "assay run %s", HOSTILE);
        if (modelled) {
            w->c.record[i]->evidence = ASSAY_EVIDENCE_MODELLED;
            w->c.record[i]->device.origin = ASSAY_ORIGIN_MODELLED;
            w->c.record[i]->device.clock = ASSAY_CLOCK_MODEL;
            memcpy(w->c.record[i]->grade, "D", 2);
            w->c.record[i]->metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){
                .has_interval = true, .low = 511, .high = 4227, .level = 0.8, .clock = ASSAY_CLOCK_MODEL, .why = "a required number is assumed"};
        }
    }
    candidate_end(&w->c);
    cr_assert_eq(policy_of(&w->s, POLICY("", RULE("r", "mandatory", FIGURE)), &w->policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&w->policy, &w->c.run, 1, &w->q, &err), ASSAY_OK, "%s", err.message);
}

static void world_release(struct world *w)
{
    assay_qualification_release(&w->q);
    assay_policy_release(&w->policy);
    candidate_release(&w->c);
    scratch_remove(&w->s);
}

static struct assay_deviation first(const struct world *w, enum assay_language language, const struct assay_claims *claims)
{
    static struct assay_deviation d;
    assay_deviation_of(&w->q.candidates[0], 0, claims, language, &d);
    return d;
}

Test(deviation, has_a_sign_where_it_was_measured_and_decided)
{
    static const struct {
        double latency;
        size_t n;
        char   en[24], zh[24];
    } rows[] = {{900, 6, "positive, -10.0 %", "正偏离 -10.0 %"}, {1100, 6, "negative, +10.0 %", "负偏离 +10.0 %"}, {990, 6, "undecided", "无法判定"},
                {900, 1, "undecided", "无法判定"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_begin(&w, rows[i].latency, rows[i].n, false);
        cr_expect_str_eq(first(&w, ASSAY_ENGLISH, NULL).deviation, rows[i].en, "%g: %s", rows[i].latency, first(&w, ASSAY_ENGLISH, NULL).deviation);
        cr_expect_str_eq(first(&w, ASSAY_CHINESE, NULL).deviation, rows[i].zh);
        cr_expect_str_eq(first(&w, ASSAY_ENGLISH, NULL).case_id, w.c.record[0]->id);
        world_release(&w);
    }
}

/* A range and no point: neither the table nor anything in it has a middle. */
Test(deviation, of_what_is_modelled_is_undecided_and_has_no_figure)
{
    struct world w;
    world_begin(&w, 900, 3, true);
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        struct assay_deviation d = first(&w, (enum assay_language)l, NULL);
        cr_expect_str_eq(d.deviation, l ? "无法判定" : "undecided");
        cr_expect(strstr(d.measured, l ? "模型推算" : "modelled") && !strstr(d.measured, "900"), "%s", d.measured);
        cr_expect(!strchr(d.deviation, '%'));
    }
    world_release(&w);
}

Test(deviation, shows_the_claim_on_that_figure_of_that_device_and_no_other)
{
    struct world       w;
    struct assay_claim claim = {.device = "0", .text = "0.8 us", .claimed = {.stated = 0.8, .unit = "us", .source = "datasheet", .date = "2026"}};
    struct assay_claims claims = {.claims = &claim, .n = 1};
    world_begin(&w, 900, 6, false);
    claim.expression = w.policy.rules[0].expression;
    cr_expect_str_eq(first(&w, ASSAY_ENGLISH, &claims).claimed, "0.8 us (datasheet, 2026)");
    claim.device = "1";
    cr_expect_str_eq(first(&w, ASSAY_ENGLISH, &claims).claimed, "– (no claim was given)");
    claim.device = "0";
    memcpy(claim.expression.text, "flops_per_s", 12);
    cr_expect_str_eq(first(&w, ASSAY_ENGLISH, &claims).claimed, "– (no claim was given)");
    memcpy(claim.expression.text, "latency_ns", 11);
    memcpy(claim.case_id, "0123456789abcdef", 17);
    cr_expect_str_eq(first(&w, ASSAY_CHINESE, &claims).claimed, "–（未提供宣称值）");
    world_release(&w);
}

Test(deviation, page_is_well_formed_in_both_languages_whatever_names_hold)
{
    struct world w;
    world_begin(&w, 900, 6, false);
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        struct assay_deviations of = {.q = &w.q};
        struct assay_error      err = {0};
        char                    room[200];
        size_t                  n;
        cr_assert_eq(assay_deviations_write(&of, (enum assay_language)l, in(&w.s, "page.html"), &err), ASSAY_OK, "%s", err.message);
        char *page = get_bytes(in(&w.s, "page.html"), &n);
        cr_expect(markup_is_well_formed(page, room), "%s", room);
        cr_expect(!strstr(page, "<script") && strstr(page, "&lt;script&gt;"));
        cr_expect(strstr(page, w.c.record[0]->id), "where it stands");
        cr_expect(strstr(page, " <span lang=\"en\">D 1: T</span></td>"), "the policy's words");
        free(page);
    }
    world_release(&w);
}
