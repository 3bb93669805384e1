#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/plan/plan.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

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

/* Takes "workload.phase" apart; a workload with phases needs one of them. */
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
    const char        *phase = dot ? dot + 1 : "";
    if (!phases)
        return *phase ? ASSAY_FAIL(err, ASSAY_CONFIG, "workload %s has no phases, got '.%.32s'", name, phase) : ASSAY_OK;
    char              known[128];
    struct assay_text list = ASSAY_TEXT(known);
    for (size_t i = 0; phases[i]; i++) {
        assay_text_add(&list, "%s%s", i ? ", " : "", phases[i]);
        if (!strcmp(phases[i], phase)) {
            (void)assay_string_copy(c->phase, sizeof c->phase, phase);
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

/* The one spelling of the name, and the id made from it. */
static enum assay_code set_name(struct assay_case *c, struct assay_error *err)
{
    struct assay_text name = ASSAY_TEXT(c->name);
    assay_text_add(&name, "%s%s%s/", c->workload->name, *c->phase ? "." : "", c->phase);
    assay_options_write(c->workload->params, c->params, &name);
    if (name.cut)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "case name is longer than %zu characters", sizeof c->name - 1);
    char digest[65];
    assay_sha256_hex(c->name, name.length, digest);
    memcpy(c->id, digest, 16);
    c->id[16] = 0;
    return ASSAY_OK;
}

enum assay_code assay_case_parse(const char *text, struct assay_case *out, struct assay_error *err)
{
    struct assay_case c = {.workload = NULL};
    char              head[96], what[96];
    const char       *slash = strchr(text, '/');
    size_t            length = slash ? (size_t)(slash - text) : strlen(text);
    if (strlen(text) >= ASSAY_CASE_NAME_BYTES || length >= sizeof head)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "case name is too long: '%.40s…'", text);
    const char *at = strrchr(text, '@');
    if (at)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "unknown scenario '%.40s': this version times executions one after another, without '@'",
                          at + 1);
    memcpy(head, text, length);
    head[length] = 0;
    if (assay_case_head_parse(head, &c, err))
        return err->code;
    c.params = calloc(1, c.workload->params_bytes ? c.workload->params_bytes : 1);
    if (!c.params)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the parameters of '%s'", c.workload->name);
    struct assay_text about = ASSAY_TEXT(what);
    assay_text_add(&about, "workload %s", c.workload->name);
    if (assay_options_defaults(assay_repeat_options, &c.repeat, err) ||
        assay_options_parse(c.workload->params, c.params, slash ? slash + 1 : "", what, err) || set_name(&c, err)) {
        free(c.params);
        return assay_error_in(err, "reading case '%.80s'", text);
    }
    time_to_learn(&c);
    *out = c;
    return ASSAY_OK;
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
        const char       *between = "/";
        assay_text_add(&text, "%s%s%s", c.workload->name, *c.phase ? "." : "", c.phase);
        for (const struct assay_option *row = c.workload->params; row->name; row++) {
            char              mine[256], usual[256];
            struct assay_text a = ASSAY_TEXT(mine), b = ASSAY_TEXT(usual);
            assay_option_write(row, c.params, &a);
            assay_option_write(row, plain, &b);
            if (!strcmp(mine, usual))
                continue;
            assay_text_add(&text, "%s%s=%s", between, row->name, mine);
            between = ",";
        }
    }
    free(plain);
    assay_case_release(&c);
}

void assay_case_release(struct assay_case *c)
{
    free(c->params);
    c->params = NULL;
}

enum assay_code assay_case_graph(const struct assay_case *c, struct assay_graph **out, struct assay_error *err)
{
    struct assay_graph *g = assay_graph_new(c->workload->name);
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    if (c->workload->build(c->params, c->phase, g, err)) {
        assay_graph_free(g);
        return assay_error_in(err, "building case '%.100s'", c->name);
    }
    *out = g;
    return ASSAY_OK;
}
