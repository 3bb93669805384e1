#include "harness/load/serving/engine_description.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/model/quantity.h"

#include "assay/banned.h"

#define FORMAT "assay-engine/1"
#define LIMIT_BYTES ((size_t)1 << 16)
#define LONGEST_NS 1e12 /* a thousand seconds: no host takes so long for anything here */

const struct assay_engine_cost_row assay_engine_costs[ASSAY_ENGINE_COSTS] = {
#define ASSAY_ENGINE_COST(id, key, about) [ASSAY_ENGINE_##id] = {key, about},
#include "harness/load/serving/engine_costs.def"
#undef ASSAY_ENGINE_COST
};

static enum assay_code read_provenance(const struct assay_json_file *f, const json_t *object, struct assay_engine_number *out,
                                       struct assay_error *err)
{
    int i = 0;
    if (assay_json_word(f, object, "provenance", true, assay_provenance_names, &i, err))
        return err->code;
    (void)assay_string_copy(out->provenance, sizeof out->provenance, assay_provenance_names[i]);
    return ASSAY_OK;
}

static enum assay_code read_number(const struct assay_json_file *f, const char *key, struct assay_engine_number *out,
                                   struct assay_error *err)
{
    static const char *const known[] = {"ns", "low_ns", "high_ns", "provenance", "source"};
    json_t                  *object;
    const char              *source;
    if (assay_json_object(f, f->root, key, true, &object, err) ||
        assay_json_known_keys(f, object, known, sizeof known / sizeof *known, err) ||
        assay_json_f64(f, object, "ns", true, 0, LONGEST_NS, &out->ns, err))
        return err->code;
    out->low_ns = out->high_ns = out->ns;
    if (assay_json_f64(f, object, "low_ns", false, 0, out->ns, &out->low_ns, err) ||
        assay_json_f64(f, object, "high_ns", false, out->ns, LONGEST_NS, &out->high_ns, err) ||
        read_provenance(f, object, out, err) || assay_json_text(f, object, "source", true, &source, err))
        return err->code;
    if (!*source || !assay_string_copy(out->source, sizeof out->source, source))
        return assay_json_fail_at(f, object, "source", err, "source has %zu bytes; 1 to %zu", strlen(source), sizeof out->source - 1);
    return ASSAY_OK;
}

static enum assay_code read_all(const struct assay_json_file *f, struct assay_engine_description *out, struct assay_error *err)
{
    const char *known[ASSAY_ENGINE_COSTS + 4] = {"format", "name", "about", "graphs"}, *name, *about;
    for (size_t i = 0; i < ASSAY_ENGINE_COSTS; i++)
        known[4 + i] = assay_engine_costs[i].key;
    if (assay_json_known_keys(f, f->root, known, sizeof known / sizeof *known, err) ||
        assay_json_text(f, f->root, "name", true, &name, err) || assay_json_text(f, f->root, "about", true, &about, err) ||
        assay_json_bool(f, f->root, "graphs", true, &out->graphs, err))
        return err->code;
    if (!*name || !assay_string_copy(out->name, sizeof out->name, name))
        return assay_json_fail(f, "name", err, "name has %zu bytes; 1 to %zu", strlen(name), sizeof out->name - 1);
    if (!assay_string_copy(out->about, sizeof out->about, about))
        return assay_json_fail(f, "about", err, "about has %zu bytes; at most %zu", strlen(about), sizeof out->about - 1);
    for (size_t i = 0; i < ASSAY_ENGINE_COSTS; i++)
        if (read_number(f, assay_engine_costs[i].key, &out->cost[i], err))
            return err->code;
    return ASSAY_OK;
}

enum assay_code assay_engine_description_read(const char *path, struct assay_engine_description *out, struct assay_error *err)
{
    struct assay_engine_description d = {.graphs = false};
    struct assay_json_file          f;
    if (assay_json_load(path, FORMAT, LIMIT_BYTES, &f, err))
        return err->code;
    enum assay_code code = read_all(&f, &d, err);
    assay_json_release(&f);
    if (!code)
        *out = d;
    return code;
}

/* ---- by name --------------------------------------------------------------------------------------------------- */

enum assay_code assay_engine_description_find(const char *name, struct assay_engine_description *out, struct assay_error *err)
{
    char                    path[700];
    struct assay_data_names names;
    size_t                  i = 0;
    if (assay_data_names_read("suites/engines", &names, err))
        return err->code;
    while (i < names.n && strcmp(names.name[i], name) != 0)
        i++;
    if (i == names.n)
        (void)assay_data_names_unknown(&names, "description of a serving engine", name, err);
    else if (!assay_data_names_path(&names, i, path, sizeof path, err))
        (void)assay_engine_description_read(path, out, err);
    assay_data_names_release(&names);
    return err->code;
}

uint64_t assay_engine_cost_ns(const struct assay_engine_description *d, enum assay_engine_cost cost)
{
    return (uint64_t)llround(d->cost[cost].ns);
}
