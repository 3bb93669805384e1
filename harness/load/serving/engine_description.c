#include "harness/load/serving/engine_description.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/model/device.h"

#include "assay/banned.h"

#define FORMAT "assay-engine/1"
#define LIMIT_BYTES ((size_t)1 << 16)
#define LONGEST_NS 1e12 /* a thousand seconds: no host takes so long for anything here */
#define MOST_NAMES 64

const struct assay_engine_cost_row assay_engine_costs[ASSAY_ENGINE_COSTS] = {
#define ASSAY_ENGINE_COST(id, key, about) [ASSAY_ENGINE_##id] = {key, about},
#include "harness/load/serving/engine_costs.def"
#undef ASSAY_ENGINE_COST
};

static enum assay_code read_provenance(const struct assay_json_file *f, const json_t *object, struct assay_engine_number *out,
                                       struct assay_error *err)
{
    const char *text;
    size_t      n = 0;
    if (assay_json_text(f, object, "provenance", true, &text, err))
        return err->code;
    while (assay_provenance_names[n + 1])
        n++;
    for (size_t i = 1; i <= n; i++)
        if (!strcmp(assay_provenance_names[i], text))
            return assay_string_copy(out->provenance, sizeof out->provenance, text)
                       ? ASSAY_OK
                       : ASSAY_FAIL(err, ASSAY_INTERNAL, "no room for '%s'", text);
    const char *near = assay_string_nearest(text, assay_provenance_names + 1, n);
    (void)assay_json_fail_at(f, object, "provenance", err, "provenance is '%.40s'", text);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : err->code;
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

static int is_description(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 5 && n < 64 && !strcmp(entry->d_name + n - 5, ".json");
}

/* Names without their endings, sorted. */
static size_t list(const char *folder, char names[MOST_NAMES][64])
{
    struct dirent **entry;
    int             n = scandir(folder, &entry, is_description, alphasort);
    for (int i = 0; i < n; i++) {
        if (i < MOST_NAMES) {
            (void)assay_string_copy(names[i], sizeof names[i], entry[i]->d_name);
            names[i][strlen(names[i]) - 5] = 0;
        }
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    return n < 0 ? 0 : n > MOST_NAMES ? MOST_NAMES : (size_t)n;
}

enum assay_code assay_engine_description_find(const char *name, struct assay_engine_description *out, struct assay_error *err)
{
    char        folder[512], path[700], names[MOST_NAMES][64];
    const char *pointers[MOST_NAMES];
    if (assay_data_folder("suites/engines", folder, sizeof folder, err))
        return err->code;
    size_t n = list(folder, names);
    for (size_t i = 0; i < n; i++) {
        pointers[i] = names[i];
        if (strcmp(names[i], name) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
        return assay_engine_description_read(path, out, err);
    }
    const char *near = assay_string_nearest(name, pointers, n);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "no serving engine '%.60s' is described", name);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : assay_error_hint(err, "they are the files of suites/engines");
}

uint64_t assay_engine_cost_ns(const struct assay_engine_description *d, enum assay_engine_cost cost)
{
    return (uint64_t)llround(d->cost[cost].ns);
}
