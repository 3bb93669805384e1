#include "harness/run/launcher.h"

#include <sys/wait.h>

#include "harness/run/tests/as_worker.h"
#include "harness/store/run_folder.h"
#include "harness/store/tests/scratch.h"

static struct scratch          s;
static struct assay_plan       plan;
static struct assay_run_counts counts;
static struct assay_error      err;
static volatile sig_atomic_t   stop;
static struct {
    size_t           begun, done, stop_after;
    char             order[16][120]; /* "launch case back end" in the order they were done */
    enum assay_status status[16];
    size_t           total;
    bool             progressed;
    bool             keeps[16]; /* a process of the launcher's lives on after the step */
} seen;

static void on_begin(void *self, const struct assay_run_step *step)
{
    (void)self;
    cr_expect_eq(step->index, seen.begun + counts.already, "steps count on from what was there");
    seen.begun++;
    seen.total = step->total;
}

static void on_progress(void *self, const struct assay_run_step *step, const char *phase, double share, uint64_t median_ns)
{
    (void)self, (void)step, (void)share, (void)median_ns;
    seen.progressed = seen.progressed || strcmp(phase, "timed") == 0;
}

static void on_done(void *self, const struct assay_run_step *step, const struct assay_record *record)
{
    (void)self;
    cr_expect(strcmp(record->id, step->what->id) == 0 && strcmp(record->backend, step->backend) == 0 && record->launch == step->launch);
    if (seen.done < 16) {
        (void)snprintf(seen.order[seen.done], sizeof seen.order[0], "%u %.10s %.4s", step->launch, step->what->name, step->backend);
        seen.status[seen.done] = record->status;
        seen.keeps[seen.done] = waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOHANG | WNOWAIT) == 0;
    }
    stop = ++seen.done == seen.stop_after;
}

static void begin(void)
{
    static const char *const names[] = {"gemm/m=8,n=8,k=8", "gemv/n=8,k=8"};
    s = scratch_new();
    (void)signal(SIGPIPE, SIG_IGN);
    assay_plan_init(&plan);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(assay_plan_add(&plan, names[i], &err), ASSAY_OK);
        plan.cases[i].repeat = (struct assay_repeat){.launches = 2, .min_runs = 8, .min_ns = 0, .max_ns = 2000000000, .timeout_ns = 20000000000};
    }
}

static void end(void)
{
    assay_plan_release(&plan);
    scratch_remove(&s);
}

TestSuite(launcher, .init = begin, .fini = end, .timeout = 60);

static enum assay_code run_all(const char *const *backends, size_t n, bool resume)
{
    static const char *const arguments[] = {"assay", "run", "it's"};
    char                     folder[100];
    (void)snprintf(folder, sizeof folder, "%s/run", s.path);
    struct assay_run_request request = {.plan = &plan, .backends = backends, .n_backends = n, .folder = folder, .resume = resume, .arguments = arguments, .n_arguments = 3,
                                        .stop = &stop, .begin = on_begin, .progress = on_progress, .done = on_done};
    memset(&err, 0, sizeof err);
    memset(&seen.order, 0, sizeof seen.order);
    seen.begun = seen.done = 0;
    return assay_run(&request, &counts, &err);
}

static void only_the_first_case_once(void)
{
    plan.cases[0].repeat.launches = 1;
    plan.cases[1].repeat.launches = 0;
}

static size_t n_records(void)
{
    struct assay_run_folder *folder = NULL;
    size_t                   n = 0;
    if (assay_run_folder_read(in(&s, "run"), &folder, &err) == ASSAY_OK)
        (void)assay_run_folder_records(folder, &n);
    assay_run_folder_close(folder);
    return n;
}

Test(launcher, goes_launch_by_launch_case_by_case_back_end_by_back_end)
{
    const char *const        backends[] = {as_worker_backend("reference", ""), as_worker_backend("null", "")};
    static const char *const want[] = {"0 gemm/dtype refe", "0 gemm/dtype null", "0 gemv/dtype refe", "0 gemv/dtype null",
                                       "1 gemm/dtype refe", "1 gemm/dtype null", "1 gemv/dtype refe", "1 gemv/dtype null"};
    struct assay_run_folder *folder = NULL;
    cr_assert_eq(run_all(backends, 2, false), ASSAY_OK, "%s", err.message);
    cr_expect(counts.steps == 8 && counts.already == 0 && counts.ran == 8 && counts.ok == 8 && seen.total == 8 && seen.progressed);
    for (size_t i = 0; i < 8; i++)
        cr_expect_str_eq(seen.order[i], want[i]);
    cr_assert_eq(assay_run_folder_read(in(&s, "run"), &folder, &err), ASSAY_OK);
    const json_t *manifest = assay_run_folder_manifest(folder), *written = assay_run_folder_plan(folder), *backend = json_array_get(json_object_get(manifest, "backends"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(manifest, "format")), "assay-manifest/1");
    cr_expect_eq(json_array_size(json_object_get(manifest, "arguments")), 3u);
    cr_expect_str_eq(json_string_value(json_object_get(backend, "given")), backends[0]);
    cr_expect_eq(strlen(json_string_value(json_object_get(backend, "sha256"))), 64u);
    cr_expect_eq(strncmp(json_string_value(json_array_get(json_object_get(written, "backends"), 0)), "reference:", 9), 0, "the canonical name");
    size_t n;
    const struct assay_record *records = assay_run_folder_records(folder, &n);
    cr_assert_eq(n, 8u);
    cr_expect(strncmp(records[0].repeat, "assay run gemm/dtype=f32,k=8,m=8,n=8,", 37) == 0 && strstr(records[0].repeat, " --seed 1") && strstr(records[0].repeat, " --launches 2") &&
                  strstr(records[0].repeat, " --min-runs 8") && strstr(records[0].repeat, backends[0]), "named by its file, it is repeated by its file: %s", records[0].repeat);
    assay_run_folder_close(folder);
}

Test(launcher, keeps_a_ceiling_as_long_as_a_case_may_ask_for_it)
{
    const char *const        backends[] = {as_worker_backend("template", ""), as_worker_backend("null", "")};
    static const bool        keeps[] = {true, true, true, false};
    struct assay_run_folder *folder = NULL;
    size_t                   n;
    for (size_t i = 0; i < 2; i++)
        plan.cases[i].repeat = (struct assay_repeat){.launches = 1, .min_runs = 8, .min_ns = 20000000, .max_ns = 2000000000, .timeout_ns = 40000000000};
    cr_assert_eq(run_all(backends, 2, false), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_run_folder_read(in(&s, "run"), &folder, &err), ASSAY_OK);
    const struct assay_record *records = assay_run_folder_records(folder, &n);
    cr_assert_eq(n, 4u);
    for (size_t i = 0; i < 4; i++) {
        const struct assay_metric_value *peak = &records[i].metric[ASSAY_METRIC_ceiling_flops_per_s];
        cr_expect_eq(peak->has_value, i % 2 == 0, "step %zu: %s", i, peak->why);
        cr_expect_eq(seen.keeps[i], keeps[i], "step %zu", i);
    }
    assay_run_folder_close(folder);
}

Test(launcher, a_run_that_was_stopped_goes_on_with_what_is_left)
{
    const char *const backends[] = {as_worker_backend("null", "")};
    seen.stop_after = 3;
    cr_expect_eq(run_all(backends, 1, false), ASSAY_INTERRUPTED);
    cr_expect(counts.ran == 3 && n_records() == 3);
    stop = 0;
    seen.stop_after = 0;
    cr_expect_eq(run_all(backends, 1, false), ASSAY_CONFIG, "a run that is there is not begun again");
    cr_assert_eq(run_all(backends, 1, true), ASSAY_OK, "%s", err.message);
    cr_expect(counts.steps == 4 && counts.already == 3 && counts.ran == 1 && n_records() == 4);
    cr_assert_eq(run_all(backends, 1, true), ASSAY_OK);
    cr_expect(counts.already == 4 && counts.ran == 0 && n_records() == 4);
    plan.seed = 2;
    cr_expect_eq(run_all(backends, 1, true), ASSAY_CONFIG, "another seed is another run");
}

Test(launcher, a_device_that_dies_costs_its_launches_and_is_named)
{
    const char *const backends[] = {as_worker_backend("chaos", ",mode=crash"), as_worker_backend("null", "")};
    size_t            n;
    only_the_first_case_once();
    cr_assert_eq(run_all(backends, 2, false), ASSAY_OK, "%s", err.message);
    cr_expect(counts.ran == 2 && counts.ok == 1);
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(seen.status[i], i % 2 ? ASSAY_STATUS_OK : ASSAY_STATUS_CRASHED);
    struct assay_run_folder *folder = NULL;
    cr_assert_eq(assay_run_folder_read(in(&s, "run"), &folder, &err), ASSAY_OK);
    const struct assay_record *r = assay_run_folder_records(folder, &n);
    cr_assert_eq(n, 2u);
    cr_expect(strstr(r->reason, "SIGSEGV") && strstr(r->reason, "phase warm"), "%s", r->reason);
    cr_expect(*r->device.name && *r->repeat && r->wall_ns > 0, "what the probe knew of it is there");
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        cr_expect(!r->metric[m].has_value && *r->metric[m].why);
    assay_run_folder_close(folder);
}

Test(launcher, a_device_that_hangs_is_ended_at_the_limit)
{
    const char *const backends[] = {as_worker_backend("chaos", ",mode=hang")};
    only_the_first_case_once();
    plan.cases[0].repeat.timeout_ns = 300000000;
    cr_assert_eq(run_all(backends, 1, false), ASSAY_OK, "%s", err.message);
    cr_expect(counts.ran == 1 && counts.ok == 0);
    cr_expect_eq(seen.status[0], ASSAY_STATUS_TIMEOUT);
}

Test(launcher, a_worker_whose_record_is_of_something_else_is_not_believed)
{
    static const struct { char worker[24], reason[24]; } rows[] = {{"probes_and_lies", "malformed"}, {"probes_and_mixes_up", "of another case"}};
    const char *const backends[] = {as_worker_backend("reference", "")};
    only_the_first_case_once();
    for (size_t i = 0; i < 2; i++) {
        struct assay_run_folder *folder = NULL;
        size_t                   n;
        cr_assert_eq(setenv("ASSAY_TEST_WORKER", rows[i].worker, 1), 0);
        cr_assert_eq(run_all(backends, 1, false), ASSAY_OK, "%s", err.message);
        cr_expect(counts.ran == 1 && counts.ok == 0 && seen.status[0] == ASSAY_STATUS_ERROR);
        cr_assert_eq(assay_run_folder_read(in(&s, "run"), &folder, &err), ASSAY_OK);
        const struct assay_record *r = assay_run_folder_records(folder, &n);
        cr_assert_eq(n, 1u);
        cr_expect_str_eq(r[0].id, plan.cases[0].id, "the step that was asked for is what is recorded");
        cr_expect(strstr(r[0].reason, rows[i].reason), "%s", r[0].reason);
        assay_run_folder_close(folder);
        scratch_remove(&s);
        s = scratch_new();
    }
}

Test(launcher, back_ends_that_cannot_be_opened_or_stand_there_twice_begin_nothing)
{
    const char *const missing[] = {as_worker_backend("null", ""), as_worker_backend("no_such", "")}, *const twice[] = {missing[0], missing[0]};
    cr_expect_neq(run_all(missing, 2, false), ASSAY_OK);
    cr_expect(strstr(err.message, "no_such"), "%s", err.message);
    cr_expect_neq(access(in(&s, "run"), F_OK), 0, "nothing is written");
    cr_expect_eq(run_all(twice, 2, false), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "named twice"), "%s", err.message);
    cr_expect_neq(access(in(&s, "run"), F_OK), 0);
}
