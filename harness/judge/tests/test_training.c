/* A small net is trained by the worker's own code; what is said of it is what the reference says of the net that it left. */
#include <math.h>

#include "harness/judge/training.h"
#include "harness/plan/plan.h"
#include "harness/run/case_run.h"
#include "harness/run/tests/as_worker.h"
#include "harness/store/run_folder.h"

#define SEED 3
#define SMALL "text.learn/batch=2,tokens=37,layers=1,hidden=8,ffn=8,heads=1,head_dim=4,evaluation_batches=2,evaluate_every=3,max_steps=3"

static struct assay_record record;

static struct assay_case parsed(const char *name)
{
    struct assay_error err = {0};
    struct assay_case  c;
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    return c;
}

/* Trains in a folder of its own and records it. */
static void train_in(const char *path, struct assay_case *c, const char *backend)
{
    struct assay_error       err = {0};
    struct assay_run_folder *folder = NULL;
    json_t                  *plan = json_pack("{s:{s:i}, s:[s]}", "suite", "seed", SEED, "backends", "x"), *manifest = json_object();
    struct assay_case_job    job = {.what = c, .backend = backend, .plugin = "", .folder = path, .power = "", .repeat = "again", .seed = SEED};
    cr_assert_eq(assay_run_folder_create(path, manifest, plan, NULL, &folder, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_case_run(&job, &record, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_run_folder_append(folder, &record, &err), ASSAY_OK, "%s", err.message);
    assay_run_folder_close(folder);
    json_decref(plan);
    json_decref(manifest);
}

static struct assay_training read_in(const char *path, const struct assay_case *c)
{
    struct assay_error    err = {0};
    struct assay_training t;
    cr_assert_eq(assay_training_read(path, c, SEED, &t, &err), ASSAY_OK, "%s", err.message);
    return t;
}

static struct assay_training trained(const char *name, const char *options)
{
    struct scratch    s = scratch_new();
    struct assay_case c = parsed(name);
    train_in(in(&s, "run"), &c, as_worker_backend(*options ? "chaos" : "cpu", options));
    struct assay_training t = read_in(in(&s, "run"), &c);
    assay_case_release(&c);
    scratch_remove(&s);
    return t;
}

TestSuite(training, .timeout = 200);

Test(training, has_the_quality_of_the_net_that_it_left)
{
    struct assay_training t = trained(SMALL ",within=10", "");
    cr_expect_eq(t.end, ASSAY_TRAINING_ENDED, "%s", t.why);
    cr_expect(t.seed == SEED && t.quality > 1.3 && t.quality < 5 && fabs(t.quality - t.claimed) < 1e-4, "%g %g", t.quality, t.claimed);
}

Test(training, that_knows_less_than_its_target_has_diverged)
{
    struct assay_training t = trained(SMALL ",within=0.1", "");
    cr_expect(t.end == ASSAY_TRAINING_DIVERGED && strstr(t.why, "its net has a loss of") && t.quality > 1.3, "%s", t.why);
    t = trained(SMALL ",within=10", ",mode=nan");
    cr_expect(t.end == ASSAY_TRAINING_DIVERGED && isnan(t.quality) && strstr(t.why, "no finite number"), "%s", t.why);
}

/* What the device says of its net does not count. */
Test(training, believes_the_net_and_not_the_claim)
{
    struct assay_training t = trained(SMALL ",within=10", ",mode=wrong,after=3");
    cr_expect_eq(t.end, ASSAY_TRAINING_ENDED, "%s", t.why);
    cr_expect(fabs(t.quality - t.claimed) > 1e-3, "%g %g", t.quality, t.claimed);
}

Test(training, of_another_case_or_with_another_net_is_missing)
{
    struct scratch    s = scratch_new();
    struct assay_case c = parsed(SMALL ",within=10"), other = parsed(SMALL ",within=9");
    train_in(in(&s, "run"), &c, as_worker_backend("cpu", ""));
    struct assay_training t = read_in(in(&s, "run"), &other);
    cr_expect(t.end == ASSAY_TRAINING_MISSING && strstr(t.why, "another run"), "%s", t.why);
    char  path[512];
    (void)snprintf(path, sizeof path, "%s/%s", in(&s, "run"), record.witness_file);
    FILE *f = fopen(path, "r+b");
    cr_assert(f && !fseek(f, -8, SEEK_END) && fputc('?', f) == '?' && !fclose(f));
    t = read_in(in(&s, "run"), &c);
    cr_expect(t.end == ASSAY_TRAINING_MISSING && strstr(t.why, "SHA-256"), "%s", t.why);
    assay_case_release(&c);
    assay_case_release(&other);
    scratch_remove(&s);
}

Test(training, can_be_compared_by_loss_behind_the_last_step_only)
{
    static const struct { char name[160], words[48]; } rows[] = {
        {"text.learn", "evaluate_every must be max_steps"},
        {"text.train", "is no training to a quality"},
        {"gemm/m=2,n=2,k=2", "is no training to a quality"},
        {"shapes.learn/max_steps=5,evaluate_every=5", "has none"},
    };
    struct assay_error err = {0};
    double             floor = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_case c = parsed(rows[i].name);
        cr_expect(assay_training_case(&c, &floor, &err) == ASSAY_CONFIG && strstr(err.message, rows[i].words), "%s", err.message);
        assay_case_release(&c);
    }
    struct assay_case c = parsed(SMALL);
    cr_expect(!assay_training_case(&c, &floor, &err) && floor > 1.28 && floor < 1.29);
    assay_case_release(&c);
}
