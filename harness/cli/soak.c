#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/operands.h"
#include "harness/cli/table.h"
#include "harness/judge/soak.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

#define SHOWN 20 /* mismatches */

struct soak_options {
    char     backend[640], out[512];
    uint64_t for_ns, stretch_ns, timeout_ns;
    int64_t  seed;
    bool     resume, json, quiet;
};

#define AT(member) offsetof(struct soak_options, member)

static const struct assay_option options[] = {
    {.name = "backend", .type = ASSAY_OPT_TEXT, .offset = AT(backend), .bytes = 640, .dflt = "cpu",
     .help = "the device: name[:device][,option=value…]"},
    {.name = "for", .type = ASSAY_OPT_SECONDS, .offset = AT(for_ns), .dflt = "10m", .min = 0.1, .max = 3.2e7,
     .help = "time of all stretches together, those of earlier calls with --resume included"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = AT(out), .bytes = 512, .dflt = "out/soak", .help = "the run folder"},
    {.name = "resume", .type = ASSAY_OPT_BOOL, .offset = AT(resume), .dflt = "false",
     .help = "go on with a soak that was interrupted, or for longer"},
    {.name = "stretch", .type = ASSAY_OPT_SECONDS, .offset = AT(stretch_ns), .dflt = "1m", .min = 0.1, .max = 86400,
     .help = "a case runs so long in one worker, then the next one has its turn"},
    {.name = "timeout-s", .type = ASSAY_OPT_SECONDS, .offset = AT(timeout_ns), .dflt = "60s", .min = 0.1, .max = 86400,
     .help = "an execution that takes longer hangs"},
    {.name = "seed", .type = ASSAY_OPT_I64, .offset = AT(seed), .dflt = "", .min = 0, .max = 9007199254740992.0,
     .help = "of inputs and samples (default: the suite's)"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = AT(json), .dflt = "false", .help = "as JSON"},
    {.name = "quiet", .type = ASSAY_OPT_BOOL, .offset = AT(quiet), .dflt = "false", .help = "no progress"},
    {0},
};

static void on_progress(void *self, const struct assay_soak_look *look)
{
    const struct soak_options *o = self;
    char                       brief[ASSAY_CASE_NAME_BYTES], text[200], iterations[48];
    struct assay_text          line = ASSAY_TEXT(text);
    if (o->quiet || !isatty(STDERR_FILENO))
        return;
    assay_case_brief(look->name, brief);
    assay_table_digits(iterations, look->iterations);
    assay_text_add(&line, "%.0f %% %s, %llu mismatches", floor(100 * look->share), iterations, (unsigned long long)look->mismatches);
    if (look->left_ns)
        assay_text_add(&line, ", ETA %llus", (unsigned long long)(look->left_ns / ASSAY_NS_PER_S));
    assay_text_add(&line, ", %s ", look->doing);
    assay_string_escape(&line, ASSAY_ESCAPE_TERMINAL, brief);
    fprintf(stderr, "\r\033[K%.79s", text);
    (void)fflush(stderr);
}

/* ---- the result -------------------------------------------------------------------------------------------------- */

static void how_it_went(const struct assay_soak_case *c, struct assay_text *out)
{
    const struct { uint64_t n; const char *what; } ends[] = {
        {c->crashed, "crash"}, {c->hung, "hang"}, {c->failed, "error"}, {c->guard_bytes_changed, "changed guard byte"}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends[i].n)
            assay_text_add(out, "%s%llu %s%s%s", out->length ? ", " : "", (unsigned long long)ends[i].n, ends[i].what,
                           ends[i].n == 1 ? "" : i == 0 ? "es" : "s", i == 3 ? " beside the outputs" : "");
    if (*c->reason)
        assay_text_add(out, "; the last: %s", c->reason);
    if (*c->why_not)
        assay_text_add(out, "%s%s", out->length ? "; " : "", c->why_not);
}

static void print_cases(const struct assay_soak *soak)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"case", ">executions", ">mismatches", ">card-hours", ">at work", "how it went", NULL});
    for (size_t i = 0; i < soak->n; i++) {
        const struct assay_soak_case *c = &soak->row[i];
        char              brief[ASSAY_CASE_NAME_BYTES], iterations[48], mismatches[48], hours[32], share[32] = "–", how[900] = "";
        struct assay_text text = ASSAY_TEXT(how);
        assay_case_brief(c->name, brief);
        assay_table_digits(iterations, c->iterations);
        assay_table_digits(mismatches, c->mismatches);
        (void)snprintf(hours, sizeof hours, "%.3g", (double)c->busy_ns / 3.6e12);
        if (c->wall_ns)
            (void)snprintf(share, sizeof share, "%.0f %%", 100 * (double)c->busy_ns / (double)c->wall_ns);
        how_it_went(c, &text);
        assay_table_row(&table, (const char *const[]){brief, iterations, mismatches, hours, share, how});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static void print_event(struct assay_table *table, const struct assay_soak_stretch *s, const struct assay_soak_event *e)
{
    char when[21], iteration[48], where[64] = "not known: no verified outputs were at hand", values[64] = "", bits[64] = "";
    char brief[ASSAY_CASE_NAME_BYTES];
    assay_clock_utc_text(e->utc_ns, when);
    assay_table_digits(iteration, e->iteration);
    assay_case_brief(s->case_name, brief);
    if (e->element >= 0) {
        (void)snprintf(where, sizeof where, "output %u, element %lld", e->output, (long long)e->element);
        (void)snprintf(values, sizeof values, "%.9g for %.9g", e->observed, e->expected);
        (void)snprintf(bits, sizeof bits, "%llu bit%s in %llu", (unsigned long long)e->bits, e->bits == 1 ? "" : "s",
                       (unsigned long long)e->elements);
    }
    assay_table_row(table, (const char *const[]){when, brief, iteration, where, values, bits});
}

static void print_events(const struct assay_soak *soak)
{
    struct assay_table table;
    uint64_t           shown = 0;
    assay_table_init(&table, (const char *const[]){"mismatch", "case", ">execution", "first", "is", ">differ", NULL});
    for (size_t i = 0; i < soak->n_trouble && shown < SHOWN; i++)
        for (uint32_t k = 0; k < soak->trouble[i].n_events && shown < SHOWN; k++, shown++)
            print_event(&table, &soak->trouble[i], &soak->trouble[i].event[k]);
    if (shown)
        assay_table_print(&table, stdout);
    if (shown && soak->all.mismatches > shown)
        printf("and %llu more; soak.jsonl has what is known of them\n", (unsigned long long)(soak->all.mismatches - shown));
    assay_table_release(&table);
}

/* A fault anywhere is a no; then what could not be soaked counts. */
static enum assay_exit exit_of(const struct assay_soak *soak)
{
    size_t   left_out = 0, did_not_run = 0;
    uint64_t faults = 0;
    for (size_t i = 0; i < soak->n; i++) {
        const struct assay_soak_case *c = &soak->row[i];
        faults += c->mismatches + c->crashed + c->hung + c->failed + c->guard_bytes_changed + c->is_wrong;
        left_out += *c->why_not != 0;
        did_not_run += c->did_not_run;
    }
    if (faults)
        return ASSAY_EXIT_NO;
    if (did_not_run == soak->n)
        return ASSAY_EXIT_NOTHING;
    return left_out || !soak->all.iterations ? ASSAY_EXIT_INSUFFICIENT : ASSAY_EXIT_YES;
}

static enum assay_exit conclude(const struct soak_options *o, const struct assay_soak *soak, const struct assay_error *err)
{
    char              words[512];
    struct assay_text text = ASSAY_TEXT(words);
    if (!o->quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (err->code && err->code != ASSAY_INTERRUPTED)
        return assay_cli_fail(err);
    if (o->json) {
        assay_cli_print_json(assay_soak_to_json(soak));
    } else {
        print_cases(soak);
        print_events(soak);
        assay_soak_say(&soak->all, &text);
        puts(words);
    }
    if (err->code == ASSAY_INTERRUPTED) {
        fputs("assay: interrupted: what was counted is recorded\n  go on with the same command and --resume\n", stderr);
        return exit_of(soak) == ASSAY_EXIT_NO ? ASSAY_EXIT_NO : ASSAY_EXIT_INSUFFICIENT;
    }
    return exit_of(soak);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    struct soak_options o = *(const struct soak_options *)given_options;
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_plan   plan;
    struct assay_soak   soak = {.n = 0};
    if (n == 0)
        return assay_cli_usage("soak needs a suite or cases: assay soak gemm --backend cpu --for 10m -o out/soak");
    if (assay_cli_plan_of(n, operands, &plan, &err)) {
        assay_plan_release(&plan);
        return assay_cli_fail(&err);
    }
    for (size_t row = 0; options[row].name; row++)
        if (given[row] && options[row].offset == AT(seed))
            plan.seed = (uint64_t)o.seed;
    assay_cli_catch_interrupts();
    struct assay_soak_request request = {
        .plan = &plan, .backend = o.backend, .folder = o.out, .resume = o.resume, .for_ns = o.for_ns, .stretch_ns = o.stretch_ns,
        .timeout_ns = o.timeout_ns, .arguments = assay_cli_arguments, .n_arguments = assay_cli_n_arguments, .stop = &assay_cli_interrupted,
        .progress = on_progress, .self = &o,
    };
    (void)assay_soak_run(&request, &soak, &err);
    enum assay_exit result = conclude(&o, &soak, &err);
    assay_soak_release(&soak);
    assay_plan_release(&plan);
    return result;
}

const struct assay_verb assay_verb_soak = {
    .name = "soak",
    .operands = "SUITE|CASE|FILE.onnx…",
    .summary = "executes cases for hours, compares every output bit with verified ones, and says what rate of silent errors that shows",
    .details = "A first launch is recorded and judged as by run and validate; then the cases take turns, and all output bytes of every\n"
               "execution are compared by their XXH3-128. A worker that crashes is started again, and counted. Stretches are appended to\n"
               "soak.jsonl in the run folder. Ends with the card-hours and the most silent errors a year that are compatible with them.\n"
               "Exit status 0: no fault; 1: silent errors, crashes, hangs, or wrong to begin with; 5: some case could not be soaked.",
    .options = options,
    .options_bytes = sizeof(struct soak_options),
    .run = run,
};
