#include "harness/model/cluster/serving_stack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/model/fitted_file.h"

#include "assay/banned.h"

#define FORMAT "assay-serving-coefficients/1"
#define NAME "serving.json"

const struct assay_serving_number_row assay_serving_numbers[ASSAY_SERVING_NUMBERS] = {
#define ASSAY_SERVING_NUMBER(id, key, begin, low, high, about) {key, about, begin, low, high},
#include "harness/model/cluster/serving_stack.def"
#undef ASSAY_SERVING_NUMBER
};
const char *const assay_serving_figure_names[ASSAY_SERVING_FIGURES + 1] = {"ttft", "tpot", NULL};
static const char *const kinds[] = {"dense", "experts"}, *const sights[] = {"fitted", "other"};
static const struct assay_fitted_keys bands_of_kind = {sights, 2, 0, 5};
static const char *const number_names[] = {
#define ASSAY_SERVING_NUMBER(id, key, begin, low, high, about) key,
#include "harness/model/cluster/serving_stack.def"
#undef ASSAY_SERVING_NUMBER
};
static const struct assay_fitted_keys numbers = {number_names, ASSAY_SERVING_NUMBERS, 1e-6, 1e12};

const struct assay_serving_server assay_serving_servers[] = {
    {"vllm", "prompts cut and mixed with sequences that generate, 8192 tokens a step (vLLM, engine arguments, V1)", 8192, 1024, 0.92, 0.5, true, false},
    {"trtllm", "whole prompts mixed with sequences that generate, 8192 tokens a step (TensorRT-LLM, max_num_tokens)", 8192, 2048, 0.92, 1, false, false},
    {"sglang", "prompts cut into 8192 tokens and computed alone, before anybody goes on (SGLang, chunked_prefill_size)", 8192, 2048, 0.90, 0.5, true, true},
    {NULL, NULL, 0, 0, 0, 0, false, false},
};

const struct assay_serving_server *assay_serving_server_find(const char *name, bool *known)
{
    *known = true;
    for (const struct assay_serving_server *s = assay_serving_servers; s->name; s++)
        if (!strcmp(s->name, name))
            return s;
    *known = false;
    return &assay_serving_servers[0];
}

struct assay_serving_numbers assay_serving_numbers_begin(void)
{
    struct assay_serving_numbers n;
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++)
        n.value[i] = assay_serving_numbers[i].begin;
    return n;
}

/* ---- the form ------------------------------------------------------------------------------------------------------ */

enum { BARE_WORK = 0, BARE_FLOOR = ASSAY_SERVING_PARTS, MORE_WORK = 2 * ASSAY_SERVING_PARTS, MORE_FLOOR = 3 * ASSAY_SERVING_PARTS,
       STEPS = 4 * ASSAY_SERVING_PARTS, SEQUENCES, COMPONENTS };
_Static_assert((int)COMPONENTS <= (int)ASSAY_SERVING_COMPONENTS, "more components than a loop follows");

void assay_serving_components(const struct assay_serving_work *w, const struct assay_serving_price *bare, const struct assay_serving_price *whole,
                              struct assay_serving_time *out)
{
    for (int i = 0; i < ASSAY_SERVING_PARTS; i++) {
        out->of[BARE_WORK + i] = bare->work_ns[i];
        out->of[BARE_FLOOR + i] = bare->floor_ns[i];
        out->of[MORE_WORK + i] = whole->work_ns[i] - bare->work_ns[i];
        out->of[MORE_FLOOR + i] = whole->floor_ns[i] - bare->floor_ns[i];
    }
    out->of[STEPS] = 1;
    out->of[SEQUENCES] = w->sequences + w->prompts;
}

double assay_serving_ns(const struct assay_serving_numbers *n, const struct assay_serving_time *t)
{
    static const enum assay_serving_number works[ASSAY_SERVING_PARTS] = {ASSAY_SERVING_PRODUCTS_FACTOR, ASSAY_SERVING_ATTENTION_FACTOR, ASSAY_SERVING_EXPERTS_FACTOR,
                                                                         ASSAY_SERVING_PASSES_FACTOR, ASSAY_SERVING_LINKS_FACTOR},
                                           floors[ASSAY_SERVING_PARTS] = {ASSAY_SERVING_FLOOR, ASSAY_SERVING_FLOOR, ASSAY_SERVING_EXPERTS_FLOOR,
                                                                          ASSAY_SERVING_FLOOR, ASSAY_SERVING_LINKS_FLOOR};
    double bare = 0, more = 0;
    for (int i = 0; i < ASSAY_SERVING_PARTS; i++) {
        bare += n->value[works[i]] * t->of[BARE_WORK + i] + n->value[floors[i]] * t->of[BARE_FLOOR + i];
        more += n->value[works[i]] * t->of[MORE_WORK + i] + n->value[floors[i]] * t->of[MORE_FLOOR + i];
    }
    return bare + n->value[ASSAY_SERVING_PROMPTS] * more + n->value[ASSAY_SERVING_STEP] * t->of[STEPS] + n->value[ASSAY_SERVING_SEQUENCE] * t->of[SEQUENCES];
}

double assay_serving_figure_ns(const struct assay_serving_numbers *n, const struct assay_serving_means *m, enum assay_serving_protocol protocol,
                               enum assay_serving_figure figure)
{
    bool   by_batch = protocol == ASSAY_SERVING_BY_BATCH;
    double first = 1 / n->value[by_batch ? ASSAY_SERVING_ROUNDS_BATCH : ASSAY_SERVING_ROUNDS_CONCURRENCY];
    double of[ASSAY_SERVING_CROWDS];
    for (int i = 0; i < ASSAY_SERVING_CROWDS; i++)
        of[i] = assay_serving_ns(n, figure == ASSAY_SERVING_TTFT ? &m->ttft[i] : &m->tpot[i]);
    if (!(m->requests[ASSAY_SERVING_LATER] > 0))
        first = 1;
    return first * of[ASSAY_SERVING_FIRST] + (1 - first) * of[ASSAY_SERVING_LATER] +
           (figure == ASSAY_SERVING_TTFT ? n->value[by_batch ? ASSAY_SERVING_REQUEST_BATCH : ASSAY_SERVING_REQUEST_CONCURRENCY] : 0);
}

/* ---- which numbers ------------------------------------------------------------------------------------------------- */

struct assay_serving_numbers assay_serving_numbers_of(const struct assay_serving_fitted *f, const char *server, const char *version, const char **how)
{
    struct assay_serving_numbers      n = f->base;
    const struct assay_serving_stack *found = NULL;
    *how = "this server was not measured: the middle of those that were";
    for (size_t i = 0; i < f->n_stacks; i++) {
        const struct assay_serving_stack *s = &f->stacks[i];
        if (strcmp(s->name, server) != 0)
            continue;
        if (!*s->version && !found) {
            found = s;
            *how = *version ? "this version of the server was not measured: as the server's others" : "";
        }
        if (*s->version && !strcmp(s->version, version)) {
            found = s;
            *how = "";
            break;
        }
    }
    for (size_t i = 0; found && i < ASSAY_SERVING_NUMBERS; i++)
        n.value[i] *= found->factor[i];
    return n;
}

bool assay_serving_fitted_on(const struct assay_serving_fitted *f, const char *device)
{
    return assay_fitted_names_have(f->devices[0], sizeof f->devices[0], f->n_devices, device);
}

bool assay_serving_fitted_with(const struct assay_serving_fitted *f, const char *model)
{
    return assay_fitted_names_have(f->models[0], sizeof f->models[0], f->n_models, model);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static enum assay_code read_stack(const struct assay_json_file *file, const json_t *object, struct assay_serving_stack *s, struct assay_error *err)
{
    static const char *const keys[] = {"server", "version", "rows", "factors"};
    const char              *name = "", *version = "";
    json_t                  *factors = NULL;
    int64_t                  rows = 0;
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++)
        s->factor[i] = 1;
    if (!json_is_object(object))
        return assay_json_fail(file, "stacks", err, "a stack must be an object");
    if (assay_json_known_keys(file, object, keys, 4, err) || assay_json_text(file, object, "server", true, &name, err) ||
        assay_json_text(file, object, "version", true, &version, err) || assay_json_i64(file, object, "rows", true, 0, 1000000, &rows, err) ||
        assay_json_object(file, object, "factors", true, &factors, err))
        return err->code;
    if (!assay_string_copy(s->name, sizeof s->name, name) || !assay_string_copy(s->version, sizeof s->version, version))
        return assay_json_fail_at(file, object, "server", err, "names of servers and versions have at most %zu bytes", sizeof s->name - 1);
    s->rows = (unsigned)rows;
    return assay_fitted_numbers_read(file, factors, &numbers, false, s->factor, err);
}

static enum assay_code read_halves(const struct assay_json_file *file, const json_t *bands, int figure, double out[2][2], struct assay_error *err)
{
    json_t *of_figure = NULL, *of_kind = NULL;
    if (assay_json_object(file, bands, assay_serving_figure_names[figure], true, &of_figure, err) ||
        assay_json_known_keys(file, of_figure, kinds, 2, err))
        return err->code;
    for (int kind = 0; kind < 2; kind++) {
        if (assay_json_object(file, of_figure, kinds[kind], true, &of_kind, err) ||
            assay_fitted_numbers_read(file, of_kind, &bands_of_kind, true, out[kind], err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code read_all(const struct assay_json_file *file, struct assay_serving_fitted *f, struct assay_error *err)
{
    static const char *const keys[] = {"format", "about", "fingerprint", "kernels", "devices", "models", "values", "stacks", "bands"};
    json_t                  *values = NULL, *stacks = NULL, *bands = NULL;
    if (assay_json_known_keys(file, file->root, keys, sizeof keys / sizeof *keys, err) ||
        assay_fitted_file_text(file, "fingerprint", f->fingerprint, sizeof f->fingerprint, err) ||
        assay_fitted_file_text(file, "kernels", f->kernels, sizeof f->kernels, err) ||
        assay_json_object(file, file->root, "values", true, &values, err) || assay_json_array(file, file->root, "stacks", true, &stacks, err) ||
        assay_json_object(file, file->root, "bands", true, &bands, err) ||
        assay_json_known_keys(file, bands, assay_serving_figure_names, ASSAY_SERVING_FIGURES, err) ||
        assay_fitted_numbers_read(file, values, &numbers, true, f->base.value, err) ||
        assay_fitted_file_names(file, "devices", f->devices[0], sizeof f->devices[0], ASSAY_SERVING_DEVICES, &f->n_devices, err) ||
        assay_fitted_file_names(file, "models", f->models[0], sizeof f->models[0], ASSAY_SERVING_MODELS, &f->n_models, err))
        return err->code;
    for (int i = 0; i < ASSAY_SERVING_FIGURES; i++)
        if (read_halves(file, bands, i, f->half[i], err))
            return err->code;
    if (json_array_size(stacks) > ASSAY_SERVING_STACKS)
        return assay_json_fail(file, "stacks", err, "more than %d stacks", ASSAY_SERVING_STACKS);
    for (size_t i = 0; i < json_array_size(stacks); i++)
        if (read_stack(file, json_array_get(stacks, i), &f->stacks[f->n_stacks++], err))
            return err->code;
    return ASSAY_OK;
}

enum assay_code assay_serving_fitted_read(const char *path, struct assay_serving_fitted *out, struct assay_error *err)
{
    struct assay_json_file      file;
    struct assay_serving_fitted f = {.n_stacks = 0};
    if (assay_fitted_file_load(path, NAME, FORMAT, &file, err))
        return err->code;
    enum assay_code code = read_all(&file, &f, err);
    assay_json_release(&file);
    if (!code)
        *out = f;
    return code;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

json_t *assay_serving_fitted_to_json(const struct assay_serving_fitted *f)
{
    json_t *stacks = json_array(), *bands = json_object();
    for (size_t i = 0; i < f->n_stacks; i++)
        json_array_append_new(stacks, json_pack("{s:s, s:s, s:i, s:o}", "server", f->stacks[i].name, "version", f->stacks[i].version, "rows",
                                                (int)f->stacks[i].rows, "factors", assay_fitted_numbers_to_json(&numbers, f->stacks[i].factor, 1)));
    for (int i = 0; i < ASSAY_SERVING_FIGURES; i++)
        json_object_set_new(bands, assay_serving_figure_names[i],
                            json_pack("{s:o, s:o}", kinds[0], assay_fitted_numbers_to_json(&bands_of_kind, f->half[i][0], -1), kinds[1],
                                      assay_fitted_numbers_to_json(&bands_of_kind, f->half[i][1], -1)));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "format", FORMAT, "about",
                     "what serving stacks make of the models of kernels and links; written by assay calibrate, harness/model/cluster/README.md",
                     "fingerprint", f->fingerprint, "kernels", f->kernels, "devices",
                     assay_fitted_names_to_json(f->devices[0], sizeof f->devices[0], f->n_devices), "models",
                     assay_fitted_names_to_json(f->models[0], sizeof f->models[0], f->n_models), "values", assay_fitted_numbers_to_json(&numbers, f->base.value, -1), "stacks", stacks,
                     "bands", bands);
}
