#include "harness/run/launcher.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/run/case_load.h"
#include "harness/run/case_time.h"
#include "harness/run/ceiling_process.h"
#include "harness/run/job.h"
#include "harness/run/loader.h"
#include "harness/run/manifest.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

#define PROBE_TIMEOUT_NS (60 * ASSAY_NS_PER_S)

struct launcher {
    const struct assay_run_request *with;
    struct assay_run_folder        *folder;
    json_t                        **probe; /* per back end */
    struct assay_run_counts        *counts;
    struct assay_run_step           step;
    uint64_t                        spent_ns;
    struct assay_ceiling_process    ceiling; /* of all workers */
    size_t                          bursting; /* steps that are left and may ask for it */
};

static const char *canonical(const struct launcher *l, size_t backend)
{
    const char *name = json_string_value(json_object_get(l->probe[backend], "backend"));
    return name ? name : l->with->backends[backend];
}

static const char *launcher_of_ranks(const struct launcher *l)
{
    return l->with->launcher ? l->with->launcher : "fork";
}

/* The file that was probed. */
static const char *plugin(const struct launcher *l, size_t backend)
{
    const char *path = json_string_value(json_object_get(l->probe[backend], "path"));
    return path ? path : "";
}

/* ---- before ---------------------------------------------------------------------------------------------- */

static enum assay_code probe_all(struct launcher *l, struct assay_error *err)
{
    for (size_t i = 0; i < l->with->n_backends; i++) {
        if (assay_job_probe(l->with->backends[i], PROBE_TIMEOUT_NS, &l->probe[i], err))
            return err->code;
        const char *why = json_string_value(json_object_get(l->probe[i], "resolved"));
        if (why && *why && l->with->resolved)
            l->with->resolved(l->with->self, why);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(canonical(l, i), canonical(l, j)))
                return ASSAY_FAIL(err, ASSAY_CONFIG, "back end '%.100s' is named twice", canonical(l, i));
    }
    return ASSAY_OK;
}

static json_t *manifest(const struct launcher *l)
{
    const struct assay_run_request *w = l->with;
    const struct assay_manifest     what = {.suite = w->plan->name, .seed = w->plan->seed, .arguments = w->arguments, .n_arguments = w->n_arguments,
                                            .backends = w->backends, .probe = l->probe, .n_backends = w->n_backends};
    return assay_manifest_to_json(&what);
}

/* The plan as it is kept: the suite's, and the back ends it is run on. */
static json_t *full_plan(const struct launcher *l)
{
    json_t *plan = assay_plan_to_json(l->with->plan), *backends = json_array();
    for (size_t i = 0; i < l->with->n_backends; i++)
        json_array_append_new(backends, assay_json_string(canonical(l, i)));
    json_t *all = json_pack("{s:o, s:o}", "suite", plan, "backends", backends);
    if (all && l->with->audit)
        (void)json_object_set_new(all, "audit", assay_json_string(l->with->audit));
    return all;
}

static enum assay_code open_folder(struct launcher *l, struct assay_error *err)
{
    char            path[700];
    json_t         *plan = full_plan(l);
    enum assay_code code;
    if (l->with->resume && assay_file_exists(l->with->folder)) {
        code = assay_run_folder_resume(l->with->folder, plan, &l->folder, err);
    } else {
        json_t *about = manifest(l);
        code = assay_run_folder_create(l->with->folder, about, plan, l->with->plan->suite_text, &l->folder, err);
        json_decref(about);
    }
    json_decref(plan);
    static const char *const parts[] = {"samples", "witness", "trace"};
    for (size_t i = 0; !code && i < sizeof parts / sizeof *parts; i++)
        if (!(code = assay_path_join(path, sizeof path, l->with->folder, parts[i], err)))
            code = assay_folder_make(path, err);
    return code;
}

/* ---- one step -------------------------------------------------------------------------------------------- */

/* Canonical, but for one that the user named by its file: then that file, since the name alone may lead to another. */
static void backend_to_repeat(const struct launcher *l, size_t backend, char out[1024])
{
    struct assay_text text = assay_text_over(out, 1024);
    const char       *given = l->with->backends[backend], *name = canonical(l, backend);
    const char       *slash = memchr(given, '/', strcspn(given, ",:"));
    assay_text_add(&text, "%s%s", slash ? plugin(l, backend) : "", slash ? name + strcspn(name, ":") : name);
}

static void repeat_line(const struct launcher *l, const struct assay_run_step *step, size_t backend, char out[2048])
{
    char name[1024];
    struct assay_text text = assay_text_over(out, 2048);
    if (l->with->repeat) {
        assay_text_add(&text, "%s", l->with->repeat);
        return;
    }
    assay_text_add(&text, "assay run ");
    assay_string_escape(&text, ASSAY_ESCAPE_SHELL, step->what->name);
    assay_text_add(&text, " --backend ");
    backend_to_repeat(l, backend, name);
    assay_string_escape(&text, ASSAY_ESCAPE_SHELL, name);
    assay_text_add(&text, " --seed %llu", (unsigned long long)l->with->plan->seed);
    const struct { const char *option, *path; } files[] = {{" --weights ", l->with->plan->weights.path}, {" --inputs ", l->with->plan->inputs.path}};
    for (size_t i = 0; i < 2; i++)
        if (*files[i].path) {
            assay_text_add(&text, "%s", files[i].option);
            assay_string_escape(&text, ASSAY_ESCAPE_SHELL, files[i].path);
        }
    struct assay_repeat usual;
    struct assay_error  ignored;
    uint32_t            ranks = 1;
    if (!assay_case_ranks(step->what, &ranks, &ignored) && ranks > 1)
        assay_text_add(&text, " --ranks %u --launcher %s", ranks, launcher_of_ranks(l));
    if (assay_options_defaults(assay_repeat_options, &usual, &ignored))
        memset(&usual, 0, sizeof usual); /* then all are written */
    for (const struct assay_option *row = assay_repeat_options; row->name; row++) {
        char              value[64], plain[64];
        struct assay_text room = ASSAY_TEXT(value), plain_room = ASSAY_TEXT(plain);
        assay_option_write(row, &step->what->repeat, &room);
        assay_option_write(row, &usual, &plain_room);
        if (strcmp(plain, value) != 0) {
            assay_text_add(&text, " --");
            for (const char *c = row->name; *c; c++)
                assay_text_add(&text, "%c", *c == '_' ? '-' : *c);
            assay_text_add(&text, " %s", value);
        }
    }
}

static json_t *job_of(const struct launcher *l, const struct assay_run_step *step, size_t backend)
{
    char    line[2048];
    json_t *repeat = json_object();
    for (const struct assay_option *row = assay_repeat_options; row->name; row++) {
        char              value[64];
        struct assay_text text = ASSAY_TEXT(value);
        assay_option_write(row, &step->what->repeat, &text);
        json_object_set_new(repeat, row->name, json_string(value));
    }
    repeat_line(l, step, backend, line);
    return json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:o}", "keeps_ceiling", true, "launcher", launcher_of_ranks(l), "audit", l->with->audit ? l->with->audit : "", "weights", l->with->plan->weights.path, "inputs",
                     l->with->plan->inputs.path, "do", "case", "case", step->what->name, "backend",
                     step->backend, "plugin", plugin(l, backend), "folder", l->with->folder, "power", l->with->power ? l->with->power : "", "repeat_line",
                     line, "seed", (json_int_t)l->with->plan->seed, "launch", (int)step->launch, "repeat", repeat);
}

/* A number that a worker told of a device; 0, unknown, when it is none of 1 .. last. */
static int kind_of(const json_t *device, const char *key, int last)
{
    json_int_t value = json_integer_value(json_object_get(device, key));
    return value >= 1 && value <= last ? (int)value : 0;
}

/* What kind of device a probe has found. */
static void tell_kind(const json_t *device, struct assay_device_info *out)
{
    out->clock = (enum assay_clock)kind_of(device, "clock", ASSAY_CLOCK_MODEL);
    out->origin = (enum assay_origin)kind_of(device, "origin", ASSAY_ORIGIN_REFERENCE);
    out->traits = (uint32_t)json_integer_value(json_object_get(device, "traits"));
}

static const char not_told[] = "the worker did not live to tell";

/* The queries that it had got to. */
static void load_of_failure(const struct launcher *l, struct assay_record *rec)
{
    struct assay_load *load = &rec->load;
    assay_case_load_recover(l->with->folder, rec->id, rec->backend, rec->launch, load);
    if (!load->issued)
        return;
    (void)snprintf(load->failure, sizeof load->failure, "%.190s", rec->reason);
    (void)snprintf(load->invalid, sizeof load->invalid, "%.190s", rec->reason);
    (void)assay_string_copy(load->settled, sizeof load->settled, not_told);
    (void)assay_string_copy(load->loadgen, sizeof load->loadgen, not_told);
    (void)assay_string_copy(load->steady, sizeof load->steady, not_told);
}

/* What is recorded when the worker gave no record: the device may be unknown, the files may hold a part. */
static void record_of_failure(const struct launcher *l, const struct assay_run_step *step, size_t backend,
                              const struct assay_job_result *result, struct assay_record *rec)
{
    memset(rec, 0, sizeof *rec);
    (void)assay_string_copy(rec->case_name, sizeof rec->case_name, step->what->name);
    (void)assay_string_copy(rec->id, sizeof rec->id, step->what->id);
    (void)assay_string_copy(rec->backend, sizeof rec->backend, step->backend);
    rec->launch = step->launch;
    rec->status = result->end == ASSAY_JOB_TIMEOUT ? ASSAY_STATUS_TIMEOUT
                  : result->end == ASSAY_JOB_DIED  ? ASSAY_STATUS_CRASHED
                                                   : ASSAY_STATUS_ERROR;
    rec->error = result->error;
    (void)assay_string_copy(rec->reason, sizeof rec->reason, result->error.message);
    const json_t *device = json_object_get(l->probe[backend], "device");
    const char   *name = json_string_value(json_object_get(device, "name"));
    const char   *product = json_string_value(json_object_get(device, "product"));
    rec->device.size = sizeof rec->device;
    tell_kind(device, &rec->device);
    (void)assay_string_copy(rec->device.name, sizeof rec->device.name, name ? name : "");
    (void)assay_string_copy(rec->device.product, sizeof rec->device.product, product ? product : "");
    rec->evidence = assay_evidence_of(&rec->device);
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++)
        (void)assay_string_copy(rec->metric[i].why, sizeof rec->metric[i].why, not_told);
    if (step->what->scenario.type && !assay_case_is_served(step->what))
        load_of_failure(l, rec);
    rec->started_utc_ns = assay_clock_utc_ns() - result->wall_ns;
    rec->wall_ns = result->wall_ns;
    repeat_line(l, step, backend, rec->repeat);
}

static void on_progress(void *self, const char *phase, double share, uint64_t median_ns)
{
    struct launcher *l = self;
    if (l->with->progress)
        l->with->progress(l->with->self, &l->step, phase, share, median_ns);
}

static json_t *on_asked(void *self, const json_t *asked)
{
    struct launcher *l = self;
    return assay_ceiling_process_ask(&l->ceiling, asked, l->with->stop);
}

static bool is_of(const struct assay_record *rec, const struct assay_run_step *step)
{
    return !strcmp(rec->id, step->what->id) && !strcmp(rec->case_name, step->what->name) &&
           !strcmp(rec->backend, step->backend) && rec->launch == step->launch;
}

/* What the worker and its plug-in printed, line by line; a line of the log holds about a thousand characters. */
static void log_errors(const struct launcher *l, char *errors)
{
    char *save = NULL;
    for (char *line = strtok_r(errors, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        assay_run_folder_log(l->folder, "%s launch %u on %s printed: %s", l->step.what->id, l->step.launch, l->step.backend, line);
}

static enum assay_code take_record(struct launcher *l, size_t backend, const struct assay_job_result *result,
                                   struct assay_record *rec, struct assay_error *err)
{
    struct assay_error broken = {.code = ASSAY_OK};
    const json_t      *json = json_object_get(result->answer, "record");
    if (result->end != ASSAY_JOB_ANSWERED) {
        record_of_failure(l, &l->step, backend, result, rec);
    } else if (!json || assay_record_from_json(json, rec, &broken) || !is_of(rec, &l->step)) {
        struct assay_job_result wrong = {.end = ASSAY_JOB_FAILED, .wall_ns = result->wall_ns};
        (void)ASSAY_FAIL(&wrong.error, ASSAY_PROTOCOL, "the worker's record is %s%s",
                         broken.code ? "malformed: " : json ? "of another case" : "missing", broken.code ? broken.message : "");
        record_of_failure(l, &l->step, backend, &wrong, rec);
    }
    return assay_run_folder_append(l->folder, rec, err);
}

static enum assay_code run_step(struct launcher *l, size_t backend, struct assay_error *err)
{
    struct assay_job_result result;
    struct assay_job_watch  watch = {.timeout_ns = l->step.what->repeat.timeout_ns, .progress = on_progress, .answer = on_asked, .self = l,
                                     .stop = l->with->stop};
    if (l->with->begin)
        l->with->begin(l->with->self, &l->step);
    for (unsigned attempt = 1;; attempt++) {
        if (assay_job_run(job_of(l, &l->step, backend), &watch, &result, err))
            return err->code;
        if (!assay_job_was_killed(&result) || attempt == ASSAY_JOB_MAX_ATTEMPTS)
            break;
        assay_run_folder_log(l->folder, "%s launch %u on %s: worker was killed from outside, attempt %u of %d",
                             l->step.what->id, l->step.launch, l->step.backend, attempt, ASSAY_JOB_MAX_ATTEMPTS);
        assay_job_release(&result);
    }
    log_errors(l, result.errors);
    if (result.end == ASSAY_JOB_STOPPED || result.end == ASSAY_JOB_UNSTORED) {
        *err = result.error;
        assay_job_release(&result);
        return err->code;
    }
    struct assay_record *rec = malloc(sizeof *rec);
    enum assay_code      code = rec ? take_record(l, backend, &result, rec, err) : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a record");
    if (!code) {
        l->counts->ran++;
        l->counts->ok += rec->status == ASSAY_STATUS_OK;
        l->spent_ns += result.wall_ns;
        if (l->with->done)
            l->with->done(l->with->self, &l->step, rec);
    }
    free(rec);
    assay_job_release(&result);
    return code;
}

/* ---- all steps ------------------------------------------------------------------------------------------- */

/* As far as the launcher knows: a worker that asks although it says no is answered all the same. */
static bool may_burst(const struct launcher *l, const struct assay_case *c, size_t backend)
{
    struct assay_device_info device = {.size = sizeof device};
    tell_kind(json_object_get(l->probe[backend], "device"), &device);
    return !assay_case_without_bursts(c, &device);
}

/* Its arrays are the memory of those that come after the last one that asks for it. */
static void count_down_bursts(struct launcher *l, const struct assay_case *c, size_t backend)
{
    if (may_burst(l, c, backend) && --l->bursting == 0)
        assay_ceiling_process_end(&l->ceiling);
}

/* Calls run_step for every step that is not recorded yet; with `count` only counts. */
static enum assay_code all_steps(struct launcher *l, bool count, struct assay_error *err)
{
    const struct assay_plan *plan = l->with->plan;
    int64_t                  most = 0;
    size_t                   index = 0;
    for (size_t i = 0; i < plan->n_cases; i++)
        most = plan->cases[i].repeat.launches > most ? plan->cases[i].repeat.launches : most;
    for (int64_t launch = 0; launch < most; launch++)
        for (size_t i = 0; i < plan->n_cases; i++)
            for (size_t b = 0; launch < plan->cases[i].repeat.launches && b < l->with->n_backends; b++, index++) {
                const struct assay_case *c = &plan->cases[i];
                bool there = assay_run_folder_has(l->folder, c->id, canonical(l, b), (uint32_t)launch);
                if (count) {
                    l->counts->steps++;
                    l->counts->already += there;
                    l->bursting += !there && may_burst(l, c, b);
                    continue;
                }
                if (there)
                    continue;
                if (l->with->stop && *l->with->stop)
                    return ASSAY_FAIL(err, ASSAY_INTERRUPTED, "stopped before case '%.80s'", c->name);
                size_t left = l->counts->steps - l->counts->already - l->counts->ran;
                l->step = (struct assay_run_step){
                    .what = c, .backend = canonical(l, b), .launch = (uint32_t)launch, .index = index,
                    .total = l->counts->steps, .eta_ns = l->counts->ran ? l->spent_ns / l->counts->ran * left : 0};
                if (run_step(l, b, err))
                    return err->code;
                count_down_bursts(l, c, b);
            }
    return ASSAY_OK;
}

enum assay_code assay_run(const struct assay_run_request *request, struct assay_run_counts *counts,
                          struct assay_error *err)
{
    struct launcher l = {.with = request, .counts = counts, .probe = calloc(request->n_backends, sizeof(json_t *))};
    memset(counts, 0, sizeof *counts);
    if (!l.probe) {
        free(l.probe);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for back ends");
    }
    enum assay_code code = probe_all(&l, err);
    if (!code)
        code = open_folder(&l, err);
    if (!code)
        code = all_steps(&l, true, err);
    if (!code)
        code = all_steps(&l, false, err);
    if (code == ASSAY_IO && l.folder && !*err->hint)
        (void)assay_error_hint(err, "%zu of %zu steps are recorded; make room and go on with the same command and --resume",
                               counts->already + counts->ran, counts->steps);
    if (l.folder)
        assay_run_folder_log(l.folder, "run %s: %zu of %zu steps recorded", code ? "stopped" : "complete",
                             counts->already + counts->ran, counts->steps);
    assay_run_folder_close(l.folder);
    assay_ceiling_process_end(&l.ceiling);
    for (size_t i = 0; i < request->n_backends; i++)
        json_decref(l.probe[i]);
    free(l.probe);
    return code;
}
