#include "harness/judge/soak.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/verdict.h"
#include "harness/run/job.h"
#include "harness/run/launcher.h"
#include "harness/store/run_folder.h"
#include "harness/verify/witness_repeats.h"

#include "assay/banned.h"

#define FIRST_RUNS 32        /* of launch 0: each input set a few times, and too few for its latencies to be judged */
#define MOST_BARREN 3u       /* starts in a row without one execution, and a case is given up */
#define MOST_BAD_ENDS 100u   /* of one case: more teach nothing */
#define PROBE_TIMEOUT_NS (60 * ASSAY_NS_PER_S)

/* A case as it is soaked. */
struct subject {
    const struct assay_case     *what;
    struct assay_soak_case      *row;
    struct assay_witness_repeats expected;
    uint32_t                     next, barren; /* number of its next stretch */
};

struct soaking {
    const struct assay_soak_request *with;
    struct assay_soak               *out;
    struct assay_run_folder         *folder;
    struct assay_soak_file          *file;
    struct subject                  *subject;
    char                             backend[640], plugin[512], tally[700];
    const struct subject            *running;
    uint64_t                         spent_ns, begun_ns, planned_ns; /* by all stretches; the one that runs */
};

static void tell(const struct soaking *s, const char *name, const char *doing, double share, uint64_t iterations, uint64_t mismatches)
{
    if (!s->with->progress)
        return;
    uint64_t               gone = (uint64_t)(share * (double)s->with->for_ns);
    struct assay_soak_look look = {.name = name, .doing = doing, .share = share, .iterations = iterations, .mismatches = mismatches,
                                   .left_ns = s->with->for_ns > gone ? s->with->for_ns - gone : 0};
    s->with->progress(s->with->self, &look);
}

/* ---- what to compare with ---------------------------------------------------------------------------------------- */

static void on_begin(void *self, const struct assay_run_step *step)
{
    tell(self, step->what->name, "verifying", 0, 0, 0);
}

/* Launch 0 of every case, and its verdict. */
static enum assay_code run_first(struct soaking *s, struct assay_error *err)
{
    struct assay_run_counts counts;
    for (size_t i = 0; i < s->with->plan->n_cases; i++) {
        struct assay_repeat *repeat = &s->with->plan->cases[i].repeat;
        repeat->launches = 1;
        repeat->min_runs = FIRST_RUNS;
        repeat->min_ns = 0;
    }
    struct assay_run_request request = {.plan = s->with->plan, .backends = &s->with->backend, .n_backends = 1, .folder = s->with->folder,
                                        .resume = s->with->resume, .arguments = s->with->arguments, .n_arguments = s->with->n_arguments,
                                        .stop = s->with->stop, .begin = on_begin, .self = s};
    return assay_run(&request, &counts, err);
}

static void on_validated(void *self, size_t done, size_t all, const char *line)
{
    (void)done;
    (void)all;
    tell(self, line, "verifying", 0, 0, 0);
}

static const struct assay_verdict *verdict_of(const struct assay_verdict *v, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(v[i].id, id) && v[i].launch == 0)
            return &v[i];
    return NULL;
}

static const struct assay_record *record_of(const struct soaking *s, const char *id)
{
    size_t                     n = 0;
    const struct assay_record *records = assay_run_folder_records(s->folder, &n);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(records[i].id, id) && records[i].launch == 0)
            return &records[i];
    return NULL;
}

ASSAY_PRINTF(2, 3) static void leave_out(const struct subject *x, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(x->row->why_not, sizeof x->row->why_not, fmt, args);
    va_end(args);
}

/* What most executions of each set gave, of a witness that was judged: false with the reason where there is no such thing. */
static enum assay_code expect(struct soaking *s, struct subject *x, const struct assay_record *record, struct assay_error *err)
{
    char                path[4096];
    struct assay_graph *g = NULL;
    if (assay_path_join(path, sizeof path, s->with->folder, record->witness_file, err) || assay_case_graph(x->what, &g, err))
        return err->code;
    enum assay_code code = assay_witness_repeats_read(path, x->what->id, g, &x->expected, err);
    assay_graph_free(g);
    for (uint32_t i = 0; !code && i < x->expected.n; i++)
        if (x->expected.set[i].has && 2 * x->expected.set[i].with <= x->expected.set[i].seen) {
            leave_out(x, "its outputs do not repeat: %" PRIu64 " different contents in %" PRIu64 " executions of one input set; comparing bits "
                      "would call that errors", x->expected.set[i].distinct, x->expected.set[i].seen);
            break;
        }
    return code;
}

static enum assay_code prepare_subject(struct soaking *s, struct subject *x, const struct assay_verdict *v, struct assay_error *err)
{
    const struct assay_record   *record = record_of(s, x->what->id);
    const struct assay_workload *w = x->what->workload;
    if (!record || !v) {
        leave_out(x, "there is no first launch that was judged");
        return ASSAY_OK;
    }
    if (w->lesson && !strcmp(w->lesson->phase, x->what->phase)) {
        leave_out(x, "it is trained to a quality: its executions have no outputs that could repeat");
        return ASSAY_OK;
    }
    if (record->status != ASSAY_STATUS_OK) {
        x->row->did_not_run = true;
        leave_out(x, "it did not run: %s", v->check.why);
        return ASSAY_OK;
    }
    if (v->check.outcome != ASSAY_PASS && v->check.outcome != ASSAY_MARGINAL) {
        x->row->is_wrong = v->check.outcome == ASSAY_FAIL;
        leave_out(x, "%s: %s", x->row->is_wrong ? "its outputs are wrong to begin with" : "its outputs could not be verified", v->check.why);
        return ASSAY_OK;
    }
    return expect(s, x, record, err);
}

static enum assay_code prepare(struct soaking *s, struct assay_error *err)
{
    struct assay_verdict *verdicts = NULL;
    size_t                n = 0;
    if (assay_run_folder_resume(s->with->folder, NULL, &s->folder, err) || assay_verdicts_read(s->with->folder, &verdicts, &n, err))
        return err->code;
    if (!n && !assay_validate_run(s->folder, on_validated, s, &verdicts, &n, err))
        (void)assay_verdicts_write(s->with->folder, verdicts, n, err);
    for (size_t i = 0; !err->code && i < s->out->n; i++)
        (void)prepare_subject(s, &s->subject[i], verdict_of(verdicts, n, s->subject[i].what->id), err);
    free(verdicts);
    return err->code;
}

/* ---- one stretch ------------------------------------------------------------------------------------------------- */

static void count(const struct soaking *s, struct subject *x, const struct assay_soak_stretch *stretch)
{
    assay_soak_count(s->out, x->row, stretch);
    x->next = stretch->number + 1;
}

static enum assay_code take(struct soaking *s, struct subject *x, const struct assay_soak_stretch *stretch, struct assay_error *err)
{
    if (assay_soak_file_append(s->file, stretch, err))
        return err->code;
    (void)unlink(s->tally); /* all of it stands in the line now */
    count(s, x, stretch);
    s->spent_ns += stretch->wall_ns;
    return ASSAY_OK;
}

static enum assay_code name_tally(struct soaking *s, const struct subject *x, struct assay_error *err)
{
    char name[160];
    assay_run_folder_file("soak", x->what->id, s->backend, x->next, name);
    return assay_path_join(s->tally, sizeof s->tally, s->with->folder, name, err);
}

static void begin_stretch(const struct soaking *s, const struct subject *x, struct assay_soak_stretch *out)
{
    memset(out, 0, sizeof *out);
    (void)assay_string_copy(out->case_name, sizeof out->case_name, x->what->name);
    (void)assay_string_copy(out->id, sizeof out->id, x->what->id);
    (void)assay_string_copy(out->backend, sizeof out->backend, s->backend);
    out->number = x->next;
    out->begun_utc_ns = assay_clock_utc_ns();
}

static json_t *job_of(const struct soaking *s, const struct subject *x)
{
    const struct assay_plan *plan = s->with->plan;
    json_t                  *verified = json_array();
    for (uint32_t i = 0; i < x->expected.n; i++) {
        char hash[33];
        (void)snprintf(hash, sizeof hash, "%016llx%016llx", (unsigned long long)x->expected.set[i].hash.high,
                       (unsigned long long)x->expected.set[i].hash.low);
        json_array_append_new(verified, x->expected.set[i].has ? json_string(hash) : json_null());
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "do", "soak", "case", x->what->name, "backend", s->backend,
                     "plugin", s->plugin, "weights", plan->weights.path, "inputs", plan->inputs.path, "tally", s->tally, "seed",
                     (json_int_t)plan->seed, "for_ns", (json_int_t)s->planned_ns, "timeout_ns", (json_int_t)s->with->timeout_ns, "verified",
                     verified);
}

static void on_progress(void *self, const char *phase, double share, uint64_t median_ns)
{
    const struct soaking     *s = self;
    struct assay_soak_stretch now = {.number = 0};
    (void)phase;
    (void)share;
    (void)median_ns;
    (void)assay_soak_tally_read(s->tally, &now);
    double all = (double)(s->spent_ns + assay_clock_now_ns() - s->begun_ns) / (double)s->with->for_ns;
    tell(s, s->running->what->name, "soaking", all < 1 ? all : 1, s->out->all.iterations + now.iterations,
         s->out->all.mismatches + now.mismatches);
}

/* A worker that somebody else killed says nothing of the back end. */
static void end_stretch(const struct assay_job_result *result, struct assay_soak_stretch *out)
{
    const struct assay_error *why = &result->error;
    if (result->end == ASSAY_JOB_ANSWERED)
        out->end = ASSAY_SOAK_COMPLETE;
    else if (result->end == ASSAY_JOB_STOPPED || assay_job_was_killed(result))
        out->end = ASSAY_SOAK_STOPPED;
    else if (result->end == ASSAY_JOB_TIMEOUT || why->code == ASSAY_TIMEOUT)
        out->end = ASSAY_SOAK_HUNG;
    else
        out->end = result->end == ASSAY_JOB_DIED ? ASSAY_SOAK_CRASHED : ASSAY_SOAK_FAILED;
    if (out->end != ASSAY_SOAK_COMPLETE)
        (void)assay_string_copy(out->reason, sizeof out->reason, why->message);
    out->wall_ns = result->wall_ns;
}

static void give_up(struct subject *x, const struct assay_soak_stretch *stretch)
{
    bool bad = stretch->end != ASSAY_SOAK_COMPLETE && stretch->end != ASSAY_SOAK_STOPPED;
    x->barren = stretch->iterations || stretch->end == ASSAY_SOAK_COMPLETE ? 0 : x->barren + 1;
    if (x->barren >= MOST_BARREN)
        leave_out(x, "given up after %u starts in a row without one execution: %s", x->barren, stretch->reason);
    else if (bad && x->row->crashed + x->row->hung + x->row->failed >= MOST_BAD_ENDS)
        leave_out(x, "given up after %u bad ends: %s", MOST_BAD_ENDS, stretch->reason);
}

static enum assay_code run_stretch(struct soaking *s, struct subject *x, struct assay_error *err)
{
    struct assay_soak_stretch stretch;
    struct assay_job_result   result;
    uint64_t                  left = s->with->for_ns - s->spent_ns;
    s->planned_ns = left < s->with->stretch_ns ? left : s->with->stretch_ns;
    s->running = x;
    s->begun_ns = assay_clock_now_ns();
    struct assay_job_watch watch = {.timeout_ns = s->planned_ns + s->with->timeout_ns + x->what->repeat.timeout_ns, .progress = on_progress,
                                    .self = s, .stop = s->with->stop};
    if (name_tally(s, x, err))
        return err->code;
    begin_stretch(s, x, &stretch);
    tell(s, x->what->name, "soaking", (double)s->spent_ns / (double)s->with->for_ns, s->out->all.iterations, s->out->all.mismatches);
    if (assay_job_run(job_of(s, x), &watch, &result, err))
        return err->code;
    (void)assay_soak_tally_read(s->tally, &stretch);
    end_stretch(&result, &stretch);
    bool stopped = result.end == ASSAY_JOB_STOPPED;
    assay_job_release(&result);
    if (stretch.end != ASSAY_SOAK_COMPLETE)
        assay_run_folder_log(s->folder, "soak stretch %u of %s %s: %s", stretch.number, x->what->id, assay_soak_end_name(stretch.end),
                             stretch.reason);
    if (take(s, x, &stretch, err))
        return err->code;
    give_up(x, &stretch);
    return stopped ? ASSAY_FAIL(err, ASSAY_INTERRUPTED, "stopped while soaking '%.80s'", x->what->name) : ASSAY_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* What an earlier soak of this folder left: its lines, and a tally whose line was never written. */
static enum assay_code take_up(struct soaking *s, struct assay_error *err)
{
    char                             path[700];
    size_t                           n = 0;
    const struct assay_soak_stretch *before;
    if (assay_path_join(path, sizeof path, s->with->folder, "soak", err) || assay_folder_make(path, err) ||
        assay_soak_file_open(s->with->folder, true, &s->file, err))
        return err->code;
    before = assay_soak_file_stretches(s->file, &n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < s->out->n; k++)
            if (!strcmp(before[i].id, s->subject[k].what->id) && !strcmp(before[i].backend, s->backend)) {
                count(s, &s->subject[k], &before[i]);
                s->spent_ns += before[i].wall_ns;
            }
    for (size_t k = 0; k < s->out->n; k++) {
        struct assay_soak_stretch left;
        if (name_tally(s, &s->subject[k], err))
            return err->code;
        begin_stretch(s, &s->subject[k], &left);
        if (!assay_soak_tally_read(s->tally, &left))
            continue;
        left.end = ASSAY_SOAK_STOPPED;
        (void)assay_string_copy(left.reason, sizeof left.reason, "the program that watched it ended before");
        if (take(s, &s->subject[k], &left, err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code soak_all(struct soaking *s, struct assay_error *err)
{
    bool any = true;
    while (any && s->spent_ns < s->with->for_ns) {
        any = false;
        for (size_t i = 0; i < s->out->n && s->spent_ns < s->with->for_ns; i++) {
            if (*s->subject[i].row->why_not)
                continue;
            any = true;
            if (s->with->stop && *s->with->stop)
                return ASSAY_FAIL(err, ASSAY_INTERRUPTED, "stopped before '%.80s'", s->subject[i].what->name);
            if (run_stretch(s, &s->subject[i], err))
                return err->code;
        }
    }
    return ASSAY_OK;
}

/* How the back end is called in full, and the file it is in. */
static enum assay_code find_backend(struct soaking *s, struct assay_error *err)
{
    json_t *probe = NULL;
    if (assay_job_probe(s->with->backend, PROBE_TIMEOUT_NS, &probe, err))
        return err->code;
    const char *name = json_string_value(json_object_get(probe, "backend")), *path = json_string_value(json_object_get(probe, "path"));
    const char *why = json_integer_value(json_object_get(json_object_get(probe, "device"), "clock")) == ASSAY_CLOCK_MODEL
                          ? "its clock is a model's: no hour of a device passes"
                          : NULL;
    (void)assay_string_copy(s->backend, sizeof s->backend, name ? name : "");
    (void)assay_string_copy(s->plugin, sizeof s->plugin, path ? path : "");
    json_decref(probe);
    return why ? ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "'%.100s' cannot be soaked: %s", s->with->backend, why) : ASSAY_OK;
}

static enum assay_code make_rows(struct soaking *s, struct assay_error *err)
{
    size_t n = s->with->plan->n_cases;
    s->out->row = calloc(n + 1, sizeof *s->out->row);
    s->subject = calloc(n + 1, sizeof *s->subject);
    if (!s->out->row || !s->subject)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu cases", n);
    s->out->n = n;
    for (size_t i = 0; i < n; i++) {
        s->subject[i].what = &s->with->plan->cases[i];
        s->subject[i].row = &s->out->row[i];
        (void)assay_string_copy(s->out->row[i].name, sizeof s->out->row[i].name, s->subject[i].what->name);
        (void)assay_string_copy(s->out->row[i].backend, sizeof s->out->row[i].backend, s->backend);
    }
    return ASSAY_OK;
}

enum assay_code assay_soak_run(const struct assay_soak_request *request, struct assay_soak *out, struct assay_error *err)
{
    struct soaking     s = {.with = request, .out = out};
    struct assay_error late = {.code = ASSAY_OK};
    memset(out, 0, sizeof *out);
    if (!find_backend(&s, err) && !make_rows(&s, err) && !run_first(&s, err) && !prepare(&s, err) && !take_up(&s, err))
        (void)soak_all(&s, err);
    if (s.file && assay_soak_keep_trouble(out, s.file, &late) && !err->code)
        *err = late;
    if (s.folder)
        assay_run_folder_log(s.folder, "soak %s: %" PRIu64 " executions compared, %" PRIu64 " mismatches", err->code ? "stopped" : "complete",
                             out->all.iterations, out->all.mismatches);
    assay_soak_file_close(s.file);
    assay_run_folder_close(s.folder);
    free(s.subject);
    return err->code;
}
