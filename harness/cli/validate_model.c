/* `assay validate --backend B --level model [CASE…]`: whole models, and the first node at which a device diverges. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/progress.h"
#include "harness/cli/table.h"
#include "harness/cli/validate_level.h"
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

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

/* "–" where there is none. JSON has no infinity: what diverges without a number is that. */
static void number_of(const json_t *json, const char *key, char out[32])
{
    const json_t *x = json_object_get(json, key);
    bool          infinite = !json_is_number(x) && !strcmp(key, "ratio") && json_is_true(json_object_get(json, "diverges"));
    (void)snprintf(out, 32, json_is_number(x) ? "%.3g" : infinite ? "inf" : "–", json_number_value(x));
}

static void print_cases(const struct assay_model_result *r, size_t n)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"verdict", ">nodes", ">node's error/bound", ">outputs' error/bound", "case", "why", NULL});
    for (size_t i = 0; i < n; i++) {
        const json_t *layers = json_object_get(r[i].found, "layers"), *worst = json_object_get(layers, "first");
        char          nodes[32], ratio[32], end[32], name[ASSAY_CASE_NAME_BYTES];
        worst = json_is_object(worst) ? worst : json_object_get(layers, "worst");
        number_of(layers, "nodes", nodes);
        number_of(worst, "ratio", ratio);
        number_of(json_object_get(layers, "outputs"), "ratio", end);
        assay_case_brief(r[i].case_name, name);
        assay_table_row(&table, (const char *const[]){assay_outcome_name(r[i].outcome), nodes, ratio, end, name, r[i].why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

/* "f32[1,64] f32[64] -> f32[1,64]" */
static void shapes_of(const json_t *layer, char out[160])
{
    struct assay_text text = assay_text_over(out, 160);
    const json_t     *inputs = json_object_get(layer, "inputs");
    for (size_t k = 0; k < json_array_size(inputs); k++)
        assay_text_add(&text, "%s ", json_string_value(json_array_get(inputs, k)));
    assay_text_add(&text, "-> %s", text_of(layer, "shape"));
}

static size_t add_diverging(struct assay_table *table, const struct assay_model_result *r)
{
    const json_t *values = json_object_get(json_object_get(r->found, "layers"), "values");
    size_t        n = 0;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *v = json_array_get(values, i);
        char          brief[ASSAY_CASE_NAME_BYTES], shapes[160], in[32], carried[32], added[32], out[32], ratio[32];
        if (!json_is_true(json_object_get(v, "diverges")) || n++ >= MOST_DIVERGING)
            continue;
        assay_case_brief(r->case_name, brief);
        shapes_of(v, shapes);
        number_of(v, "error_in", in);
        number_of(v, "error_carried", carried);
        number_of(v, "error_added", added);
        number_of(v, "error_out", out);
        number_of(v, "ratio", ratio);
        assay_table_row(table, (const char *const[]){text_of(v, "node"), text_of(v, "op"), shapes, in, carried, added, out, ratio, brief});
    }
    return n;
}

/* Where nodes diverge, the first of each case, in the order of execution. */
static void print_diverging(const struct assay_model_result *r, size_t n)
{
    struct assay_table table;
    size_t             rows = 0, cases_cut = 0;
    assay_table_init(&table, (const char *const[]){"diverging node", "op", "shapes", ">error in", ">carried", ">added", ">out", ">added/bound", "case",
                                                   NULL});
    for (size_t i = 0; i < n; i++) {
        size_t here = add_diverging(&table, &r[i]);
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

static json_t *all_json(const struct assay_model_result *r, size_t n, const size_t count[3])
{
    json_t *cases = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *one = r[i].found ? json_deep_copy(r[i].found) : json_object();
        (void)json_object_update_new(one, json_pack("{s:o, s:s, s:o}", "case", assay_json_string(r[i].case_name), "outcome",
                                                    assay_outcome_name(r[i].outcome), "why", assay_json_string(r[i].why)));
        (void)json_array_append_new(cases, one);
    }
    return json_pack("{s:o, s:I, s:I, s:I}", "cases", cases, "passed", (json_int_t)count[0], "failed", (json_int_t)count[1], "not_checked",
                     (json_int_t)count[2]);
}

/* DIR/model.json, if somebody asked for it: what --json prints. */
static enum assay_code keep(const char *folder, const struct assay_model_result *r, size_t n, const size_t count[3], struct assay_error *err)
{
    char            path[700];
    json_t         *json = *folder ? all_json(r, n, count) : NULL;
    char           *text = json ? assay_json_pretty(json) : NULL;
    enum assay_code code = ASSAY_OK;
    if (*folder && !text)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found");
    else if (*folder && (assay_folder_make(folder, err) || assay_path_join(path, sizeof path, folder, "model.json", err) ||
                         assay_file_replace(path, text, strlen(text), err)))
        code = err->code;
    json_decref(json);
    free(text);
    return code;
}

static enum assay_exit conclude(const struct assay_validate_level *with, const struct assay_model_result *r, size_t n)
{
    size_t             count[3] = {0};
    struct assay_error err = {.code = ASSAY_OK};
    for (size_t i = 0; i < n; i++) {
        enum assay_outcome o = r[i].outcome;
        bool               passed = o == ASSAY_PASS || (o == ASSAY_MARGINAL && !with->strict);
        count[passed ? 0 : o == ASSAY_FAIL || o == ASSAY_MARGINAL ? 1 : 2]++;
    }
    if (with->json) {
        assay_cli_print_json(all_json(r, n, count));
    } else {
        print_cases(r, n);
        print_diverging(r, n);
        printf("%zu passed, %zu failed, %zu not checked\n", count[0], count[1], count[2]);
    }
    if (keep(with->folder, r, n, count, &err))
        return assay_cli_fail(&err);
    return count[1] ? ASSAY_EXIT_NO : count[0] ? ASSAY_EXIT_YES : ASSAY_EXIT_INSUFFICIENT;
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

enum assay_exit assay_cli_validate_model(const struct assay_validate_level *with)
{
    struct assay_plan          plan;
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_model_result *r = NULL;
    enum assay_exit            result;
    if (make_plan(with, &plan, &err)) {
        assay_plan_release(&plan);
        return assay_cli_fail(&err);
    }
    struct assay_model_request request = {.backend = with->backend, .plan = &plan, .timeout_ns = with->timeout_ns,
                                          .stop = &assay_cli_interrupted, .progress = on_progress, .self = (void *)(uintptr_t)with};
    assay_cli_catch_interrupts();
    enum assay_code code = assay_model(&request, &r, &err);
    assay_cli_progress_end(with->quiet);
    result = code ? assay_cli_fail(&err) : conclude(with, r, plan.n_cases);
    if (!code)
        assay_model_free(r, plan.n_cases);
    assay_plan_release(&plan);
    return result;
}
