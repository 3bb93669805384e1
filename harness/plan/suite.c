/* Reading a suite: workloads x parameters, spelled out into cases.
 *
 *   { "format": "assay-suite/1", "name": "smoke", "about": "one minute, any machine",
 *     "defaults": { "seed": 1, "repeat": { "launches": 3, "min_s": "300ms" } },
 *     "cases": [ { "workload": "gemm", "params": { "transpose_b": true },
 *                  "matrix": { "m,n,k": [[64,64,64],[512,512,512]], "dtype": ["f32"] } } ] }
 *
 * A matrix key with commas takes rows of as many values; the keys of a matrix are crossed in the order they stand. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

#define SUITE_FORMAT "assay-suite/1"
#define SUITE_LIMIT_BYTES (16u << 20)
#define MAX_CASES 100000
#define SLOTS ((size_t)1 << 18) /* a power of two, over twice the cases */

struct reader {
    const struct assay_json_file *file;
    struct assay_plan            *plan;
    struct assay_repeat           repeat; /* the suite's defaults */
    uint32_t                     *slot;   /* of an id: 1 + the number of its case, 0 = free */
};

/* What one entry of "cases" says, while its matrix is being spelled out. */
struct entry {
    json_t             *object;
    struct assay_case   what; /* workload and phase; params: where values are tried */
    struct assay_repeat repeat;
    char                list[ASSAY_CASE_NAME_BYTES]; /* "k=v,k=v" so far */
};

/* An error of a part that knows no files, told where in this file it is. */
static enum assay_code place(const struct reader *r, const json_t *object, const char *key, struct assay_error *err)
{
    struct assay_error inner = *err;
    (void)assay_json_fail_at(r->file, object, key, err, "%s", inner.message);
    return *inner.hint ? assay_error_hint(err, "%s", inner.hint) : err->code;
}

/* A parameter's value as text, as the command line would give it. */
static enum assay_code value_text(const struct reader *r, const json_t *object, const char *key, const json_t *value,
                                  char out[ASSAY_CASE_NAME_BYTES], struct assay_error *err)
{
    struct assay_text text = assay_text_over(out, ASSAY_CASE_NAME_BYTES);
    if (json_is_string(value))
        assay_text_add(&text, "%s", json_string_value(value));
    else if (json_is_integer(value))
        assay_text_add(&text, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        assay_text_add(&text, "%.17g", json_real_value(value));
    else if (json_is_boolean(value))
        assay_text_add(&text, "%s", json_is_true(value) ? "true" : "false");
    else
        return assay_json_fail_at(r->file, object, key, err, "a parameter is a text, a number or a truth value");
    return text.cut ? assay_json_fail_at(r->file, object, key, err, "this value is too long") : ASSAY_OK;
}

/* One parameter behind those that stand in `list`. `object` has `place_key`, which may name several of them. */
static enum assay_code add_value(const struct reader *r, struct entry *e, const json_t *object, const char *place_key,
                                 const char *name, const json_t *value, struct assay_text *list, struct assay_error *err)
{
    char text[ASSAY_CASE_NAME_BYTES];
    assert(e->what.workload); /* it is read before its parameters */
    if (value_text(r, object, place_key, value, text, err))
        return err->code;
    if (assay_option_set(e->what.workload->params, e->what.params, name, text, err))
        return place(r, object, place_key, err);
    assay_text_add(list, "%s%s=", list->length ? "," : "", name);
    if (strpbrk(text, ",:=\"@ \\")) {
        assay_text_add(list, "\"");
        assay_string_escape(list, ASSAY_ESCAPE_JSON, text);
        assay_text_add(list, "\"");
    } else {
        assay_text_add(list, "%s", text);
    }
    return list->cut ? assay_json_fail_at(r->file, object, place_key, err, "the parameters of one case are too long") : ASSAY_OK;
}

/* Where the case with this id is, or the free slot where it would be. */
static uint32_t *slot_of(const struct reader *r, const char *id)
{
    size_t at = assay_hash_text(id, 0) & (SLOTS - 1);
    while (r->slot[at] && strcmp(r->plan->cases[r->slot[at] - 1].id, id) != 0)
        at = (at + 1) & (SLOTS - 1);
    return &r->slot[at];
}

/* A scenario's case has at least the time that its scenario needs, whatever the suite gives to all. */
static void give_repeat(const struct entry *e, struct assay_case *c)
{
    struct assay_repeat own = c->repeat;
    c->repeat = e->repeat;
    if (!c->scenario.type)
        return;
    c->repeat.timeout_ns = own.timeout_ns > e->repeat.timeout_ns ? own.timeout_ns : e->repeat.timeout_ns;
    c->repeat.launches = own.launches < e->repeat.launches ? own.launches : e->repeat.launches;
}

/* One case; `scenario` may be NULL. */
static enum assay_code emit_one(const struct reader *r, const struct entry *e, const char *scenario, struct assay_error *err)
{
    struct assay_plan *plan = r->plan;
    char               name[ASSAY_CASE_NAME_BYTES];
    struct assay_text  text = ASSAY_TEXT(name);
    struct assay_case  c;
    assay_text_add(&text, "%s%s%s/%s%s%s", e->what.workload->name, *e->what.phase ? "." : "", e->what.phase, e->list,
                   scenario ? "@" : "", scenario ? scenario : "");
    if (text.cut)
        return assay_json_fail_at(r->file, e->object, NULL, err, "case name is longer than %d characters",
                                  ASSAY_CASE_NAME_BYTES - 1);
    if (assay_case_parse(name, &c, err))
        return place(r, e->object, scenario ? "scenario" : NULL, err);
    give_repeat(e, &c);
    uint32_t *slot = slot_of(r, c.id);
    if (*slot) {
        char brief[ASSAY_CASE_NAME_BYTES];
        assay_case_brief(c.name, brief);
        (void)assay_json_fail_at(r->file, e->object, NULL, err, "case %.120s stands there twice", brief);
        assay_case_release(&c);
        return err->code;
    }
    if (plan->n_cases == MAX_CASES) {
        assay_case_release(&c);
        return assay_json_fail_at(r->file, e->object, NULL, err, "more than %d cases", MAX_CASES);
    }
    if (assay_plan_take(plan, &c, err))
        return err->code;
    *slot = (uint32_t)plan->n_cases;
    return ASSAY_OK;
}

/* "scenario": none, one, or a list of them. */
static enum assay_code emit(const struct reader *r, const struct entry *e, struct assay_error *err)
{
    const json_t *scenario = json_object_get(e->object, "scenario");
    if (!scenario)
        return emit_one(r, e, NULL, err);
    size_t n = json_is_array(scenario) ? json_array_size(scenario) : 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(scenario) ? json_array_get(scenario, i) : scenario;
        if (!json_is_string(one))
            return assay_json_fail_at(r->file, e->object, "scenario", err,
                                      "'scenario' is a text like \"server/qps=100\", or a list of them");
        if (emit_one(r, e, json_string_value(one), err))
            return err->code;
    }
    return n ? ASSAY_OK : assay_json_fail_at(r->file, e->object, "scenario", err, "'scenario' is an empty list");
}

/* One row of a matrix key: "m,n,k" with [64,64,64], or "m" with 64. */
static enum assay_code add_row(const struct reader *r, struct entry *e, const json_t *matrix, const char *keys, const json_t *row,
                               struct assay_text *list, struct assay_error *err)
{
    size_t      i = 0;
    const char *key = keys;
    bool        single = !strchr(keys, ',');
    for (;; i++) {
        char          name[64];
        size_t        length = strcspn(key, ",");
        const json_t *value = single ? row : json_array_get(row, i);
        if (!value)
            return assay_json_fail_at(r->file, matrix, keys, err, "a row of '%.60s' is not an array with a value for each key",
                                      keys);
        (void)assay_string_copy(name, length < sizeof name ? length + 1 : sizeof name, key);
        if (add_value(r, e, matrix, keys, name, value, list, err))
            return err->code;
        if (!key[length])
            break;
        key += length + 1;
    }
    if (!single && json_array_size(row) != i + 1)
        return assay_json_fail_at(r->file, matrix, keys, err, "a row of '%.60s' has %zu values for %zu keys", keys,
                                  json_array_size(row), i + 1);
    return ASSAY_OK;
}

/* Crosses the matrix from iterator `at` on. It goes no deeper than a case's name has room for keys: comments, of which
 * there may be any number, are left out in a loop. */
static enum assay_code expand(const struct reader *r, struct entry *e, json_t *matrix, void *at, struct assay_error *err)
{
    while (at && !strncmp(json_object_iter_key(at), "//", 2))
        at = json_object_iter_next(matrix, at);
    if (!at)
        return emit(r, e, err);
    const char   *keys = json_object_iter_key(at);
    const json_t *rows = json_object_iter_value(at);
    if (!json_is_array(rows) || json_array_size(rows) == 0)
        return assay_json_fail_at(r->file, matrix, keys, err, "'%.60s' needs an array of at least one value", keys);
    size_t before = strlen(e->list);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct assay_text list = {e->list, sizeof e->list, before, false};
        e->list[before] = 0;
        if (add_row(r, e, matrix, keys, json_array_get(rows, i), &list, err) ||
            expand(r, e, matrix, json_object_iter_next(matrix, at), err))
            return err->code;
    }
    e->list[before] = 0;
    return ASSAY_OK;
}

static enum assay_code read_repeat(const struct reader *r, json_t *object, struct assay_repeat *repeat,
                                   struct assay_error *err)
{
    const char *key;
    json_t     *value;
    json_object_foreach(object, key, value)
    {
        char              text[64];
        struct assay_text room = ASSAY_TEXT(text);
        if (!strncmp(key, "//", 2))
            continue;
        if (json_is_string(value))
            assay_text_add(&room, "%s", json_string_value(value));
        else if (json_is_integer(value))
            assay_text_add(&room, "%lld", (long long)json_integer_value(value));
        else if (json_is_real(value))
            assay_text_add(&room, "%.17g", json_real_value(value));
        else
            return assay_json_fail_at(r->file, object, key, err, "'%.40s' needs a number or a time like \"300ms\"", key);
        if (room.cut)
            return assay_json_fail_at(r->file, object, key, err, "'%.40s' is longer than %zu characters", key, sizeof text - 1);
        if (assay_option_set(assay_repeat_options, repeat, key, text, err))
            return place(r, object, key, err);
    }
    return ASSAY_OK;
}

/* "workload" and "phase": each mistake is told at the key that made it. */
static enum assay_code read_head(const struct reader *r, struct entry *e, struct assay_error *err)
{
    const char       *workload = NULL, *phase = "";
    char              head[128];
    struct assay_text text = ASSAY_TEXT(head);
    if (assay_json_text(r->file, e->object, "workload", true, &workload, err) ||
        assay_json_text(r->file, e->object, "phase", false, &phase, err))
        return err->code;
    assay_text_add(&text, "%s%s%s", workload, *phase ? "." : "", phase);
    if (assay_case_head_parse(head, &e->what, err))
        return place(r, e->object, *phase && e->what.workload ? "phase" : "workload", err);
    e->what.params = calloc(1, e->what.workload->params_bytes + 1);
    return e->what.params ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the parameters of '%s'", workload);
}

static enum assay_code read_entry(const struct reader *r, struct entry *e, struct assay_error *err)
{
    static const char *const known[] = {"workload", "phase", "params", "matrix", "scenario", "repeat"};
    json_t                  *params = NULL, *matrix = NULL, *repeat = NULL;
    if (!json_is_object(e->object))
        return assay_json_fail(r->file, "cases", err, "an entry of 'cases' is not an object");
    if (assay_json_known_keys(r->file, e->object, known, sizeof known / sizeof *known, err) || read_head(r, e, err) ||
        assay_json_object(r->file, e->object, "params", false, &params, err) ||
        assay_json_object(r->file, e->object, "matrix", false, &matrix, err) ||
        assay_json_object(r->file, e->object, "repeat", false, &repeat, err))
        return err->code;
    if (repeat && read_repeat(r, repeat, &e->repeat, err))
        return err->code;
    struct assay_text list = ASSAY_TEXT(e->list);
    const char       *key;
    json_t           *value;
    json_object_foreach(params, key, value)
    {
        if (strncmp(key, "//", 2) != 0 && add_value(r, e, params, key, key, value, &list, err))
            return err->code;
    }
    return expand(r, e, matrix, json_object_iter(matrix), err);
}

static enum assay_code read_suite(struct reader *r, struct assay_error *err)
{
    static const char *const known[] = {"format", "name", "about", "defaults", "cases"};
    static const char *const known_defaults[] = {"seed", "repeat"};
    json_t                  *root = r->file->root, *defaults = NULL, *repeat = NULL, *cases = NULL;
    const char              *name = NULL, *about = "";
    int64_t                  seed = 1;
    if (assay_json_known_keys(r->file, root, known, sizeof known / sizeof *known, err) ||
        assay_json_text(r->file, root, "name", true, &name, err) ||
        assay_json_text(r->file, root, "about", false, &about, err) ||
        assay_json_object(r->file, root, "defaults", false, &defaults, err) ||
        assay_json_array(r->file, root, "cases", true, &cases, err))
        return err->code;
    if (defaults && (assay_json_known_keys(r->file, defaults, known_defaults, 2, err) ||
                     assay_json_i64(r->file, defaults, "seed", false, 0, INT64_MAX, &seed, err) ||
                     assay_json_object(r->file, defaults, "repeat", false, &repeat, err)))
        return err->code;
    if (repeat && read_repeat(r, repeat, &r->repeat, err))
        return err->code;
    if (!assay_string_copy(r->plan->name, sizeof r->plan->name, name))
        return assay_json_fail(r->file, "name", err, "the name is longer than %zu bytes", sizeof r->plan->name - 1);
    if (!*name)
        return assay_json_fail(r->file, "name", err, "the suite needs a name");
    if (!assay_string_copy(r->plan->about, sizeof r->plan->about, about))
        return assay_json_fail(r->file, "about", err, "'about' is longer than %zu bytes", sizeof r->plan->about - 1);
    r->plan->seed = (uint64_t)seed;
    if (json_array_size(cases) == 0)
        return assay_json_fail(r->file, "cases", err, "the suite has no cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        struct entry    e = {.object = json_array_get(cases, i), .repeat = r->repeat};
        enum assay_code code = read_entry(r, &e, err);
        assay_case_release(&e.what);
        if (code)
            return code;
    }
    return ASSAY_OK;
}

struct suite_names {
    char   name[64][64];
    size_t n;
};

static void remember(void *self, const char *name, const char *about)
{
    struct suite_names *names = self;
    (void)about;
    if (names->n < 64)
        (void)assay_string_copy(names->name[names->n++], sizeof names->name[0], name);
}

static enum assay_code find_suite(const char *name, char *path, size_t capacity, struct assay_error *err)
{
    char   folder[400], file[128];
    size_t length = strlen(name);
    if (strchr(name, '/') || (length > 5 && !strcmp(name + length - 5, ".json"))) {
        if (!assay_string_copy(path, capacity, name))
            return ASSAY_FAIL(err, ASSAY_CONFIG, "path is too long: '%.60s…'", name);
        return ASSAY_OK;
    }
    struct assay_text text = ASSAY_TEXT(file);
    assay_text_add(&text, "%s.json", name);
    if (text.cut || assay_data_folder("suites", folder, sizeof folder, err) ||
        assay_path_join(path, capacity, folder, file, err))
        return text.cut ? ASSAY_FAIL(err, ASSAY_CONFIG, "suite name is too long: '%.60s…'", name) : err->code;
    if (assay_file_exists(path))
        return ASSAY_OK;
    struct suite_names names = {.n = 0};
    const char        *pointers[64];
    if (assay_suites_list(remember, &names, err))
        return err->code;
    for (size_t i = 0; i < names.n; i++)
        pointers[i] = names.name[i];
    const char *near = assay_string_nearest(name, pointers, names.n);
    ASSAY_FAIL(err, ASSAY_CONFIG, "there is no suite '%.64s'", name);
    return near ? assay_error_hint(err, "did you mean '%s'?", near)
                : assay_error_hint(err, "assay list suites lists them; one of your own is given as a path that ends in .json");
}

enum assay_code assay_plan_read(const char *name_or_path, struct assay_plan *out, struct assay_error *err)
{
    char                   path[512];
    struct assay_json_file file;
    struct assay_plan      plan;
    assay_plan_init(&plan);
    if (find_suite(name_or_path, path, sizeof path, err) || assay_json_load(path, SUITE_FORMAT, SUITE_LIMIT_BYTES, &file, err))
        return err->code;
    struct reader   r = {.file = &file, .plan = &plan, .slot = calloc(SLOTS, sizeof *r.slot)};
    enum assay_code code = r.slot ? assay_options_defaults(assay_repeat_options, &r.repeat, err)
                                  : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the cases of '%.100s'", path);
    if (!code)
        code = read_suite(&r, err);
    free(r.slot);
    plan.suite_text = file.bytes; /* the plan's from here */
    file.bytes = NULL;
    assay_json_release(&file);
    if (code) {
        assay_plan_release(&plan);
        return code;
    }
    *out = plan;
    return ASSAY_OK;
}

enum assay_code assay_suites_list(void (*each)(void *self, const char *name, const char *about), void *self,
                                  struct assay_error *err)
{
    char                    path[700];
    struct assay_data_names names;
    if (assay_data_names_read("suites", &names, err))
        return err->code;
    for (size_t i = 0; i < names.n; i++) {
        struct assay_json_file file;
        struct assay_error     why = {.code = ASSAY_OK};
        const char            *about = why.message;
        bool loaded = !assay_data_names_path(&names, i, path, sizeof path, &why) &&
                      !assay_json_load(path, SUITE_FORMAT, SUITE_LIMIT_BYTES, &file, &why);
        if (loaded && json_is_string(json_object_get(file.root, "about")))
            about = json_string_value(json_object_get(file.root, "about"));
        each(self, names.name[i], about);
        if (loaded)
            assay_json_release(&file);
    }
    assay_data_names_release(&names);
    return ASSAY_OK;
}
