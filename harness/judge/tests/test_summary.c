#include <math.h>

#include "harness/judge/tests/run_builder.h"

#define NEAR(a, b) cr_expect(fabs((a) - (b)) <= 1e-9 * fabs(b), "%.17g is not %.17g", (double)(a), (double)(b))

Test(summary, makes_one_row_of_the_launches_of_a_case_on_a_back_end)
{
    static const double cpu[] = {100, 110, 121}, fast[] = {50, 50, 50};
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary sum;
    builder_begin(&b, &s, "run", builder_plan(3, "cpu", "fast"));
    for (uint32_t k = 0; k < 3; k++) { /* interleaved, as a run does it */
        builder_append(&b, builder_record(1, "cpu", 2 - k, cpu[2 - k]));
        builder_append(&b, builder_record(1, "fast", 2 - k, fast[2 - k]));
    }
    builder_append(&b, builder_record(0, "cpu", 0, 7));
    builder_end(&b, &sum);
    cr_assert_eq(sum.n_rows, 3u);
    cr_expect(sum.n_records == 7 && !sum.validated && sum.n_backends == 2 && sum.noisy == 0);
    cr_expect(strcmp(sum.backends[0], "cpu") == 0 && strcmp(sum.backends[1], "fast") == 0);
    cr_expect(strcmp(sum.rows[2].case_name, "gemm/k=0") == 0, "rows stand in the order of their first records");

    const struct assay_summary_row *row = assay_summary_find(&sum, "0000000000000001", "cpu");
    cr_assert(row == &sum.rows[0]);
    cr_expect(row->n_launches == 3 && row->launches[0]->launch == 0 && row->launches[2]->launch == 2);
    cr_expect(row->n_medians == 3 && row->medians[0] == 100 && row->medians[2] == 121 && row->median_launch[1] == 1);
    cr_expect_eq(row->typical, 1u, "the launch of median latency");
    const struct assay_estimate *latency = &row->metric[ASSAY_METRIC_latency_ns];
    NEAR(latency->value, 110.0);
    /* logarithms are m - d, m, m + d with d = ln 1.1: standard error d / sqrt(3), t(0.975, 2) = 4.302652729696142 */
    double half = 4.302652729696142 * log(1.1) / sqrt(3);
    NEAR(latency->low, 110 * exp(-half));
    NEAR(latency->high, 110 * exp(half));
    cr_expect(latency->n == 3 && latency->level == 0.95);
    NEAR(row->metric[ASSAY_METRIC_flops_per_s].value, 2000e9 / 110);
    NEAR(row->metric[ASSAY_METRIC_flops_per_s].low, 2000e9 / latency->high);
    NEAR(row->metric[ASSAY_METRIC_flops_per_s].high, 2000e9 / latency->low);
    NEAR(row->metric[ASSAY_METRIC_bytes_per_s].value, 400e9 / 110);
    NEAR(row->metric[ASSAY_METRIC_items_per_s].value, 8e9 / 110);

    const struct assay_estimate *single = &sum.rows[2].metric[ASSAY_METRIC_latency_ns];
    cr_expect(single->has_value && single->value == 7 && !single->has_interval && *single->why,
              "one launch has no interval");
    cr_expect_not(sum.rows[2].metric[ASSAY_METRIC_flops_per_s].has_interval);
    cr_expect(*row->metric[ASSAY_METRIC_energy_joules].why, "what is absent says why");

    cr_assert_eq(sum.n_missing, 3u, "cases 0 and 2 on fast, case 2 on cpu");
    cr_expect(strcmp(sum.missing[0].id, "0000000000000000") == 0 && strcmp(sum.missing[0].backend, "fast") == 0);
    cr_expect(strcmp(sum.missing[1].case_name, "gemm/k=2") == 0 && strcmp(sum.missing[1].backend, "cpu") == 0);
    cr_expect_null(assay_summary_find(&sum, "0000000000000001", "slow"));
    assay_summary_release(&sum);
    scratch_remove(&s);
}

Test(summary, rate_of_a_case_with_a_scenario_is_its_own_and_not_work_over_latency)
{
    struct scratch       s = scratch_new();
    struct builder       b;
    struct assay_summary sum;
    builder_begin(&b, &s, "run", builder_plan(1, "cpu", NULL));
    struct assay_record *r = builder_record(0, "cpu", 0, 1000);
    r->load.issued = 10;
    r->metric[ASSAY_METRIC_items_per_s].value = 77;
    builder_append(&b, r);
    builder_end(&b, &sum);
    cr_expect_eq(sum.rows[0].metric[ASSAY_METRIC_items_per_s].value, 77);
    assay_summary_release(&sum);
    scratch_remove(&s);
}

Test(summary, takes_the_worst_of_statuses_and_verdicts)
{
    static const struct {
        enum assay_outcome one, two, worst;
    } rows[] = {
        {ASSAY_PASS, ASSAY_PASS, ASSAY_PASS},
        {ASSAY_MARGINAL, ASSAY_PASS, ASSAY_MARGINAL},
        {ASSAY_PASS, ASSAY_FAIL, ASSAY_FAIL},
        {ASSAY_UNTRUSTED, ASSAY_NOT_CHECKED, ASSAY_UNTRUSTED},
        {ASSAY_FAIL, ASSAY_UNTRUSTED, ASSAY_FAIL},
        {ASSAY_MARGINAL, ASSAY_NOT_CHECKED, ASSAY_NOT_CHECKED},
        {ASSAY_PASS, (enum assay_outcome)0, ASSAY_NOT_CHECKED}, /* 0: this launch has no verdict */
    };
    enum { N = sizeof rows / sizeof rows[0] };
    static const enum assay_status order[] = {ASSAY_STATUS_OK,    ASSAY_STATUS_SKIPPED, ASSAY_STATUS_UNSUPPORTED,
                                              ASSAY_STATUS_ERROR, ASSAY_STATUS_TIMEOUT, ASSAY_STATUS_CRASHED};
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary sum;
    builder_begin(&b, &s, "run", json_object());
    for (unsigned i = 0; i < N; i++)
        for (uint32_t k = 0; k < 2; k++) {
            struct assay_record *r = builder_record(i, "cpu", k, 100);
            builder_append(&b, r);
            if (k ? rows[i].two : rows[i].one)
                builder_judge(&b, r, k ? rows[i].two : rows[i].one);
        }
    for (unsigned i = 0; i < 5; i++) /* a status and the next worse one */
        for (uint32_t k = 0; k < 2; k++) {
            struct assay_record *r = builder_record(100 + i, "cpu", k, 100);
            r->status = order[i + (k ^ 1)];
            (void)snprintf(r->reason, sizeof r->reason, "%s",
                           r->status == ASSAY_STATUS_OK ? "" : assay_status_name(r->status));
            builder_append(&b, r);
        }
    builder_end(&b, &sum);
    cr_expect(sum.validated && sum.n_missing == 0);
    for (unsigned i = 0; i < N; i++) {
        const struct assay_summary_row *row = &sum.rows[i];
        cr_expect_eq(row->outcome, rows[i].worst, "row %u", i);
        cr_expect(row->validated);
        if (rows[i].two == rows[i].worst && rows[i].one != rows[i].worst) {
            cr_expect(strstr(row->outcome_why, "launch 1"), "%s", row->outcome_why);
            cr_expect(row->check && row->check->outcome == rows[i].worst);
        }
    }
    cr_expect(!sum.rows[N - 1].check && strcmp(sum.rows[N - 1].outcome_why, "not validated yet") == 0);
    for (unsigned i = 0; i < 5; i++) {
        const struct assay_summary_row *row = &sum.rows[N + i];
        cr_expect_eq(row->status, order[i + 1]);
        cr_expect_str_eq(row->reason, assay_status_name(order[i + 1]));
        cr_expect(row->statuses[order[i]] == 1 && row->statuses[order[i + 1]] == 1);
        cr_expect_eq(row->n_medians, i == 0 ? 1u : 0u, "only what ended ok has figures");
        cr_expect_eq(row->metric[ASSAY_METRIC_latency_ns].has_value, i == 0);
        cr_expect(i == 0 || strcmp(row->metric[ASSAY_METRIC_flops_per_s].why, "no launch ended ok") == 0);
    }
    cr_expect(sum.rows[N].typical == 1 && sum.outcomes[ASSAY_FAIL] == 2 && sum.statuses[ASSAY_STATUS_OK] == N);
    assay_summary_release(&sum);
    scratch_remove(&s);
}

static void set_counter(struct assay_record *r, unsigned at, const char *name, enum assay_counter_status status,
                        double v)
{
    struct assay_counter *c = &r->counters[at];
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    (void)snprintf(c->provider, sizeof c->provider, "perf");
    (void)snprintf(c->unit, sizeof c->unit, "1");
    c->status = status;
    c->value = v;
    (void)snprintf(c->why, sizeof c->why, "%s", status == ASSAY_COUNTER_UNAVAILABLE ? "no such event" : "");
    r->n_counters = at + 1;
}

Test(summary, aggregates_counters_noise_and_metrics_that_may_be_zero)
{
    static const double cycles[] = {30, 10, 20}, shares[] = {0.5, 0.6, 0.72};
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary sum;
    builder_begin(&b, &s, "run", json_object());
    for (uint32_t k = 0; k < 3; k++) {
        struct assay_record *r = builder_record(0, "cpu", k, 100);
        set_counter(r, 0, "cycles", k == 1 ? ASSAY_COUNTER_MULTIPLEXED : ASSAY_COUNTER_OK, cycles[k]);
        set_counter(r, 1, "flops", ASSAY_COUNTER_UNAVAILABLE, 0);
        if (k == 2)
            set_counter(r, 2, "faults", ASSAY_COUNTER_OK, 5);
        r->metric[ASSAY_METRIC_peak_share] = (struct assay_metric_value){.has_value = true, .value = shares[k]};
        r->metric[ASSAY_METRIC_harness_allocations] = (struct assay_metric_value){.has_value = true, .value = k == 2};
        (void)snprintf(r->metric[ASSAY_METRIC_energy_joules].why, 20, "no meter");
        (void)snprintf(r->noise_complaint, sizeof r->noise_complaint, "%s", k == 1 ? "stolen" : "");
        builder_append(&b, r);
    }
    builder_end(&b, &sum);
    const struct assay_summary_row *row = &sum.rows[0];
    cr_assert_eq(row->n_counters, 3u);
    cr_expect(row->counters[0].value == 20 && row->counters[0].multiplexed && row->counters[0].n == 3);
    cr_expect(!row->counters[1].has_value && strcmp(row->counters[1].why, "no such event") == 0);
    cr_expect(row->counters[2].value == 5 && row->counters[2].n == 1 &&
              strcmp(row->counters[2].first->name, "faults") == 0);
    NEAR(row->metric[ASSAY_METRIC_peak_share].value, 0.6);
    cr_expect(row->metric[ASSAY_METRIC_peak_share].has_interval);
    const struct assay_estimate *allocations = &row->metric[ASSAY_METRIC_harness_allocations];
    cr_expect(allocations->has_value && allocations->value == 0 && !allocations->has_interval && *allocations->why);
    cr_expect_str_eq(row->metric[ASSAY_METRIC_energy_joules].why, "no meter");
    cr_expect(row->noisy == 1 && strcmp(row->noise, "stolen") == 0 && sum.noisy == 1);
    assay_summary_release(&sum);
    scratch_remove(&s);
}

Test(summary, gives_modelled_figures_the_ranges_of_the_model_and_never_a_t_interval)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary sum;
    builder_begin(&b, &s, "run", json_object());
    for (uint32_t k = 0; k < 3; k++) {
        struct assay_record *r = builder_record(0, "model:m300", k, 100);
        struct assay_metric_value *m = r->metric;
        m[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){.has_value = true,
                                                                 .value = 100,
                                                                 .has_interval = true,
                                                                 .low = 80 - k,
                                                                 .high = 150 + k,
                                                                 .level = 0.8,
                                                                 .clock = ASSAY_CLOCK_MODEL};
        m[ASSAY_METRIC_harness_allocations] = (struct assay_metric_value){.has_value = true};
        r->evidence = ASSAY_EVIDENCE_MODELLED;
        (void)snprintf(r->grade, sizeof r->grade, "%c", 'B' + (k == 1));
        builder_append(&b, r);
        m[ASSAY_METRIC_latency_ns].has_value = false; /* grade D: a range and no point */
        (void)snprintf(r->id, sizeof r->id, "%016x", 1);
        builder_append(&b, r);
    }
    builder_end(&b, &sum);
    const struct assay_estimate *e = &sum.rows[0].metric[ASSAY_METRIC_latency_ns];
    cr_expect(e->has_value && e->has_interval && e->low == 78 && e->high == 152 && e->level == 0.8);
    NEAR(e->value, 100.0);
    NEAR(sum.rows[0].metric[ASSAY_METRIC_flops_per_s].low, 2000e9 / 152);
    cr_expect(sum.rows[0].clock == ASSAY_CLOCK_MODEL && sum.rows[0].evidence == ASSAY_EVIDENCE_MODELLED);
    cr_expect_str_eq(sum.rows[0].grade, "C", "the worst grade");
    cr_expect(sum.rows[0].metric[ASSAY_METRIC_harness_allocations].has_value);
    e = &sum.rows[1].metric[ASSAY_METRIC_latency_ns];
    cr_expect(!e->has_value && e->has_interval && e->low == 78 && sum.rows[1].n_medians == 0);
    assay_summary_release(&sum);
    scratch_remove(&s);
}

Test(summary, of_an_empty_or_broken_run_is_empty_or_an_error)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_error err = {0};
    struct assay_summary sum;
    builder_begin(&b, &s, "run", builder_plan(2, "cpu", NULL));
    builder_end(&b, &sum);
    cr_expect(sum.n_rows == 0 && sum.n_backends == 0 && sum.n_missing == 2 && !sum.validated);
    assay_summary_release(&sum);
    put_bytes(in(&s, "run/verdicts.jsonl"), "{}\n", 3);
    cr_expect_eq(assay_summary_read(b.path, &sum, &err), ASSAY_DATA);
    cr_expect_eq(assay_summary_read(in(&s, "nothing"), &sum, &err), ASSAY_CONFIG);
    scratch_remove(&s);
}
