#include "harness/run/case_run.h"

#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "harness/base/hash.h"
#include "harness/measure/statistics.h"
#include "harness/run/tests/as_worker.h"
#include "harness/store/run_folder.h"
#include "harness/store/tests/scratch.h"

static struct assay_record record;
static struct scratch      s;
static struct {
    uint64_t         calls;
    enum assay_phase last;
    bool             seen[ASSAY_PHASE_COUNT];
} told;

static void on_progress(void *self, enum assay_phase phase, double share, uint64_t median_ns)
{
    (void)self, (void)median_ns;
    cr_expect(share >= 0 && share <= 1);
    told.calls++;
    told.seen[phase] = true;
    told.last = phase;
}

static void begin(void)
{
    s = scratch_new();
    (void)mkdir(in(&s, "samples"), 0755);
    (void)mkdir(in(&s, "witness"), 0755);
    (void)mkdir(in(&s, "trace"), 0755);
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(case_run, .init = begin, .fini = end, .timeout = 60);

static enum assay_code   last_code;
static uint64_t          min_ns = 5000000;
static const struct assay_ceiling_keeper *keeper;
static struct assay_error last_error;

static void run_case(const char *name, const char *backend, const char *folder)
{
    struct assay_case  c;
    struct assay_error err = {0};
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    c.repeat = (struct assay_repeat){.launches = 1, .min_runs = 50, .min_ns = min_ns, .max_ns = 5000000000, .timeout_ns = 20000000000};
    struct assay_case_job job = {.what = &c, .backend = backend, .plugin = "", .folder = folder, .power = "", .repeat = "assay run it", .seed = 3, .launch = 1, .ceiling = keeper, .progress = on_progress};
    memset(&record, 'x', sizeof record);
    last_code = assay_case_run(&job, &record, &last_error);
    cr_expect_str_eq(record.case_name, c.name);
    cr_expect_str_eq(record.id, c.id);
    cr_expect(record.launch == 1 && strcmp(record.repeat, "assay run it") == 0 && record.wall_ns > 0 && record.started_utc_ns > 1600000000000000000u);
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        cr_expect(record.metric[m].has_value || *record.metric[m].why, "%s is absent without a reason", assay_metric_row((enum assay_metric)m)->name);
    assay_case_release(&c);
}

Test(case_run, leaves_samples_and_a_witness_whose_hashes_the_record_has)
{
    struct assay_error err = {0};
    uint64_t          *samples;
    size_t             n;
    char               digest[65];
    run_case("gemm/m=64,n=64,k=64", as_worker_backend("template", ""), s.path); /* long enough for its percentiles to differ */
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_assert_eq(assay_samples_read(s.path, &record, &samples, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(n, record.proof.iterations);
    cr_expect_geq(n, 50u);
    assay_sort_u64(samples, n);
    cr_expect_eq(record.metric[ASSAY_METRIC_latency_ns].value, assay_median_u64(samples, n), "the record's latency is the median of the file");
    cr_expect_eq(record.metric[ASSAY_METRIC_latency_p90_ns].value, (double)assay_percentile_u64(samples, n, 0.90));
    free(samples);
    cr_assert_eq(assay_sha256_file(in(&s, record.witness_file), digest, &err), ASSAY_OK);
    cr_expect_str_eq(record.witness_sha256, digest);
    cr_expect(!*record.reason && record.error.code == ASSAY_OK);
}

Test(case_run, has_the_work_of_the_case_and_rates_that_follow_from_it)
{
    run_case("gemm/m=16,n=16,k=16", as_worker_backend("template", ""), s.path);
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    double seconds = record.metric[ASSAY_METRIC_latency_ns].value / 1e9;
    cr_expect(record.flops == 2 * 16 * 16 * 16 && record.read_bytes == 2 * 16 * 16 * 4 && record.written_bytes == 16 * 16 * 4 && record.items == 1);
    cr_expect_float_eq(record.metric[ASSAY_METRIC_flops_per_s].value * seconds / 8192, 1, 1e-12);
    cr_expect_float_eq(record.metric[ASSAY_METRIC_bytes_per_s].value * seconds / 3072, 1, 1e-12);
    cr_expect_eq(record.working_set_bytes, 8u * 3 * 16 * 16 * 4, "eight sets of two inputs and an output");
    cr_expect(record.proof.sets == 8 && record.proof.chosen > 0 && record.proof.guard_bytes_changed == 0);
    cr_expect(*record.device.name && record.n_counters >= 13);
    for (int p = 0; p < ASSAY_PHASE_COUNT; p++)
        cr_expect(record.phase_ns[p] > 0 && (told.seen[p] || p == ASSAY_PHASE_BUILD), "phase %s", assay_phase_name((enum assay_phase)p));
    cr_expect(told.last == ASSAY_PHASE_CLOSE && told.calls >= ASSAY_PHASE_COUNT - 1);
}

Test(case_run, instruments_are_no_measurement_of_a_device)
{
    run_case("gemm/m=16,n=16,k=16", as_worker_backend("null", ""), s.path);
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect_eq(record.evidence, ASSAY_EVIDENCE_INSTRUMENT);
    cr_expect(!*record.witness_file && record.proof.chosen == 0, "it computes no values, so there is nothing to keep");
    cr_expect(!record.metric[ASSAY_METRIC_peak_share].has_value || *record.device.name);
}

Test(case_run, what_cannot_run_has_its_status_and_reason)
{
    static const struct { char name[60], backend[16], rest[16], reason[60]; enum assay_status status; enum assay_phase phase; } rows[] = {
        {"attention.prefill/heads=6,kv_heads=4", "template", "", "kv_heads 4 does not divide heads 6", ASSAY_STATUS_ERROR, ASSAY_PHASE_BUILD},
        {"conv", "template", "", "node", ASSAY_STATUS_UNSUPPORTED, ASSAY_PHASE_OPEN},
        {"gemm/m=1048576,n=1048576,k=1024", "template", "", "1 input sets and outputs take", ASSAY_STATUS_SKIPPED, ASSAY_PHASE_OPEN},
        {"gemm/m=4,n=4,k=4", "no_such", "", "assay-no_such.so", ASSAY_STATUS_ERROR, ASSAY_PHASE_OPEN},
        {"gemm/m=4,n=4,k=4", "template", ":other", "has no device 'other'", ASSAY_STATUS_ERROR, ASSAY_PHASE_OPEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run_case(rows[i].name, as_worker_backend(rows[i].backend, rows[i].rest), s.path);
        cr_expect_eq(record.status, rows[i].status, "%s on %s: %s", rows[i].name, rows[i].backend, assay_status_name(record.status));
        cr_expect(strstr(record.reason, rows[i].reason), "%s: %s", rows[i].name, record.reason);
        cr_expect(record.error.code != ASSAY_OK && strcmp(record.error.message, record.reason) == 0);
        cr_expect_eq(record.phase_ns[ASSAY_PHASE_TIMED], 0u);
        cr_expect_str_eq(record.metric[ASSAY_METRIC_latency_ns].why, "the case did not get that far");
    }
}

Test(case_run, a_folder_that_cannot_be_written_is_an_error_and_not_a_result)
{
    run_case("gemm/m=4,n=4,k=4", as_worker_backend("template", ""), "/no/such/folder");
    cr_expect_eq(record.status, ASSAY_STATUS_ERROR);
    cr_expect(strstr(record.reason, "/no/such/folder"), "%s", record.reason);
}

/* ---- a ceiling that another process keeps ---------------------------------------------------------------------------- */

static struct {
    bool                        refuses;
    struct assay_ceiling_answer answer;
    unsigned                    asked;
} kept;

static enum assay_code ask(void *self, enum assay_ceiling_question what, uint64_t amount, struct assay_ceiling_answer *out, struct assay_error *err)
{
    (void)self, (void)what, (void)amount;
    kept.asked++;
    if (kept.refuses)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "nothing is kept");
    *out = kept.answer;
    return ASSAY_OK;
}

static const struct assay_ceiling_keeper asks = {.ask = ask};

Test(case_run, what_bursts_take_another_process_is_no_noise)
{
    kept.answer = (struct assay_ceiling_answer){.rate = 1e12, .used_ns = 1000000000000};
    keeper = &asks;
    min_ns = 300000000; /* some ticks of the kernel's clock */
    pid_t busy = fork();
    if (!busy) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            ;
    }
    run_case("gemm/m=64,n=64,k=64", as_worker_backend("template", ""), s.path);
    (void)kill(busy, SIGKILL);
    (void)waitpid(busy, NULL, 0);
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect(kept.asked > 2 && record.metric[ASSAY_METRIC_ceiling_flops_per_s].value == 1e12);
    if (isnan(record.noise.other_share))
        cr_skip_test("/proc/stat is not readable or ticks too slowly here");
    cr_expect_eq(record.noise.other_share, 0, "%g of the cores", record.noise.other_share);
}

Test(case_run, opens_its_own_ceiling_where_none_is_kept)
{
    kept.refuses = true;
    keeper = &asks;
    run_case("gemm/m=64,n=64,k=64", as_worker_backend("template", ""), s.path);
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    const struct assay_metric_value *peak = &record.metric[ASSAY_METRIC_ceiling_flops_per_s];
    cr_expect(kept.asked == 1 && peak->has_value && peak->value > 1e6, "%s", peak->why);
}
