#include "harness/store/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* A member may come from a plug-in and lack its NUL; and replacing a bad byte makes three of one. */
json_t *assay_field_text(const char *at, size_t bytes)
{
    char copy[ASSAY_FIELD_TEXT_BYTES + 1];
    size_t length = strnlen(at, bytes < ASSAY_FIELD_TEXT_BYTES ? bytes : ASSAY_FIELD_TEXT_BYTES);
    memcpy(copy, at, length);
    copy[length] = 0;
    json_t *text = assay_json_string(copy);
    if (!text || json_string_length(text) < bytes)
        return text;
    const char *all = json_string_value(text);
    size_t fits = bytes - 1;
    while (fits > 0 && ((unsigned char)all[fits] & 0xc0u) == 0x80u)
        fits--;
    json_t *cut = json_stringn(all, fits);
    json_decref(text);
    return cut;
}

static json_t *f64_write(double value)
{
    if (isinf(value))
        return json_string(value > 0 ? "infinity" : "-infinity");
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *flags_write(const struct assay_field *row, uint32_t bits)
{
    json_t *list = json_array();
    for (int bit = 0; list && bit < 32; bit++) {
        char other[16];
        if (!(bits >> bit & 1u))
            continue;
        (void)snprintf(other, sizeof other, "bit_%d", bit);
        if (json_array_append_new(list, json_string(bit <= row->last ? row->name(bit) : other))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *value_write(const struct assay_field *row, const void *at)
{
    switch (row->kind) {
    case ASSAY_FIELD_TEXT:
        return assay_field_text(at, row->bytes);
    case ASSAY_FIELD_U64:
        return assay_json_u64(*(const uint64_t *)at);
    case ASSAY_FIELD_U32:
        return json_integer(*(const uint32_t *)at);
    case ASSAY_FIELD_I64:
        return json_integer(*(const int64_t *)at);
    case ASSAY_FIELD_INT:
        return json_integer(*(const int *)at);
    case ASSAY_FIELD_F64:
        return f64_write(*(const double *)at);
    case ASSAY_FIELD_FLAGS:
        return flags_write(row, *(const uint32_t *)at);
    case ASSAY_FIELD_NAME:
        break;
    }
    int value;
    memcpy(&value, at, sizeof value);
    if (value < 0 || value > row->last)
        return NULL;
    return value ? json_string(row->name(value)) : json_null();
}

static bool is_empty(const struct assay_field *row, const char *at)
{
    if (row->kind == ASSAY_FIELD_TEXT)
        return at[0] == 0;
    for (size_t i = 0; i < row->bytes; i++)
        if (at[i])
            return false;
    return true;
}

bool assay_fields_write(const struct assay_field *table, const void *self, json_t *object)
{
    for (const struct assay_field *row = table; row->key; row++) {
        const char *at = (const char *)self + row->offset;
        if (!row->required && is_empty(row, at))
            continue;
        if (json_object_set_new_nocheck(object, row->key, value_write(row, at)))
            return false;
    }
    return true;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static enum assay_code fail_at(const char *what, const char *key, const char *problem, const char *detail,
                               struct assay_error *err)
{
    char clean[100];
    struct assay_text text = ASSAY_TEXT(clean);
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, key);
    return ASSAY_FAIL(err, ASSAY_DATA, "'%s%s%s' %s%s", what, *what ? "." : "", clean, problem, detail);
}

enum assay_code assay_fields_fail(const char *what, const char *key, const char *expected, const json_t *value,
                                  struct assay_error *err)
{
    char problem[128], is[72] = "";
    struct assay_text shown = ASSAY_TEXT(is);
    char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    (void)snprintf(problem, sizeof problem, "must be %s%s", expected, value ? ", but is " : ", but is missing");
    if (dump)
        assay_text_add(&shown, "%.64s%s", dump, strlen(dump) > 64 ? "…" : "");
    free(dump);
    return fail_at(what, key, problem, is, err);
}

bool assay_field_text_read(const json_t *json, size_t bytes, char *out)
{
    if (!json_is_string(json) || json_string_length(json) >= bytes)
        return false;
    memcpy(out, json_string_value(json), json_string_length(json) + 1);
    return true;
}

static bool u64_read(const json_t *json, uint64_t *out)
{
    char *end, again[24];
    if (json_is_integer(json)) {
        *out = (uint64_t)json_integer_value(json);
        return json_integer_value(json) >= 0;
    }
    if (!json_is_string(json))
        return false;
    errno = 0;
    *out = strtoull(json_string_value(json), &end, 10);
    (void)snprintf(again, sizeof again, "%llu", (unsigned long long)*out);
    return errno == 0 && *out > INT64_MAX && strcmp(again, json_string_value(json)) == 0;
}

static bool f64_read(const json_t *json, double *out)
{
    if (json_is_null(json))
        *out = NAN;
    else if (json_is_number(json))
        *out = json_number_value(json);
    else if (json_is_string(json) && strcmp(json_string_value(json), "infinity") == 0)
        *out = INFINITY;
    else if (json_is_string(json) && strcmp(json_string_value(json), "-infinity") == 0)
        *out = -INFINITY;
    else
        return false;
    return true;
}

static bool integer_read(const json_t *json, int64_t min, int64_t max, int64_t *out)
{
    *out = json_integer_value(json);
    return json_is_integer(json) && *out >= min && *out <= max;
}

static bool name_read(const struct assay_field *row, const json_t *json, void *at)
{
    int value = 0;
    if (!json_is_null(json)) {
        if (!json_is_string(json))
            return false;
        for (value = 1; strcmp(row->name(value), json_string_value(json)) != 0; value++)
            if (value == row->last)
                return false;
    }
    memcpy(at, &value, sizeof value);
    return true;
}

static bool flags_read(const struct assay_field *row, const json_t *json, uint32_t *out)
{
    size_t i;
    json_t *item;
    if (!json_is_array(json))
        return false;
    *out = 0;
    json_array_foreach(json, i, item)
    {
        int bit;
        const char *name = json_string_value(item);
        for (bit = 0; name && bit < 32; bit++) {
            char other[16];
            (void)snprintf(other, sizeof other, "bit_%d", bit);
            if (strcmp(name, bit <= row->last ? row->name(bit) : other) == 0)
                break;
        }
        if (!name || bit == 32)
            return false;
        *out |= 1u << bit;
    }
    return true;
}

static bool value_read(const struct assay_field *row, const json_t *json, void *at)
{
    int64_t integer = 0;
    switch (row->kind) {
    case ASSAY_FIELD_TEXT:
        return assay_field_text_read(json, row->bytes, at);
    case ASSAY_FIELD_U64:
        return u64_read(json, at);
    case ASSAY_FIELD_F64:
        return f64_read(json, at);
    case ASSAY_FIELD_NAME:
        return name_read(row, json, at);
    case ASSAY_FIELD_FLAGS:
        return flags_read(row, json, at);
    case ASSAY_FIELD_I64:
        return integer_read(json, INT64_MIN, INT64_MAX, at);
    case ASSAY_FIELD_U32:
        if (!integer_read(json, 0, UINT32_MAX, &integer))
            return false;
        *(uint32_t *)at = (uint32_t)integer;
        return true;
    case ASSAY_FIELD_INT:
        if (!integer_read(json, INT32_MIN, INT32_MAX, &integer))
            return false;
        *(int *)at = (int)integer;
        return true;
    }
    return false;
}

static void expected(const struct assay_field *row, char *out, size_t capacity)
{
    struct assay_text text = assay_text_over(out, capacity);
    switch (row->kind) {
    case ASSAY_FIELD_TEXT:
        assay_text_add(&text, "a text of less than %zu bytes", row->bytes);
        break;
    case ASSAY_FIELD_U64:
        assay_text_add(&text, "a whole number from 0 to 2^64 - 1");
        break;
    case ASSAY_FIELD_U32:
        assay_text_add(&text, "a whole number from 0 to 4294967295");
        break;
    case ASSAY_FIELD_I64:
        assay_text_add(&text, "a whole number");
        break;
    case ASSAY_FIELD_INT:
        assay_text_add(&text, "a whole number of 32 bits");
        break;
    case ASSAY_FIELD_F64:
        assay_text_add(&text, "a number or null");
        break;
    case ASSAY_FIELD_FLAGS:
        assay_text_add(&text, "a list of known names");
        break;
    case ASSAY_FIELD_NAME:
        assay_text_add(&text, "one of");
        for (int value = 1; value <= row->last; value++)
            assay_text_add(&text, " %s", row->name(value));
        break;
    }
}

static bool is_known(const struct assay_field *table, const char *const *also, const char *key)
{
    for (; table->key; table++)
        if (strcmp(key, table->key) == 0)
            return true;
    for (; also && *also; also++)
        if (strcmp(key, *also) == 0)
            return true;
    return strncmp(key, "//", 2) == 0;
}

static enum assay_code no_unknown_keys(const struct assay_field *table, const char *const *also, const json_t *json,
                                       const char *what, struct assay_error *err)
{
    const char *key, *names[96], *nearest;
    json_t *value;
    size_t n = 0;
    char meant[80] = "";
    json_object_foreach((json_t *)json, key, value)
    {
        if (is_known(table, also, key))
            continue;
        for (; table->key && n < sizeof names / sizeof names[0]; table++)
            names[n++] = table->key;
        for (; also && *also && n < sizeof names / sizeof names[0]; also++)
            names[n++] = *also;
        if ((nearest = assay_string_nearest(key, names, n)))
            (void)snprintf(meant, sizeof meant, "; did you mean '%s'?", nearest);
        return fail_at(what, key, "is not known", meant, err);
    }
    return ASSAY_OK;
}

enum assay_code assay_fields_read(const struct assay_field *table, const char *const *also, const json_t *json,
                                  const char *what, void *self, struct assay_error *err)
{
    char wanted[112];
    size_t found = 0;
    if (!json_is_object(json))
        return ASSAY_FAIL(err, ASSAY_DATA, "%s%s%s must be an object", *what ? "'" : "", *what ? what : "a record",
                          *what ? "'" : "");
    for (const struct assay_field *row = table; row->key; row++) {
        const json_t *value = json_object_get(json, row->key);
        void *at = (char *)self + row->offset;
        found += value != NULL;
        if (!value)
            memset(at, 0, row->kind == ASSAY_FIELD_TEXT ? 1 : row->bytes);
        if (value ? value_read(row, value, at) : !row->required)
            continue;
        expected(row, wanted, sizeof wanted);
        return assay_fields_fail(what, row->key, wanted, value, err);
    }
    for (size_t i = 0; also && also[i]; i++)
        found += json_object_get(json, also[i]) != NULL;
    return found == json_object_size(json) ? ASSAY_OK : no_unknown_keys(table, also, json, what, err);
}
