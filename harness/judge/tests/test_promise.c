#include <math.h>

#include <criterion/criterion.h>

#include "harness/judge/promise.h"
#include "harness/judge/tests/candidates.h"

/* A curve in memory: a row a rate. */
#define NAME "decoder.serve/model=tiny-dense,batch=8,packed=64,tokens=200@interactive/qps=%g+serving/prompt=16,output=8"
#define RATES 5

struct curve {
    struct assay_policy policy;
    struct assay_summary run;
    struct assay_summary_row rows[RATES];
    char names[RATES][ASSAY_CASE_NAME_BYTES];
    struct assay_record record[RATES][2];
    const struct assay_record *launches[RATES][2];
};

static struct assay_estimate between(double low, double value, double high)
{
    return (struct assay_estimate){
        .has_value = value > 0, .has_interval = high > 0, .value = value, .low = low, .high = high, .level = 0.8};
}

/* Rates 1, 2, 4, 8, 16 at 100 tokens a request; the p99 to the first token is 100 ms, and at rate i the upper end, the
 * value and the lower end grow with it: limit 1 s is surely kept up to 4, perhaps at 8, and surely broken at 16. */
static struct curve *begin(enum assay_evidence evidence)
{
    static const double at[RATES][3] = {
        {0.1, 0.2, 0.3}, {0.1, 0.2, 0.3}, {0.2, 0.5, 0.9}, {0.5, 0.8, 1.5}, {1.1, 2, 3}};
    struct curve *c = calloc(1, sizeof *c);
    double load;
    char name[ASSAY_CASE_NAME_BYTES];
    (void)snprintf(name, sizeof name, NAME, 1.0);
    cr_assert(assay_case_family(name, c->policy.demand.family, &load));
    c->policy.demand.given = true;
    c->policy.demand.ttft_p99_s = 1;
    for (int i = 0; i < RATES; i++) {
        struct assay_summary_row *row = &c->rows[i];
        double rate = 1 << i;
        (void)snprintf(c->names[i], sizeof c->names[i], NAME, rate);
        for (int k = 0; k < 2; k++) {
            c->record[i][k].status = ASSAY_STATUS_OK;
            c->record[i][k].evidence = evidence;
            c->record[i][k].device =
                (struct assay_device_info){.clock = ASSAY_CLOCK_DEVICE, .origin = ASSAY_ORIGIN_REAL};
            c->launches[i][k] = &c->record[i][k];
        }
        *row = (struct assay_summary_row){
            .case_name = c->names[i], .backend = "chip", .status = ASSAY_STATUS_OK, .grade = "", .n_launches = 2};
        row->launches = c->launches[i];
        row->evidence = evidence;
        row->outcome = ASSAY_PASS;
        row->metric[ASSAY_METRIC_tokens_per_s] = between(95 * rate, 100 * rate, 105 * rate);
        row->metric[ASSAY_METRIC_ttft_p99_ns] = between(at[i][0] * 1e9, at[i][1] * 1e9, at[i][2] * 1e9);
        row->metric[ASSAY_METRIC_queries_failed] = (struct assay_estimate){.has_value = true};
    }
    c->run = (struct assay_summary){.rows = c->rows, .n_rows = RATES};
    return c;
}

static struct assay_promise read_it(const struct curve *c)
{
    struct assay_promise p;
    assay_promise_read(&c->policy, &c->run, "chip", &p);
    return p;
}

Test(promise, is_the_last_rate_before_the_first_that_may_break_the_limits)
{
    struct curve *c = begin(ASSAY_EVIDENCE_MODELLED);
    struct assay_promise p = read_it(c);
    cr_expect_eq(p.lack, ASSAY_PROMISE_KNOWN);
    cr_expect(p.per_s.low == 95 * 4 && p.per_s.middle == 100 * 8 && p.per_s.high == 105 * 8, "%g %g %g", p.per_s.low,
              p.per_s.middle, p.per_s.high);
    cr_expect(p.has_middle && !p.is_open && p.points == RATES && p.evidence == ASSAY_EVIDENCE_MODELLED);
    /* the upper end of a time just at its limit keeps it, and just above does not */
    c->rows[3].metric[ASSAY_METRIC_ttft_p99_ns].high = 1e9;
    cr_expect(read_it(c).per_s.low == 95 * 8);
    c->rows[3].metric[ASSAY_METRIC_ttft_p99_ns].high = 1e9 + 1;
    cr_expect(read_it(c).per_s.low == 95 * 4);
    /* a failed request breaks it, however fast the others were */
    c->rows[2].metric[ASSAY_METRIC_queries_failed].value = 1;
    cr_expect(read_it(c).per_s.low == 95 * 2 && read_it(c).per_s.high == 105 * 2);
    free(c);
}

/* What is fast again behind a rate that breaks is no throughput at the promise. */
Test(promise, order_is_by_load_and_not_as_they_ran)
{
    struct curve *c = begin(ASSAY_EVIDENCE_MODELLED);
    struct assay_summary_row last = c->rows[4];
    c->rows[4] = c->rows[0];
    c->rows[0] = last;
    cr_expect(read_it(c).per_s.low == 95 * 4);
    for (int i = 0; i < RATES; i++)
        if (strstr(c->rows[i].case_name, "qps=2+"))
            c->rows[i].metric[ASSAY_METRIC_ttft_p99_ns].low = c->rows[i].metric[ASSAY_METRIC_ttft_p99_ns].high = 5e9;
    cr_expect(read_it(c).per_s.low == 95 && read_it(c).per_s.high == 105);
    free(c);
}

Test(promise, a_curve_that_never_breaks_is_open_and_one_without_points_has_no_middle)
{
    struct curve *c = begin(ASSAY_EVIDENCE_MODELLED);
    c->run.n_rows = 3;
    cr_expect(read_it(c).is_open);
    c->rows[1].metric[ASSAY_METRIC_ttft_p99_ns].has_value = false;
    cr_expect(!read_it(c).has_middle && read_it(c).per_s.middle == 0 && read_it(c).per_s.low == 95 * 4);
    free(c);
}

/* Of a system batch, packed tokens and load are of all its devices, tokens a second of one, as the metric is defined. */
Test(promise, of_a_system_is_that_of_one_of_its_devices)
{
    struct curve *c = begin(ASSAY_EVIDENCE_MODELLED);
    static const struct assay_counter name = {.name = "devices"};
    struct assay_summary_counter devices = {.first = &name, .has_value = true, .value = 4};
    struct assay_promise one = read_it(c);
    for (int i = 0; i < RATES; i++) {
        (void)snprintf(c->names[i], sizeof c->names[i],
                       "decoder.serve/model=tiny-dense,batch=32,packed=256,tokens=200@interactive/qps=%d+serving/prompt=16,output=8",
                       4 << i);
    }
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NOT_RUN, "another batch of one device is another case");
    for (int i = 0; i < RATES; i++) {
        c->rows[i].counters = &devices;
        c->rows[i].n_counters = 1;
    }
    struct assay_promise p = read_it(c);
    cr_expect_eq(p.per_s.low, one.per_s.low);
    cr_expect_eq(p.per_s.middle, one.per_s.middle);
    cr_expect_eq(p.per_s.high, one.per_s.high);
    free(c);
}

Test(promise, what_counts_for_nothing_lends_nothing)
{
    struct curve *c = begin(ASSAY_EVIDENCE_MEASURED);
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_KNOWN);
    for (int i = 0; i < RATES; i++)
        c->rows[i].outcome = ASSAY_FAIL;
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NOT_PROVED);
    for (int i = 0; i < RATES; i++) {
        c->rows[i].outcome = ASSAY_PASS;
        c->record[i][1].evidence = c->rows[i].evidence = ASSAY_EVIDENCE_MIXED;
    }
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NOT_PROVED);
    free(c);
    c = begin(ASSAY_EVIDENCE_MEASURED);
    for (int i = 0; i < RATES; i++)
        c->rows[i].metric[ASSAY_METRIC_ttft_p99_ns].has_interval = false; /* one launch */
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NONE_KEEPS);
    c->policy.demand.ttft_p99_s = 0.01;
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NONE_KEEPS);
    c->run.n_rows = 0;
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NOT_RUN);
    c->policy.demand.family[0] = 0;
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NOT_ASKED);
    free(c);
}

/* ---- a training -------------------------------------------------------------------------------------------------- */

#define STEP "decoder.train/model=tiny-dense,batch=32,tokens=64"

/* The step in two arrangements, of a system of 8 and of one of 32 devices: items a second of the whole. A run of 8.64e9 items. */
static struct curve *training(double days)
{
    static const struct assay_counter   name = {.name = "devices"};
    static struct assay_summary_counter devices[2];
    static const char *const            arranged[] = {STEP ",dp=8", STEP ",dp=4,tp=8,zero=1,recompute=full"};
    struct curve                       *c = begin(ASSAY_EVIDENCE_MODELLED);
    cr_assert(assay_case_training(STEP, c->policy.demand.family));
    c->policy.demand.training_items = 8.64e9;
    c->policy.demand.training_days = days;
    c->run.n_rows = 2;
    for (int i = 0; i < 2; i++) {
        devices[i] = (struct assay_summary_counter){.first = &name, .has_value = true, .value = i ? 32 : 8};
        (void)snprintf(c->names[i], sizeof c->names[i], "%s", arranged[i]);
        c->rows[i].counters = &devices[i];
        c->rows[i].n_counters = 1;
        c->rows[i].metric[ASSAY_METRIC_items_per_s] = i ? between(1000, 1200, 1600) : between(400, 500, 600);
    }
    return c;
}

Test(promise, of_a_training_is_the_rate_of_the_arrangement_that_surely_ends_first)
{
    struct curve        *c = training(100);
    struct assay_promise p = read_it(c); /* 1000 items a second are 8.64e9 in 100 days */
    cr_expect_eq(p.lack, ASSAY_PROMISE_KNOWN);
    cr_expect(p.devices == 32 && p.per_s.low == 1000.0 / 32 && p.per_s.middle == 1200.0 / 32 && p.per_s.high == 1600.0 / 32);
    cr_expect_float_eq(p.days, 100, 1e-9);
    c->rows[0].metric[ASSAY_METRIC_items_per_s] = between(1001, 0, 1002);
    p = read_it(c);
    cr_expect(p.devices == 8 && p.per_s.low == 1001.0 / 8 && !p.has_middle && p.points == 2);
    free(c);
}

Test(promise, of_a_training_that_the_devices_do_not_end_in_time_there_is_none)
{
    struct curve        *c = training(99.9);
    struct assay_promise p = read_it(c);
    cr_expect_eq(p.lack, ASSAY_PROMISE_TOO_SLOW, "more devices than were run are not counted on");
    cr_expect(p.devices == 32 && fabs(p.days - 100) < 1e-9);
    c->rows[1].metric[ASSAY_METRIC_items_per_s].has_interval = false;
    p = read_it(c);
    cr_expect(p.lack == ASSAY_PROMISE_TOO_SLOW && p.devices == 8);
    c->run.n_rows = 0;
    cr_expect_eq(read_it(c).lack, ASSAY_PROMISE_NOT_RUN);
    free(c);
}

Test(promise, of_a_training_counts_interruptions_where_they_are_known)
{
    struct curve *c = training(120);
    c->rows[1].metric[ASSAY_METRIC_trillion_items_ns] = between(1e21 / 1500, 1e21 / 1100, 1e21 / 900);
    struct assay_promise p = read_it(c);
    cr_expect(fabs(p.per_s.low - 900.0 / 32) < 1e-9 && fabs(p.per_s.middle - 1100.0 / 32) < 1e-9 && fabs(p.per_s.high - 1500.0 / 32) < 1e-9);
    free(c);
}

Test(promise, arrangements_of_a_training_are_one_and_other_trainings_are_not)
{
    static const char *const others[] = {"decoder.train/model=tiny-dense,batch=64,tokens=64", "decoder.train/model=tiny-dense,batch=32,tokens=32",
                                         "decoder.train/model=tiny-moe,batch=32,tokens=64", STEP ",optimizer=sgd"};
    char family[ASSAY_CASE_NAME_BYTES], other[ASSAY_CASE_NAME_BYTES];
    cr_assert(assay_case_training(STEP, family));
    cr_assert(assay_case_training(STEP ",dp=2,tp=2,sp=true,pp=2,chunks=2,schedule=1f1b,recompute=selective,zero=2", other));
    cr_expect_str_eq(family, other);
    struct assay_case  c;
    struct assay_error err = {0};
    cr_expect_eq(assay_case_parse(family, &c, &err), ASSAY_OK, "what is left is a case again: %s", err.message);
    assay_case_release(&c);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect(assay_case_training(others[i], other) && strcmp(family, other) != 0, "%s", others[i]);
    cr_expect(!assay_case_training("gemm/m=8,n=8,k=8", other) && !assay_case_training("decoder.prefill/model=tiny-dense", other) &&
              !assay_case_training("no case", other));
}

Test(promise, offline_is_no_point_of_a_curve)
{
    char family[ASSAY_CASE_NAME_BYTES], other[ASSAY_CASE_NAME_BYTES];
    double load;
    cr_expect(!assay_case_family("gemm/m=64,n=64,k=64", family, &load));
    cr_expect(!assay_case_family("gemm/m=64,n=64,k=64@offline", family, &load));
    cr_expect(!assay_case_family("gemm/m=64,n=64,k=64@server/qps=0,latency_ms=5", family, &load),
              "a search is no point");
    cr_assert(assay_case_family("gemm/m=64,n=64,k=64@server/qps=10,latency_ms=5", family, &load) && load == 10);
    cr_assert(assay_case_family("gemm/m=64,n=64,k=64@server/qps=20,latency_ms=5,min_queries=7", other, &load) &&
              load == 20);
    cr_expect_str_eq(family, other);
    cr_assert(assay_case_family("gemm/m=64,n=64,k=64@server/qps=20,latency_ms=6", other, &load));
    cr_expect(strcmp(family, other) != 0, "another limit is another promise");
}

/* Of the same chip: cases that nobody asks for, which have no rate; a curve. The curve is told of the first, in either order. */
Test(promise, of_a_folder_that_is_a_curve_alone_counts_for_one_without_a_case_that_is_asked_for)
{
    struct curve *c = begin(ASSAY_EVIDENCE_MODELLED), *aside = begin(ASSAY_EVIDENCE_MODELLED);
    const char *backend = "chip";
    for (int i = 0; i < RATES; i++)
        (void)snprintf(aside->names[i], sizeof aside->names[i], "gemm/m=%d", i + 1);
    c->run.backends = aside->run.backends = &backend;
    c->run.n_backends = aside->run.n_backends = 1;
    for (int order = 0; order < 2; order++) {
        const struct assay_summary runs[] = {order ? aside->run : c->run, order ? c->run : aside->run};
        struct assay_qualification q;
        struct assay_error err = {0};
        cr_assert_eq(assay_qualify(&c->policy, runs, 2, &q, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(q.n, 1, "%zu candidates", q.n);
        cr_expect_eq(q.candidates[0].run, &runs[!order], "the one that is more than a curve");
        cr_expect_eq(q.candidates[0].promise.lack, ASSAY_PROMISE_KNOWN);
        assay_qualification_release(&q);
    }
    free(aside);
    free(c);
}
