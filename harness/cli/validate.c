#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/progress.h"
#include "harness/cli/table.h"
#include "harness/cli/validate_level.h"
#include "harness/cli/validate_repeats.h"
#include "harness/cli/validate_vectors.h"
#include "harness/judge/summary.h"
#include "harness/judge/trainings.h"
#include "harness/judge/verdict.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

enum { MOST_NEXT = 3 };
enum { BACKEND_BYTES = sizeof ((struct assay_verdict *)0)->backend };

struct validate_options {
    char     backend[640], vectors[1024], level[64], against[640], out[512];
    uint64_t timeout_ns;
    int64_t  seed, pairs;
    double   margin;
    bool     strict, repeats, json, quiet;
};

static const struct assay_option options[] = {
    {.name = "vectors", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct validate_options, vectors), .bytes = 1024, .dflt = "",
     .help = "in place of a run: test vectors of ONNX below this folder, on --backend"},
    {.name = "level", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct validate_options, level), .bytes = 64, .dflt = "",
     .help = "in place of a run: how far --backend can be trusted; ops: every op in every format; model: every node of whole models; training: gradients and whole trainings; or several, separated by commas"},
    {.name = "backend", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct validate_options, backend), .bytes = 640, .dflt = "",
     .help = "the back end that vectors or a level run on: NAME[:device][,option=value…]"},
    {.name = "timeout-s", .type = ASSAY_OPT_SECONDS, .offset = offsetof(struct validate_options, timeout_ns), .dflt = "60s",
     .min = 0.5, .max = 3600, .help = "a vector that takes longer hangs; of a level's case, the suite says unless this does"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct validate_options, out), .bytes = 512, .dflt = "",
     .help = "of a level: the folder of what it finds, for assay report; empty is out/LEVEL-BACKEND; of several, each has a folder of its name in it"},
    {.name = "seed", .type = ASSAY_OPT_I64, .offset = offsetof(struct validate_options, seed), .dflt = "-1", .min = -1, .max = 1e15,
     .help = "of a level's inputs, and the first of trainings; -1: the suite's"},
    {.name = "against", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct validate_options, against), .bytes = 640, .dflt = "cpu",
     .help = "of level training: the back end whose trainings are the measure; B itself is compared under other seeds"},
    {.name = "pairs", .type = ASSAY_OPT_I64, .offset = offsetof(struct validate_options, pairs), .dflt = "8", .min = 0,
     .max = ASSAY_TRAININGS_MOST_PAIRS, .help = "of trainings; 0 looks at gradients only"},
    {.name = "margin", .type = ASSAY_OPT_F64, .offset = offsetof(struct validate_options, margin), .dflt = "0.02", .min = 1e-9, .max = 10,
     .help = "by how much losses may differ, as a share of the entropy of what is learned"},
    {.name = "strict", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct validate_options, strict), .dflt = "false",
     .help = "marginal verdicts count as failed"},
    {.name = "repeats", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct validate_options, repeats), .dflt = "false",
     .help = "also how the bits of a run repeat: execution after execution, and launch against launch"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct validate_options, json), .dflt = "false",
     .help = "print the counts as JSON, of vectors every case, of a level all it found"},
    {.name = "quiet", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct validate_options, quiet), .dflt = "false",
     .help = "no progress"},
    {0},
};

static void on_progress(void *self, size_t done, size_t all, const char *line)
{
    assay_cli_progress(((const struct validate_options *)self)->quiet, "", done, all, line);
}

/* How bad: the worst launch speaks for the case. */
static int badness(const struct assay_verdict *v)
{
    return assay_outcome_badness(v->check.outcome);
}

/* A back end without its options, unless another of this run is the same device with other options. */
static void brief_backend(const struct assay_verdict *v, size_t n, size_t i, char out[BACKEND_BYTES])
{
    size_t length = strcspn(v[i].backend, ",");
    for (size_t k = 0; k < n; k++)
        if (!strncmp(v[k].backend, v[i].backend, length) && strchr(",", v[k].backend[length]) &&
            strcmp(v[k].backend, v[i].backend) != 0)
            length = strlen(v[i].backend);
    (void)assay_string_copy(out, length < BACKEND_BYTES ? length + 1 : BACKEND_BYTES, v[i].backend);
}

/* One line a case and back end, its worst launch; in the order of the records. */
static void print_verdicts(const struct assay_verdict *v, size_t n)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"verdict", "assurance", ">error/bound", ">judged", "case", "backend", "why", NULL});
    for (size_t i = 0; i < n; i++) {
        size_t worst = i;
        bool   first = true;
        for (size_t k = 0; k < n; k++) {
            if (strcmp(v[k].id, v[i].id) != 0 || strcmp(v[k].backend, v[i].backend) != 0)
                continue;
            first = first && k >= i;
            if (badness(&v[k]) > badness(&v[worst]))
                worst = k;
        }
        if (!first)
            continue;
        const struct assay_check *c = &v[worst].check;
        char  ratio[32] = "–", judged[64], name[ASSAY_CASE_NAME_BYTES], backend[BACKEND_BYTES];
        bool  plain = c->outcome == ASSAY_PASS;
        if (isfinite(c->worst_ratio))
            (void)snprintf(ratio, sizeof ratio, "%.3g", c->worst_ratio);
        (void)snprintf(judged, sizeof judged, "%llu of %llu", (unsigned long long)c->judged, (unsigned long long)c->iterations);
        assay_case_brief(v[i].case_name, name);
        brief_backend(v, n, i, backend);
        assay_table_row(&table, (const char *const[]){assay_outcome_name(c->outcome), assay_assurance_name(c->assurance), ratio,
                                                      judged, name, backend, plain ? "" : c->why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static enum assay_exit conclude(const struct assay_verdict *v, size_t n, const struct validate_options *o)
{
    size_t passed = 0, failed = 0, not_checked = 0;
    for (size_t i = 0; i < n; i++) {
        enum assay_outcome outcome = v[i].check.outcome;
        if (outcome == ASSAY_PASS || (outcome == ASSAY_MARGINAL && !o->strict))
            passed++;
        else if (outcome == ASSAY_FAIL || outcome == ASSAY_MARGINAL)
            failed++;
        else
            not_checked++;
    }
    if (o->json)
        assay_cli_print_json(json_pack("{s:I, s:I, s:I}", "passed", (json_int_t)passed, "failed", (json_int_t)failed, "not_checked",
                                       (json_int_t)not_checked));
    else
        printf("%zu passed, %zu failed, %zu not checked\n", passed, failed, not_checked);
    return failed ? ASSAY_EXIT_NO : passed ? ASSAY_EXIT_YES : ASSAY_EXIT_INSUFFICIENT;
}

static bool timeout_given(const bool *given)
{
    for (size_t i = 0; options[i].name; i++)
        if (options[i].offset == offsetof(struct validate_options, timeout_ns))
            return given[i];
    return false;
}

/* An option that a run folder has no use for, if one was given; NULL: none. */
static const char *of_levels_alone(const bool *given)
{
    static const char *const names[] = {"timeout-s", "o", "seed", "against", "pairs", "margin"};
    for (size_t i = 0; options[i].name; i++)
        for (size_t k = 0; given[i] && k < sizeof names / sizeof *names; k++)
            if (!strcmp(options[i].name, names[k]))
                return names[k];
    return NULL;
}

static enum assay_exit run_levels(size_t n, char **operands, const struct validate_options *o, const bool *given)
{
    const struct assay_validate_level with = {
        .backend = o->backend, .folder = o->out, .timeout_ns = timeout_given(given) ? o->timeout_ns : 0, .cases = operands, .n_cases = n,
        .seed = o->seed, .against = o->against, .pairs = (size_t)o->pairs, .margin = o->margin, .strict = o->strict, .json = o->json,
        .quiet = o->quiet,
    };
    if (*o->vectors || !*o->backend)
        return assay_cli_usage("a level needs a back end, and no vectors: assay validate --backend cpu --level model");
    return assay_cli_validate_levels(o->level, &with);
}

/* What to type next for outputs that are wrong: the search for the node. */
static void print_next(const struct assay_verdict *v, size_t n, int64_t seed)
{
    for (size_t i = 0, told = 0; i < n && told < MOST_NEXT; i++) {
        bool same = v[i].check.outcome != ASSAY_FAIL;
        for (size_t k = 0; k < i; k++)
            same = same || (!strcmp(v[k].id, v[i].id) && !strcmp(v[k].backend, v[i].backend) && v[k].check.outcome == ASSAY_FAIL);
        if (same)
            continue;
        char  name[ASSAY_CASE_NAME_BYTES];
        assay_case_brief(v[i].case_name, name);
        char *backend = assay_string_escaped(ASSAY_ESCAPE_SHELL, v[i].backend), *what = assay_string_escaped(ASSAY_ESCAPE_SHELL, name);
        if (backend && what) {
            assay_cli_complain("  next: assay validate --level model --backend ", backend, " ");
            assay_cli_complain("", what, "");
            fprintf(stderr, seed == 1 ? "\n" : " --seed %lld\n", (long long)seed);
        }
        told++;
        free(backend);
        free(what);
    }
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    struct validate_options  o = *(const struct validate_options *)given_options;
    struct assay_error       err = {.code = ASSAY_OK};
    struct assay_run_folder *folder = NULL;
    struct assay_verdict    *verdicts = NULL;
    size_t                   count = 0;
    enum assay_exit          result;
    int64_t                  seed = 1;
    if (*o.level)
        return run_levels(n, operands, &o, given);
    if (*o.backend && !*o.vectors)
        return assay_cli_usage("--backend goes with --level or --vectors: assay validate --backend cpu --level ops; what a run folder holds is validated without it");
    if (*o.vectors) {
        if (n || !*o.backend)
            return assay_cli_usage("vectors need both: assay validate --backend cpu --vectors /usr/share/libonnx-testdata/data");
        const struct assay_validate_vectors with = {o.backend, o.vectors, o.timeout_ns, o.json, o.quiet};
        return assay_cli_validate_vectors(&with);
    }
    if (n != 1)
        return assay_cli_usage("validate needs a run folder: assay validate out/quick");
    const char *idle = of_levels_alone(given);
    if (idle)
        return assay_cli_usage("%s%s is of no use to a run folder: it is judged by what it holds, and the verdicts are written into it",
                               idle[1] ? "--" : "-", idle);
    if (!assay_run_folder_read(operands[0], &folder, &err) &&
        !assay_validate_run(folder, on_progress, &o, &verdicts, &count, &err))
        (void)assay_verdicts_write(operands[0], verdicts, count, &err);
    if (folder) {
        assay_cli_note_torn(folder);
        seed = (int64_t)json_integer_value(json_object_get(json_object_get(assay_run_folder_plan(folder), "suite"), "seed"));
    }
    assay_cli_progress_end(o.quiet);
    if (!err.code && !o.json)
        print_verdicts(verdicts, count);
    if (!err.code && o.repeats && !o.json)
        (void)assay_cli_print_repeats(folder, &err);
    assay_run_folder_close(folder);
    result = err.code ? assay_cli_fail(&err) : conclude(verdicts, count, &o);
    if (!err.code && !o.quiet && !o.json)
        print_next(verdicts, count, seed);
    free(verdicts);
    return result;
}

const struct assay_verb assay_verb_validate = {
    .name = "validate",
    .operands = "DIR | --backend NAME --vectors DIR | --backend NAME --level LEVEL,… [CASE…]",
    .summary = "judges the results of a run from its witnesses, against the reference and its bounds",
    .details = "Writes verdicts.jsonl into the run folder; nothing that was recorded changes. pass: within the bound. marginal:\n"
               "over half of one that allows many roundings. fail: outside. untrusted: agreed and proved nothing. not checked: there was nothing to check.\n"
               "With --vectors, runs every model that has test data below the folder and compares what comes out with what whoever made\n"
               "them expects, and with the reference; a case that is not run says which op, attribute or type is missing.\n"
               "With --level ops, runs every op in every format on operands that make faults visible: whole numbers whose answer is exact,\n"
               "pairs that cancel, wide and special numbers, and random ones, whose errors must be distributed as roundings to nearest are.\n"
               "With --level model, looks for the first node that diverges, in the cases given or in suite model: inner values are made\n"
               "outputs, which is another program, and each is compared with the reference from the device's own inputs and from the\n"
               "graph's. Nets that learn are trained on cpu; their choices on unseen data and their greedy tokens are compared.\n"
               "With --level training, runs suite gradients and judges the gradient of every param; then trains the same small net from\n"
               "several seeds on --backend and on --against, and says whether what it learned is equivalent (two one-sided tests at 5 %\n"
               "each), not equivalent, or undecided, and how many pairs would decide. A CASE is trained in place of that of suite equivalence.\n"
               "What is judged is written beforehand, as protocol.json; the same command goes on after an interruption. Of several levels each is\n"
               "judged as if it were alone; the summaries stand at the end, and the exit is the worst of all.",
    .options = options,
    .options_bytes = sizeof(struct validate_options),
    .run = run,
};
