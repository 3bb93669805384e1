#include "harness/judge/model_findings.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/json.h"

#include "assay/banned.h"

struct reading {
    const char         *path;
    size_t              number; /* of the case, from 0 */
    struct assay_error *err;
};

/* ---- members --------------------------------------------------------------------------------------------------- */

static bool outcome_of(const struct reading *r, const json_t *json, const char *what, enum assay_outcome *out)
{
    *out = assay_outcome_find(json_string_value(json_object_get(json, "outcome")));
    if (*out)
        return true;
    (void)ASSAY_FAIL(r->err, ASSAY_DATA, "%.160s: %s of case %zu has no outcome", r->path, what, r->number + 1);
    return false;
}

/* ---- parts of a case ------------------------------------------------------------------------------------------- */

static void read_layer(const json_t *json, struct assay_model_layer *out)
{
    *out = (struct assay_model_layer){
        .node = assay_json_text_of(json, "node"), .op = assay_json_text_of(json, "op"), .shape = assay_json_text_of(json, "shape"), .inputs = json_object_get(json, "inputs"),
        .ratio = assay_json_number_of(json, "ratio"), .strain = assay_json_number_of(json, "strain"),
        .in = assay_json_number_of(json, "error_in"), .carried = assay_json_number_of(json, "error_carried"),
        .added = assay_json_number_of(json, "error_added"), .out = assay_json_number_of(json, "error_out"),
        .index = (int64_t)json_integer_value(json_object_get(json, "index")), .observed = assay_json_number_of(json, "observed"),
        .expected = assay_json_number_of(json, "expected"), .bound = assay_json_number_of(json, "bound"),
        .wide = json_is_true(json_object_get(json, "operands_kept_wider")), .diverges = json_is_true(json_object_get(json, "diverges")),
    };
    if (out->diverges && isnan(out->ratio)) /* JSON has no infinity */
        out->ratio = out->strain = INFINITY;
}

static bool read_search(const struct reading *r, const json_t *json, struct assay_model_search *out)
{
    const json_t *values = json_object_get(json, "values"), *first = json_object_get(json, "first");
    if (!json)
        return true;
    if (!outcome_of(r, json, "'layers'", &out->outcome))
        return false;
    out->why = assay_json_text_of(json, "why");
    out->nodes = assay_json_u64_of(json, "nodes");
    out->diverging = assay_json_u64_of(json, "diverging");
    out->left_out = assay_json_u64_of(json, "values_left_out");
    out->outputs_ratio = assay_json_number_of(json_object_get(json, "outputs"), "ratio");
    out->has_first = json_is_object(first);
    read_layer(first, &out->first);
    if (!(out->value = calloc(json_array_size(values) + 1, sizeof *out->value))) {
        (void)ASSAY_FAIL(r->err, ASSAY_MEMORY, "no memory for %zu values of '%.160s'", json_array_size(values), r->path);
        return false;
    }
    for (; out->n < json_array_size(values); out->n++)
        read_layer(json_array_get(values, out->n), &out->value[out->n]);
    return true;
}

static struct assay_model_choice choice_of(const json_t *json)
{
    return (struct assay_model_choice){.there = json_is_object(json), .item = assay_json_u64_of(json, "item"), .margin = assay_json_number_of(json, "margin"),
                                       .bounds = assay_json_number_of(json, "bounds")};
}

static bool read_choices(const struct reading *r, const json_t *json, const char *what, struct assay_model_choices *out)
{
    if (!outcome_of(r, json, what, &out->outcome))
        return false;
    out->why = assay_json_text_of(json, "why");
    out->items = assay_json_u64_of(json, "items");
    out->equal = assay_json_u64_of(json, "equal");
    out->within_bounds = assay_json_u64_of(json, "within_bounds");
    out->wrong = assay_json_u64_of(json, "wrong");
    out->undecided = assay_json_u64_of(json, "undecided");
    out->first_wrong = choice_of(json_object_get(json, "first_wrong"));
    out->first_undecided = choice_of(json_object_get(json, "first_undecided"));
    return true;
}

static bool read_quality(const struct reading *r, const json_t *json, struct assay_model_quality *out)
{
    const json_t *loss = json_object_get(json, "loss"), *trained = json_object_get(json, "trained");
    if (!json)
        return true;
    out->right = assay_json_u64_of(json, "right");
    out->reference_right = assay_json_u64_of(json, "reference_right");
    out->scores_ratio = assay_json_number_of(json, "scores_ratio");
    out->loss_device = assay_json_number_of(loss, "device");
    out->loss_reference = assay_json_number_of(loss, "reference");
    out->loss_ratio = assay_json_number_of(loss, "ratio");
    out->steps = assay_json_u64_of(trained, "steps");
    out->trainer = assay_json_text_of(trained, "by");
    return read_choices(r, json, "'quality'", &out->choices);
}

static bool read_tokens(const struct reading *r, const json_t *json, struct assay_model_tokens *out)
{
    if (!json)
        return true;
    out->steps = assay_json_u64_of(json, "steps");
    out->sequences = assay_json_u64_of(json, "sequences");
    out->weights = assay_json_text_of(json, "weights");
    return read_choices(r, json, "'tokens'", &out->choices);
}

static bool read_case(const struct reading *r, const json_t *json, struct assay_model_case *out)
{
    out->name = assay_json_text_of(json, "case");
    out->why = assay_json_text_of(json, "why");
    if (!*out->name) {
        (void)ASSAY_FAIL(r->err, ASSAY_DATA, "%.160s: case %zu has no name", r->path, r->number + 1);
        return false;
    }
    return outcome_of(r, json, "all", &out->outcome) && read_search(r, json_object_get(json, "layers"), &out->search) &&
           read_quality(r, json_object_get(json, "quality"), &out->quality) && read_tokens(r, json_object_get(json, "tokens"), &out->tokens);
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

enum assay_code assay_model_findings_of(json_t *document, const char *path, struct assay_model_findings *out, struct assay_error *err)
{
    const json_t  *cases = json_object_get(document, "cases");
    struct reading r = {.path = path, .err = err};
    size_t         n = json_array_size(cases);
    *out = (struct assay_model_findings){.document = document, .manifest = json_object_get(document, "manifest")};
    out->backend = assay_json_text_of(json_array_get(json_object_get(out->manifest, "backends"), 0), "backend");
    if (!json_is_array(cases))
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%.160s: 'cases' must be a list", path);
    else if (!(out->cases = calloc(n + 1, sizeof *out->cases)))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu cases of '%.160s'", n, path);
    for (; !err->code && r.number < n; r.number++, out->n++)
        (void)read_case(&r, json_array_get(cases, r.number), &out->cases[r.number]);
    if (err->code)
        assay_model_findings_release(out);
    return err->code;
}

void assay_model_findings_release(struct assay_model_findings *findings)
{
    for (size_t i = 0; i < findings->n; i++)
        free(findings->cases[i].search.value);
    free(findings->cases);
    json_decref(findings->document);
    *findings = (struct assay_model_findings){.n = 0};
}

void assay_model_layer_shapes(const struct assay_model_layer *layer, struct assay_text *out)
{
    for (size_t k = 0; k < json_array_size(layer->inputs); k++) {
        const char *shape = json_string_value(json_array_get(layer->inputs, k));
        assay_text_add(out, "%s ", shape ? shape : "");
    }
    assay_text_add(out, "-> %s", layer->shape);
}

const struct assay_model_layer *assay_model_search_telling(const struct assay_model_search *s)
{
    const struct assay_model_layer *best = s->has_first ? &s->first : NULL;
    for (size_t i = 0; !s->has_first && i < s->n; i++)
        if (!isnan(s->value[i].strain) && (!best || s->value[i].strain > best->strain))
            best = &s->value[i];
    return best;
}

size_t assay_model_findings_proved(const struct assay_model_findings *findings)
{
    size_t n = 0;
    for (size_t i = 0; i < findings->n; i++)
        n += assay_outcome_proves(findings->cases[i].outcome);
    return n;
}
