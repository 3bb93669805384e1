/* Small nets are trained on real plug-ins by the worker's own code, recorded, and judged: what is honest passes, and every way to
 * pretend is found. */
#include <math.h>
#include <sys/stat.h>

#include "harness/judge/verdict.h"
#include "harness/plan/plan.h"
#include "harness/run/case_run.h"
#include "harness/run/launcher.h"
#include "harness/run/tests/as_worker.h"
#include "harness/store/run_folder.h"

#define SEED 3

/* A budget of a few steps; the target is one that any net has. */
#define SMALL "batch=2,tokens=37,layers=1,hidden=8,ffn=8,heads=1,head_dim=4,evaluation_batches=2,evaluate_every=3"

static struct assay_record  record;
static struct assay_verdict verdict;

static void judge(const char *path, struct assay_run_folder *folder)
{
    struct assay_error    err = {0};
    struct assay_verdict *verdicts = NULL;
    size_t                n = 0;
    cr_assert_eq(assay_run_folder_append(folder, &record, &err), ASSAY_OK, "%s", err.message);
    assay_run_folder_close(folder);
    cr_assert_eq(assay_run_folder_read(path, &folder, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_validate_run(folder, NULL, NULL, &verdicts, &n, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(n, 1u);
    verdict = verdicts[0];
    free(verdicts);
    assay_run_folder_close(folder);
}

static void learn_in(const char *path, const char *name, const char *backend)
{
    struct assay_error       err = {0};
    struct assay_case        c;
    struct assay_run_folder *folder = NULL;
    json_t                  *plan = json_pack("{s:{s:i}, s:[s]}", "suite", "seed", SEED, "backends", "x"), *manifest = json_object();
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    cr_expect(c.repeat.launches == 1 && c.repeat.max_ns > 600000000000u, "what learns has time");
    cr_assert_eq(assay_run_folder_create(path, manifest, plan, NULL, &folder, &err), ASSAY_OK, "%s", err.message);
    json_decref(plan);
    json_decref(manifest);
    struct assay_case_job job = {.what = &c, .backend = backend, .plugin = "", .folder = path, .power = "", .repeat = "again", .seed = SEED};
    cr_assert_eq(assay_case_run(&job, &record, &err), ASSAY_OK, "%s", err.message);
    assay_case_release(&c);
    judge(path, folder);
}

static void learn(const char *name, const char *backend)
{
    struct scratch s = scratch_new();
    learn_in(in(&s, "run"), name, backend);
    scratch_remove(&s);
}

static double value(enum assay_metric metric)
{
    return record.metric[metric].has_value ? record.metric[metric].value : NAN;
}

TestSuite(lesson, .timeout = 200);

Test(lesson, what_learns_honestly_passes_with_steps_time_and_quality)
{
    learn("text.learn/" SMALL ",max_steps=20,within=10", as_worker_backend("cpu", ""));
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect_eq(verdict.check.outcome, ASSAY_PASS, "%s", verdict.check.why);
    cr_expect(value(ASSAY_METRIC_steps_to_quality) == 3, "the first evaluation comes behind step 3");
    cr_expect(value(ASSAY_METRIC_time_to_quality_ns) > 0 && value(ASSAY_METRIC_quality) < value(ASSAY_METRIC_quality_target));
    cr_expect(value(ASSAY_METRIC_quality) > value(ASSAY_METRIC_quality_floor) && value(ASSAY_METRIC_quality_floor) > 1.2);
    double seconds = value(ASSAY_METRIC_latency_ns) / 1e9;
    cr_expect_float_eq(value(ASSAY_METRIC_items_per_s) * seconds, 2 * 37, 1e-6, "tokens of a step");
    cr_expect(record.proof.iterations == 3 && *record.curve_sha256 && *record.witness_sha256 && *record.samples_sha256);
    cr_expect_str_eq(record.metric[ASSAY_METRIC_peak_share].why, "no bursts are run beside a training");
}

Test(lesson, its_curve_has_every_step_and_evaluation_in_order)
{
    struct scratch           s = scratch_new();
    struct assay_error       err = {0};
    struct assay_lesson_row *rows = NULL;
    size_t                   n = 0;
    learn_in(in(&s, "run"), "text.learn/" SMALL ",max_steps=7,within=0", as_worker_backend("cpu", ""));
    cr_assert_eq(assay_curve_read(in(&s, "run"), &record, &rows, &n, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(n, 10u, "seven steps; evaluations behind steps 3 and 6, and at the end");
    static const uint64_t kinds[] = {1, 1, 1, 2, 1, 1, 1, 2, 1, 2}, steps[] = {1, 2, 3, 3, 4, 5, 6, 6, 7, 7};
    for (size_t i = 0; i < n; i++) {
        cr_expect(rows[i].kind == kinds[i] && rows[i].step == steps[i] && isfinite(rows[i].value) && rows[i].span_ns > 0, "row %zu", i);
        cr_expect(isfinite(rows[i].gradient_norm) == (kinds[i] == 1) && isfinite(rows[i].learning_rate) == (kinds[i] == 1));
        cr_expect(i == 0 || rows[i].elapsed_ns > rows[i - 1].elapsed_ns);
    }
    cr_expect(rows[0].learning_rate < rows[1].learning_rate, "warm-up");
    cr_expect(rows[9].value == value(ASSAY_METRIC_quality));
    free(rows);
    scratch_remove(&s);
}

/* 150 steps of a small net: a long way down from the 3 nats that it begins with, and below what counting symbols gives. */
Test(lesson, loss_on_unseen_data_goes_down)
{
    learn("text.learn/batch=8,tokens=64,layers=1,hidden=16,ffn=16,heads=2,head_dim=8,evaluation_batches=4,evaluate_every=150,max_steps=150,"
          "learning_rate=0.02,within=0.8",
          as_worker_backend("cpu", ""));
    cr_expect_eq(verdict.check.outcome, ASSAY_PASS, "%s", verdict.check.why);
    cr_expect_lt(value(ASSAY_METRIC_quality), 2.3);
}

Test(lesson, what_does_not_reach_its_target_ended_well_and_failed)
{
    learn("text.learn/" SMALL ",max_steps=4,within=0", as_worker_backend("cpu", ""));
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect_eq(verdict.check.outcome, ASSAY_FAIL);
    cr_expect(strstr(verdict.check.why, "did not learn enough: a loss of") && strstr(verdict.check.why, "after 4 steps"), "%s", verdict.check.why);
    cr_expect_str_eq(record.metric[ASSAY_METRIC_steps_to_quality].why, "the target was not reached");
}

/* A convolutional net whose norms have states: the evaluation finds them again as params. */
Test(lesson, a_net_with_running_statistics_is_evaluated_with_what_it_learned)
{
    learn("shapes.learn/batch=8,filters=2,max_steps=6,evaluate_every=3,evaluation_batches=2,target=1", as_worker_backend("cpu", ""));
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect_eq(verdict.check.outcome, ASSAY_PASS, "%s", verdict.check.why);
}

/* Every mode of the back end that misbehaves on purpose that bears on learning; honest beside them. */
Test(lesson, devices_that_pretend_are_found)
{
    static const struct { char rest[48], words[48]; enum assay_outcome outcome; } rows[] = {
        {",mode=honest", "learned in 3 steps", ASSAY_PASS},
        {",mode=silent", "is no finite number", ASSAY_FAIL},
        {",mode=wrong", "claims a loss of", ASSAY_FAIL},
        {",mode=nan", "is no finite number", ASSAY_FAIL},
        {",mode=cached", "claims a loss of", ASSAY_FAIL},
        {",mode=honest_when_validated,after=3,cheat=1", "claims a loss of", ASSAY_FAIL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        learn("text.learn/" SMALL ",max_steps=6,within=10", as_worker_backend("chaos", rows[i].rest));
        cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s: %s", rows[i].rest, record.reason);
        cr_expect_eq(verdict.check.outcome, rows[i].outcome, "%s: %s", rows[i].rest, verdict.check.why);
        cr_expect(strstr(verdict.check.why, rows[i].words), "%s: '%s' is not in: %s", rows[i].rest, rows[i].words, verdict.check.why);
    }
}

Test(lesson, what_computes_no_values_cannot_learn)
{
    struct scratch s = scratch_new();
    learn_in(in(&s, "run"), "text.learn/" SMALL ",max_steps=4", as_worker_backend("null", ""));
    cr_expect_eq(record.status, ASSAY_STATUS_UNSUPPORTED);
    cr_expect(strstr(record.reason, "nothing can be learned on it"), "%s", record.reason);
    cr_expect_eq(verdict.check.outcome, ASSAY_NOT_CHECKED);
    scratch_remove(&s);
}

/* The launcher's own way: the worker dies in step 3, and what it had learned until then is there. */
Test(lesson, a_crash_keeps_the_curve)
{
    struct scratch           s = scratch_new();
    struct assay_error       err = {0};
    struct assay_plan        plan;
    struct assay_run_counts  counts;
    struct assay_lesson_row *rows = NULL;
    size_t                   n = 0;
    const char              *backend = as_worker_backend("chaos", ",mode=crash,after=2");
    assay_plan_init(&plan);
    cr_assert_eq(assay_plan_add(&plan, "text.learn/" SMALL ",max_steps=8,within=0", &err), ASSAY_OK, "%s", err.message);
    struct assay_run_request request = {.plan = &plan, .backends = &backend, .n_backends = 1, .folder = in(&s, "run")};
    cr_assert_eq(assay_run(&request, &counts, &err), ASSAY_OK, "%s", err.message);
    struct assay_run_folder *folder = NULL;
    cr_assert_eq(assay_run_folder_read(request.folder, &folder, &err), ASSAY_OK, "%s", err.message);
    size_t n_records;
    record = *assay_run_folder_records(folder, &n_records);
    cr_expect(n_records == 1 && record.status == ASSAY_STATUS_CRASHED, "%s", record.reason);
    assay_run_folder_curve_file(record.id, record.backend, 0, record.curve_file);
    cr_assert_eq(assay_curve_read(request.folder, &record, &rows, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect(n == 2 && rows[1].step == 2 && isfinite(rows[1].value), "%zu rows", n);
    free(rows);
    assay_run_folder_close(folder);
    assay_plan_release(&plan);
    scratch_remove(&s);
}

/* Same seed, same device: the same net to the last bit. */
Test(lesson, repeats)
{
    char first[65];
    learn("text.learn/" SMALL ",max_steps=4,within=0", as_worker_backend("reference", ""));
    memcpy(first, record.witness_sha256, sizeof first);
    learn("text.learn/" SMALL ",max_steps=4,within=0", as_worker_backend("reference", ""));
    cr_expect_str_eq(record.witness_sha256, first);
}
