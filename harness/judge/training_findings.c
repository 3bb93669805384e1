#include "harness/judge/training_findings.h"

#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

static json_t *trainings_to_json(const struct assay_training_findings *f)
{
    const struct assay_trainings *t = &f->trainings;
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "case", assay_json_string(t->case_name), "a", assay_json_string(t->a), "b",
                     assay_json_string(t->b), "same", t->same, "entropy", assay_json_number(t->floor), "margin_share",
                     assay_json_number(f->margin_share), "equivalence", assay_equivalence_to_json(&t->result, t->pair));
}

json_t *assay_training_findings_to_json(const struct assay_training_findings *f)
{
    json_t *all = json_pack("{s:s, s:o, s:o}", "format", ASSAY_TRAINING_FORMAT, "backend", assay_json_string(f->backend), "gradients",
                            assay_gradients_to_json(&f->gradients));
    if (all && f->compared && json_object_set_new(all, "trainings", trainings_to_json(f))) {
        json_decref(all);
        return NULL;
    }
    return all;
}

static void copy(const json_t *json, const char *key, char *out, size_t bytes)
{
    (void)assay_string_copy(out, bytes, assay_json_text_of(json, key));
}

static enum assay_code trainings_from_json(const json_t *json, const char *path, struct assay_training_findings *out, struct assay_error *err)
{
    struct assay_trainings *t = &out->trainings;
    copy(json, "case", t->case_name, sizeof t->case_name);
    copy(json, "a", t->a, sizeof t->a);
    copy(json, "b", t->b, sizeof t->b);
    t->same = json_is_true(json_object_get(json, "same"));
    t->floor = assay_json_number_of(json, "entropy");
    out->margin_share = assay_json_number_of(json, "margin_share");
    out->compared = true;
    if (assay_equivalence_from_json(json_object_get(json, "equivalence"), &t->result, &t->pair, err))
        return assay_error_in(err, "reading '%.100s'", path);
    return ASSAY_OK;
}

enum assay_code assay_training_findings_of(const json_t *document, const char *path, struct assay_training_findings *out, struct assay_error *err)
{
    const json_t *trainings = json_object_get(document, "trainings");
    memset(out, 0, sizeof *out);
    copy(document, "backend", out->backend, sizeof out->backend);
    if (!assay_gradients_from_json(json_object_get(document, "gradients"), path, &out->gradients, err) && trainings)
        (void)trainings_from_json(trainings, path, out, err);
    if (err->code)
        assay_training_findings_release(out);
    return err->code;
}

void assay_training_findings_release(struct assay_training_findings *findings)
{
    assay_gradients_release(&findings->gradients);
    assay_trainings_release(&findings->trainings);
}
