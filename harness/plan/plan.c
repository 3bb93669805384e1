#include "harness/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/options.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "suites/weights/value_source.h"

#include "assay/banned.h"

#define PLAN_FORMAT "assay-plan/1"

void assay_plan_init(struct assay_plan *plan)
{
    *plan = (struct assay_plan){.name = "cases", .about = "cases named on the command line", .seed = 1};
}

void assay_plan_release(struct assay_plan *plan)
{
    for (size_t i = 0; i < plan->n_cases; i++)
        assay_case_release(&plan->cases[i]);
    free(plan->cases);
    free(plan->suite_text);
    plan->suite_text = NULL;
    assay_file_set_release(&plan->weights);
    assay_file_set_release(&plan->inputs);
    plan->cases = NULL;
    plan->n_cases = 0;
}

/* There is room for the next power of two: growing by one would copy all cases for each of them. */
enum assay_code assay_plan_take(struct assay_plan *plan, struct assay_case *c, struct assay_error *err)
{
    if ((plan->n_cases & (plan->n_cases - 1)) == 0) {
        struct assay_case *more = reallocarray(plan->cases, plan->n_cases ? 2 * plan->n_cases : 1, sizeof *more);
        if (!more) {
            assay_case_release(c);
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for case %zu", plan->n_cases);
        }
        plan->cases = more;
    }
    plan->cases[plan->n_cases++] = *c;
    return ASSAY_OK;
}

enum assay_code assay_plan_add(struct assay_plan *plan, const char *case_name, struct assay_error *err)
{
    struct assay_case c;
    if (assay_case_parse(case_name, &c, err))
        return err->code;
    for (size_t i = 0; i < plan->n_cases; i++)
        if (!strcmp(plan->cases[i].id, c.id)) {
            assay_case_release(&c);
            return ASSAY_OK;
        }
    return assay_plan_take(plan, &c, err);
}

/* ---- values from files ------------------------------------------------------------------------------------------ */

static enum assay_code use_files(struct assay_plan *plan, const struct assay_case *c, struct assay_value_source **source,
                                 const struct assay_graph *g, struct assay_error *err)
{
    if (assay_value_source_open(g, plan->weights.path, plan->inputs.path, source, err) ||
        assay_value_source_check(*source, err) ||
        assay_value_source_files(*source, *plan->weights.path ? &plan->weights : NULL, *plan->inputs.path ? &plan->inputs : NULL,
                                 err))
        return assay_error_in(err, "giving its values to case '%.80s'", c->name);
    return ASSAY_OK;
}

enum assay_code assay_plan_use_files(struct assay_plan *plan, const char *weights, const char *inputs,
                                     void (*say)(void *self, const struct assay_case *c, const char *what), void *self,
                                     struct assay_error *err)
{
    if ((*weights && assay_file_set_init(&plan->weights, weights, err)) ||
        (*inputs && assay_file_set_init(&plan->inputs, inputs, err)))
        return err->code;
    enum assay_code code = ASSAY_OK;
    for (size_t i = 0; !code && i < plan->n_cases && (*weights || *inputs); i++) {
        const struct assay_case   *c = &plan->cases[i];
        struct assay_graph        *g = NULL;
        struct assay_value_source *source = NULL;
        char                       what[256];
        struct assay_text          text = ASSAY_TEXT(what);
        *what = 0;
        if (!(code = assay_case_graph(c, &g, err)) && !(code = use_files(plan, c, &source, g, err))) {
            assay_value_source_say(source, &text);
            if (*what)
                say(self, c, what);
        }
        assay_value_source_close(source);
        assay_graph_free(g);
    }
    return code;
}

/* ---- as JSON ---------------------------------------------------------------------------------------------------- */

static json_t *repeat_to_json(const struct assay_repeat *repeat)
{
    json_t *object = json_object();
    for (const struct assay_option *row = assay_repeat_options; row->name; row++) {
        char              value[64];
        struct assay_text text = ASSAY_TEXT(value);
        assay_option_write(row, repeat, &text);
        json_object_set_new(object, row->name, json_string(value));
    }
    return object;
}

json_t *assay_plan_to_json(const struct assay_plan *plan)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < plan->n_cases; i++) {
        const struct assay_case *c = &plan->cases[i];
        json_array_append_new(cases, json_pack("{s:o, s:s, s:o}", "case", assay_json_string(c->name), "id", c->id,
                                               "repeat", repeat_to_json(&c->repeat)));
    }
    json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:o}", "format", PLAN_FORMAT, "name", assay_json_string(plan->name), "about",
                             assay_json_string(plan->about), "seed", assay_json_u64(plan->seed), "cases", cases);
    if (plan->weights.n)
        json_object_set_new(json, "weights", assay_file_set_to_json(&plan->weights));
    if (plan->inputs.n)
        json_object_set_new(json, "inputs", assay_file_set_to_json(&plan->inputs));
    return json;
}

static enum assay_code case_from_json(const json_t *json, struct assay_case *c, struct assay_error *err)
{
    const char *name, *id;
    json_t     *repeat;
    if (json_unpack((json_t *)json, "{s:s, s:s, s:o !}", "case", &name, "id", &id, "repeat", &repeat) ||
        !json_is_object(repeat))
        return ASSAY_FAIL(err, ASSAY_DATA, "a case of the plan lacks 'case', 'id' or 'repeat', or has more");
    if (assay_case_parse(name, c, err))
        return err->code;
    if (strcmp(id, c->id) != 0) {
        assay_case_release(c);
        return ASSAY_FAIL(err, ASSAY_DATA, "case '%.80s' has id %.20s in the plan, but %s by its name", name, id, c->id);
    }
    const char *key;
    json_t     *value;
    json_object_foreach(repeat, key, value)
    {
        if (!json_is_string(value) ||
            assay_option_set(assay_repeat_options, &c->repeat, key, json_string_value(value), err)) {
            assay_case_release(c);
            return json_is_string(value) ? err->code : ASSAY_FAIL(err, ASSAY_DATA, "'%.40s' of a repeat is not a text", key);
        }
    }
    return ASSAY_OK;
}

enum assay_code assay_plan_from_json(const json_t *json, struct assay_plan *out, struct assay_error *err)
{
    struct assay_plan plan;
    const char       *format, *name, *about;
    json_t           *cases, *seed, *weights = NULL, *inputs = NULL;
    assay_plan_init(&plan);
    if (json_unpack((json_t *)json, "{s:s, s:s, s:s, s:o, s:o, s?o, s?o !}", "format", &format, "name", &name, "about", &about,
                    "seed", &seed, "cases", &cases, "weights", &weights, "inputs", &inputs) ||
        strcmp(format, PLAN_FORMAT) != 0 || !json_is_array(cases) || !json_is_integer(seed) || json_integer_value(seed) < 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "this is not a plan of format '%s'", PLAN_FORMAT);
    (void)assay_string_copy(plan.name, sizeof plan.name, name);
    (void)assay_string_copy(plan.about, sizeof plan.about, about);
    plan.seed = (uint64_t)json_integer_value(seed);
    if ((weights && assay_file_set_from_json(weights, &plan.weights, err)) ||
        (inputs && assay_file_set_from_json(inputs, &plan.inputs, err))) {
        assay_plan_release(&plan);
        return err->code;
    }
    for (size_t i = 0; i < json_array_size(cases); i++) {
        struct assay_case c;
        if (case_from_json(json_array_get(cases, i), &c, err) || assay_plan_take(&plan, &c, err)) {
            assay_plan_release(&plan);
            return err->code;
        }
    }
    *out = plan;
    return ASSAY_OK;
}
