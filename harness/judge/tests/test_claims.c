#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/tests/source.h"
#include "harness/judge/claims.h"
#include "harness/judge/tests/candidates.h"

Test(claims, of_the_p800s_bandwidth_are_refuted_below_and_consistent_at_what_was_published)
{
    find_source();
    static const enum assay_claim_verdict expected[] = {ASSAY_CLAIM_REFUTED, ASSAY_CLAIM_REFUTED, ASSAY_CLAIM_CONSISTENT,
                                                        ASSAY_CLAIM_NOT_REACHED};
    struct assay_claims                   c;
    struct assay_error                    err = {0};
    cr_assert_eq(assay_claims_read("p800-bandwidth", NULL, 0, &c, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(c.n, 4u);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(c.claims[i].verdict, expected[i], "%s: %s", c.claims[i].text, assay_claim_verdict_name(c.claims[i].verdict));
        cr_expect_eq(c.claims[i].evidence, ASSAY_EVIDENCE_PUBLISHED);
        cr_expect(fabs(c.claims[i].value - 2.2368) < 1e-12);
    }
    cr_expect(fabs(c.claims[2].ratio - 0.932) < 1e-9);
    assay_claims_release(&c);
}

#define CLAIM(rest)                                                                                                                                    \
    "{\"format\":\"assay-claims/1\",\"name\":\"n\",\"about\":\"a\",\"claims\":[{\"device\":\"0\",\"text\":\"t\",\"source\":\"s\",\"date\":\"d\"," rest \
    "}]}"
#define DELIVERED "\"kind\":\"delivered\",\"case\":\"" CANDIDATE_CASE "\","
/* 1e6 a second, or the reciprocal of the latency: items of that case are not recorded, so by its flops */
#define FLOPS "\"metric\":\"flops_per_s\",\"unit\":\"Tflop/s\",\"value\":"

static enum assay_claim_verdict verdict_of(const char *text, const struct candidate *c)
{
    struct scratch      s = scratch_new();
    struct assay_claims claims;
    struct assay_error  err = {0};
    put_bytes(in(&s, "claims.json"), text, strlen(text));
    cr_assert_eq(assay_claims_read(in(&s, "claims.json"), c ? &c->run : NULL, c ? 1 : 0, &claims, &err), ASSAY_OK, "%s",
                 err.message);
    enum assay_claim_verdict verdict = claims.claims[0].verdict;
    assay_claims_release(&claims);
    scratch_remove(&s);
    return verdict;
}

static void flops_of(struct candidate *c, enum assay_evidence evidence, int launches)
{
    static const double ns[] = {1000, 1010, 990};
    candidate_begin(c, ns, (size_t)launches);
    for (int i = 0; i < launches; i++) {
        c->record[i]->evidence = evidence;
        c->record[i]->flops = 1000000000;
        c->record[i]->metric[ASSAY_METRIC_flops_per_s] = (struct assay_metric_value){.has_value = true, .value = 1e18 / ns[i]};
    }
    candidate_end(c);
}

static void flops(struct candidate *c, enum assay_evidence evidence)
{
    flops_of(c, evidence, 3);
}

/* The case is in f32. */
Test(claims, of_another_format_are_not_compared_with_what_was_measured_either)
{
    static const struct {
        char                     format[16];
        enum assay_claim_verdict verdict;
    } rows[] = {{"f16", ASSAY_CLAIM_CONDITIONS_DIFFER}, {"int8", ASSAY_CLAIM_CONDITIONS_DIFFER}, {"bf16", ASSAY_CLAIM_CONDITIONS_DIFFER},
                {"f32", ASSAY_CLAIM_CONFIRMED},         {"FP32", ASSAY_CLAIM_CONFIRMED},         {"f3", ASSAY_CLAIM_CONDITIONS_DIFFER}};
    struct candidate real;
    flops(&real, ASSAY_EVIDENCE_MEASURED);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[700];
        (void)snprintf(text, sizeof text, CLAIM(DELIVERED "\"number_format\":\"%s\"," FLOPS "900"), rows[i].format);
        cr_expect_eq(verdict_of(text, &real), rows[i].verdict, "%s", rows[i].format);
    }
    candidate_release(&real);
}

Test(claims, nothing_is_confirmed_by_one_launch_nor_by_what_was_hardly_compared)
{
    struct candidate one, two;
    flops_of(&one, ASSAY_EVIDENCE_MEASURED, 1);
    flops_of(&two, ASSAY_EVIDENCE_MEASURED, 2);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "900"), &one), ASSAY_CLAIM_NOT_TESTED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "900"), &two), ASSAY_CLAIM_CONFIRMED);
    two.verdict[1].check.assurance = ASSAY_ASSURANCE_LOCAL;
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "900"), &two), ASSAY_CLAIM_NOT_TESTED);
    candidate_release(&one), candidate_release(&two);
}

Test(claims, of_what_is_delivered_are_held_against_measurements_alone)
{
    struct candidate real, model;
    flops(&real, ASSAY_EVIDENCE_MEASURED);
    flops(&model, ASSAY_EVIDENCE_MODELLED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "900"), &real), ASSAY_CLAIM_CONFIRMED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "1100"), &real), ASSAY_CLAIM_NOT_REACHED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "1001"), &real), ASSAY_CLAIM_NOT_TESTED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "900"), &model), ASSAY_CLAIM_NOT_TESTED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "900"), NULL), ASSAY_CLAIM_NOT_TESTED);
    candidate_release(&real), candidate_release(&model);
}

Test(claims, are_normalised_to_dense_and_one_direction)
{
    struct candidate real;
    flops(&real, ASSAY_EVIDENCE_MEASURED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "1800,\"structured_sparsity\":true"), &real), ASSAY_CLAIM_CONFIRMED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "1800,\"both_directions\":true"), &real), ASSAY_CLAIM_CONFIRMED);
    cr_expect_eq(verdict_of(CLAIM(DELIVERED FLOPS "1800"), &real), ASSAY_CLAIM_NOT_REACHED);
    candidate_release(&real);
}

Test(claims, of_another_format_or_counting_are_not_compared)
{
#define PUBLISHED(rest) ",\"published\":{\"value\":5,\"unit\":\"Tflop/s\",\"source\":\"s\",\"date\":\"d\"" rest "}"
    cr_expect_eq(
        verdict_of(CLAIM("\"kind\":\"delivered\",\"number_format\":\"int8\"," FLOPS "4" PUBLISHED(",\"number_format\":\"f16\"")),
                   NULL),
        ASSAY_CLAIM_CONDITIONS_DIFFER);
    cr_expect_eq(
        verdict_of(CLAIM("\"kind\":\"delivered\",\"number_format\":\"f16\"," FLOPS "4" PUBLISHED(",\"number_format\":\"f16\"")),
                   NULL),
        ASSAY_CLAIM_CONFIRMED);
    cr_expect_eq(
        verdict_of(CLAIM("\"kind\":\"delivered\",\"counted\":\"read\"," FLOPS "4" PUBLISHED(",\"counted\":\"both\"")), NULL),
        ASSAY_CLAIM_CONDITIONS_DIFFER);
}
