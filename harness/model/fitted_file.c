#include "harness/model/fitted_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define FOLDER "backends/coefficients"
#define LIMIT_BYTES ((size_t)1 << 20)

enum assay_code assay_fitted_file_load(const char *path, const char *name, const char *format, struct assay_json_file *out, struct assay_error *err)
{
    char shipped[512], folder[480];
    if (!path) {
        if (assay_data_folder(FOLDER, folder, sizeof folder, err) || assay_path_join(shipped, sizeof shipped, folder, name, err))
            return err->code;
        path = shipped;
    }
    return assay_json_load(path, format, LIMIT_BYTES, out, err);
}

enum assay_code assay_fitted_file_text(const struct assay_json_file *file, const char *key, char *out, size_t bytes, struct assay_error *err)
{
    const char *text = "";
    if (assay_json_text(file, file->root, key, true, &text, err))
        return err->code;
    if (!assay_string_copy(out, bytes, text))
        return assay_json_fail(file, key, err, "'%s' has at most %zu bytes", key, bytes - 1);
    return ASSAY_OK;
}

enum assay_code assay_fitted_file_names(const struct assay_json_file *file, const char *key, char *rooms, size_t bytes, size_t most, size_t *n,
                                        struct assay_error *err)
{
    json_t *array = NULL;
    if (assay_json_array(file, file->root, key, true, &array, err))
        return err->code;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (!name || i >= most || !assay_string_copy(rooms + i * bytes, bytes, name))
            return assay_json_fail(file, key, err, "'%s' are at most %zu names of at most %zu bytes", key, most, bytes - 1);
        *n = i + 1;
    }
    return ASSAY_OK;
}

json_t *assay_fitted_names_to_json(const char *rooms, size_t bytes, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(rooms + i * bytes));
    return array;
}

bool assay_fitted_names_have(const char *rooms, size_t bytes, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcmp(rooms + i * bytes, name) != 0)
        i++;
    return i < n;
}

enum assay_code assay_fitted_numbers_read(const struct assay_json_file *file, const json_t *object, const struct assay_fitted_keys *keys, bool all, double *out,
                                          struct assay_error *err)
{
    if (assay_json_known_keys(file, object, keys->key, keys->n, err))
        return err->code;
    for (size_t i = 0; i < keys->n; i++)
        if (assay_json_f64(file, object, keys->key[i], all, keys->low, keys->high, &out[i], err))
            return err->code;
    return ASSAY_OK;
}

/* Five digits say all that a fit knows, and a diff can be read. */
json_t *assay_fitted_number_to_json(double value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.5g", value);
    return assay_json_number(strtod(text, NULL));
}

json_t *assay_fitted_numbers_to_json(const struct assay_fitted_keys *keys, const double *values, double leave_out)
{
    json_t *object = json_object();
    for (size_t i = 0; i < keys->n; i++)
        if (fabs(values[i] - leave_out) > 1e-3)
            json_object_set_new(object, keys->key[i], assay_fitted_number_to_json(values[i]));
    return object;
}
