#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/tests/source.h"
#include "harness/judge/guarantee.h"
#include "harness/judge/tests/candidates.h"

#define OFFERS(available)                                                                                              \
    "\"offers\":[{\"device\":\"m100\",\"available\":" available                                                        \
    "},{\"device\":\"tianchi256\"},{\"device\":\"nobody\"}],"
#define RULES(threshold)                                                                                               \
    RULE("time", "mandatory",                                                                                          \
         "\"test\":\"quantified\",\"case\":\"" CANDIDATE_CASE                                                          \
         "\",\"metric\":\"latency_ns\",\"unit\":\"us\",\"threshold\":" threshold ",\"guard_band\":0.25")               \
    "," RULE("rate", "scored",                                                                                         \
             "\"test\":\"quantified\",\"points\":1,\"case\":\"" CANDIDATE_CASE "\",\"metric\":\"flops_per_s\","        \
                                                                               "\"unit\":\"Gflop/"                     \
                                                                               "s\",\"threshold\":8,\"guard_band\":0." \
                                                                               "25") "," RULE("tail", "mandatory",     \
                                                                                              "\"test\":"              \
                                                                                              "\"quantified\","        \
                                                                                              "\"case\":"              \
                                                                                              "\"" CANDIDATE_CASE      \
                                                                                              "\",\"metric\":"         \
                                                                                              "\"latency_p99_ns\","    \
                                                                                              "\"unit\":\"us\","       \
                                                                                              "\"threshold\":50,"      \
                                                                                              "\"guard_band\":0.25")

struct world {
    struct scratch s;
    struct candidate c;
    struct assay_policy policy;
    struct assay_qualification q;
    struct assay_guarantees g;
};

static void begin(struct world *w, const char *policy, const char *device)
{
    static const double ns[] = {20000, 20000};
    struct assay_error err = {0};
    find_source();
    w->s = scratch_new();
    candidate_begin(&w->c, ns, 2);
    for (int i = 0; i < 2; i++) {
        struct assay_record *r = w->c.record[i];
        r->evidence = ASSAY_EVIDENCE_MODELLED;
        r->flops = 524288;
        r->device.origin = ASSAY_ORIGIN_MODELLED;
        (void)snprintf(r->device.name, sizeof r->device.name, "%s", device);
        (void)snprintf(r->backend, sizeof r->backend, "model:%s", device);
    }
    candidate_end(&w->c);
    cr_assert_eq(policy_of(&w->s, policy, &w->policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&w->policy, &w->c.run, 1, &w->q, &err), ASSAY_OK);
    cr_assert_eq(assay_guarantees_find(&w->q, &w->g, &err), ASSAY_OK, "%s", err.message);
}

static void done(struct world *w)
{
    assay_guarantees_release(&w->g);
    assay_qualification_release(&w->q);
    assay_policy_release(&w->policy);
    candidate_release(&w->c);
    scratch_remove(&w->s);
}

Test(guarantee, is_the_figure_with_its_guard_band_and_the_numbers_that_are_enough)
{
    struct world w;
    begin(&w, POLICY(OFFERS("false"), RULES("100000")), "m100");
    cr_assert_eq(w.g.n, 3u);
    cr_expect(fabs(w.g.rows[0].measured - 80000) < 1e-6, "a time: T / (1 + g), %g", w.g.rows[0].measured);
    cr_expect(fabs(w.g.rows[1].measured - 10) < 1e-9, "a rate: T (1 + g), %g", w.g.rows[1].measured);
    for (int i = 0; i < 2; i++)
        cr_expect(w.g.rows[i].lack == ASSAY_GUARANTEE_KNOWN && w.g.rows[i].grade == 'D' && w.g.rows[i].chance > 0 &&
                  w.g.rows[i].chance <= 1);
    cr_expect_eq(w.g.rows[0].chance, 1, "0.1 s for a product of 64 x 64 x 64 is enough for anything");
    cr_expect_eq(w.g.rows[2].lack, ASSAY_GUARANTEE_NO_TIME);
    done(&w);
    begin(&w, POLICY(OFFERS("false"), RULES("0.001")), "m100");
    cr_expect_eq(w.g.rows[0].chance, 0, "a nanosecond is enough for nothing");
    cr_expect(w.g.rows[0].bandwidth.sure_is != ASSAY_NEED_VALUE && w.g.rows[0].bandwidth.sure_is != ASSAY_NEED_ANY);
    done(&w);
}

Test(guarantee, what_can_be_bought_has_none_and_what_is_not_described_says_so)
{
    struct world w;
    begin(&w, POLICY(OFFERS("true"), RULES("1")), "m100");
    cr_expect_eq(w.g.n, 0u);
    done(&w);
    begin(&w, POLICY("\"offers\":[{\"device\":\"unheard-of\",\"available\":false}],", RULES("1")), "unheard-of");
    cr_assert_eq(w.g.n, 3u);
    cr_expect_eq(w.g.rows[0].lack, ASSAY_GUARANTEE_NO_DEVICE);
    done(&w);
}

Test(guarantee, offers_that_nobody_ran_are_absent_and_a_system_says_what_it_is_of)
{
    struct world w;
    begin(&w, POLICY(OFFERS("false"), RULES("1")), "m100");
    cr_assert_eq(w.q.n_absent, 2u);
    cr_expect_str_eq(w.q.absent[0].offer->device, "tianchi256");
    cr_expect(w.q.absent[0].devices == 256 && !strcmp(w.q.absent[0].device, "p800"));
    cr_expect(w.q.absent[1].devices == 0 && !*w.q.absent[1].device);
    cr_expect(w.q.candidates[0].offer->power_watts.low > 0, "a described device has the power of its description");
    cr_expect(w.q.candidates[0].offer->power_has_no_middle, "of the M100 a range alone is known");
    done(&w);
}
