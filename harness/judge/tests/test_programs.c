#include "harness/judge/programs.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/judge/verdict.h"
#include "harness/verify/witness.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define SEED 5u
#define SETS 4u
#define CASE "conv/batch=1,channels=3,filters=4,height=6,width=5@offline/max_batch=4,buckets=1+2"

static const uint32_t sizes[] = {1, 2, 4};
enum { PROGRAMS = 3 };

static char folder[64];
static struct assay_case what;
static struct assay_error err;
#define OK(call) cr_assert_eq((call), ASSAY_OK, "%s", err.message)

/* What the reference gives for an input set, rounded to the output's format. */
static unsigned char *outputs_of(const struct assay_graph *g, uint32_t set)
{
    struct assay_reference *r;
    int32_t output;
    void **bound = calloc(g->n_values, sizeof *bound);
    cr_assert_eq(assay_graph_outputs(g, &output, 1), 1);
    unsigned char *out = malloc((size_t)g->values[output].bytes);
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].producer < 0 && g->values[v].role != ASSAY_ROLE_CONST) {
            bound[v] = malloc((size_t)g->values[v].bytes);
            OK(assay_fill_value(g, (int32_t)v, SEED, set, bound[v], &err));
        }
    OK(assay_reference_new(g, (const void *const *)bound, &r, &err));
    OK(assay_reference_store(r, output, out, &err));
    assay_reference_free(r);
    for (uint32_t v = 0; v < g->n_values; v++)
        free(bound[v]);
    free(bound);
    return out;
}

static void write_witness(uint32_t samples, bool right, const char *file, char sha256[65])
{
    char path[512];
    struct assay_graph *g = NULL;
    OK(assay_case_graph_of(&what, samples, &g, &err));
    OK(assay_path_join(path, sizeof path, folder, file, &err));
    struct assay_witness_setup setup = {
        .path = path, .case_id = what.id, .graph = g, .seed = SEED, .entropy = 1, .sets = SETS, .chosen = 10};
    struct assay_witness *w;
    OK(assay_witness_new(&setup, &w, &err));
    for (uint32_t i = 0; i < 2 * SETS; i++) {
        unsigned char *outputs = outputs_of(g, right ? i % SETS : (i + 1) % SETS);
        const void *list[] = {outputs};
        struct assay_seen seen = {i, i % SETS, (uint64_t)(i + 1) << 24, list, NULL};
        assay_witness_see(w, &seen);
        free(outputs);
    }
    OK(assay_witness_close(w, &err));
    OK(assay_sha256_file(path, sha256, &err));
    assay_graph_free(g);
}

/* A run of one record with three programs; wrong: bit i for the one of sizes[i]. */
static struct assay_check judged(uint32_t wrong, bool bad_hash)
{
    struct assay_run_folder *f = NULL;
    struct assay_record *r = calloc(1, sizeof *r);
    struct assay_verdict *verdicts = NULL;
    size_t n = 0;
    char command[128];
    memset(&err, 0, sizeof err);
    (void)snprintf(folder, sizeof folder, "/tmp/assay-programs-XXXXXX");
    cr_assert(mkdtemp(folder));
    json_t *plan = json_pack("{s:{s:i}, s:[s]}", "suite", "seed", (int)SEED, "backends", "b"),
           *manifest = json_pack("{s:s}", "host", "none");
    OK(assay_run_folder_create(folder, manifest, plan, NULL, &f, &err));
    json_decref(plan);
    json_decref(manifest);
    OK(assay_case_parse(CASE, &what, &err));
    (void)assay_string_copy(r->case_name, sizeof r->case_name, what.name);
    (void)assay_string_copy(r->id, sizeof r->id, what.id);
    (void)assay_string_copy(r->backend, sizeof r->backend, "b");
    r->status = ASSAY_STATUS_OK;
    r->evidence = ASSAY_EVIDENCE_MEASURED;
    r->device = (struct assay_device_info){
        .traits = ASSAY_TRAIT_VALUES, .clock = ASSAY_CLOCK_HOST, .origin = ASSAY_ORIGIN_REAL};
    r->load.issued = r->load.completed = 9;
    r->load.n_buckets = PROGRAMS;
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct assay_bucket *row = &r->load.bucket[i];
        char *file = i + 1 < PROGRAMS ? row->witness_file : r->witness_file;
        row->samples = sizes[i];
        assay_run_folder_bucket_file(what.id, "b", 0, sizes[i], file);
        write_witness(sizes[i], !(wrong >> i & 1), file, i + 1 < PROGRAMS ? row->witness_sha256 : r->witness_sha256);
    }
    if (bad_hash)
        r->load.bucket[0].witness_sha256[0] ^= 1;
    OK(assay_run_folder_append(f, r, &err));
    struct assay_check check = {.outcome = 0};
    if (!assay_validate_run(f, NULL, NULL, &verdicts, &n, &err))
        check = verdicts[0].check;
    free(verdicts);
    assay_run_folder_close(f);
    assay_case_release(&what);
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    cr_expect_eq(system(command), 0);
    free(r);
    return check;
}

Test(programs, a_record_passes_if_the_programs_of_all_sizes_do, .timeout = 60)
{
    struct assay_check check = judged(0, false);
    cr_expect_eq(check.outcome, ASSAY_PASS, "%s", check.why);
    cr_expect(strstr(check.why, "3 programs judged, batches of 4 decide; "), "%s", check.why);
}

Test(programs, one_of_them_that_is_wrong_fails_it_and_is_named, .timeout = 60)
{
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        char words[64];
        struct assay_check check = judged(1u << i, false);
        (void)snprintf(words, sizeof words, "batches of %u decide; ", sizes[i]);
        cr_expect_eq(check.outcome, ASSAY_FAIL, "%u: %s", sizes[i], check.why);
        cr_expect(strstr(check.why, words), "%s", check.why);
    }
}

Test(programs, a_witness_of_a_smaller_batch_that_is_not_what_was_written_is_an_error, .timeout = 60)
{
    (void)judged(0, true);
    cr_expect_eq(err.code, ASSAY_DATA);
    cr_expect(strstr(err.message, "not the witness that was written"), "%s", err.message);
}

Test(programs, a_record_without_a_row_for_each_that_its_case_asks_for_is_refused)
{
    struct assay_record *r = calloc(1, sizeof *r);
    OK(assay_case_parse(CASE, &what, &err));
    r->load.n_buckets = PROGRAMS;
    for (uint32_t i = 0; i < PROGRAMS; i++)
        r->load.bucket[i].samples = sizes[i];
    OK(assay_judged_programs_check(r, &what, &err));
    r->load.bucket[1].samples = 3;
    cr_expect_eq(assay_judged_programs_check(r, &what, &err), ASSAY_DATA);
    r->load.n_buckets = 0;
    cr_expect_eq(assay_judged_programs_check(r, &what, &err), ASSAY_DATA, "the smaller ones would be proved by nobody");
    assay_case_release(&what);
    OK(assay_case_parse("conv@offline/max_batch=4", &what, &err));
    OK(assay_judged_programs_check(r, &what, &err));
    assay_case_release(&what);
    OK(assay_case_parse("conv", &what, &err));
    OK(assay_judged_programs_check(r, &what, &err));
    r->load.n_buckets = 1;
    cr_expect_eq(assay_judged_programs_check(r, &what, &err), ASSAY_DATA);
    assay_case_release(&what);
    free(r);
}

Test(programs, the_worse_outcome_stands_then_the_weaker_assurance)
{
    static const enum assay_outcome rising[] = {ASSAY_PASS, ASSAY_MARGINAL, ASSAY_NOT_CHECKED, ASSAY_UNTRUSTED,
                                                ASSAY_FAIL};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            struct assay_check all = {.outcome = rising[i], .cheat_share_found = 0.05},
                               one = {.outcome = rising[k], .cheat_share_found = 0.1};
            assay_judged_join(&all, &one);
            cr_expect_eq(all.outcome, rising[i > k ? i : k]);
            cr_expect_eq(all.cheat_share_found, 0.1, "of each program alone: the larger share is what is sure of all");
        }
    struct assay_check all = {.outcome = ASSAY_PASS, .assurance = ASSAY_ASSURANCE_FULL},
                       one = {.outcome = ASSAY_PASS, .assurance = ASSAY_ASSURANCE_SAMPLED};
    assay_judged_join(&all, &one);
    cr_expect_eq(all.assurance, ASSAY_ASSURANCE_SAMPLED);
    assay_judged_join(&all, &(struct assay_check){.outcome = ASSAY_PASS, .assurance = ASSAY_ASSURANCE_FULL});
    cr_expect_eq(all.assurance, ASSAY_ASSURANCE_SAMPLED);
    struct assay_check none = {.outcome = 0};
    assay_judged_join(&none, &one);
    cr_expect_eq(none.outcome, ASSAY_PASS);
}

Test(programs, a_searched_batch_is_the_one_that_was_found)
{
    struct assay_judged_program program[ASSAY_RECORD_MAX_BUCKETS];
    struct assay_record *r = calloc(1, sizeof *r);
    struct assay_graph *g = NULL, *h = NULL;
    OK(assay_case_parse("conv/height=6,width=5@server/qps=0,max_batch=0", &what, &err));
    r->load.max_batch = 8;
    cr_expect_eq(assay_judged_programs(r, &what, program), 1);
    cr_expect_eq(program[0].samples, 8);
    OK(assay_judged_graph(r, &what, &g, &err));
    OK(assay_case_graph_of(&what, 1, &h, &err));
    cr_expect_eq(assay_graph_cost(g).flops, 8 * assay_graph_cost(h).flops);
    assay_graph_free(g);
    assay_graph_free(h);
    assay_case_release(&what);
    free(r);
}
