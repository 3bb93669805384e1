#include <criterion/criterion.h>

#include "harness/base/strings.h"
#include "harness/judge/audit.h"

#define SINGLE "gemm/m=8@single_stream/min_queries=100"
#define MULTI "gemm/m=8@multi_stream/min_queries=100"
#define OFFLINE "gemm/m=8@offline/min_queries=100"

static struct assay_record        run, audit;
static struct assay_audit_verdict v;

static void set(struct assay_record *r, enum assay_metric metric, double value)
{
    r->metric[metric] = (struct assay_metric_value){.has_value = true, .value = value, .n = 100};
}

/* Both the same, as fast as each other; `test` and counts are to be filled in. */
static void begin_with(const char *name, const char *test)
{
    memset(&run, 0, sizeof run);
    (void)assay_string_copy(run.case_name, sizeof run.case_name, name);
    run.status = ASSAY_STATUS_OK;
    set(&run, ASSAY_METRIC_latency_ns, 1e6);
    set(&run, ASSAY_METRIC_latency_at_percentile_ns, 2e6);
    set(&run, ASSAY_METRIC_samples_per_s, 1000);
    audit = run;
    (void)assay_string_copy(audit.audit.test, sizeof audit.audit.test, test);
}

static enum assay_outcome judged(const struct assay_check *check)
{
    assay_audit_judge(&run, &audit, check, &v);
    for (size_t i = 0; i < v.n_rules; i++)
        cr_expect(*v.rule[i].why && *v.rule[i].name);
    return v.outcome;
}

Test(audit, test01_wants_every_logged_output_to_be_that_of_the_same_inputs)
{
    begin_with(OFFLINE, "TEST01");
    audit.audit.logged = audit.audit.equal = 100;
    cr_expect_eq(judged(NULL), ASSAY_PASS, "%s", v.rule[0].why);
    audit.audit.equal = 99;
    cr_expect_eq(judged(NULL), ASSAY_FAIL, "one of a hundred: %s", v.rule[0].why);
    audit.audit.logged = audit.audit.equal = 0;
    cr_expect_eq(judged(NULL), ASSAY_NOT_CHECKED, "nothing was logged");
}

Test(audit, test01_takes_other_bits_that_validate_passes)
{
    struct assay_check check = {.outcome = ASSAY_PASS, .worst_ratio = 0.4};
    begin_with(OFFLINE, "TEST01");
    audit.audit.logged = 100;
    audit.audit.equal = 3;
    cr_expect_eq(judged(&check), ASSAY_PASS, "%s", v.rule[0].why);
    check.outcome = ASSAY_MARGINAL;
    cr_expect_eq(judged(&check), ASSAY_PASS);
    check.outcome = ASSAY_FAIL;
    cr_expect_eq(judged(&check), ASSAY_FAIL);
    check.outcome = ASSAY_UNTRUSTED;
    cr_expect_eq(judged(&check), ASSAY_FAIL, "what proves nothing passes nothing");
}

/* The audit's figure of that metric over the run's. */
static enum assay_outcome at_speed(const char *name, enum assay_metric metric, double before, double ratio)
{
    begin_with(name, "TEST01");
    audit.audit.logged = audit.audit.equal = 1;
    set(&run, metric, before);
    set(&audit, metric, before * ratio);
    return judged(NULL);
}

Test(audit, test01_wants_the_speed_within_ten_per_cent_either_way)
{
    const enum assay_metric latency = ASSAY_METRIC_latency_at_percentile_ns;
    cr_expect_eq(at_speed(OFFLINE, ASSAY_METRIC_samples_per_s, 1000, 1.0999), ASSAY_PASS);
    cr_expect_eq(at_speed(OFFLINE, ASSAY_METRIC_samples_per_s, 1000, 1.1001), ASSAY_FAIL);
    cr_expect_eq(at_speed(OFFLINE, ASSAY_METRIC_samples_per_s, 1000, 0.9001), ASSAY_PASS);
    cr_expect_eq(at_speed(OFFLINE, ASSAY_METRIC_samples_per_s, 1000, 0.8999), ASSAY_FAIL);
    cr_expect_eq(at_speed(SINGLE, latency, 200001, 1.1001), ASSAY_FAIL);
    cr_expect_eq(at_speed(SINGLE, latency, 200000, 1.1999), ASSAY_PASS, "what takes 200 us at most has 20 %%");
    cr_expect_eq(at_speed(SINGLE, latency, 200000, 1.2001), ASSAY_FAIL);
    cr_expect_eq(at_speed(MULTI, latency, 1600000, 1.1999), ASSAY_PASS, "of eight samples, 1.6 ms");
    cr_expect_eq(at_speed(MULTI, latency, 1600001, 1.1999), ASSAY_FAIL);
}

Test(audit, test04_takes_a_gain_of_ten_per_cent_and_no_more)
{
    begin_with(SINGLE, "TEST04");
    audit.audit = (struct assay_audited){.test = "TEST04", .pairs = 7, .fresh_ns = 1099, .seen_ns = 1000};
    set(&audit, ASSAY_METRIC_latency_ns, 1e6 / 1.0999);
    cr_expect_eq(judged(NULL), ASSAY_PASS);
    cr_expect(v.rule[1].has_value && v.rule[1].value > 0.0989 && v.rule[1].value < 0.0991 && v.rule[1].limit == 0.10);
    set(&audit, ASSAY_METRIC_latency_ns, 1e6 / 1.1001);
    cr_expect_eq(judged(NULL), ASSAY_FAIL, "%s", v.rule[0].why);
    set(&audit, ASSAY_METRIC_latency_ns, 2e6);
    cr_expect_eq(judged(NULL), ASSAY_PASS, "slower is no gain");
    audit.audit.fresh_ns = 1101;
    cr_expect_eq(judged(NULL), ASSAY_FAIL, "%s", v.rule[1].why);
    audit.audit.pairs = 0;
    cr_expect_eq(judged(NULL), ASSAY_NOT_CHECKED, "no pairs: %s", v.rule[1].why);
}

Test(audit, test04_of_offline_compares_samples_a_second)
{
    begin_with(OFFLINE, "TEST04");
    audit.audit = (struct assay_audited){.test = "TEST04", .pairs = 7, .fresh_ns = 1000, .seen_ns = 1000};
    set(&audit, ASSAY_METRIC_samples_per_s, 1099.9);
    cr_expect_eq(judged(NULL), ASSAY_PASS);
    set(&audit, ASSAY_METRIC_samples_per_s, 1100.1);
    cr_expect_eq(judged(NULL), ASSAY_FAIL);
}

Test(audit, test06_wants_it_of_every_request)
{
    uint64_t *const counts[] = {&audit.audit.first_equal, &audit.audit.whole, &audit.audit.in_vocabulary};
    begin_with("decoder.serve@offline", "TEST06");
    audit.audit.requests = 100;
    for (int i = 0; i < 3; i++)
        *counts[i] = 100;
    cr_expect_eq(judged(NULL), ASSAY_PASS);
    for (int i = 0; i < 3; i++) {
        *counts[i] = 99;
        cr_expect_eq(judged(NULL), ASSAY_FAIL, "%s", v.rule[i].why);
        *counts[i] = 100;
    }
    audit.audit.requests = 0;
    cr_expect_eq(judged(NULL), ASSAY_NOT_CHECKED);
}

Test(audit, that_did_not_end_well_says_nothing)
{
    begin_with(SINGLE, "TEST01");
    audit.status = ASSAY_STATUS_CRASHED;
    audit.audit.logged = audit.audit.equal = 100;
    cr_expect_eq(judged(NULL), ASSAY_NOT_CHECKED);
    cr_expect(strstr(v.rule[0].why, "crashed"), "%s", v.rule[0].why);
}
