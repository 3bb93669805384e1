#include <criterion/criterion.h>

#include "harness/judge/tests/candidates.h"
#include "harness/judge/tests/run_builder.h"
#include "reports/decision.h"
#include "reports/tests/markup.h"

#define HOSTILE "<script>\"'&`=cmd|"

/* A run whose device's name tries to break out, measured; and one that is modelled without a point. */
struct world {
    struct scratch             s;
    struct builder             b[2];
    struct assay_summary       runs[2];
    struct assay_policy        policy;
    struct assay_qualification q;
    char                      *page;
};

static void launch(struct builder *b, const char *id, const char *name, uint32_t k, bool modelled)
{
    struct assay_record *r = builder_record(0, modelled ? "model:m100" : "cpu:host", k, 900 + k);
    memcpy(r->case_name, name, strlen(name) + 1);
    memcpy(r->id, id, 17);
    r->device = (struct assay_device_info){.size = sizeof r->device,
                                           .clock = modelled ? ASSAY_CLOCK_MODEL : ASSAY_CLOCK_HOST,
                                           .origin = modelled ? ASSAY_ORIGIN_MODELLED : ASSAY_ORIGIN_REAL,
                                           .name = "host",
                                           .queues = 1};
    (void)snprintf(r->device.product, sizeof r->device.product, "%s", modelled ? "M100" : HOSTILE);
    if (modelled) {
        r->evidence = ASSAY_EVIDENCE_MODELLED;
        memcpy(r->grade, "D", 2);
        for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
            r->metric[m] = (struct assay_metric_value){.why = "a required number is assumed"};
        r->metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){.has_interval = true,
                                                                         .low = 511,
                                                                         .high = 4227,
                                                                         .level = 0.8,
                                                                         .clock = ASSAY_CLOCK_MODEL,
                                                                         .why = "a required number is assumed"};
    }
    builder_append(b, r);
    builder_judge(b, r, ASSAY_PASS);
    b->verdicts[b->n_verdicts - 1].check.assurance = ASSAY_ASSURANCE_FULL;
}

static void world_write(struct world *w, enum assay_language language)
{
    struct assay_case  c;
    struct assay_error err = {0};
    size_t             bytes;
    cr_assert_eq(assay_case_parse(CANDIDATE_CASE, &c, &err), ASSAY_OK);
    memset(w, 0, sizeof *w);
    const struct scratch s = w->s = scratch_new();
    for (int i = 0; i < 2; i++) {
        builder_begin(&w->b[i], &s, i ? "modelled" : "real", json_object());
        for (uint32_t k = 0; k < 3; k++)
            launch(&w->b[i], c.id, c.name, k, i == 1);
        builder_end(&w->b[i], &w->runs[i]);
    }
    assay_case_release(&c);
    cr_assert_eq(policy_of(&w->s, POLICY("", RULE("<b>&rule", "mandatory", FIGURE)), &w->policy, &err), ASSAY_OK, "%s",
                 err.message);
    cr_assert_eq(assay_qualify(&w->policy, w->runs, 2, &w->q, &err), ASSAY_OK);
    cr_assert_eq(assay_decision_write(&w->q, NULL, language, in(&w->s, "page.html"), &err), ASSAY_OK, "%s", err.message);
    w->page = get_bytes(in(&w->s, "page.html"), &bytes);
}

static void world_release(struct world *w)
{
    free(w->page);
    assay_qualification_release(&w->q);
    assay_policy_release(&w->policy);
    assay_summary_release(&w->runs[0]);
    assay_summary_release(&w->runs[1]);
    scratch_remove(&w->s);
}

Test(decision, is_well_formed_in_both_languages_whatever_names_hold)
{
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        struct world w;
        char         room[200];
        world_write(&w, (enum assay_language)l);
        cr_expect(markup_is_well_formed(w.page, room), "%s", room);
        cr_expect(!strstr(w.page, "<script") && !strstr(w.page, "<b>&rule"), "escaped");
        world_release(&w);
    }
}

Test(decision, says_the_measured_one_qualifies_and_the_modelled_one_does_not)
{
    struct world w;
    world_write(&w, ASSAY_ENGLISH);
    cr_expect(strstr(w.page, ": qualified. The only mandatory rule holds by measurement, each at 95 % confidence."));
    cr_expect(
        strstr(w.page, "M100: insufficient evidence. Its figures are modelled, evidence grade D; such figures never qualify."));
    const char *measured = strstr(w.page, "class=\"line\">measured<"), *below = strstr(w.page, "class=\"line\">not measured");
    cr_assert(measured && below);
    cr_expect(measured < below, "measured stands above the line");
    world_release(&w);
}

/* Somewhere between 0.511 and 4.227: a middle of it, of whatever kind, must not stand anywhere. */
Test(decision, prints_no_point_for_a_figure_that_has_none)
{
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        static const char middles[][8] = {"2.369", "1.47 us", "1.469", "2.37 us"};
        struct world      w;
        world_write(&w, (enum assay_language)l);
        cr_expect(strstr(w.page, "0.511 – 4.227 us"));
        for (size_t i = 0; i < sizeof middles / sizeof *middles; i++)
            cr_expect(!strstr(w.page, middles[i]), "%s", middles[i]);
        world_release(&w);
    }
}

Test(decision, the_same_evidence_gives_the_same_bytes)
{
    struct world       w;
    struct assay_error err = {0};
    size_t             bytes;
    world_write(&w, ASSAY_CHINESE);
    cr_assert_eq(assay_decision_write(&w.q, NULL, ASSAY_CHINESE, in(&w.s, "again.html"), &err), ASSAY_OK);
    char *again = get_bytes(in(&w.s, "again.html"), &bytes);
    cr_expect_str_eq(again, w.page);
    free(again);
    world_release(&w);
}
