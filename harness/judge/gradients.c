#include "harness/judge/gradients.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define SUITE "gradients"

struct gradients {
    const struct assay_level_request *with;
    struct assay_gradients               *out;
    struct assay_run_folder              *folder;
    struct assay_error                    untold; /* while outputs were listened to */
};

static enum assay_code run(const struct assay_level_request *request, struct assay_error *err)
{
    struct assay_plan plan;
    assay_plan_init(&plan);
    if (!assay_plan_read(SUITE, &plan, err))
        (void)assay_level_run(request, &plan, err);
    assay_plan_release(&plan);
    return err->code;
}

/* ---- judging ------------------------------------------------------------------------------------------------- */

static void name_param(struct assay_gradient_row *row)
{
    static const char suffix[] = ".gradient";
    size_t            length = strlen(row->found.name), behind = sizeof suffix - 1;
    row->is_gradient = length > behind && !strcmp(row->found.name + length - behind, suffix);
    (void)assay_string_copy(row->param, row->is_gradient ? length - behind + 1 : sizeof row->param, row->found.name);
}

static void on_outputs(void *self, const struct assay_record *record, const struct assay_check_output *found, size_t n)
{
    struct gradients          *g = self;
    struct assay_gradients    *out = g->out;
    size_t                     n_records;
    const struct assay_record *first = assay_run_folder_records(g->folder, &n_records);
    struct assay_gradient_row *more = realloc(out->rows, (out->n_rows + n) * sizeof *more);
    if (!more) {
        (void)ASSAY_FAIL(&g->untold, ASSAY_MEMORY, "no memory for %zu outputs", out->n_rows + n);
        return;
    }
    out->rows = more;
    for (size_t i = 0; i < n; i++) {
        struct assay_gradient_row *row = &out->rows[out->n_rows++];
        *row = (struct assay_gradient_row){.verdict = (size_t)(record - first), .found = found[i]};
        name_param(row);
    }
}

static void on_judged(void *self, size_t done, size_t all, const char *line)
{
    const struct gradients *g = self;
    if (g->with->progress)
        g->with->progress(g->with->self, done, all, line);
}

static enum assay_code judge(struct gradients *g, struct assay_error *err)
{
    g->untold = (struct assay_error){.code = ASSAY_OK};
    if (assay_run_folder_read(g->with->folder, &g->folder, err))
        return err->code;
    enum assay_code code = assay_validate_run_outputs(g->folder, on_judged, on_outputs, g, &g->out->verdicts, &g->out->n_verdicts, err);
    if (!code && g->untold.code) {
        *err = g->untold;
        code = err->code;
    }
    if (!code)
        code = assay_verdicts_write(g->with->folder, g->out->verdicts, g->out->n_verdicts, err);
    assay_run_folder_close(g->folder);
    return code;
}

enum assay_code assay_gradients_run(const struct assay_level_request *request, struct assay_gradients *out, struct assay_error *err)
{
    struct gradients g = {.with = request, .out = out};
    *out = (struct assay_gradients){.n_rows = 0};
    *err = (struct assay_error){.code = ASSAY_OK};
    if (run(request, err) || judge(&g, err)) {
        assay_gradients_release(out);
        return err->code;
    }
    return ASSAY_OK;
}

void assay_gradients_release(struct assay_gradients *gradients)
{
    free(gradients->verdicts);
    free(gradients->rows);
    *gradients = (struct assay_gradients){.n_rows = 0};
}

/* ---- JSON ---------------------------------------------------------------------------------------------------- */

static json_t *row_to_json(const struct assay_gradient_row *r)
{
    const struct assay_check_output *f = &r->found;
    return json_pack("{s:o, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:o}", "name", assay_json_string(r->param), "kind",
                     r->is_gradient ? "gradient" : "output", "verdict", assay_outcome_name(f->outcome), "elements", (json_int_t)f->elements,
                     "compared", (json_int_t)f->compared, "relative_error", assay_json_number(f->error), "cosine",
                     assay_json_number(f->cosine), "error_over_bound", assay_json_number(f->worst_ratio), "worst_index",
                     (json_int_t)f->worst_index, "worst_is_sum", f->worst_is_sum, "worst_observed", assay_json_number(f->worst_observed),
                     "worst_expected", assay_json_number(f->worst_expected), "worst_bound", assay_json_number(f->worst_bound));
}

json_t *assay_gradients_to_json(const struct assay_gradients *g)
{
    json_t *cases = json_array();
    for (size_t v = 0; v < g->n_verdicts; v++) {
        json_t *outputs = json_array();
        for (size_t i = 0; i < g->n_rows; i++)
            if (g->rows[i].verdict == v)
                (void)json_array_append_new(outputs, row_to_json(&g->rows[i]));
        (void)json_array_append_new(cases, json_pack("{s:o, s:s, s:o, s:o, s:o}", "case", assay_json_string(g->verdicts[v].case_name), "verdict",
                                                     assay_outcome_name(g->verdicts[v].check.outcome), "error_over_bound",
                                                     assay_json_number(g->verdicts[v].check.worst_ratio), "why",
                                                     assay_json_string(g->verdicts[v].check.why), "outputs", outputs));
    }
    return cases;
}

static bool text_of(const json_t *json, const char *key, char *out, size_t bytes)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text && (assay_string_copy(out, bytes, text), true);
}

static bool row_from_json(const json_t *json, size_t verdict, struct assay_gradient_row *out)
{
    const char                *kind = json_string_value(json_object_get(json, "kind"));
    struct assay_check_output *f = &out->found;
    *out = (struct assay_gradient_row){.verdict = verdict, .is_gradient = kind && !strcmp(kind, "gradient")};
    f->elements = (uint64_t)json_integer_value(json_object_get(json, "elements"));
    f->compared = (uint64_t)json_integer_value(json_object_get(json, "compared"));
    f->error = assay_json_number_of(json, "relative_error");
    f->cosine = assay_json_number_of(json, "cosine");
    f->worst_ratio = assay_json_number_of(json, "error_over_bound");
    f->worst_index = (int64_t)json_integer_value(json_object_get(json, "worst_index"));
    f->worst_is_sum = json_is_true(json_object_get(json, "worst_is_sum"));
    f->worst_observed = assay_json_number_of(json, "worst_observed");
    f->worst_expected = assay_json_number_of(json, "worst_expected");
    f->worst_bound = assay_json_number_of(json, "worst_bound");
    f->outcome = assay_outcome_find(json_string_value(json_object_get(json, "verdict")));
    return kind && f->outcome && text_of(json, "name", out->param, sizeof out->param);
}

static bool case_from_json(const json_t *json, struct assay_gradients *out)
{
    const json_t         *outputs = json_object_get(json, "outputs");
    struct assay_verdict *v = &out->verdicts[out->n_verdicts];
    v->check.outcome = assay_outcome_find(json_string_value(json_object_get(json, "verdict")));
    bool ok = v->check.outcome && text_of(json, "case", v->case_name, sizeof v->case_name);
    (void)text_of(json, "why", v->check.why, sizeof v->check.why);
    v->check.worst_ratio = assay_json_number_of(json, "error_over_bound");
    for (size_t i = 0; ok && i < json_array_size(outputs); i++)
        ok = row_from_json(json_array_get(outputs, i), out->n_verdicts, &out->rows[out->n_rows++]);
    out->n_verdicts++;
    return ok;
}

enum assay_code assay_gradients_from_json(const json_t *json, const char *path, struct assay_gradients *out, struct assay_error *err)
{
    size_t n = json_array_size(json), outputs = 0;
    *out = (struct assay_gradients){.n_rows = 0};
    if (!json_is_array(json))
        return ASSAY_FAIL(err, ASSAY_DATA, "%.160s: 'gradients' must be a list", path);
    for (size_t i = 0; i < n; i++)
        outputs += json_array_size(json_object_get(json_array_get(json, i), "outputs"));
    out->verdicts = calloc(n + 1, sizeof *out->verdicts);
    out->rows = calloc(outputs + 1, sizeof *out->rows);
    if (!out->verdicts || !out->rows)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu gradients of '%.160s'", outputs, path);
    for (size_t i = 0; !err->code && i < n; i++)
        if (!case_from_json(json_array_get(json, i), out))
            (void)ASSAY_FAIL(err, ASSAY_DATA, "%.160s: of case %zu of 'gradients' a name or a verdict is missing", path, i + 1);
    if (err->code)
        assay_gradients_release(out);
    return err->code;
}

size_t assay_gradients_proved(const struct assay_gradients *gradients)
{
    size_t n = 0;
    for (size_t i = 0; i < gradients->n_verdicts; i++)
        n += assay_outcome_proves(gradients->verdicts[i].check.outcome);
    return n;
}
