#include <sys/stat.h>

#include "harness/base/file.h"
#include "reports/mlperf/check.h"
#include "reports/mlperf/submission.h"
#include "reports/mlperf/tests/mlperf_run.h"

static struct scratch            s;
static struct builder            b;
static struct assay_summary      run;
static struct assay_mlperf_notes notes;
static struct assay_error        err;
static struct assay_mlperf_how   how;

static void begin(void)
{
    s = scratch_new();
    how = (struct assay_mlperf_how){.division = ASSAY_MLPERF_CLOSED, .round = ASSAY_MLPERF_V6_1, .submitter = "ORG", .system = "card7",
                                    .status = "available", .system_type = "datacenter,edge"};
}

static void end(void)
{
    assay_mlperf_notes_release(&notes);
    scratch_remove(&s);
}

TestSuite(submission, .init = begin, .fini = end, .timeout = 60);

/* A run of all six cases, and its audits. */
static void make_run(const char *profile)
{
    static const char *const tests[] = {"TEST01", "TEST04", "TEST06"};
    char                     path[200];
    made_begin(&b, in(&s, "run"));
    made_cases(&b, profile, "");
    assay_run_folder_close(b.folder);
    (void)mkdir(in(&s, "run/audit"), 0755);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "run/audit/%s", tests[i]);
        made_begin(&b, in(&s, path));
        made_cases(&b, profile, tests[i]);
        assay_run_folder_close(b.folder);
    }
    cr_assert_eq(assay_summary_read(in(&s, "run"), &run, &err), ASSAY_OK, "%s", err.message);
}

static void export_and_check(void)
{
    cr_assert_eq(assay_mlperf_export(&run, &how, in(&s, "out"), &notes, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_mlperf_check(in(&s, "out"), &how, &notes, &err), ASSAY_OK, "%s", err.message);
}

/* Every refusal must hold one of the words; each word must have been seen `times` times. */
static void expect_refusals(const char *const *words, const size_t *times)
{
    size_t seen[16] = {0};
    for (size_t i = 0; i < notes.n; i++) {
        bool known = notes.list[i].kind != ASSAY_MLPERF_REFUSED;
        for (size_t k = 0; !known && words[k]; k++)
            if (strstr(notes.list[i].text, words[k])) {
                seen[k]++;
                known = true;
            }
        cr_expect(known, "not expected: %s", notes.list[i].text);
    }
    for (size_t k = 0; words[k]; k++)
        cr_expect_eq(seen[k], times[k], "'%s' was seen %zu times", words[k], seen[k]);
}

/* What generated data cannot give: a score. */
static const char *const no_score[] = {"accuracy.txt: there is no score", NULL};

/* resnet50 needs edge scenarios, llama2-70b has none there: each division is one system of both kinds. */
static void passes(enum assay_mlperf_division division, enum assay_mlperf_round round, const char *seeds)
{
    char profile[80];
    (void)snprintf(profile, sizeof profile, "loadgen,seeds=%s", seeds);
    how.division = division;
    how.round = round;
    make_run(profile);
    export_and_check();
    cr_expect_eq(assay_mlperf_notes_count(&notes, ASSAY_MLPERF_WRITTEN), 6u);
    cr_expect_eq(assay_mlperf_notes_count(&notes, ASSAY_MLPERF_LEFT_OUT), 0u);
    expect_refusals(no_score, (size_t[]){6});
    assay_summary_release(&run);
}

Test(submission, closed_v6_1_holds_but_for_the_score)
{
    passes(ASSAY_MLPERF_CLOSED, ASSAY_MLPERF_V6_1, "loadgen-v6.1");
    cr_expect(assay_file_exists(in(&s, "out/closed/ORG/results/card7/llama2-70b-99.9/Server/TEST06/verify_accuracy.txt")));
    cr_expect(assay_file_exists(in(&s, "out/closed/ORG/results/card7/resnet50/Offline/measurements.json")));
    cr_expect(assay_file_exists(in(&s, "out/closed/ORG/src")));
}

Test(submission, closed_v5_1_holds_but_for_the_score_in_a_layout_of_its_own)
{
    passes(ASSAY_MLPERF_CLOSED, ASSAY_MLPERF_V5_1, "loadgen-v5.1");
    cr_expect(assay_file_exists(in(&s, "out/closed/ORG/compliance/card7/resnet50/Server/TEST01/verify_performance.txt")));
    cr_expect(assay_file_exists(in(&s, "out/closed/ORG/measurements/card7/resnet50/Offline/card7_Offline.json")));
    cr_expect(assay_file_exists(in(&s, "out/closed/ORG/code")));
    cr_expect(!assay_file_exists(in(&s, "out/closed/ORG/src")));
}

Test(submission, open_v6_1_holds_but_for_the_score)
{
    passes(ASSAY_MLPERF_OPEN, ASSAY_MLPERF_V6_1, "loadgen-v6.1");
    cr_expect(!assay_file_exists(in(&s, "out/open/ORG/results/card7/resnet50/Offline/TEST01")), "audits are the closed division's");
}

Test(submission, open_v5_1_holds_but_for_the_score)
{
    passes(ASSAY_MLPERF_OPEN, ASSAY_MLPERF_V5_1, "loadgen-v5.1");
}

/* 6 performance logs and 8 + 0 of audits that have rules: TEST06 has no log that is looked at. */
Test(submission, of_a_short_profile_is_refused_for_its_durations_and_seeds)
{
    static const char *const words[] = {"accuracy.txt: there is no score", "effective_min_duration_ms is 2000", "effective_min_duration_ms is 5000",
                                        "effective_qsl_rng_seed", "effective_sample_index_rng_seed", "effective_schedule_rng_seed",
                                        "effective_samples_per_query is", NULL};
    make_run("short");
    export_and_check();
    expect_refusals(words, (size_t[]){6, 3 * 3 + 1, 1 * 3 + 1, 14, 14, 14, 0});
    assay_summary_release(&run);
}

Test(submission, a_score_of_the_data_set_makes_it_whole)
{
    char text[200];
    how.division = ASSAY_MLPERF_OPEN;
    make_run("loadgen,seeds=loadgen-v6.1");
    export_and_check();
    assay_mlperf_notes_release(&notes);
    static const char *const places[] = {"resnet50/SingleStream", "resnet50/MultiStream", "resnet50/Server", "resnet50/Offline", "llama2-70b-99.9/Server",
                                         "llama2-70b-99.9/Offline"};
    for (size_t i = 0; i < 6; i++) {
        char file[200];
        (void)snprintf(text, sizeof text, "%s\nhash=%064d\n", i < 4 ? "accuracy=76.014%, good=38007, total=50000" : "{'rouge1': 44.4312, 'rouge2': 22.0352}", 0);
        (void)snprintf(file, sizeof file, "out/open/ORG/results/card7/%s/accuracy/accuracy.txt", places[i]);
        put_bytes(in(&s, file), text, strlen(text));
    }
    cr_assert_eq(assay_mlperf_check(in(&s, "out"), &how, &notes, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(notes.n, 0u, "%s", notes.n ? notes.list[0].text : "");
    assay_summary_release(&run);
}

/* ---- what the closed division needs, and what the files must hold ------------------------------------------------------- */

static size_t refused_with(const char *words)
{
    size_t n = 0;
    for (size_t i = 0; i < notes.n; i++)
        n += notes.list[i].kind == ASSAY_MLPERF_REFUSED && strstr(notes.list[i].text, words);
    return n;
}

static void check_again(void)
{
    assay_mlperf_notes_release(&notes);
    cr_assert_eq(assay_mlperf_check(in(&s, "out"), &how, &notes, &err), ASSAY_OK, "%s", err.message);
}

Test(submission, what_lacks_in_the_closed_division_is_named)
{
    static const struct { const char *removed, *words; } rows[] = {
        {"resnet50/MultiStream", "resnet50: scenario MultiStream is missing"},
        {"llama2-70b-99.9/Server", "one of Server and Interactive is missing"},
        {"resnet50/Server/TEST04", "resnet50/Server/TEST04 is missing"},
        {"resnet50/Offline/user.conf", "user.conf is missing"},
        {"resnet50/Offline/performance/run_1/mlperf_log_summary.txt", "run_1/mlperf_log_summary.txt is missing"},
        {"resnet50/Offline/accuracy/mlperf_log_accuracy.json", "mlperf_log_accuracy.json is missing"},
    };
    make_run("loadgen,seeds=loadgen-v6.1");
    export_and_check();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char here[300], away[320];
        (void)snprintf(here, sizeof here, "%s/out/closed/ORG/results/card7/%s", s.path, rows[i].removed);
        (void)snprintf(away, sizeof away, "%s/away", s.path);
        check_again();
        cr_expect_eq(refused_with(rows[i].words), 0u, "%s before", rows[i].removed);
        cr_assert_eq(rename(here, away), 0, "%s", here);
        check_again();
        cr_expect_eq(refused_with(rows[i].words), 1u, "%s", rows[i].removed);
        cr_assert_eq(rename(away, here), 0);
    }
    assay_summary_release(&run);
}

Test(submission, sizes_and_scores_are_refused_just_outside)
{
    char *log = calloc(1, 10241);
    memset(log, ' ', 10241);
    make_run("loadgen,seeds=loadgen-v6.1");
    export_and_check();
#define PLACE "out/closed/ORG/results/card7/resnet50/Offline/"
    put_bytes(in(&s, PLACE "accuracy/mlperf_log_accuracy.json"), log, 10240);
    check_again();
    cr_expect_eq(refused_with("at most 10240"), 0u);
    put_bytes(in(&s, PLACE "accuracy/mlperf_log_accuracy.json"), log, 10241);
    check_again();
    cr_expect_eq(refused_with("at most 10240"), 1u);
    static const struct { const char *text; size_t score, hash; } scores[] = {
        {"accuracy=75.6954%\nhash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 0, 0},
        {"accuracy=75.6953%\nhash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 1, 0},
        {"accuracy=76%\nhash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n", 0, 1},
        {"accuracy=76%\nnohash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 0, 1},
    };
    for (size_t i = 0; i < 4; i++) {
        put_bytes(in(&s, PLACE "accuracy/accuracy.txt"), scores[i].text, strlen(scores[i].text));
        check_again();
        cr_expect_eq(refused_with("Offline/accuracy/accuracy.txt: the score is"), scores[i].score, "row %zu", i);
        cr_expect_eq(refused_with("there is no line hash="), scores[i].hash, "row %zu", i);
    }
    put_bytes(in(&s, PLACE "TEST01/performance/run_1/extra.txt"), "x", 1);
    check_again();
    cr_expect_eq(refused_with("extra.txt has no business there"), 1u);
    free(log);
    assay_summary_release(&run);
}

Test(submission, a_description_is_refused_where_it_lacks_a_key_or_says_what_is_none)
{
    static const struct { const char *key, *value, *words; } rows[] = {
        {"status", "soon", "status is 'soon'"}, {"cooling", "", "cooling is empty"}, {"cooling", NULL, "cooling is missing"},
        {"hw_notes", NULL, "hw_notes is missing"}, {"system_type", "phone", "system_type is 'phone'"}, {"number_of_nodes", "one", "digits are wanted"},
        {"submitter", "other", "the folder is 'ORG'"}, {"division", "open", "the folder is 'closed'"},
    };
    const char *file = "out/closed/ORG/systems/card7.json";
    make_run("loadgen,seeds=loadgen-v6.1");
    export_and_check();
    json_t *good = json_load_file(in(&s, file), 0, NULL);
    cr_assert_eq(json_object_size(good), 35u);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *bad = json_deep_copy(good);
        check_again();
        cr_expect_eq(refused_with(rows[i].words), 0u, "%s", rows[i].words);
        if (rows[i].value)
            json_object_set_new(bad, rows[i].key, json_string(rows[i].value));
        else
            json_object_del(bad, rows[i].key);
        cr_assert_eq(json_dump_file(bad, in(&s, file), 0), 0);
        check_again();
        cr_expect_eq(refused_with(rows[i].words), 1u, "%s", rows[i].words);
        cr_assert_eq(json_dump_file(good, in(&s, file), 0), 0);
        json_decref(bad);
    }
    json_object_set_new(good, "submitter", json_string("org"));
    cr_assert_eq(json_dump_file(good, in(&s, file), 0), 0);
    check_again();
    cr_expect_eq(refused_with("the folder is"), 0u, "case does not matter");
    json_decref(good);
    assay_summary_release(&run);
}

/* ---- what is not exported ------------------------------------------------------------------------------------------------ */

static void one_record(const char *name, void (*change)(struct assay_record *r))
{
    made_begin(&b, in(&s, "run"));
    struct assay_record *r = made_record(name);
    made_queries(b.path, r, 700, 900 * MS, 1, 1);
    change(r);
    builder_append(&b, r);
    assay_run_folder_close(b.folder);
    cr_assert_eq(assay_summary_read(in(&s, "run"), &run, &err), ASSAY_OK, "%s", err.message);
    (void)assay_mlperf_export(&run, &how, in(&s, "out"), &notes, &err);
    assay_summary_release(&run);
}

static void on_a_model(struct assay_record *r)
{
    r->device.clock = ASSAY_CLOCK_MODEL;
    r->evidence = ASSAY_EVIDENCE_MODELLED;
}

static void unchanged(struct assay_record *r)
{
    (void)r;
}

static void edited(struct assay_record *r)
{
    r->load.series_sha256[0] = r->load.series_sha256[0] == '0' ? '1' : '0';
}

Test(submission, runs_on_a_models_clock_are_refused)
{
    one_record(RESNET50 "server/qps=2,latency_ms=15", on_a_model);
    cr_expect_eq(err.code, ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "modelled, not measured"), "%s", err.message);
    cr_expect(!assay_file_exists(in(&s, "out")), "nothing is written");
}

Test(submission, what_has_no_benchmarks_shape_or_no_scenario_of_theirs_is_left_out_with_its_reason)
{
    one_record("resnet50.infer/width=32@server/qps=2", unchanged);
    cr_expect(strstr(err.message, "no benchmark of that round has its shape"), "%s", err.message);
    cr_expect_eq(assay_mlperf_notes_count(&notes, ASSAY_MLPERF_LEFT_OUT), 1u);
}

Test(submission, load_of_another_kind_is_left_out)
{
    one_record(RESNET50 "concurrency/in_flight=2", unchanged);
    cr_expect(strstr(err.message, "none of MLPerf's"), "%s", err.message);
}

Test(submission, a_series_that_is_not_what_was_recorded_is_an_error)
{
    one_record(RESNET50 "server/qps=2", edited);
    cr_expect_eq(err.code, ASSAY_DATA);
    cr_expect(strstr(err.message, "another SHA-256"), "%s", err.message);
}

Test(submission, names_that_lead_elsewhere_and_folders_in_use_are_refused)
{
    static const char names[][24] = {"../x", "", ".hidden", "a/b", "a b", "x\"y"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        how.submitter = names[i];
        run = (struct assay_summary){.n_rows = 0};
        err = (struct assay_error){0};
        cr_expect_eq(assay_mlperf_export(&run, &how, in(&s, "out"), &notes, &err), ASSAY_CONFIG, "'%s'", names[i]);
    }
    how.submitter = "ORG";
    cr_assert_eq(mkdir(in(&s, "used"), 0755), 0);
    put_bytes(in(&s, "used/x"), "x", 1);
    err = (struct assay_error){0};
    cr_expect_eq(assay_mlperf_export(&run, &how, in(&s, "used"), &notes, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "is there already"), "%s", err.message);
}
