#include "harness/model/cluster/train_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define FORMAT "assay-training-coefficients/1"
#define FOLDER "backends/coefficients"
#define NAME "training.json"
#define LIMIT_BYTES ((size_t)1 << 20)
#define CLUSTER_FROM 64 /* devices */

const struct assay_train_number_row assay_train_numbers[ASSAY_TRAIN_NUMBERS] = {
#define ASSAY_TRAIN_NUMBER(id, key, begin, low, high, about) {key, about, begin, low, high},
#include "harness/model/cluster/train_numbers.def"
#undef ASSAY_TRAIN_NUMBER
};
const char *const assay_train_kind_names[ASSAY_TRAIN_KINDS + 1] = {"dense_cluster", "dense_few", "mixed", "guessed", NULL};

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
    double step = within * (1 + a->bubble) + n->value[ASSAY_TRAIN_EXCHANGES_FACTOR] * a->ns[ASSAY_TRAIN_DATA] + a->ns[ASSAY_TRAIN_UPDATE];
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
    for (size_t i = 0; i < f->n_devices; i++)
        if (!strcmp(f->devices[i], device))
            return true;
    return false;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static enum assay_code read_numbers(const struct assay_json_file *file, const json_t *object, bool all, double *out, struct assay_error *err)
{
    const char *keys[ASSAY_TRAIN_NUMBERS];
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
        keys[i] = assay_train_numbers[i].key;
    if (assay_json_known_keys(file, object, keys, ASSAY_TRAIN_NUMBERS, err))
        return err->code;
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
        if (assay_json_f64(file, object, keys[i], all, 1e-6, 1e12, &out[i], err))
            return err->code;
    return ASSAY_OK;
}

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
    return read_numbers(file, factors, false, s->factor, err);
}

static enum assay_code read_lists(const struct assay_json_file *file, const json_t *stacks, const json_t *devices, struct assay_train_fitted *f,
                                  struct assay_error *err)
{
    if (json_array_size(stacks) > ASSAY_TRAIN_STACKS)
        return assay_json_fail(file, "stacks", err, "more than %d stacks", ASSAY_TRAIN_STACKS);
    for (size_t i = 0; i < json_array_size(stacks); i++)
        if (read_stack(file, json_array_get(stacks, i), &f->stacks[f->n_stacks++], err))
            return err->code;
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const char *name = json_string_value(json_array_get(devices, i));
        if (!name || i >= ASSAY_TRAIN_DEVICES || !assay_string_copy(f->devices[i], sizeof *f->devices, name))
            return assay_json_fail(file, "devices", err, "'devices' are at most %d names of at most %zu bytes", ASSAY_TRAIN_DEVICES, sizeof *f->devices - 1);
        f->n_devices = i + 1;
    }
    return ASSAY_OK;
}

static enum assay_code read_all(const struct assay_json_file *file, struct assay_train_fitted *f, struct assay_error *err)
{
    static const char *const keys[] = {"format", "about", "fingerprint", "kernels", "devices", "values", "stacks", "bands"};
    json_t                  *values = NULL, *stacks = NULL, *devices = NULL, *bands = NULL;
    const char              *fingerprint = "", *kernels = "";
    if (assay_json_known_keys(file, file->root, keys, sizeof keys / sizeof *keys, err) ||
        assay_json_text(file, file->root, "fingerprint", true, &fingerprint, err) || assay_json_text(file, file->root, "kernels", true, &kernels, err) ||
        assay_json_object(file, file->root, "values", true, &values, err) || assay_json_array(file, file->root, "stacks", true, &stacks, err) ||
        assay_json_array(file, file->root, "devices", true, &devices, err) || assay_json_object(file, file->root, "bands", true, &bands, err) ||
        assay_json_known_keys(file, bands, assay_train_kind_names, ASSAY_TRAIN_KINDS, err) ||
        read_numbers(file, values, true, f->base.value, err) || read_lists(file, stacks, devices, f, err))
        return err->code;
    for (int i = 0; i < ASSAY_TRAIN_KINDS; i++)
        if (assay_json_f64(file, bands, assay_train_kind_names[i], true, 0, 5, &f->half[i], err))
            return err->code;
    (void)assay_string_copy(f->fingerprint, sizeof f->fingerprint, fingerprint);
    (void)assay_string_copy(f->kernels, sizeof f->kernels, kernels);
    return ASSAY_OK;
}

enum assay_code assay_train_fitted_read(const char *path, struct assay_train_fitted *out, struct assay_error *err)
{
    char                      shipped[512], folder[480];
    struct assay_json_file    file;
    struct assay_train_fitted f = {.n_stacks = 0};
    if (!path) {
        if (assay_data_folder(FOLDER, folder, sizeof folder, err) || assay_path_join(shipped, sizeof shipped, folder, NAME, err))
            return err->code;
        path = shipped;
    }
    if (assay_json_load(path, FORMAT, LIMIT_BYTES, &file, err))
        return err->code;
    enum assay_code code = read_all(&file, &f, err);
    assay_json_release(&file);
    if (!code)
        *out = f;
    return code;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* Five digits say all that a fit knows, and a diff can be read. */
static json_t *number(double value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.5g", value);
    return assay_json_number(strtod(text, NULL));
}

static json_t *numbers_json(const double *values, double leave_out)
{
    json_t *object = json_object();
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
        if (fabs(values[i] - leave_out) > 1e-3)
            json_object_set_new(object, assay_train_numbers[i].key, number(values[i]));
    return object;
}

json_t *assay_train_fitted_to_json(const struct assay_train_fitted *f)
{
    json_t *stacks = json_array(), *devices = json_array(), *bands = json_object();
    for (size_t i = 0; i < f->n_stacks; i++)
        json_array_append_new(stacks, json_pack("{s:s, s:i, s:o}", "stack", f->stacks[i].name, "rows", (int)f->stacks[i].rows, "factors",
                                                numbers_json(f->stacks[i].factor, 1)));
    for (size_t i = 0; i < f->n_devices; i++)
        json_array_append_new(devices, json_string(f->devices[i]));
    for (int i = 0; i < ASSAY_TRAIN_KINDS; i++)
        json_object_set_new(bands, assay_train_kind_names[i], number(f->half[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "format", FORMAT, "about",
                     "what training stacks make of the models of kernels and links; written by assay calibrate, harness/model/cluster/README.md",
                     "fingerprint", f->fingerprint, "kernels", f->kernels, "devices", devices, "values", numbers_json(f->base.value, -1), "stacks",
                     stacks, "bands", bands);
}
