#include "reports/mlperf/submission.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/audit.h"
#include "reports/mlperf/accuracy.h"
#include "reports/mlperf/logs.h"
#include "reports/mlperf/system.h"

#include "assay/banned.h"

#define TRUNCATED_BYTES 10240u /* that the accuracy log of a submission has at most */

struct export {
    const struct assay_summary     *run;
    const struct assay_mlperf_how  *how;
    const char                     *out;
    struct assay_mlperf_notes      *notes;
    const char                     *first_reason; /* why the first case was left out */
    char                            reason[300];
    size_t                          written;
};

static uint64_t run_seed(const struct export *x)
{
    return (uint64_t)json_integer_value(json_object_get(json_object_get(assay_run_folder_plan(x->run->folder), "suite"), "seed"));
}

/* ---- places -------------------------------------------------------------------------------------------------------- */

const char *assay_mlperf_sources(enum assay_mlperf_round round)
{
    return round == ASSAY_MLPERF_V5_1 ? "code" : "src";
}

static const char *division(const struct assay_mlperf_how *how)
{
    return how->division == ASSAY_MLPERF_CLOSED ? "closed" : "open";
}

enum assay_code assay_mlperf_place_of(const struct assay_mlperf_how *how, const char *system, const char *benchmark, const char *scenario,
                                      struct assay_mlperf_place *out, struct assay_error *err)
{
    struct assay_text result = ASSAY_TEXT(out->result), measurements = ASSAY_TEXT(out->measurements), compliance = ASSAY_TEXT(out->compliance),
                      file = ASSAY_TEXT(out->measurements_file);
    const bool        old = how->round == ASSAY_MLPERF_V5_1;
    assay_text_add(&result, "%s/%s/results/%s/%s/%s", division(how), how->submitter, system, benchmark, scenario);
    assay_text_add(&measurements, "%s/%s/%s/%s/%s/%s", division(how), how->submitter, old ? "measurements" : "results", system, benchmark, scenario);
    assay_text_add(&compliance, "%s/%s/%s/%s/%s/%s", division(how), how->submitter, old ? "compliance" : "results", system, benchmark, scenario);
    if (old)
        assay_text_add(&file, "%s_%s.json", system, scenario);
    else
        assay_text_add(&file, "measurements.json");
    return result.cut || measurements.cut || compliance.cut || file.cut ? ASSAY_FAIL(err, ASSAY_CONFIG, "the names of submitter and system are too long")
                                                                        : ASSAY_OK;
}

/* What is safe in a path on any system and is no way out of a folder. */
static bool is_name(const char *text)
{
    if (!*text || *text == '.' || strlen(text) > 100)
        return false;
    for (const char *c = text; *c; c++)
        if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || strchr("-_.+", *c)))
            return false;
    return true;
}

/* "AMD_EPYC-cpu": the product and the back end's name. */
static void name_system(const struct assay_mlperf_how *how, const struct assay_record *r, char out[101])
{
    struct assay_text text = assay_text_over(out, 101);
    const char       *product = *r->device.product ? r->device.product : r->device.name;
    if (*how->system) {
        assay_text_add(&text, "%s", how->system);
        return;
    }
    for (const char *c = product; *c && text.length < 60; c++)
        assay_text_add(&text, "%c", (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c == '-' && c > product) ? *c : '_');
    assay_text_add(&text, "-%.*s", (int)strcspn(r->backend, ":,"), r->backend);
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static enum assay_code put(const struct export *x, const char *folder, const char *name, const void *bytes, size_t length, struct assay_error *err)
{
    char path[2048], file[4096];
    if (assay_path_join(path, sizeof path, x->out, folder, err) || assay_folder_make(path, err) || assay_path_join(file, sizeof file, path, name, err))
        return err->code;
    return assay_file_replace(file, bytes, length, err);
}

static enum assay_code put_text(const struct export *x, const char *folder, const char *name, const char *text, struct assay_error *err)
{
    return put(x, folder, name, text, strlen(text), err);
}

static enum assay_code put_json(const struct export *x, const char *folder, const char *name, json_t *value, struct assay_error *err)
{
    char  *text = value ? assay_json_pretty(value) : NULL;
    size_t length = text ? strlen(text) : 0;
    if (!text)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.100s'", name);
    else {
        text[length] = '\n'; /* in the place of the NUL: a file of text ends with a line */
        (void)put(x, folder, name, text, length + 1, err);
    }
    free(text);
    json_decref(value);
    return err->code;
}

struct page {
    char             *bytes;
    size_t            length;
    struct assay_sink to;
};

static enum assay_code page_open(struct page *p, enum assay_escape how, struct assay_error *err)
{
    *p = (struct page){.bytes = NULL};
    p->to = (struct assay_sink){.out = open_memstream(&p->bytes, &p->length), .how = how};
    return p->to.out ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a log");
}

/* Its bytes are the caller's to free, also after an error. */
static enum assay_code page_close(struct page *p, struct assay_error *err)
{
    bool bad = fclose(p->to.out) != 0 || p->to.failed;
    return bad && !err->code ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a log") : err->code;
}

static enum assay_code put_logs(const struct export *x, const char *folder, const struct assay_mlperf_result *r, enum assay_mlperf_mode mode,
                                uint64_t outputs, struct assay_error *err)
{
    struct page detail, summary;
    if (page_open(&detail, ASSAY_ESCAPE_JSON, err))
        return err->code;
    assay_mlperf_detail(r, mode, outputs, &detail.to);
    if (!page_close(&detail, err))
        (void)put(x, folder, "mlperf_log_detail.txt", detail.bytes, detail.length, err);
    free(detail.bytes);
    if (err->code || page_open(&summary, ASSAY_ESCAPE_TERMINAL, err))
        return err->code;
    assay_mlperf_summary(r, mode, &summary.to);
    if (!page_close(&summary, err))
        (void)put(x, folder, "mlperf_log_summary.txt", summary.bytes, summary.length, err);
    free(summary.bytes);
    return err->code;
}

/* ---- audits -------------------------------------------------------------------------------------------------------- */

static const char *outcome_word(enum assay_outcome outcome)
{
    return outcome == ASSAY_PASS ? "PASS" : "FAIL";
}

/* What the compliance tests' own programs leave, in their words where the checker looks for them. */
static void say_accuracy(const struct assay_audit_verdict *v, enum assay_mlperf_scenario kind, struct assay_text *out)
{
    static const char *const lines[] = {"First token check pass", "EOS check pass", "Sample length check pass"};
    if (!strcmp(v->test, "TEST01")) {
        assay_text_add(out, "%s\nTEST %s\n", v->rule[0].why, outcome_word(v->rule[0].outcome));
        return;
    }
    for (size_t i = 0; i < 3 && i < v->n_rules; i++) {
        const struct assay_audit_rule *r = &v->rule[i == 0 ? 0 : i == 1 ? 2 : 1];
        const bool                     skipped = i == 0 && kind == ASSAY_MLPERF_OFFLINE;
        assay_text_add(out, "%s: %s\n", lines[i], skipped ? "Skipped" : r->outcome == ASSAY_PASS ? "True" : "False");
    }
}

static void say_performance(const struct assay_audit_verdict *v, struct assay_text *out)
{
    enum assay_outcome all = ASSAY_PASS;
    for (size_t i = !strcmp(v->test, "TEST01"); i < v->n_rules; i++) {
        assay_text_add(out, "%s\n", v->rule[i].why);
        all = v->rule[i].outcome == ASSAY_PASS ? all : ASSAY_FAIL;
    }
    assay_text_add(out, "TEST %s\n", outcome_word(all));
}

static enum assay_code put_audit(const struct export *x, const char folder[800], const struct assay_audit_verdict *v, const struct assay_mlperf_result *r,
                                 struct assay_error *err)
{
    char              run[920], text[1200];
    struct assay_text say = ASSAY_TEXT(text);
    (void)snprintf(run, sizeof run, "%s/performance/run_1", folder);
    assay_text_add(&say, ASSAY_MLPERF_LABEL "\n");
    if (put_logs(x, run, r, ASSAY_MLPERF_PERFORMANCE, 0, err))
        return err->code;
    if (strcmp(v->test, "TEST04") != 0) {
        say_accuracy(v, r->kind, &say);
        if (put_text(x, folder, "verify_accuracy.txt", text, err))
            return err->code;
        say = ASSAY_TEXT(text);
        assay_text_add(&say, ASSAY_MLPERF_LABEL "\n");
    }
    if (!strcmp(v->test, "TEST06"))
        return ASSAY_OK;
    say_performance(v, &say);
    return put_text(x, folder, "verify_performance.txt", text, err);
}

/* The audit of that record, if there is one. */
static enum assay_code put_audit_of(const struct export *x, const char *test, const char *place, const struct assay_record *record, struct assay_error *err)
{
    char                              path[4096], folder[800];
    struct assay_summary              audits;
    const char                       *run = assay_run_folder_path(x->run->folder);
    const struct assay_summary_row   *row;
    struct assay_mlperf_result        r;
    struct assay_audit_verdict        v;
    if (assay_audit_folder(run, test, path, err))
        return err->code;
    if (!assay_file_exists(path))
        return ASSAY_OK;
    if (assay_summary_read(path, &audits, err))
        return assay_error_in(err, "reading an audit");
    (void)snprintf(folder, sizeof folder, "%s/%s", place, test);
    if ((row = assay_summary_find(&audits, record->id, record->backend))) {
        const struct assay_record *audit = row->launches[row->typical];
        assay_audit_judge(record, audit, row->verdicts[row->typical] ? &row->verdicts[row->typical]->check : NULL, &v);
        if (v.n_rules > 1 && !assay_mlperf_result_read(path, audit, run_seed(x), &r, err))
            (void)put_audit(x, folder, &v, &r, err);
    }
    assay_summary_release(&audits);
    return err->code;
}

static enum assay_code put_audits(const struct export *x, const struct assay_mlperf_benchmark *b, const char *place, const struct assay_record *record,
                                  struct assay_error *err)
{
    for (unsigned test = 1; x->how->division == ASSAY_MLPERF_CLOSED && test <= ASSAY_MLPERF_TEST06; test *= 2)
        if (b->tests & test && put_audit_of(x, assay_mlperf_test_name(test), place, record, err))
            return err->code;
    return ASSAY_OK;
}

/* ---- a result ------------------------------------------------------------------------------------------------------ */

/* As much of the accuracy log as a submission has, and the hash of all of it behind the line that only a scored run can give. */
static enum assay_code put_accuracy_files(const struct export *x, const char *folder, const struct assay_mlperf_benchmark *b, const char *log,
                                          size_t length, struct assay_error *err)
{
    char hash[65], text[400];
    assay_sha256_hex(log, length, hash);
    (void)snprintf(text, sizeof text, ASSAY_MLPERF_TO_BE_GIVEN ": %s… of the data set; assay's inputs are generated and have no score\nhash=%s\n",
                   b->accuracy, hash);
    assay_mlperf_note(x->notes, ASSAY_MLPERF_PLACEHOLDER, "%s/accuracy.txt: the score of the data set, over %s…", folder, b->accuracy);
    if (put(x, folder, "mlperf_log_accuracy.json", log, length < TRUNCATED_BYTES ? length : TRUNCATED_BYTES, err))
        return err->code;
    return put_text(x, folder, "accuracy.txt", text, err);
}

static enum assay_code put_accuracy(const struct export *x, const char *place, const struct assay_mlperf_benchmark *b,
                                    const struct assay_mlperf_result *r, struct assay_error *err)
{
    char        folder[800];
    struct page log;
    uint64_t    outputs = 0;
    (void)snprintf(folder, sizeof folder, "%s/accuracy", place);
    if (page_open(&log, ASSAY_ESCAPE_JSON, err))
        return err->code;
    (void)assay_mlperf_accuracy(x->run->folder, r->record, &log.to, &outputs, err);
    if (!page_close(&log, err))
        (void)put_accuracy_files(x, folder, b, log.bytes, log.length, err);
    free(log.bytes);
    return err->code ? err->code : put_logs(x, folder, r, ASSAY_MLPERF_ACCURACY, outputs, err);
}

static enum assay_code put_performance(const struct export *x, const char *place, const struct assay_mlperf_result *r, struct assay_error *err)
{
    static const char empty[] = "[\n]\n"; /* as LoadGen leaves it behind a performance run */
    char              folder[800];
    (void)snprintf(folder, sizeof folder, "%s/performance/run_1", place);
    if (put_logs(x, folder, r, ASSAY_MLPERF_PERFORMANCE, 0, err))
        return err->code;
    return put_text(x, folder, "mlperf_log_accuracy.json", empty, err);
}

static enum assay_code put_readme(const struct export *x, const char *folder, const struct assay_mlperf_benchmark *b,
                                  const struct assay_mlperf_result *r, struct assay_error *err)
{
    char              text[6000], conf[400];
    struct assay_text page = ASSAY_TEXT(text);
    assay_text_add(&page, "# %s, %s\n\nWritten by assay " ASSAY_VERSION " from a run of its own. LoadGen was not used, nobody verified it, it is not an MLPerf result.\n\n",
                   b->name, assay_mlperf_scenario_folder(r->kind));
    assay_text_add(&page, "- repeat: `%s`\n- case: `%s`\n- inputs: generated from a seed, %llu distinct ones; there is no score\n- outputs: ", r->record->repeat,
                   r->record->case_name, (unsigned long long)r->record->load.sets);
    assay_text_add(&page, "the accuracy log has those that the run kept whole, as bytes of the graph's outputs\n");
    if (put_text(x, folder, "README.md", text, err))
        return err->code;
    (void)snprintf(conf, sizeof conf, "# what the run was made with; assay reads no such file\n%s.%s.target_qps = %g\n%s.%s.min_duration = %llu\n", b->name,
                   assay_mlperf_scenario_log(r->kind), r->scenario.qps, b->name, assay_mlperf_scenario_log(r->kind),
                   (unsigned long long)(r->scenario.min_duration_ns / 1000000));
    return put_text(x, folder, "user.conf", conf, err);
}

static enum assay_code put_system(const struct export *x, const char *system, const struct assay_record *record, struct assay_error *err)
{
    char folder[400], name[120], shown[540], path[4096], sources[400];
    (void)snprintf(folder, sizeof folder, "%s/%s/systems", division(x->how), x->how->submitter);
    (void)snprintf(name, sizeof name, "%s.json", system);
    (void)snprintf(shown, sizeof shown, "%s/%s", folder, name);
    (void)snprintf(sources, sizeof sources, "%s/%s/%s", division(x->how), x->how->submitter, assay_mlperf_sources(x->how->round));
    if (assay_path_join(path, sizeof path, x->out, shown, err))
        return err->code;
    if (assay_file_exists(path))
        return ASSAY_OK;
    if (put_json(x, folder, name, assay_mlperf_system(x->how, system, assay_run_folder_manifest(x->run->folder), record, shown, x->notes), err))
        return err->code;
    return put_text(x, sources, "README.md", "Sources are assay's, of the version that the logs name.\n", err);
}

static void leave_out(struct export *x, const struct assay_record *r, const char *why)
{
    if (!x->first_reason) {
        (void)assay_string_copy(x->reason, sizeof x->reason, why);
        x->first_reason = x->reason;
    }
    assay_mlperf_note(x->notes, ASSAY_MLPERF_LEFT_OUT, "%s on %s: %s", r->case_name, r->backend, why);
}

static enum assay_code put_result(struct export *x, const struct assay_mlperf_benchmark *b, const struct assay_mlperf_result *r,
                                  struct assay_error *err)
{
    char                      system[101], path[2048];
    struct assay_mlperf_place place;
    const json_t             *suite = json_object_get(assay_run_folder_plan(x->run->folder), "suite");
    name_system(x->how, r->record, system);
    if (assay_mlperf_place_of(x->how, system, b->name, assay_mlperf_scenario_folder(r->kind), &place, err) ||
        assay_path_join(path, sizeof path, x->out, place.result, err))
        return err->code;
    if (assay_file_exists(path)) {
        leave_out(x, r->record, "another case of that benchmark, scenario and system is there already");
        return ASSAY_OK;
    }
    if (put_performance(x, place.result, r, err) || put_accuracy(x, place.result, b, r, err) ||
        put_json(x, place.measurements, place.measurements_file, assay_mlperf_measurements(r->record, json_object_get(suite, "weights"), run_seed(x)), err) ||
        put_readme(x, place.measurements, b, r, err) || put_system(x, system, r->record, err))
        return err->code;
    assay_mlperf_note(x->notes, ASSAY_MLPERF_WRITTEN, "%s", place.result);
    x->written++;
    return put_audits(x, b, place.compliance, r->record, err);
}

static enum assay_code export_row(struct export *x, const struct assay_summary_row *row, struct assay_error *err)
{
    const struct assay_record           *record = row->launches[row->typical];
    const struct assay_mlperf_benchmark *b = NULL;
    struct assay_mlperf_result           r;
    struct assay_case                    c;
    if (assay_mlperf_result_read(assay_run_folder_path(x->run->folder), record, run_seed(x), &r, err)) {
        if (err->code != ASSAY_UNSUPPORTED)
            return err->code;
        leave_out(x, record, err->message);
        *err = (struct assay_error){.code = ASSAY_OK};
        return ASSAY_OK;
    }
    if (assay_case_parse(record->case_name, &c, err))
        return err->code;
    b = assay_mlperf_benchmark_of(x->how->round, &c);
    assay_case_release(&c);
    if (b && r.tokens && r.kind == ASSAY_MLPERF_INTERACTIVE && /* limits wider than Interactive's are Server's */
        (r.scenario.ttft_ns > b->interactive.ttft_ns || r.scenario.tpot_ns > b->interactive.tpot_ns))
        r.kind = ASSAY_MLPERF_SERVER;
    if (b)
        return put_result(x, b, &r, err);
    leave_out(x, record, "no benchmark of that round has its shape");
    return ASSAY_OK;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static enum assay_code check_names(const struct assay_mlperf_how *how, const char *out, struct assay_error *err)
{
    DIR  *folder = opendir(out);
    bool  empty = true;
    for (const struct dirent *e; folder && (e = readdir(folder));)
        empty = empty && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."));
    if (folder)
        (void)closedir(folder);
    if (!empty || (!folder && assay_file_exists(out)))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.150s' is there already: an export is written into a folder of its own", out);
    if (!is_name(how->submitter) || (*how->system && !is_name(how->system)))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "submitter and system name folders: letters, digits and -_.+, at most 100");
    return ASSAY_OK;
}

enum assay_code assay_mlperf_export(const struct assay_summary *run, const struct assay_mlperf_how *how, const char *out,
                                    struct assay_mlperf_notes *notes, struct assay_error *err)
{
    struct export x = {.run = run, .how = how, .out = out, .notes = notes};
    if (check_names(how, out, err))
        return err->code;
    if (run->n_backends > 1 && *how->system)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the run is of %zu back ends, and --system names one", run->n_backends);
    for (size_t i = 0; i < run->n_rows; i++)
        if (export_row(&x, &run->rows[i], err))
            return err->code;
    if (!x.written)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no case of the run can be written as a log of MLPerf's: %.150s",
                          x.first_reason ? x.first_reason : "it has no record");
    return notes->failed ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the notes of an export") : ASSAY_OK;
}
