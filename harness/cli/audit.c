#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/judge/audit.h"
#include "harness/judge/summary.h"
#include "harness/plan/plan.h"
#include "harness/run/launcher.h"

#include "assay/banned.h"

struct audit_options {
    int64_t test;
    bool    resume, json, quiet;
};

static const char *const tests[] = {"TEST01", "TEST04", "TEST06", NULL};

#define AT(member) offsetof(struct audit_options, member)

static const struct assay_option options[] = {
    {.name = "test", .type = ASSAY_OPT_ENUM, .offset = AT(test), .dflt = "TEST01", .choices = tests,
     .help = "TEST01: outputs of the timed phase; TEST04: nothing is answered from memory; TEST06: tokens of served requests"},
    {.name = "resume", .type = ASSAY_OPT_BOOL, .offset = AT(resume), .dflt = "false", .help = "go on with an audit that was interrupted"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = AT(json), .dflt = "false", .help = "as JSON"},
    {.name = "quiet", .type = ASSAY_OPT_BOOL, .offset = AT(quiet), .dflt = "false", .help = "no progress"},
    {0},
};

/* ---- what is audited ----------------------------------------------------------------------------------------------- */

/* Is it something that the test is about: on a real clock, ended well, with queries or, of TEST06, requests? */
static bool is_audited(const struct assay_summary_row *row, const struct assay_case *c, const char *test)
{
    return row->status == ASSAY_STATUS_OK && row->clock != ASSAY_CLOCK_MODEL && c->scenario.type &&
           assay_case_is_served(c) == !strcmp(test, "TEST06");
}

static bool runs_on(const struct assay_summary *run, const struct assay_case *c, const char *backend, const char *test)
{
    const struct assay_summary_row *row = assay_summary_find(run, c->id, backend);
    return row && is_audited(row, c, test);
}

/* One launch of each case that is audited on any back end. */
static enum assay_code keep_audited(const struct assay_summary *run, struct assay_plan *plan, const char *test, struct assay_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->n_cases; i++) {
        bool wanted = false;
        for (size_t b = 0; b < run->n_backends; b++)
            wanted = wanted || runs_on(run, &plan->cases[i], run->backends[b], test);
        plan->cases[i].repeat.launches = 1;
        if (!wanted) {
            assay_case_release(&plan->cases[i]);
            continue;
        }
        struct assay_case one = plan->cases[i];
        plan->cases[kept++] = one;
    }
    plan->n_cases = kept;
    return kept ? ASSAY_OK
                : ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s audits %s that ran on a real clock and ended well, and the run has none", test,
                             strcmp(test, "TEST06") ? "cases with queries" : "served cases");
}

/* ---- the result ---------------------------------------------------------------------------------------------------- */

static void print_verdicts(const struct assay_audit_verdict *v, size_t n)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"verdict", "test", "rule", "case", "backend", "why", NULL});
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < v[i].n_rules; k++) {
            char name[ASSAY_CASE_NAME_BYTES], backend[128];
            assay_case_brief(v[i].case_name, name);
            (void)snprintf(backend, sizeof backend, "%.*s", (int)strcspn(v[i].backend, ","), v[i].backend);
            assay_table_row(&table, (const char *const[]){assay_outcome_name(v[i].rule[k].outcome), v[i].test, v[i].rule[k].name, name, backend,
                                                          v[i].rule[k].why});
        }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static json_t *rule_json(const struct assay_audit_rule *r)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "rule", r->name, "outcome", assay_outcome_name(r->outcome), "value",
                     r->has_value ? assay_json_number(r->value) : json_null(), "limit", r->has_value ? assay_json_number(r->limit) : json_null(), "why",
                     assay_json_string(r->why));
}

static void print_json(const struct assay_audit_verdict *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *rules = json_array();
        for (size_t k = 0; k < v[i].n_rules; k++)
            (void)json_array_append_new(rules, rule_json(&v[i].rule[k]));
        (void)json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:s, s:o}", "test", v[i].test, "case", assay_json_string(v[i].case_name), "backend",
                                                    assay_json_string(v[i].backend), "outcome", assay_outcome_name(v[i].outcome), "rules", rules));
    }
    assay_cli_print_json(list);
}

static enum assay_exit conclude(const struct assay_audit_verdict *v, size_t n, const struct audit_options *o)
{
    size_t passed = 0, failed = 0;
    for (size_t i = 0; i < n; i++) {
        passed += v[i].outcome == ASSAY_PASS;
        failed += v[i].outcome == ASSAY_FAIL;
    }
    if (o->json)
        print_json(v, n);
    else {
        print_verdicts(v, n);
        printf("%zu passed, %zu failed, %zu not checked\n", passed, failed, n - passed - failed);
    }
    return failed ? ASSAY_EXIT_NO : passed ? ASSAY_EXIT_YES : ASSAY_EXIT_INSUFFICIENT;
}

/* ---- the course ----------------------------------------------------------------------------------------------------- */

static void on_done(void *self, const struct assay_run_step *step, const struct assay_record *record)
{
    const struct audit_options *o = self;
    char                        brief[ASSAY_CASE_NAME_BYTES];
    if (o->quiet)
        return;
    assay_case_brief(step->what->name, brief);
    fprintf(stderr, "[%zu/%zu] ", step->index + 1, step->total);
    assay_cli_complain(tests[o->test], " ", "");
    assay_cli_complain("", brief, "");
    assay_cli_complain(record->status == ASSAY_STATUS_OK ? "" : ": ", record->reason, "\n");
}

static enum assay_code run_audit(const struct assay_summary *run, const char *folder, const char *test, const struct audit_options *o,
                                 struct assay_error *err)
{
    char                    path[4096], parent[4096], repeat[1024];
    struct assay_plan       plan;
    struct assay_run_counts counts;
    struct assay_text       text = ASSAY_TEXT(repeat);
    if (assay_plan_from_json(json_object_get(assay_run_folder_plan(run->folder), "suite"), &plan, err))
        return err->code;
    assay_text_add(&text, "assay audit ");
    assay_string_escape(&text, ASSAY_ESCAPE_SHELL, folder);
    assay_text_add(&text, " --test %s", test);
    if (!keep_audited(run, &plan, test, err) && !assay_audit_folder(folder, test, path, err) && !assay_path_join(parent, sizeof parent, folder, "audit", err) &&
        !assay_folder_make(parent, err)) {
        struct assay_run_request request = {
            .plan = &plan, .backends = run->backends, .n_backends = run->n_backends, .folder = path, .power = "", .audit = test, .repeat = repeat,
            .resume = o->resume, .arguments = assay_cli_arguments, .n_arguments = assay_cli_n_arguments, .stop = &assay_cli_interrupted,
            .done = on_done, .self = (void *)(uintptr_t)o,
        };
        assay_cli_catch_interrupts();
        (void)assay_run(&request, &counts, err);
    }
    assay_plan_release(&plan);
    return err->code;
}

/* The audit's own outputs are judged as any run's. */
static enum assay_code validate(const char *folder, const char *test, struct assay_error *err)
{
    char                     path[4096];
    struct assay_run_folder *audit = NULL;
    struct assay_verdict    *verdicts = NULL;
    size_t                   n = 0;
    if (assay_audit_folder(folder, test, path, err) || assay_run_folder_read(path, &audit, err))
        return err->code;
    if (!assay_validate_run(audit, NULL, NULL, &verdicts, &n, err))
        (void)assay_verdicts_write(path, verdicts, n, err);
    assay_run_folder_close(audit);
    free(verdicts);
    return err->code;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct audit_options *o = given_options;
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_summary        base;
    struct assay_audit_verdict *verdicts = NULL;
    size_t                      found = 0;
    const char                 *test = tests[o->test];
    (void)given;
    if (n != 1)
        return assay_cli_usage("audit needs a run folder: assay audit out/load --test TEST01");
    if (assay_summary_read(operands[0], &base, &err))
        return assay_cli_fail(&err);
    (void)run_audit(&base, operands[0], test, o, &err);
    assay_summary_release(&base);
    if (!err.code && !validate(operands[0], test, &err))
        (void)assay_audit_read(operands[0], test, &verdicts, &found, &err);
    enum assay_exit result = err.code ? assay_cli_fail(&err) : conclude(verdicts, found, o);
    free(verdicts);
    return result;
}

const struct assay_verb assay_verb_audit = {
    .name = "audit",
    .operands = "DIR",
    .summary = "runs the cases of a run folder again in a way that shows who cheats, after MLPerf's compliance tests",
    .details = "Writes DIR/audit/TEST, a run folder of its own; nothing in DIR changes. TEST01: outputs of timed executions, chosen by chance after\n"
               "they ended, are what the same inputs gave outside of the timed phase, and it is as fast within 10 %. TEST04: asking for one sample\n"
               "again and again gains 10 % at most, over the run and over inputs that were never seen. TEST06: of 100 served requests each begins as\n"
               "it does alone and has as many tokens as were asked for. Exit status 1: a rule is broken. assay export --format mlperf takes them along.",
    .options = options,
    .options_bytes = sizeof(struct audit_options),
    .run = run,
};
