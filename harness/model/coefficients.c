#include "harness/model/coefficients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/model/fitted_file.h"

#include "assay/banned.h"

#define FORMAT "assay-coefficients/1"
#define NAME "kernels.json"

const struct assay_coefficient_row assay_coefficient_rows[ASSAY_COEFFICIENTS] = {
#define ASSAY_COEFFICIENT(id, class, key, begin, low, high, about) {ASSAY_KERNEL_##class, key, about, begin, low, high},
#include "harness/model/coefficients.def"
#undef ASSAY_COEFFICIENT
};
const char *const        assay_format_class_names[ASSAY_FORMAT_CLASSES + 1] = {"wide", "f8", "f8_block", "f4", NULL};
const char *const        assay_regime_names[ASSAY_REGIMES + 1] = {"floor", "memory", "compute", NULL};
static const char *const memories[2] = {"hbm", "other"};
static const char *const value_names[] = {
#define ASSAY_COEFFICIENT(id, class, key, begin, low, high, about) key,
#include "harness/model/coefficients.def"
#undef ASSAY_COEFFICIENT
};
static const struct assay_fitted_keys values_keys = {value_names, ASSAY_COEFFICIENTS, 1e-6, 1e12};

struct assay_coefficients assay_coefficients_begin(void)
{
    struct assay_coefficients k;
    for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++)
        k.value[i] = assay_coefficient_rows[i].begin;
    return k;
}

enum assay_regime assay_price_regime(const struct assay_price *price)
{
    double memory = fmax(price->memory_ns, price->link_ns), work = fmax(price->compute_ns, price->vector_ns);
    if (price->floor_ns > 0.5 * price->ns)
        return ASSAY_REGIME_FLOOR;
    return memory > work ? ASSAY_REGIME_MEMORY : ASSAY_REGIME_COMPUTE;
}

/* ---- reading ---- */

static enum assay_code read_counts(const struct assay_json_file *file, const json_t *object, unsigned *out,
                                   struct assay_error *err)
{
    if (assay_json_known_keys(file, object, assay_kernel_class_names, ASSAY_KERNEL_CLASSES, err))
        return err->code;
    for (size_t i = 0; i < ASSAY_KERNEL_CLASSES; i++) {
        int64_t n = 0;
        if (assay_json_i64(file, object, assay_kernel_class_names[i], false, 0, 1000, &n, err))
            return err->code;
        out[i] = (unsigned)n;
    }
    return ASSAY_OK;
}

static enum assay_code read_vendor(const struct assay_json_file *file, const char *name, const json_t *object,
                                   struct assay_fitted *f, struct assay_error *err)
{
    static const char *const keys[] = {"chips", "factors"};
    json_t                  *chips = NULL, *factors = NULL;
    if (f->n_vendors == ASSAY_VENDORS_MOST || !json_is_object(object))
        return assay_json_fail(file, name, err, "more than %d vendors, or one that is no object", ASSAY_VENDORS_MOST);
    struct assay_vendor_fit *v = &f->vendors[f->n_vendors++];
    (void)assay_string_copy(v->name, sizeof v->name, name);
    for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++)
        v->factor[i] = 1;
    if (assay_json_known_keys(file, object, keys, 2, err) || assay_json_object(file, object, "chips", true, &chips, err) ||
        assay_json_object(file, object, "factors", true, &factors, err) || read_counts(file, chips, v->chips, err))
        return err->code;
    return assay_fitted_numbers_read(file, factors, &values_keys, false, v->factor, err);
}

static enum assay_code read_vendors(const struct assay_json_file *file, const json_t *object, struct assay_fitted *f,
                                    struct assay_error *err)
{
    const char *name;
    json_t     *value;
    json_object_foreach((json_t *)object, name, value) if (read_vendor(file, name, value, f, err)) return err->code;
    return ASSAY_OK;
}

static void effect_key(char *key, size_t bytes, size_t class, size_t format)
{
    (void)snprintf(key, bytes, "%s %s", assay_kernel_class_names[class], assay_format_class_names[format]);
}

static enum assay_code read_effects(const struct assay_json_file *file, const json_t *object, struct assay_fitted_device *d,
                                    struct assay_error *err)
{
    char key[64];
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        for (size_t f = 0; f < ASSAY_FORMAT_CLASSES; f++) {
            effect_key(key, sizeof key, c, f);
            d->effect[c][f] = NAN;
            if (assay_json_f64(file, object, key, false, -3, 3, &d->effect[c][f], err))
                return err->code;
            d->classes[c] |= !isnan(d->effect[c][f]);
        }
    return ASSAY_OK;
}

static enum assay_code read_device(const struct assay_json_file *file, const char *name, const json_t *object,
                                   struct assay_fitted_device *d, struct assay_error *err)
{
    static const char *const keys[] = {"vendor", "core_flops_per_clock", "clock_hz", "hbm", "effects"};
    const char              *vendor = "";
    json_t                  *effects = NULL;
    if (!json_is_object(object))
        return assay_json_fail(file, name, err, "a device must be an object");
    if (assay_json_known_keys(file, object, keys, sizeof keys / sizeof *keys, err) ||
        assay_json_text(file, object, "vendor", true, &vendor, err) ||
        assay_json_f64(file, object, "core_flops_per_clock", true, 1, 1e9, &d->core_flops_per_clock, err) ||
        assay_json_f64(file, object, "clock_hz", true, 1e6, 1e11, &d->clock_hz, err) ||
        assay_json_bool(file, object, "hbm", true, &d->hbm, err) ||
        assay_json_object(file, object, "effects", true, &effects, err))
        return err->code;
    (void)assay_string_copy(d->name, sizeof d->name, name);
    (void)assay_string_copy(d->vendor, sizeof d->vendor, vendor);
    return read_effects(file, effects, d, err);
}

static enum assay_code read_devices(const struct assay_json_file *file, const json_t *object, struct assay_fitted *f,
                                    struct assay_error *err)
{
    const char *name;
    json_t     *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (f->n_devices == ASSAY_FITTED_DEVICES)
            return assay_json_fail(file, name, err, "more than %d devices", ASSAY_FITTED_DEVICES);
        if (read_device(file, name, value, &f->devices[f->n_devices++], err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code read_errors(const struct assay_json_file *file, const json_t *object, struct assay_spread *s,
                                   struct assay_error *err)
{
    char key[64];
    for (size_t m = 0; m < 2; m++)
        for (size_t f = 0; f < ASSAY_FORMAT_CLASSES; f++)
            for (size_t r = 0; r < ASSAY_REGIMES; r++) {
                (void)snprintf(key, sizeof key, "%s %s %s", memories[m], assay_format_class_names[f], assay_regime_names[r]);
                if (assay_json_f64(file, object, key, false, 0, 10, &s->error[m][f][r], err))
                    return err->code;
            }
    return ASSAY_OK;
}

static enum assay_code read_spreads(const struct assay_json_file *file, const json_t *object, struct assay_fitted *f,
                                    struct assay_error *err)
{
    static const char *const keys[] = {"chips", "chip_sd", "scale", "pooled", "error"};
    if (assay_json_known_keys(file, object, assay_kernel_class_names, ASSAY_KERNEL_CLASSES, err))
        return err->code;
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        struct assay_spread *s = &f->spreads[c];
        json_t              *one = NULL, *error = NULL;
        int64_t              chips = 0;
        if (assay_json_object(file, object, assay_kernel_class_names[c], false, &one, err))
            return err->code;
        if (!one)
            continue;
        if (assay_json_known_keys(file, one, keys, sizeof keys / sizeof *keys, err) ||
            assay_json_i64(file, one, "chips", true, 0, 1000, &chips, err) ||
            assay_json_f64(file, one, "chip_sd", true, 0, 10, &s->chip_sd, err) ||
            assay_json_f64(file, one, "scale", true, 0, 10, &s->scale, err) ||
            assay_json_f64(file, one, "pooled", true, 0, 10, &s->pooled, err) ||
            assay_json_object(file, one, "error", true, &error, err) || read_errors(file, error, s, err))
            return err->code;
        s->chips = (unsigned)chips;
    }
    return ASSAY_OK;
}

static enum assay_code read_all(const struct assay_json_file *file, struct assay_fitted *f, struct assay_error *err)
{
    static const char *const keys[] = {"format", "about", "fingerprint", "devices", "values", "vendors", "spreads"};
    json_t                  *values = NULL, *vendors = NULL, *devices = NULL, *spreads = NULL;
    if (assay_json_known_keys(file, file->root, keys, sizeof keys / sizeof *keys, err) ||
        assay_fitted_file_text(file, "fingerprint", f->fingerprint, sizeof f->fingerprint, err) ||
        assay_json_object(file, file->root, "values", true, &values, err) ||
        assay_json_object(file, file->root, "vendors", true, &vendors, err) ||
        assay_json_object(file, file->root, "devices", true, &devices, err) ||
        assay_json_object(file, file->root, "spreads", true, &spreads, err))
        return err->code;
    if (assay_fitted_numbers_read(file, values, &values_keys, true, f->base.value, err) || read_vendors(file, vendors, f, err) ||
        read_devices(file, devices, f, err))
        return err->code;
    return read_spreads(file, spreads, f, err);
}

enum assay_code assay_fitted_read(const char *path, struct assay_fitted *out, struct assay_error *err)
{
    struct assay_json_file file;
    struct assay_fitted    f = {.n_vendors = 0};
    if (assay_fitted_file_load(path, NAME, FORMAT, &file, err))
        return err->code;
    enum assay_code code = read_all(&file, &f, err);
    assay_json_release(&file);
    if (!code)
        *out = f;
    return code;
}

/* ---- writing ---- */

static json_t *vendors_json(const struct assay_fitted *f)
{
    json_t *object = json_object();
    for (size_t v = 0; v < f->n_vendors; v++) {
        json_t *chips = json_object();
        for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
            if (f->vendors[v].chips[c])
                json_object_set_new(chips, assay_kernel_class_names[c], json_integer(f->vendors[v].chips[c]));
        json_object_set_new(object, f->vendors[v].name,
                            json_pack("{s:o, s:o}", "chips", chips, "factors", assay_fitted_numbers_to_json(&values_keys, f->vendors[v].factor, 1)));
    }
    return object;
}

static json_t *effects_json(const struct assay_fitted_device *d)
{
    json_t *object = json_object();
    char    key[64];
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        for (size_t f = 0; f < ASSAY_FORMAT_CLASSES; f++) {
            effect_key(key, sizeof key, c, f);
            if (!isnan(d->effect[c][f]))
                json_object_set_new(object, key, assay_fitted_number_to_json(d->effect[c][f]));
        }
    return object;
}

static json_t *devices_json(const struct assay_fitted *f)
{
    json_t *object = json_object();
    for (size_t i = 0; i < f->n_devices; i++) {
        const struct assay_fitted_device *d = &f->devices[i];
        json_object_set_new(object, d->name,
                            json_pack("{s:s, s:o, s:o, s:b, s:o}", "vendor", d->vendor, "core_flops_per_clock",
                                      assay_fitted_number_to_json(d->core_flops_per_clock), "clock_hz", assay_fitted_number_to_json(d->clock_hz), "hbm", (int)d->hbm,
                                      "effects", effects_json(d)));
    }
    return object;
}

static json_t *spreads_json(const struct assay_fitted *f)
{
    json_t *object = json_object();
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        const struct assay_spread *s = &f->spreads[c];
        json_t                    *error = json_object();
        char                       key[64];
        for (size_t i = 0; i < 2 * ASSAY_FORMAT_CLASSES * ASSAY_REGIMES; i++) {
            size_t m = i / (ASSAY_FORMAT_CLASSES * ASSAY_REGIMES), g = i / ASSAY_REGIMES % ASSAY_FORMAT_CLASSES,
                   r = i % ASSAY_REGIMES;
            (void)snprintf(key, sizeof key, "%s %s %s", memories[m], assay_format_class_names[g], assay_regime_names[r]);
            if (s->error[m][g][r] > 0)
                json_object_set_new(error, key, assay_fitted_number_to_json(s->error[m][g][r]));
        }
        if (s->chips)
            json_object_set_new(object, assay_kernel_class_names[c],
                                json_pack("{s:i, s:o, s:o, s:o, s:o}", "chips", (int)s->chips, "chip_sd", assay_fitted_number_to_json(s->chip_sd),
                                          "scale", assay_fitted_number_to_json(s->scale), "pooled", assay_fitted_number_to_json(s->pooled), "error", error));
        else
            json_decref(error);
    }
    return object;
}

json_t *assay_fitted_to_json(const struct assay_fitted *f)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "format", FORMAT, "about",
                     "coefficients of the kernel models and their spread on chips left out; written by assay calibrate, "
                     "harness/model/README.md",
                     "fingerprint", f->fingerprint, "devices", devices_json(f), "values", assay_fitted_numbers_to_json(&values_keys, f->base.value, -1),
                     "vendors", vendors_json(f), "spreads", spreads_json(f));
}

/* ---- asking ---- */

static const struct assay_vendor_fit *vendor_of(const struct assay_fitted *f, const char *name)
{
    for (size_t i = 0; i < f->n_vendors; i++)
        if (!strcmp(f->vendors[i].name, name))
            return &f->vendors[i];
    return NULL;
}

struct assay_coefficients assay_fitted_for(const struct assay_fitted *f, const char *vendor)
{
    struct assay_coefficients      k = f->base;
    const struct assay_vendor_fit *v = vendor_of(f, vendor);
    for (size_t i = 0; v && i < ASSAY_COEFFICIENTS; i++)
        k.value[i] *= v->factor[i];
    return k;
}

/* Squared distance of two chips in logarithms; another kind of memory is another world. */
#define LIKE_WITHIN 0.3 /* a generation that doubles a core's rate is hardly alike any more */
#define OTHER_MEMORY 4.0
#define NOBODY 0.3 /* weighs against all of them: of a chip like none, nothing is said */

static double unlike(const struct assay_fitted_device *d, const struct assay_chip *chip)
{
    double clock_hz = chip->field[ASSAY_DEVICE_CLOCK], peak = chip->field[ASSAY_DEVICE_PEAK_BF16];
    double core = peak / (chip->field[ASSAY_DEVICE_CORES] * clock_hz);
    if (!(core > 0) || !(clock_hz > 0))
        return INFINITY;
    double rate = log(core / d->core_flops_per_clock), clock = log(clock_hz / d->clock_hz);
    return rate * rate + clock * clock + (d->hbm == (chip->memory_class == ASSAY_MEMORY_HBM) ? 0 : OTHER_MEMORY);
}

static double weight_of(const struct assay_fitted_device *d, const struct assay_chip *chip)
{
    return exp(-unlike(d, chip) / (2 * LIKE_WITHIN * LIKE_WITHIN));
}

double assay_fitted_familiarity(const struct assay_fitted *f, const char *vendor, const struct assay_chip *chip,
                                enum assay_kernel_class class)
{
    double alike = 0;
    for (size_t i = 0; i < f->n_devices; i++)
        if (!strcmp(f->devices[i].vendor, vendor) && f->devices[i].classes[class])
            alike += weight_of(&f->devices[i], chip);
    return alike / (NOBODY + alike);
}

double assay_fitted_likeness(const struct assay_fitted *f, const char *vendor, const struct assay_chip *chip,
                             enum assay_kernel_class class, enum assay_format_class format, const char *skip)
{
    double weights = NOBODY, sum = 0;
    for (size_t i = 0; i < f->n_devices; i++) {
        const struct assay_fitted_device *d = &f->devices[i];
        if (strcmp(d->vendor, vendor) != 0 || !d->classes[class] || isnan(d->effect[class][format]) ||
            (skip && !strcmp(skip, d->name)))
            continue;
        double weight = weight_of(d, chip);
        weights += weight;
        sum += weight * d->effect[class][format];
    }
    return exp(-sum / weights);
}

struct assay_coefficients assay_fitted_of(const struct assay_fitted *f, const char *vendor, const char *device)
{
    return assay_fitted_for(f, vendor_of(f, device) ? device : vendor);
}

unsigned assay_fitted_chips(const struct assay_fitted *f, const char *vendor, enum assay_kernel_class class)
{
    const struct assay_vendor_fit *v = vendor_of(f, vendor);
    return v ? v->chips[class] : 0;
}

bool assay_fitted_on(const struct assay_fitted *f, const char *device, enum assay_kernel_class class, enum assay_format_class format)
{
    for (size_t i = 0; i < f->n_devices; i++)
        if (!strcmp(f->devices[i].name, device))
            return f->devices[i].classes[class] && !isnan(f->devices[i].effect[class][format]);
    return false;
}
