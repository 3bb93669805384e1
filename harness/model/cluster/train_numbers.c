#include "harness/model/cluster/train_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/model/fitted_file.h"

#include "assay/banned.h"

#define FORMAT "assay-training-coefficients/1"
#define NAME "training.json"
#define CLUSTER_FROM 64 /* devices */

const struct assay_train_number_row assay_train_numbers[ASSAY_TRAIN_NUMBERS] = {
#define ASSAY_TRAIN_NUMBER(id, key, begin, low, high, about) {key, about, begin, low, high},
#include "harness/model/cluster/train_numbers.def"
#undef ASSAY_TRAIN_NUMBER
};
const char *const assay_train_kind_names[ASSAY_TRAIN_KINDS + 1] = {"dense_cluster", "dense_few", "mixed", "guessed", NULL};

static const struct assay_fitted_keys kinds = {assay_train_kind_names, ASSAY_TRAIN_KINDS, 0, 5};
static const char *const number_names[] = {
#define ASSAY_TRAIN_NUMBER(id, key, begin, low, high, about) key,
#include "harness/model/cluster/train_numbers.def"
#undef ASSAY_TRAIN_NUMBER
};
static const struct assay_fitted_keys numbers = {number_names, ASSAY_TRAIN_NUMBERS, 1e-6, 1e12};

struct assay_train_numbers assay_train_numbers_begin(void)
{
    struct assay_train_numbers n;
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
        n.value[i] = assay_train_numbers[i].begin;
    return n;
}

enum assay_train_kind assay_train_kind_of(const struct assay_train_answer *a)
{
    unsigned much = ASSAY_TRAIN_CHOSE_TOKENS | ASSAY_TRAIN_BY_SIZE | ASSAY_TRAIN_ADAPTERS;
    if (a->chosen & much || (a->chosen & ASSAY_TRAIN_CHOSE_PLAN && a->chosen & ASSAY_TRAIN_CHOSE_RECOMPUTE && a->chosen & ASSAY_TRAIN_CHOSE_BATCH))
        return ASSAY_TRAIN_GUESSED;
    return a->mixed ? ASSAY_TRAIN_MIXED : a->devices >= CLUSTER_FROM ? ASSAY_TRAIN_DENSE_CLUSTER : ASSAY_TRAIN_DENSE_FEW;
}

/* ---- the form ------------------------------------------------------------------------------------------------------ */

double assay_train_ns(const struct assay_train_numbers *n, const struct assay_train_answer *a)
{
    double products = n->value[ASSAY_TRAIN_PRODUCTS_FACTOR] * (a->narrow ? n->value[ASSAY_TRAIN_NARROW_FACTOR] : 1) *
                      (a->mixed ? n->value[ASSAY_TRAIN_EXPERTS_FACTOR] : 1);
    double within = products * a->ns[ASSAY_TRAIN_PRODUCTS] + n->value[ASSAY_TRAIN_ATTENTION_FACTOR] * a->ns[ASSAY_TRAIN_ATTENTION] +
                    n->value[ASSAY_TRAIN_EXCHANGES_FACTOR] * a->ns[ASSAY_TRAIN_EXCHANGES] + n->value[ASSAY_TRAIN_LAYER] * a->layers;
    double beside = n->value[ASSAY_TRAIN_BESIDE] * a->ns[ASSAY_TRAIN_HIDDEN];
    double step = within * (1 + a->bubble) + n->value[ASSAY_TRAIN_EXCHANGES_FACTOR] * (a->ns[ASSAY_TRAIN_DATA] + beside) + a->ns[ASSAY_TRAIN_UPDATE];
    return step * (1 + n->value[ASSAY_TRAIN_DOUBLING] * a->doublings);
}

struct assay_train_numbers assay_train_numbers_of(const struct assay_train_fitted *f, const char *stack, bool *measured)
{
    struct assay_train_numbers n = f->base;
    *measured = false;
    for (size_t i = 0; i < f->n_stacks; i++)
        if (!strcmp(f->stacks[i].name, stack)) {
            *measured = true;
            for (size_t j = 0; j < ASSAY_TRAIN_NUMBERS; j++)
                n.value[j] *= f->stacks[i].factor[j];
        }
    return n;
}

bool assay_train_fitted_on(const struct assay_train_fitted *f, const char *device)
{
    return assay_fitted_names_have(f->devices[0], sizeof f->devices[0], f->n_devices, device);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static enum assay_code read_stack(const struct assay_json_file *file, const json_t *object, struct assay_train_stack_fit *s, struct assay_error *err)
{
    static const char *const keys[] = {"stack", "rows", "factors"};
    const char              *name = "";
    json_t                  *factors = NULL;
    int64_t                  rows = 0;
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
        s->factor[i] = 1;
    if (!json_is_object(object))
        return assay_json_fail(file, "stacks", err, "a stack must be an object");
    if (assay_json_known_keys(file, object, keys, 3, err) || assay_json_text(file, object, "stack", true, &name, err) ||
        assay_json_i64(file, object, "rows", true, 0, 1000000, &rows, err) || assay_json_object(file, object, "factors", true, &factors, err))
        return err->code;
    if (!assay_train_stack_find(name) || !assay_string_copy(s->name, sizeof s->name, name))
        return assay_json_fail_at(file, object, "stack", err, "there is no training stack '%.40s'", name);
    s->rows = (unsigned)rows;
    return assay_fitted_numbers_read(file, factors, &numbers, false, s->factor, err);
}

static enum assay_code read_stacks(const struct assay_json_file *file, const json_t *stacks, struct assay_train_fitted *f, struct assay_error *err)
{
    if (json_array_size(stacks) > ASSAY_TRAIN_STACKS)
        return assay_json_fail(file, "stacks", err, "more than %d stacks", ASSAY_TRAIN_STACKS);
    for (size_t i = 0; i < json_array_size(stacks); i++)
        if (read_stack(file, json_array_get(stacks, i), &f->stacks[f->n_stacks++], err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code read_all(const struct assay_json_file *file, struct assay_train_fitted *f, struct assay_error *err)
{
    static const char *const keys[] = {"format", "about", "fingerprint", "kernels", "devices", "values", "stacks", "bands"};
    json_t                  *values = NULL, *stacks = NULL, *bands = NULL;
    if (assay_json_known_keys(file, file->root, keys, sizeof keys / sizeof *keys, err) ||
        assay_fitted_file_text(file, "fingerprint", f->fingerprint, sizeof f->fingerprint, err) ||
        assay_fitted_file_text(file, "kernels", f->kernels, sizeof f->kernels, err) ||
        assay_json_object(file, file->root, "values", true, &values, err) || assay_json_array(file, file->root, "stacks", true, &stacks, err) ||
        assay_json_object(file, file->root, "bands", true, &bands, err) ||
        assay_fitted_numbers_read(file, values, &numbers, true, f->base.value, err) || read_stacks(file, stacks, f, err) ||
        assay_fitted_file_names(file, "devices", f->devices[0], sizeof f->devices[0], ASSAY_TRAIN_DEVICES, &f->n_devices, err))
        return err->code;
    return assay_fitted_numbers_read(file, bands, &kinds, true, f->half, err);
}

enum assay_code assay_train_fitted_read(const char *path, struct assay_train_fitted *out, struct assay_error *err)
{
    struct assay_json_file    file;
    struct assay_train_fitted f = {.n_stacks = 0};
    if (assay_fitted_file_load(path, NAME, FORMAT, &file, err))
        return err->code;
    enum assay_code code = read_all(&file, &f, err);
    assay_json_release(&file);
    if (!code)
        *out = f;
    return code;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

json_t *assay_train_fitted_to_json(const struct assay_train_fitted *f)
{
    json_t *stacks = json_array();
    for (size_t i = 0; i < f->n_stacks; i++)
        json_array_append_new(stacks, json_pack("{s:s, s:i, s:o}", "stack", f->stacks[i].name, "rows", (int)f->stacks[i].rows, "factors",
                                                assay_fitted_numbers_to_json(&numbers, f->stacks[i].factor, 1)));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "format", FORMAT, "about",
                     "what training stacks make of the models of kernels and links; written by assay calibrate, harness/model/cluster/README.md",
                     "fingerprint", f->fingerprint, "kernels", f->kernels, "devices",
                     assay_fitted_names_to_json(f->devices[0], sizeof f->devices[0], f->n_devices), "values", assay_fitted_numbers_to_json(&numbers, f->base.value, -1), "stacks",
                     stacks, "bands", assay_fitted_numbers_to_json(&kinds, f->half, -1));
}
