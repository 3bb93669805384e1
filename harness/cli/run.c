#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/operands.h"
#include "harness/measure/power.h"
#include "harness/model/cluster/system.h"
#include "harness/model/device.h"
#include "harness/plan/plan.h"
#include "harness/run/launcher.h"
#include "harness/run/loader.h"
#include "harness/run/ranked.h"

#include "assay/banned.h"

#define MAX_BACKENDS 16

struct run_options {
    char                out[512], backend[4096], power[512], weights[512], inputs[512], spec[384];
    char                only[512];
    bool                resume, quiet;
    int64_t             seed, ranks, launcher;
    struct assay_repeat repeat;
};

#define REPEAT(label, kind, field, low, high, text)                                                                \
    {                                                                                                              \
        .name = label, .type = kind, .offset = offsetof(struct run_options, repeat.field), .dflt = "", .min = low, \
        .max = high, .help = text                                                                                  \
    }

static const struct assay_option options[] = {
    {.name = "backend", .type = ASSAY_OPT_LIST, .offset = offsetof(struct run_options, backend), .bytes = 4096, .dflt = "",
     .help = "name[:device][,option=value…]; without it: cpu"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct run_options, out), .bytes = 512, .dflt = "",
     .help = "the run folder (default out/<suite>)"},
    {.name = "resume", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct run_options, resume), .dflt = "false",
     .help = "go on with a run that was interrupted"},
    {.name = "seed", .type = ASSAY_OPT_I64, .offset = offsetof(struct run_options, seed), .dflt = "", .min = 0,
     .max = 9007199254740992.0, .help = "of inputs and samples (default: the suite's)"},
    {.name = "ranks", .type = ASSAY_OPT_I64, .offset = offsetof(struct run_options, ranks), .dflt = "0", .min = 0, .max = 32,
     .help = "refuse cases that are spread over another number of processes; which it is, their mesh says (dp, tp, cp, pp, ep)"},
    {.name = "launcher", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct run_options, launcher), .dflt = "fork", .choices = assay_launchers,
     .help = "who starts the ranks: this machine, or mpirun or srun, also on other hosts (harness/run/README.md)"},
    {.name = "only", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct run_options, only), .bytes = 512, .dflt = "",
     .help = "a file of case names, one a line: only these of the suite, as long and as often as it says"},
    {.name = "power", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct run_options, power), .bytes = 512, .dflt = "",
     .help = "an external meter: cmd=COMMAND or file=PATH"},
    {.name = "weights", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct run_options, weights), .bytes = 512, .dflt = "",
     .help = "a folder of safetensors that params come from, instead of the seed"},
    {.name = "inputs", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct run_options, inputs), .bytes = 512, .dflt = "",
     .help = "a folder with NAME.npy for every input, instead of the seed"},
    {.name = "spec", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct run_options, spec), .bytes = 384, .dflt = "",
     .help = "a buyer's numbers for a device that is modelled, or a description of one (backends/devices/README.md)"},
    {.name = "quiet", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct run_options, quiet), .dflt = "false",
     .help = "no progress"},
    REPEAT("launches", ASSAY_OPT_I64, launches, 1, 1000, "worker processes for each case, instead of the suite's"),
    REPEAT("min-runs", ASSAY_OPT_I64, min_runs, 1, 1e9, "timed iterations of a launch, at least"),
    REPEAT("min-s", ASSAY_OPT_SECONDS, min_ns, 0, 86400, "timed time of a launch, at least"),
    REPEAT("max-s", ASSAY_OPT_SECONDS, max_ns, 0, 86400, "wall time of the timed phase with its proofs, at most"),
    REPEAT("timeout-s", ASSAY_OPT_SECONDS, timeout_ns, 0.05, 86400, "a worker that takes longer is ended"),
    {0},
};

/* ---- progress -------------------------------------------------------------------------------------------- */

struct screen {
    bool quiet, terminal;
    int  columns;
    char folder[512];
    char trouble[1600]; /* the first line of a step that is not ok, for where no lines are printed and then nothing was */
};

static void duration(struct assay_text *out, uint64_t ns)
{
    unsigned long long s = (ns + ASSAY_NS_PER_S / 2) / ASSAY_NS_PER_S;
    if (s >= 3600)
        assay_text_add(out, "%lluh%02llum", s / 3600, s / 60 % 60);
    else if (s >= 60)
        assay_text_add(out, "%llum%02llus", s / 60, s % 60);
    else
        assay_text_add(out, "%llus", s);
}

/* A back end and its device, which goes without saying if it is this host. */
static void line_head(struct assay_text *line, const struct assay_run_step *step)
{
    char   name[80] = "", *device;
    size_t n = strcspn(step->backend, ",");
    (void)snprintf(name, sizeof name, "%.*s", (int)n, step->backend);
    if ((device = strchr(name, ':')) && !strcmp(device, ":host"))
        *device = 0;
    char brief[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(step->what->name, brief);
    assay_text_add(line, "[%zu/%zu] ", step->index + 1, step->total);
    assay_string_escape(line, ASSAY_ESCAPE_TERMINAL, name);
    assay_text_add(line, " %s", brief);
    if (step->what->repeat.launches > 1)
        assay_text_add(line, " #%u", step->launch + 1);
}

static void rewrite(const struct screen *s, const char *line)
{
    int columns = s->columns > 20 ? s->columns - 1 : 79;
    fprintf(stderr, "\r\033[K%.*s", columns, line);
    (void)fflush(stderr);
}

static void on_progress(void *self, const struct assay_run_step *step, const char *phase, double share, uint64_t median_ns)
{
    const struct screen *s = self;
    char                 text[1024];
    struct assay_text    line = ASSAY_TEXT(text);
    if (s->quiet || !s->terminal)
        return;
    line_head(&line, step);
    assay_text_add(&line, " %s", phase);
    if (share > 0)
        assay_text_add(&line, " %.0f %%", 100 * share);
    if (median_ns) {
        assay_text_add(&line, " ");
        assay_string_quantity(&line, (double)median_ns / 1e9, "s", 3);
    }
    if (step->eta_ns) {
        assay_text_add(&line, " ETA ");
        duration(&line, step->eta_ns);
    }
    rewrite(s, text);
}

static void on_begin(void *self, const struct assay_run_step *step)
{
    on_progress(self, step, "start", 0, 0);
}

/* Of what was trained: how good it became, and when it was good enough. */
static void learned(struct assay_text *line, const struct assay_record *record)
{
    const struct assay_metric_value *quality = &record->metric[ASSAY_METRIC_quality],
        *steps = &record->metric[ASSAY_METRIC_steps_to_quality];
    const struct assay_metric_value *took = &record->metric[ASSAY_METRIC_time_to_quality_ns];
    if (!quality->has_value)
        return;
    assay_text_add(line, ", quality %.4g", quality->value);
    if (steps->has_value && took->has_value) {
        assay_text_add(line, " after %.0f steps, ", steps->value);
        assay_string_quantity(line, took->value / 1e9, "s", 3);
    } else {
        assay_text_add(line, ", target %.4g not reached", record->metric[ASSAY_METRIC_quality_target].value);
    }
}

/* Of a scenario: how much was served, and whether it counts. */
static void served(struct assay_text *line, const struct assay_record *record)
{
    const struct assay_metric_value *rate = &record->metric[ASSAY_METRIC_samples_per_s], *peak = &record->metric[ASSAY_METRIC_peak_qps];
    const struct assay_metric_value *at = &record->metric[ASSAY_METRIC_latency_at_percentile_ns];
    if (!record->load.issued)
        return;
    if (at->has_value) {
        assay_text_add(line, ", p%g ", 100 * record->load.percentile);
        assay_string_quantity(line, at->value / 1e9, "s", 3);
    }
    if (rate->has_value)
        assay_text_add(line, rate->value < 1e3 ? ", %.4g samples/s" : ", %.0f samples/s", rate->value);
    if (peak->has_value)
        assay_text_add(line, ", highest valid rate %.4g/s", peak->value);
    assay_text_add(line, "%s%s", *record->load.invalid ? "; " : "; valid", record->load.invalid);
}

static void add_trouble(struct assay_text *line, const struct assay_record *record)
{
    assay_text_add(line, " %s: ", assay_status_name(record->status));
    assay_string_escape(line, ASSAY_ESCAPE_TERMINAL, record->reason);
}

static void note_trouble(struct screen *s, const struct assay_run_step *step, const struct assay_record *record)
{
    struct assay_text line = ASSAY_TEXT(s->trouble);
    if (record->status == ASSAY_STATUS_OK || *s->trouble)
        return;
    line_head(&line, step);
    add_trouble(&line, record);
}

static void on_done(void *self, const struct assay_run_step *step, const struct assay_record *record)
{
    struct screen    *s = self;
    char              text[1600];
    struct assay_text line = ASSAY_TEXT(text);
    if (s->quiet) {
        note_trouble(s, step, record);
        return;
    }
    line_head(&line, step);
    const struct assay_metric_value *latency = &record->metric[ASSAY_METRIC_latency_ns];
    const struct assay_metric_value *spread = &record->metric[ASSAY_METRIC_latency_spread];
    if (record->status == ASSAY_STATUS_OK && latency->has_value) {
        assay_text_add(&line, " ");
        assay_string_quantity(&line, latency->value / 1e9, "s", 3);
        if (spread->has_value && !record->load.issued)
            assay_text_add(&line, " spread %.1f %%", 100 * spread->value);
        learned(&line, record);
        served(&line, record);
    } else if (record->status == ASSAY_STATUS_OK && latency->has_interval) { /* a model of which no point exists */
        assay_text_add(&line, " ");
        assay_string_quantity(&line, latency->low / 1e9, "s", 3);
        assay_text_add(&line, " to ");
        assay_string_quantity(&line, latency->high / 1e9, "s", 3);
    } else {
        add_trouble(&line, record);
    }
    if (step->eta_ns) {
        assay_text_add(&line, " ETA ");
        duration(&line, step->eta_ns);
    }
    bool trouble = record->status != ASSAY_STATUS_OK;
    if (s->terminal && !trouble) {
        rewrite(s, text);
        return;
    }
    fprintf(stderr, "%s%s\n", s->terminal ? "\r\033[K" : "", text);
    if (trouble) { /* as the worker wrote it */
        char              repeat[2 * sizeof record->repeat];
        struct assay_text command = ASSAY_TEXT(repeat);
        assay_string_escape(&command, ASSAY_ESCAPE_TERMINAL, record->repeat);
        fprintf(stderr, "    repeat: %s\n", repeat);
    }
}

static void on_resolved(void *self, const char *why)
{
    const struct screen *s = self;
    if (!s->quiet)
        assay_cli_complain("assay: ", why, "\n");
}

/* ---- the plan -------------------------------------------------------------------------------------------- */

/* What the operands say, as the options change it. */
static enum assay_code make_plan(size_t n, char **operands, const struct run_options *o, const bool *given,
                                 struct assay_plan *plan, struct assay_error *err)
{
    if (assay_cli_plan_of(n, operands, plan, err))
        return err->code;
    for (size_t row = 0; options[row].name; row++) {
        if (!given[row])
            continue;
        const struct assay_repeat *r = &o->repeat;
        for (size_t c = 0; c < plan->n_cases; c++) {
            struct assay_repeat *to = &plan->cases[c].repeat;
            switch (options[row].offset) {
            case offsetof(struct run_options, repeat.launches): to->launches = r->launches; break;
            case offsetof(struct run_options, repeat.min_runs): to->min_runs = r->min_runs; break;
            case offsetof(struct run_options, repeat.min_ns): to->min_ns = r->min_ns; break;
            case offsetof(struct run_options, repeat.max_ns): to->max_ns = r->max_ns; break;
            case offsetof(struct run_options, repeat.timeout_ns): to->timeout_ns = r->timeout_ns; break;
            default: break;
            }
        }
        if (options[row].offset == offsetof(struct run_options, seed))
            plan->seed = (uint64_t)o->seed;
    }
    return ASSAY_OK;
}

static enum assay_code check_ranks(const struct assay_plan *plan, int64_t wanted, struct assay_error *err)
{
    for (size_t i = 0; wanted && i < plan->n_cases; i++) {
        char     brief[ASSAY_CASE_NAME_BYTES];
        uint32_t n = 0;
        if (assay_case_ranks(&plan->cases[i], &n, err))
            return err->code;
        if (n == wanted)
            continue;
        assay_case_brief(plan->cases[i].name, brief);
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.120s' is work for %u rank%s; --ranks says %lld", brief, n, n == 1 ? "" : "s", (long long)wanted);
        return assay_error_hint(err, "the case's mesh says how many: dp=2,tp=2 is 4");
    }
    return ASSAY_OK;
}

/* A launcher that is not there is told before anything is run. */
static enum assay_code check_launcher(const char *launcher, struct assay_error *err)
{
    char what[160];
    if (!strcmp(launcher, "fork") || !assay_launcher_look(launcher, what, err))
        return ASSAY_OK;
    err->code = ASSAY_CONFIG;
    return assay_error_in(err, "reading option '--launcher %s'", launcher);
}

static void on_conversion(void *self, const struct assay_case *c, const char *what)
{
    char brief[ASSAY_CASE_NAME_BYTES];
    (void)self;
    assay_case_brief(c->name, brief);
    assay_cli_complain("assay: note: ", brief, ": ");
    assay_cli_complain("", what, "\n");
}

static enum assay_code split_backends(char *list, const char **out, size_t *n, struct assay_error *err)
{
    char *save = NULL;
    *n = 0;
    for (char *part = strtok_r(list, "\n", &save); part; part = strtok_r(NULL, "\n", &save)) {
        if (*n == MAX_BACKENDS)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "more than %d back ends, the next is '%.60s'", MAX_BACKENDS, part);
        out[(*n)++] = part;
    }
    if (!*n)
        out[(*n)++] = "cpu";
    return ASSAY_OK;
}

/* ---- numbers of a buyer ---------------------------------------------------------------------------------- */

struct spec {
    char name[64], path[512]; /* of the device or system; of the file, from the root */
    bool of_system;
    char backends[MAX_BACKENDS][1100];
};

static bool names_device(const char *device, const char *text)
{
    struct assay_described *d = NULL;
    struct assay_error      none = {.code = ASSAY_OK};
    bool                    same = !strcmp(device, text);
    if (!same && !assay_described_find(text, &d, &none))
        same = !strcmp(d->name, device);
    assay_described_free(d);
    return same;
}

static bool names_system(const char *system, const char *text)
{
    struct assay_system *s = NULL;
    struct assay_error   none = {.code = ASSAY_OK};
    bool                 same = *text && !assay_system_find(text, &s, &none) && !strcmp(s->name, system);
    assay_system_free(s);
    return same;
}

/* What is wrong in a file is told before anything is run. */
static enum assay_code try_on_system(struct spec *s, struct assay_error *err)
{
    struct assay_system *system = NULL;
    s->of_system = true;
    if (assay_system_find(s->name, &system, err))
        return err->code;
    (void)assay_string_copy(s->name, sizeof s->name, system->name);
    (void)assay_system_overlay(system, s->path, err);
    assay_system_free(system);
    return err->code;
}

static enum assay_code try_on_device(struct spec *s, struct assay_error *err)
{
    struct assay_described *d = NULL;
    bool                    is_device = false;
    if (assay_spec_is_device(s->path, &is_device, err) || assay_spec_device(s->path, s->name, err) || is_device ||
        assay_described_find(s->name, &d, err))
        return err->code;
    (void)assay_string_copy(s->name, sizeof s->name, d->name);
    (void)assay_described_overlay(d, s->path, err);
    assay_described_free(d);
    return err->code;
}

/* The device or system that the file is for, by its description's name. */
static enum assay_code read_spec(const char *given, struct spec *s, struct assay_error *err)
{
    char *real = realpath(given, NULL);
    bool  is_there = real && assay_string_copy(s->path, sizeof s->path, real);
    free(real);
    if (!is_there)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no file '%.150s' (option '--spec')", given);
    return assay_system_spec_is(s->path, s->name) ? try_on_system(s, err) : try_on_device(s, err);
}

/* Does the back end mean what the file is for? Models of devices are `model`, or the device's bare name; of systems likewise. */
static bool is_meant(const struct spec *s, const struct assay_backend_name *name)
{
    bool        is_model = !strcmp(name->name, s->of_system ? "cluster" : "model") || !strcmp(name->name, "auto");
    const char *text = is_model ? name->device : *name->device ? "" : name->name;
    return s->of_system ? names_system(s->name, text) : names_device(s->name, text);
}

/* Every back end that means it is its model, with the file as an option. */
static enum assay_code use_spec(const char *given, const char **backends, size_t n, struct spec *s, struct assay_error *err)
{
    size_t used = 0;
    if (!*given)
        return ASSAY_OK;
    if (read_spec(given, s, err))
        return err->code;
    char *quoted = assay_string_escaped(ASSAY_ESCAPE_JSON, s->path);
    if (!quoted)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a path");
    for (size_t i = 0; !err->code && i < n; i++) {
        struct assay_backend_name name;
        if (assay_backend_name_parse(backends[i], &name, err))
            break;
        if (!is_meant(s, &name))
            continue;
        struct assay_text text = ASSAY_TEXT(s->backends[i]);
        assay_text_add(&text, "%s:%s,spec=\"%s\"%s%s", s->of_system ? "cluster" : "model", s->name, quoted, *name.options ? "," : "", name.options);
        backends[i] = s->backends[i];
        used++;
        if (text.cut)
            (void)ASSAY_FAIL(err, ASSAY_CONFIG, "the name of back end '%.60s' with its file is too long", name.name);
    }
    free(quoted);
    if (!err->code && !used)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.120s' is for %s '%s', and no --backend is it", given, s->of_system ? "system" : "device", s->name);
    return err->code;
}

/* A meter that cannot be had is told before anything is run. */
static enum assay_code check_meter(const char *how, struct assay_error *err)
{
    struct assay_meter *meter = NULL;
    if (*how && assay_meter_open(how, &meter, err))
        return assay_error_in(err, "reading option '--power'");
    assay_meter_close(meter);
    return ASSAY_OK;
}

/* out/<suite>, unless the suite's name would lead out of there or is no name for a folder. */
static enum assay_code name_folder(const char *given, const struct assay_plan *plan, char out[512], struct assay_error *err)
{
    struct assay_text text = assay_text_over(out, 512);
    for (const char *c = plan->name; !*given && *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '/' || (*c == '.' && c == plan->name)) {
            (void)ASSAY_FAIL(err, ASSAY_CONFIG, "the suite's name '%.63s' is no name for a folder", plan->name);
            return assay_error_hint(err, "say where to write: -o DIR");
        }
    assay_text_add(&text, "%s%s", *given ? "" : "out/", *given ? given : plan->name);
    return ASSAY_OK;
}

static void next_step(const char *folder, const struct assay_run_counts *counts)
{
    char *word = assay_string_escaped(ASSAY_ESCAPE_SHELL, folder);
    fprintf(stderr, "%zu steps recorded%s, %zu of %zu new ones ok\n", counts->already + counts->ran,
            counts->already ? " (some earlier)" : "", counts->ok, counts->ran);
    assay_cli_complain("  next: assay validate ", word ? word : folder, "\n");
    free(word);
}

static enum assay_exit finish(const struct run_options *o, const struct screen *s, const struct assay_run_counts *counts,
                              const struct assay_error *err)
{
    if (s->terminal && !s->quiet)
        fputs("\r\033[K", stderr);
    if (err->code == ASSAY_INTERRUPTED) {
        fprintf(stderr, "assay: interrupted: %zu of %zu steps are recorded\n  go on with the same command and --resume\n",
                counts->already + counts->ran, counts->steps);
        return ASSAY_EXIT_NOTHING;
    }
    if (err->code)
        return assay_cli_fail(err);
    if (!o->quiet)
        next_step(s->folder, counts);
    else if (counts->ran && !counts->ok)
        fprintf(stderr, "assay: no step is ok; the first: %s\n", s->trouble);
    puts(s->folder);
    return counts->ran && !counts->ok ? ASSAY_EXIT_NOTHING : ASSAY_EXIT_YES;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    struct run_options      o = *(const struct run_options *)given_options;
    struct assay_error      err = {.code = ASSAY_OK};
    struct assay_plan       plan;
    struct assay_run_counts counts = {0};
    const char             *backends[MAX_BACKENDS];
    struct winsize          window = {0};
    struct spec             spec = {.name = ""};
    struct screen           screen = {.quiet = o.quiet, .terminal = isatty(STDERR_FILENO)};
    if (n == 0)
        return assay_cli_usage("run needs a suite or cases: assay run quick, assay run gemm/m=64,n=64,k=64");
    size_t n_backends = 0;
    if (make_plan(n, operands, &o, given, &plan, &err) || (*o.only && assay_cli_keep_only(&plan, o.only, &err)) ||
        split_backends(o.backend, backends, &n_backends, &err) ||
        use_spec(o.spec, backends, n_backends, &spec, &err) ||
        check_ranks(&plan, o.ranks, &err) || check_launcher(assay_launchers[o.launcher], &err) || name_folder(o.out, &plan, screen.folder, &err) || check_meter(o.power, &err) ||
        assay_plan_use_files(&plan, o.weights, o.inputs, on_conversion, NULL, &err)) {
        assay_plan_release(&plan);
        return assay_cli_fail(&err);
    }
    if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &window))
        screen.columns = window.ws_col;
    struct assay_run_request request = {
        .plan = &plan, .backends = backends, .n_backends = n_backends, .folder = screen.folder,
        .power = o.power, .launcher = assay_launchers[o.launcher], .resume = o.resume, .arguments = assay_cli_arguments, .n_arguments = assay_cli_n_arguments,
        .stop = &assay_cli_interrupted, .resolved = on_resolved, .begin = on_begin, .progress = on_progress, .done = on_done,
            .self = &screen,
    };
    assay_cli_catch_interrupts();
    (void)assay_run(&request, &counts, &err);
    assay_plan_release(&plan);
    return finish(&o, &screen, &counts, &err);
}

const struct assay_verb assay_verb_run = {
    .name = "run",
    .operands = "SUITE|CASE|FILE.onnx…",
    .summary = "runs a suite or cases on back ends, each case in worker processes of its own, and records them",
    .details = "Prints the run folder. Timings are recorded with what proves them; whether the results are right is said by\n"
               "assay validate. A crash, a hang or an error of a back end costs its case. After an interruption, the same\n"
               "command with --resume goes on with nothing lost and nothing run twice.",
    .options = options,
    .options_bytes = sizeof(struct run_options),
    .run = run,
};
