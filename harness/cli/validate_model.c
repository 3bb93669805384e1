/* `assay validate --backend B --level model [CASE…]`: whole models, and the first node at which a device diverges. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/progress.h"
#include "harness/cli/table.h"
#include "harness/cli/validate_level.h"
#include "harness/judge/findings.h"
#include "harness/judge/model.h"

#include "assay/banned.h"

#define SUITE "model"
#define MOST_DIVERGING 5u /* of a case, in the table; all are in --json */

static void on_progress(void *self, size_t done, size_t all, const char *name)
{
    char brief[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(name, brief);
    assay_cli_progress(((const struct assay_validate_level *)self)->quiet, "", done, all, brief);
}

/* "–" where there is none. */
static void number(double x, char out[32])
{
    (void)snprintf(out, 32, isnan(x) ? "–" : "%.3g", x);
}

static void print_cases(const struct assay_model_findings *f)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"verdict", ">nodes", ">node's error/bound", ">outputs' error/bound", "case", "why", NULL});
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_case   *c = &f->cases[i];
        const struct assay_model_search *s = &c->search;
        const struct assay_model_layer  *node = assay_model_search_telling(s);
        char                             nodes[32], ratio[32], end[32], name[ASSAY_CASE_NAME_BYTES];
        bool                             looked = s->nodes > 0;
        (void)snprintf(nodes, sizeof nodes, looked ? "%" PRIu64 : "–", s->nodes);
        number(node ? node->ratio : NAN, ratio);
        number(looked ? s->outputs_ratio : NAN, end);
        assay_case_brief(c->name, name);
        assay_table_row(&table, (const char *const[]){assay_outcome_name(c->outcome), nodes, ratio, end, name, c->why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static size_t add_diverging(struct assay_table *table, const struct assay_model_case *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->search.n; i++) {
        const struct assay_model_layer *v = &c->search.value[i];
        char              brief[ASSAY_CASE_NAME_BYTES], shapes[160], in[32], carried[32], added[32], out[32], ratio[32];
        struct assay_text text = ASSAY_TEXT(shapes);
        if (!v->diverges || n++ >= MOST_DIVERGING)
            continue;
        assay_case_brief(c->name, brief);
        assay_model_layer_shapes(v, &text);
        number(v->in, in);
        number(v->carried, carried);
        number(v->added, added);
        number(v->out, out);
        number(v->ratio, ratio);
        assay_table_row(table, (const char *const[]){v->node, v->op, shapes, in, carried, added, out, ratio, brief});
    }
    return n;
}

/* Where nodes diverge, the first of each case, in the order of execution. */
static void print_diverging(const struct assay_model_findings *f)
{
    struct assay_table table;
    size_t             rows = 0, cases_cut = 0;
    assay_table_init(&table, (const char *const[]){"diverging node", "op", "shapes", ">error in", ">carried", ">added", ">out", ">added/bound", "case",
                                                   NULL});
    for (size_t i = 0; i < f->n; i++) {
        size_t here = add_diverging(&table, &f->cases[i]);
        rows += here;
        cases_cut += here > MOST_DIVERGING;
    }
    if (rows) {
        puts("\nseen in a program whose inner values are outputs, which is not the program that was timed:");
        assay_table_print(&table, stdout);
    }
    if (cases_cut)
        printf("the first %u of a case; --json has all\n", MOST_DIVERGING);
    assay_table_release(&table);
}

static enum assay_exit conclude(const struct assay_validate_level *with, const struct assay_model_findings *f, const char *folder,
                                struct assay_level_end *end)
{
    size_t of[3] = {0};
    for (size_t i = 0; i < f->n; i++)
        assay_cli_level_count(f->cases[i].outcome, with->strict, of);
    if (with->json) {
        end->document = json_copy(f->document);
        (void)json_object_update_new(end->document, json_pack("{s:I, s:I, s:I}", "passed", (json_int_t)of[0], "failed", (json_int_t)of[1],
                                                              "not_checked", (json_int_t)of[2]));
    } else {
        print_cases(f);
        print_diverging(f);
    }
    (void)snprintf(end->summary, sizeof end->summary, "%zu passed, %zu failed, %zu not checked; recorded in %.2000s", of[0], of[1], of[2], folder);
    return of[1] ? ASSAY_EXIT_NO : of[0] ? ASSAY_EXIT_YES : ASSAY_EXIT_INSUFFICIENT;
}

static enum assay_code make_plan(const struct assay_validate_level *with, struct assay_plan *plan, struct assay_error *err)
{
    assay_plan_init(plan);
    for (size_t i = 0; i < with->n_cases; i++) {
        char        name[ASSAY_CASE_NAME_BYTES];
        const char *word = with->cases[i];
        if (assay_is_model_file(word)) {
            if (assay_case_of_file(word, name, err))
                return err->code;
            word = name;
        }
        if (assay_plan_add(plan, word, err))
            return err->code;
    }
    if (!with->n_cases && assay_plan_read(SUITE, plan, err))
        return err->code;
    if (with->seed >= 0)
        plan->seed = (uint64_t)with->seed;
    return ASSAY_OK;
}

/* What was found is kept in the folder, which is made before anything runs, and then told. */
static enum assay_code search(const struct assay_validate_level *with, const struct assay_plan *plan, const char *folder,
                              struct assay_model_findings *found, struct assay_error *err)
{
    struct assay_model_request request = {.backend = with->backend, .plan = plan, .timeout_ns = with->timeout_ns, .arguments = assay_cli_arguments,
                                          .n_arguments = assay_cli_n_arguments, .stop = &assay_cli_interrupted, .progress = on_progress,
                                          .self = (void *)(uintptr_t)with};
    json_t                    *document = NULL;
    if (assay_folder_make(folder, err) || assay_model(&request, &document, err) || assay_model_findings_of(document, ASSAY_FINDINGS_MODEL, found, err))
        return err->code;
    if (assay_findings_write(folder, ASSAY_FINDINGS_MODEL, document, err))
        assay_model_findings_release(found);
    return err->code;
}

enum assay_exit assay_cli_validate_model(const struct assay_validate_level *with, struct assay_level_end *end)
{
    char                        folder[ASSAY_LEVEL_FOLDER_BYTES];
    struct assay_plan           plan;
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_model_findings found = {.n = 0};
    enum assay_exit             result;
    assay_cli_level_folder(with, "model", folder);
    if (make_plan(with, &plan, &err)) {
        assay_plan_release(&plan);
        return assay_cli_fail(&err);
    }
    assay_cli_catch_interrupts();
    enum assay_code code = search(with, &plan, folder, &found, &err);
    assay_cli_progress_end(with->quiet);
    result = code ? assay_cli_fail(&err) : conclude(with, &found, folder, end);
    if (!code)
        assay_model_findings_release(&found);
    assay_plan_release(&plan);
    return result;
}
