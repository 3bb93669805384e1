#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/plan/plan.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define LONG_SCENARIO_NS 60000000000u    /* launched once */
#define SCENARIO_SPARE_NS 600000000000u /* until its worker is ended; */
#define SEARCH_SPARE 3u                 /* … a search looks many times at 300 queries and more, so many times that; */
#define BATCH_SEARCH_SPARE 6u           /* … one over batches is several searches */
#define RUNS_LONG 4u                    /* and so many times min_duration, of a search for each of those times */
#define LOOKS_LONG 20u

const struct assay_option assay_repeat_options[] = {
    {.name = "launches", .type = ASSAY_OPT_I64, .offset = offsetof(struct assay_repeat, launches), .dflt = "3", .min = 1,
     .max = 1000, .help = "worker processes for each case; two or more give an interval"},
    {.name = "min_runs", .type = ASSAY_OPT_I64, .offset = offsetof(struct assay_repeat, min_runs), .dflt = "32",
     .min = 1, .max = 1e9, .help = "timed iterations of a launch, at least"},
    {.name = "min_s", .type = ASSAY_OPT_SECONDS, .offset = offsetof(struct assay_repeat, min_ns), .dflt = "300ms",
     .max = 86400, .help = "timed time of a launch, at least"},
    {.name = "max_s", .type = ASSAY_OPT_SECONDS, .offset = offsetof(struct assay_repeat, max_ns), .dflt = "10s",
     .max = 86400, .help = "wall time of the timed phase with its proofs, at most"},
    {.name = "timeout_s", .type = ASSAY_OPT_SECONDS, .offset = offsetof(struct assay_repeat, timeout_ns), .dflt = "2m",
     .min = 0.05, .max = 86400, .help = "a worker that takes longer is ended"},
    {0},
};

static enum assay_code unknown_workload(const char *name, struct assay_error *err)
{
    if (!*name) { /* a path, more often than not */
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "a case begins with the name of a workload, as gemm/m=64,n=64,k=64 does");
        return assay_error_hint(err, "the file of a suite ends in .json, that of a model in .onnx");
    }
    size_t                              n;
    const struct assay_workload *const *all = assay_workloads(&n);
    const char                         *names[256];
    if (n > 256)
        n = 256;
    for (size_t i = 0; i < n; i++)
        names[i] = all[i]->name;
    const char *near = assay_string_nearest(name, names, n);
    ASSAY_FAIL(err, ASSAY_CONFIG, "unknown workload '%.64s'", name);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : assay_error_hint(err, "assay list workloads lists them");
}

/* What a model named alone does: it infers. A workload without that phase has none that goes without saying. */
#define PHASE_UNSAID "infer"

/* Takes "workload.phase" apart; a workload with phases needs one of them, or has the one that is meant when none is said. */
enum assay_code assay_case_head_parse(const char *head, struct assay_case *c, struct assay_error *err)
{
    char        name[64];
    const char *dot = strchr(head, '.');
    size_t      length = dot ? (size_t)(dot - head) : strlen(head);
    if (length >= sizeof name)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "workload name is longer than %zu characters", sizeof name - 1);
    memcpy(name, head, length);
    name[length] = 0;
    c->workload = assay_workload_find(name);
    if (!c->workload)
        return unknown_workload(name, err);
    const char *const *phases = c->workload->phases;
    const char        *phase = dot ? dot + 1 : "", *looked_for = dot ? phase : PHASE_UNSAID;
    if (!phases)
        return *phase ? ASSAY_FAIL(err, ASSAY_CONFIG, "workload %s has no phases, got '.%.32s'", name, phase) : ASSAY_OK;
    char              known[128];
    struct assay_text list = ASSAY_TEXT(known);
    for (size_t i = 0; phases[i]; i++) {
        assay_text_add(&list, "%s%s", i ? ", " : "", phases[i]);
        if (!strcmp(phases[i], looked_for)) {
            (void)assay_string_copy(c->phase, sizeof c->phase, looked_for);
            return ASSAY_OK;
        }
    }
    size_t n = 0;
    while (phases[n])
        n++;
    const char *near = *phase ? assay_string_nearest(phase, phases, n) : NULL;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "workload %s needs a phase, one of %s; got '%.32s'", name, known, phase);
    return near ? assay_error_hint(err, "did you mean '%s.%s'?", name, near) : err->code;
}

/* What learns takes minutes, and as long as it takes. */
static void time_to_learn(struct assay_case *c)
{
    const struct assay_lesson *lesson = c->workload->lesson;
    if (!lesson || strcmp(lesson->phase, c->phase) != 0)
        return;
    c->repeat.launches = 1;
    c->repeat.max_ns = 1800000000000u;
    c->repeat.timeout_ns = 2400000000000u;
}

/* A scenario says itself how long it takes at least; a slow device takes longer, and a search for the peak looks many times. */
static void time_for_scenario(struct assay_case *c)
{
    const struct assay_scenario *s = &c->scenario;
    if (!s->type)
        return;
    bool searches = assay_scenario_searches(s);
    if (s->min_duration_ns >= LONG_SCENARIO_NS || searches)
        c->repeat.launches = 1;
    uint64_t spare = assay_scenario_searches_batch(s) ? BATCH_SEARCH_SPARE : searches ? SEARCH_SPARE : 1;
    c->repeat.timeout_ns = spare * SCENARIO_SPARE_NS + (searches ? LOOKS_LONG : RUNS_LONG) * spare * s->min_duration_ns;
}

/* The '@' that begins the scenario; one inside a JSON string is part of a value. NULL: there is none. */
static const char *scenario_in(const char *text)
{
    bool quoted = false;
    for (; *text; text++) {
        if (quoted && *text == '\\' && text[1])
            text++;
        else if (*text == '"')
            quoted = !quoted;
        else if (*text == '@' && !quoted)
            return text;
    }
    return NULL;
}

/* The one spelling of the name, and the id made from it. */
static enum assay_code set_name(struct assay_case *c, struct assay_error *err)
{
    struct assay_text name = ASSAY_TEXT(c->name);
    assay_text_add(&name, "%s%s%s/", c->workload->name, *c->phase ? "." : "", c->phase);
    assay_options_write(c->workload->params, c->params, &name);
    if (c->scenario.type) {
        assay_text_add(&name, "@");
        assay_scenario_write(&c->scenario, &name);
    }
    if (assay_case_is_served(c)) {
        assay_text_add(&name, "+");
        assay_serving_write(&c->serving, &name);
    }
    if (name.cut)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "case name is longer than %zu characters", sizeof c->name - 1);
    char digest[65];
    assay_sha256_hex(c->name, name.length, digest);
    memcpy(c->id, digest, 16);
    c->id[16] = 0;
    return ASSAY_OK;
}

/* The part before '@', into a case without name. */
static enum assay_code parse_point(const char *text, struct assay_case *c, struct assay_error *err)
{
    char              head[96], what[96];
    const char       *slash = strchr(text, '/');
    size_t            length = slash ? (size_t)(slash - text) : strlen(text);
    struct assay_text about = ASSAY_TEXT(what);
    if (length >= sizeof head)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "case name is too long: '%.40s…'", text);
    memcpy(head, text, length);
    head[length] = 0;
    if (assay_case_head_parse(head, c, err))
        return err->code;
    c->params = calloc(1, c->workload->params_bytes ? c->workload->params_bytes : 1);
    if (!c->params)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the parameters of '%s'", c->workload->name);
    assay_text_add(&about, "workload %s", c->workload->name);
    if (assay_options_defaults(assay_repeat_options, &c->repeat, err) ||
        assay_options_parse(c->workload->params, c->params, slash ? slash + 1 : "", what, err))
        return assay_error_in(err, "reading case '%.80s'", text);
    return ASSAY_OK;
}

bool assay_case_is_served(const struct assay_case *c)
{
    return c->scenario.type && !strcmp(c->phase, "serve");
}

/* "NAME[/…][+serving[/…]]": takes the scenario's part into `scenario`; what is behind "+serving", NULL if there is none. */
static const char *take_scenario(const char *text, char scenario[ASSAY_CASE_NAME_BYTES])
{
    static const char mark[] = "+serving";
    const char       *serving = strstr(text, mark);
    (void)assay_string_copy(scenario, ASSAY_CASE_NAME_BYTES, text);
    if (!serving)
        return NULL;
    scenario[serving - text] = 0;
    return serving + sizeof mark - 1;
}

static enum assay_code parse_scenario(const char *text, struct assay_case *c, struct assay_error *err)
{
    const struct assay_lesson *lesson = c->workload->lesson;
    char                       scenario[ASSAY_CASE_NAME_BYTES];
    const char                *serving = take_scenario(text, scenario);
    if (assay_scenario_parse(scenario, &c->scenario, err))
        return err->code;
    if (serving && !assay_case_is_served(c))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s%s%s has no engine to be served by: '+serving' is for phase serve", c->workload->name,
                          *c->phase ? "." : "", c->phase);
    if (assay_case_is_served(c) && c->scenario.max_batch != 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "max_batch=%lld: a serving engine makes the batches itself", (long long)c->scenario.max_batch);
    if (assay_case_is_served(c) && assay_serving_parse(serving ? serving : "", &c->serving, err))
        return err->code;
    return lesson && !strcmp(lesson->phase, c->phase)
               ? ASSAY_FAIL(err, ASSAY_CONFIG, "%s.%s is trained, one step after another: no scenario", c->workload->name,
                            c->phase)
               : ASSAY_OK;
}

enum assay_code assay_case_parse(const char *text, struct assay_case *out, struct assay_error *err)
{
    struct assay_case c = {.workload = NULL};
    char              point[ASSAY_CASE_NAME_BYTES];
    if (!assay_string_copy(point, sizeof point, text))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "case name is too long: '%.40s…'", text);
    const char *at = scenario_in(text);
    if (at)
        point[at - text] = 0;
    enum assay_code code = parse_point(point, &c, err);
    if (!code && ((at && parse_scenario(at + 1, &c, err)) || set_name(&c, err)))
        code = assay_error_in(err, "reading case '%.80s'", text);
    if (code) {
        free(c.params);
        return code;
    }
    time_to_learn(&c);
    time_for_scenario(&c);
    *out = c;
    return ASSAY_OK;
}

/* Options whose text differs between two structs of one table. */
static void write_differing(const struct assay_option *table, const void *mine, const void *usual, struct assay_text *out)
{
    const char *between = "/";
    for (const struct assay_option *row = table; row->name; row++) {
        char              a_room[256], b_room[256];
        struct assay_text a = ASSAY_TEXT(a_room), b = ASSAY_TEXT(b_room);
        assay_option_write(row, mine, &a);
        assay_option_write(row, usual, &b);
        if (!strcmp(a_room, b_room))
            continue;
        assay_text_add(out, "%s%s=%s", between, row->name, a_room);
        between = ",";
    }
}

static void write_scenario_brief(const struct assay_scenario *s, struct assay_text *out)
{
    const struct assay_scenario_row *row = &assay_scenarios[s->type - ASSAY_SINGLE_STREAM];
    struct assay_scenario            usual;
    struct assay_error               ignored = {.code = ASSAY_OK};
    char                             text[64];
    /* A trace has no default; the profile decides on the others'. */
    (void)snprintf(text, sizeof text, "%s/profile=%.15s%s", row->name, s->profile, s->type == ASSAY_TRACE ? ",trace=-" : "");
    assay_text_add(out, "@%s", row->name);
    if (assay_scenario_parse(text, &usual, &ignored))
        return;
    if (!strcmp(s->profile, "loadgen"))
        (void)assay_string_copy(usual.profile, sizeof usual.profile, "short"); /* to be written */
    write_differing(row->options, s, &usual, out);
}

static void write_serving_brief(const struct assay_serving *s, struct assay_text *out)
{
    struct assay_serving usual;
    struct assay_error   ignored = {.code = ASSAY_OK};
    char                 room[ASSAY_CASE_NAME_BYTES];
    struct assay_text    differing = ASSAY_TEXT(room);
    if (assay_serving_parse("", &usual, &ignored))
        return;
    write_differing(assay_serving_options, s, &usual, &differing);
    if (*room)
        assay_text_add(out, "+serving%s", room);
}

void assay_case_brief(const char *name, char out[ASSAY_CASE_NAME_BYTES])
{
    struct assay_case  c = {.workload = NULL};
    struct assay_error ignored = {.code = ASSAY_OK};
    (void)assay_string_copy(out, ASSAY_CASE_NAME_BYTES, name);
    (void)assay_case_parse(name, &c, &ignored);
    if (!c.workload)
        return;
    void *plain = calloc(1, c.workload->params_bytes + 1);
    if (plain && !assay_options_defaults(c.workload->params, plain, &ignored)) {
        struct assay_text text = assay_text_over(out, ASSAY_CASE_NAME_BYTES);
        assay_text_add(&text, "%s%s%s", c.workload->name, *c.phase ? "." : "", c.phase);
        write_differing(c.workload->params, c.params, plain, &text);
        if (c.scenario.type)
            write_scenario_brief(&c.scenario, &text);
        if (assay_case_is_served(&c))
            write_serving_brief(&c.serving, &text);
    }
    free(plain);
    assay_case_release(&c);
}

void assay_case_release(struct assay_case *c)
{
    free(c->params);
    c->params = NULL;
}

/* The row of the parameter that says how many samples an execution has; NULL: the workload has none. */
static const struct assay_option *batch_row(const struct assay_workload *w)
{
    for (const struct assay_option *row = w->params; row->name; row++)
        if (!strcmp(row->name, "batch") && row->type == ASSAY_OPT_I64)
            return row;
    return NULL;
}

/* The parameters of an execution of so many samples: the same workload with so many times the batch. */
static enum assay_code make_batched(const struct assay_case *c, uint32_t samples, void *params, struct assay_error *err)
{
    const struct assay_option *row = batch_row(c->workload);
    int64_t                    batch;
    if (!row)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "workload %s has no parameter 'batch': max_batch must be 1, got %lld", c->workload->name,
                          (long long)c->scenario.max_batch);
    memcpy(params, c->params, c->workload->params_bytes);
    memcpy(&batch, (char *)params + row->offset, sizeof batch);
    if ((double)batch * samples > row->max)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "max_batch=%u times batch=%lld is more than %.0f", samples, (long long)batch, row->max);
    batch *= samples;
    memcpy((char *)params + row->offset, &batch, sizeof batch);
    return ASSAY_OK;
}

enum assay_code assay_case_graph(const struct assay_case *c, struct assay_graph **out, struct assay_error *err)
{
    uint32_t ranks;
    if (assay_case_ranks(c, &ranks, err))
        return err->code;
    if (ranks > 1)
        return assay_case_join(c, ranks, out, NULL, err);
    return assay_case_graph_of(c, c->scenario.type && c->scenario.max_batch > 1 ? (uint32_t)c->scenario.max_batch : 1, out, err);
}

enum assay_code assay_case_graph_of(const struct assay_case *c, uint32_t samples, struct assay_graph **out, struct assay_error *err)
{
    bool                batched = c->scenario.type && c->scenario.max_batch != 1; /* also one of them: the parameter must be there */
    void               *params = batched ? calloc(1, c->workload->params_bytes + 1) : c->params;
    struct assay_graph *g = params || !batched ? assay_graph_new(c->workload->name) : NULL;
    enum assay_code     code = g ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    if (!code && batched)
        code = make_batched(c, samples, params, err);
    if (!code)
        code = c->workload->build(params, c->phase, g, err);
    if (batched)
        free(params);
    if (code) {
        assay_graph_free(g);
        return assay_error_in(err, "building case '%.100s'", c->name);
    }
    *out = g;
    return ASSAY_OK;
}
