#include "harness/run/audit.h"

#include "harness/run/case_run.h"
#include "harness/run/tests/as_worker.h"
#include "harness/store/tests/scratch.h"

#define GEMM "gemm/m=64,n=64,k=64"

static struct assay_record record;
static struct scratch      s;

static void begin(void)
{
    s = scratch_new();
    (void)mkdir(in(&s, "samples"), 0755);
    (void)mkdir(in(&s, "witness"), 0755);
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(audit, .init = begin, .fini = end, .timeout = 60);

static void run_audit(const char *test, const char *name, const char *backend)
{
    struct assay_case  c;
    struct assay_error err = {0}, unstored = {0};
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    struct assay_case_job job = {.what = &c, .backend = backend, .plugin = "", .folder = s.path, .power = "", .repeat = "assay audit it", .seed = 3,
                                 .audit = test};
    (void)assay_case_run(&job, &record, &unstored);
    cr_expect_eq(unstored.code, ASSAY_OK, "%s", unstored.message);
    assay_case_release(&c);
}

Test(audit, test01_logs_outputs_of_timed_executions_and_they_are_what_the_inputs_gave)
{
    run_audit("TEST01", GEMM "@single_stream/min_queries=200,min_duration_s=0", as_worker_backend("chaos", ""));
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect_str_eq(record.audit.test, "TEST01");
    cr_expect(record.audit.logged > 20 && record.audit.logged < 120, "64 of 200, by chance: %llu", (unsigned long long)record.audit.logged);
    cr_expect_eq(record.audit.equal, record.audit.logged);
}

Test(audit, test01_sees_work_that_is_left_out_when_time_is_taken)
{
    run_audit("TEST01", GEMM "@single_stream/min_queries=200,min_duration_s=0,performance_samples=8",
              as_worker_backend("chaos", ",mode=honest_when_validated,after=40,cheat=0.5"));
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect(record.audit.equal < record.audit.logged, "%llu of %llu", (unsigned long long)record.audit.equal, (unsigned long long)record.audit.logged);
    cr_expect(strstr(record.audit.first_difference, "is not what the set gave before"), "%s", record.audit.first_difference);
}

Test(audit, test04_sees_answers_from_memory)
{
    run_audit("TEST04", GEMM "@single_stream/min_queries=100,min_duration_s=0", as_worker_backend("chaos", ",mode=remembers"));
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect_eq(record.audit.pairs, 63u);
    cr_expect(record.audit.fresh_ns > 2 * record.audit.seen_ns, "%g and %g ns", record.audit.fresh_ns, record.audit.seen_ns);
}

Test(audit, test04_finds_no_gain_where_all_is_computed)
{
    run_audit("TEST04", GEMM "@offline/min_queries=100,min_duration_s=0", as_worker_backend("chaos", ""));
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect(record.audit.fresh_ns < 1.5 * record.audit.seen_ns, "%g and %g ns, on a machine that others use", record.audit.fresh_ns, record.audit.seen_ns);
}

Test(audit, a_test_of_something_else_is_declined_with_its_reason)
{
    run_audit("TEST06", GEMM "@offline/min_queries=100,min_duration_s=0", as_worker_backend("chaos", ""));
    cr_expect_eq(record.status, ASSAY_STATUS_UNSUPPORTED);
    cr_expect(strstr(record.reason, "TEST06 is of served requests"), "%s", record.reason);
    run_audit("TEST01", GEMM "@offline/min_queries=100,min_duration_s=0", as_worker_backend("null", ""));
    cr_expect_eq(record.status, ASSAY_STATUS_UNSUPPORTED);
    cr_expect(strstr(record.reason, "computes no values"), "%s", record.reason);
}

Test(audit, the_chance_is_a_tenth_at_least_64_and_at_most_4096)
{
    static const struct { uint64_t executions; double logged; } rows[] = {{10, 10}, {64, 64}, {639, 64}, {641, 64.1}, {40950, 4095}, {40970, 4096}, {1000000, 4096}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_audit a;
        assay_audit_init(&a, "TEST01", rows[i].executions);
        double logged = (a.chance < 1 ? a.chance : 1) * (double)rows[i].executions;
        cr_expect(logged > rows[i].logged - 0.01 && logged < rows[i].logged + 0.01, "%llu: %g", (unsigned long long)rows[i].executions, logged);
    }
}
