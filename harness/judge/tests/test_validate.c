#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/judge/verdict.h"
#include "harness/plan/plan.h"
#include "harness/verify/witness.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define SETS 8u
#define SEED 21u

/* A run folder with one gemm, run by back ends that are its outputs rounded from the reference. */
struct scene {
    char                     path[64];
    struct assay_run_folder *folder;
    struct assay_case        what;
    struct assay_graph      *graph;
    int32_t                  output;
    size_t                   bytes;
    unsigned char           *honest[SETS];
    struct assay_error       err;
};
#define OK(call) cr_assert_eq((call), ASSAY_OK, "%s", s->err.message)

static void compute(struct scene *s)
{
    OK(assay_case_parse("gemm/m=32,n=24,k=16", &s->what, &s->err));
    OK(assay_case_graph(&s->what, &s->graph, &s->err));
    cr_assert_eq(assay_graph_outputs(s->graph, &s->output, 1), 1);
    s->bytes = (size_t)s->graph->values[s->output].bytes;
    for (uint32_t set = 0; set < SETS; set++) {
        struct assay_reference *r;
        void                  **bound = calloc(s->graph->n_values, sizeof *bound);
        s->honest[set] = malloc(s->bytes);
        for (uint32_t v = 0; v < s->graph->n_values; v++) {
            if (s->graph->values[v].producer >= 0 || s->graph->values[v].role == ASSAY_ROLE_CONST)
                continue;
            bound[v] = malloc((size_t)s->graph->values[v].bytes);
            OK(assay_fill_value(s->graph, (int32_t)v, SEED, set, bound[v], &s->err));
        }
        OK(assay_reference_new(s->graph, (const void *const *)bound, &r, &s->err));
        OK(assay_reference_store(r, s->output, s->honest[set], &s->err));
        assay_reference_free(r);
        for (uint32_t v = 0; v < s->graph->n_values; v++)
            free(bound[v]);
        free(bound);
    }
}

static void set_up(struct scene *s)
{
    memset(s, 0, sizeof *s);
    (void)snprintf(s->path, sizeof s->path, "/tmp/assay-validate-XXXXXX");
    cr_assert(mkdtemp(s->path));
    json_t *plan = json_pack("{s:{s:i}, s:[s]}", "suite", "seed", (int)SEED, "backends", "honest");
    json_t *manifest = json_pack("{s:s}", "host", "none");
    OK(assay_run_folder_create(s->path, manifest, plan, NULL, &s->folder, &s->err));
    json_decref(plan);
    json_decref(manifest);
    compute(s);
}

static void tear_down(struct scene *s)
{
    char command[128];
    assay_run_folder_close(s->folder);
    for (uint32_t set = 0; set < SETS; set++)
        free(s->honest[set]);
    assay_graph_free(s->graph);
    assay_case_release(&s->what);
    (void)snprintf(command, sizeof command, "rm -r '%s'", s->path);
    cr_expect_eq(system(command), 0);
}

static void record_witness(struct scene *s, struct assay_record *r, bool right)
{
    char path[512];
    assay_run_folder_file("witness", r->id, r->backend, r->launch, r->witness_file);
    OK(assay_path_join(path, sizeof path, s->path, r->witness_file, &s->err));
    struct assay_witness_setup setup = {.path = path, .case_id = r->id, .graph = s->graph, .seed = SEED, .entropy = r->launch,
                                        .sets = SETS, .chosen = 59};
    struct assay_witness *w;
    OK(assay_witness_new(&setup, &w, &s->err));
    for (uint64_t i = 0; i < 200; i++) {
        const void       *outputs[1] = {s->honest[right ? i % SETS : (i + 1) % SETS]};
        struct assay_seen seen = {i, (uint32_t)(i % SETS), (i + 1) << 24, outputs, NULL};
        assay_witness_see(w, &seen);
    }
    OK(assay_witness_close(w, &s->err));
    OK(assay_sha256_file(path, r->witness_sha256, &s->err));
}

/* Latencies of 1 us that end `drift` times as long as they began. */
static void record_samples(struct scene *s, struct assay_record *r, double drift)
{
    enum { N = 4000 };
    uint64_t *samples = malloc(N * sizeof *samples);
    char      path[512];
    for (size_t i = 0; i < N; i++)
        samples[i] = (uint64_t)(1e6 * (1 + (drift - 1) * (double)i / N)) + i * 7919 % 1000;
    assay_run_folder_file("samples", r->id, r->backend, r->launch, r->samples_file);
    OK(assay_path_join(path, sizeof path, s->path, r->samples_file, &s->err));
    OK(assay_file_replace(path, samples, N * sizeof *samples, &s->err));
    OK(assay_sha256_file(path, r->samples_sha256, &s->err));
    free(samples);
}

static struct assay_record *new_record(struct scene *s, const char *backend)
{
    struct assay_record *r = calloc(1, sizeof *r);
    static uint32_t      launch;
    (void)assay_string_copy(r->case_name, sizeof r->case_name, s->what.name);
    (void)assay_string_copy(r->id, sizeof r->id, s->what.id);
    (void)assay_string_copy(r->backend, sizeof r->backend, backend);
    r->launch = launch++;
    r->status = ASSAY_STATUS_OK;
    r->evidence = ASSAY_EVIDENCE_MEASURED;
    r->device.traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY;
    r->device.clock = ASSAY_CLOCK_HOST;
    r->device.origin = ASSAY_ORIGIN_REAL;
    r->proof.iterations = 200;
    return r;
}

static void append(struct scene *s, struct assay_record *r)
{
    OK(assay_run_folder_append(s->folder, r, &s->err));
    free(r);
}

static void reopen(struct scene *s)
{
    assay_run_folder_close(s->folder);
    s->folder = NULL;
    OK(assay_run_folder_read(s->path, &s->folder, &s->err));
}

static void count_lines(void *self, size_t done, size_t all, const char *line)
{
    size_t *n = self;
    cr_expect(strstr(line, "gemm"), "%s", line);
    cr_expect(done == ++*n && done <= all);
}

static void metric(struct assay_record *r, enum assay_metric which, double value, uint64_t n)
{
    r->metric[which] = (struct assay_metric_value){.has_value = true, .value = value, .n = n};
}

/* One record of every kind there is; what it must come to, and a word of why. */
Test(validate, gives_every_record_the_verdict_it_deserves, .timeout = 60)
{
    static const struct {
        const char        *backend;
        enum assay_outcome outcome;
        const char        *words;
    } wanted[] = {
        {"honest", ASSAY_PASS, "59 of 200 observed iterations judged"},
        {"wrong", ASSAY_FAIL, "is expected"},
        {"crashed", ASSAY_NOT_CHECKED, "crashed: worker ended by SIGSEGV"},
        {"null", ASSAY_NOT_CHECKED, "computes no values"},
        {"overrun", ASSAY_FAIL, "17 guard bytes"},
        {"slow", ASSAY_UNTRUSTED, "latency drifts: +"},
        {"leak", ASSAY_UNTRUSTED, "memory grows by 4096 bytes per execution"},
        {"steady", ASSAY_PASS, "observed iterations judged"},
        {"boast", ASSAY_UNTRUSTED, "1.70 times the multiply-add peak"},
        {"cache", ASSAY_PASS, "observed iterations judged"},
        {"stream", ASSAY_UNTRUSTED, "2.00 times the bandwidth"},
        {"mute", ASSAY_NOT_CHECKED, "no witness"},
        {"warming", ASSAY_PASS, "observed iterations judged"},
    };
    enum { N = sizeof wanted / sizeof *wanted };
    struct scene  scene, *s = &scene;
    set_up(s);
    for (size_t i = 0; i < N; i++) {
        struct assay_record *r = new_record(s, wanted[i].backend);
        bool                 has = i != 2 && i != 3 && i != 11;
        if (has)
            record_witness(s, r, i != 1);
        if (i == 2) {
            r->status = ASSAY_STATUS_CRASHED;
            (void)assay_string_copy(r->reason, sizeof r->reason, "worker ended by SIGSEGV");
        }
        if (i == 3)
            r->device.traits = 0;
        r->proof.guard_bytes_changed = i == 4 ? 17 : 0;
        if (i == 5 || i == 7 || i == 12)
            record_samples(s, r, i == 5 ? 1.5 : i == 7 ? 1.0 : 0.6);
        metric(r, ASSAY_METRIC_memory_growth_bytes, i == 6 ? 4096 : i == 7 ? 100 : 4096, i == 6 ? 1000 : i == 7 ? 1000000 : 10);
        metric(r, ASSAY_METRIC_flops_per_s, i == 8 ? 1.7e11 : 0.9e11, 10);
        metric(r, ASSAY_METRIC_ceiling_best_flops_per_s, 1e11, 10);
        metric(r, ASSAY_METRIC_bytes_per_s, i == 9 || i == 10 ? 2e10 : 0.9e10, 10);
        metric(r, ASSAY_METRIC_ceiling_best_bytes_per_s, 1e10, 10);
        r->working_set_bytes = i == 10 ? 3ull << 30 : 1 << 20;
        append(s, r);
    }
    reopen(s);
    struct assay_verdict *verdicts;
    size_t                n, lines = 0;
    OK(assay_validate_run(s->folder, count_lines, &lines, &verdicts, &n, &s->err));
    cr_assert_eq(n, N);
    cr_expect_eq(lines, N);
    for (size_t i = 0; i < N; i++) {
        cr_expect_str_eq(verdicts[i].backend, wanted[i].backend);
        cr_expect_str_eq(verdicts[i].id, s->what.id);
        cr_expect_eq(verdicts[i].check.outcome, wanted[i].outcome, "%s: %s", wanted[i].backend, verdicts[i].check.why);
        cr_expect(strstr(verdicts[i].check.why, wanted[i].words), "%s: %s", wanted[i].backend, verdicts[i].check.why);
    }
    free(verdicts);
    tear_down(s);
}

static void expect_refusal(struct scene *s, const char *words)
{
    struct assay_verdict *verdicts = NULL;
    size_t                n = 99;
    reopen(s);
    cr_expect_eq(assay_validate_run(s->folder, NULL, NULL, &verdicts, &n, &s->err), ASSAY_DATA);
    cr_expect(strstr(s->err.message, words), "%s", s->err.message);
    cr_expect(!verdicts && n == 99, "nothing is given on failure");
    tear_down(s);
}

Test(validate, refuses_a_witness_that_was_changed_or_lies_elsewhere)
{
    static const char *const words[] = {"another SHA-256", "must be a file in 'witness/'", "should be"};
    for (int i = 0; i < 3; i++) {
        struct scene         scene, *s = &scene;
        struct assay_record *r;
        set_up(s);
        r = new_record(s, "honest");
        record_witness(s, r, true);
        if (i == 0)
            r->witness_sha256[5] ^= 1;
        if (i == 1)
            (void)assay_string_copy(r->witness_file, sizeof r->witness_file, "witness/../../etc/passwd");
        if (i == 2)
            r->id[3] = r->id[3] == 'a' ? 'b' : 'a';
        append(s, r);
        expect_refusal(s, words[i]);
    }
}
