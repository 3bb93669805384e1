#include "harness/store/json_difference.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define PATH_BYTES 96

static void say_value(const json_t *value, struct assay_text *out)
{
    char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII | JSON_SORT_KEYS) : NULL;
    if (dump)
        assay_text_add(out, "%.48s%s", dump, strlen(dump) > 48 ? "..." : "");
    else
        assay_text_add(out, "absent");
    free(dump);
}

static bool differ(const json_t *was, const json_t *now, const char *path, struct assay_text *out);

static bool differ_at(const json_t *was, const json_t *now, const char *path, const char *key, struct assay_text *out)
{
    char below[PATH_BYTES];
    struct assay_text text = ASSAY_TEXT(below);
    assay_text_add(&text, "%s%s", path, *path ? "." : "");
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, key);
    return differ(was, now, below, out);
}

static bool arrays_differ(const json_t *was, const json_t *now, const char *path, struct assay_text *out)
{
    size_t a = json_array_size(was), b = json_array_size(now);
    for (size_t i = 0; i < a && i < b; i++) {
        char key[24];
        (void)snprintf(key, sizeof key, "%zu", i);
        if (differ_at(json_array_get(was, i), json_array_get(now, i), path, key, out))
            return true;
    }
    if (a != b)
        assay_text_add(out, "'%s' had %zu entries and has %zu now", path, a, b);
    return a != b;
}

/* The first differing key by name: jansson's own order depends on a seed of the process. */
static bool objects_differ(const json_t *was, const json_t *now, const char *path, struct assay_text *out)
{
    const char *first = NULL, *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)was, key, value)
    {
        if ((!first || strcmp(key, first) < 0) && !json_equal(value, json_object_get(now, key)))
            first = key;
    }
    json_object_foreach((json_t *)(uintptr_t)now, key, value)
    {
        if ((!first || strcmp(key, first) < 0) && !json_object_get(was, key))
            first = key;
    }
    return first && differ_at(json_object_get(was, first), json_object_get(now, first), path, first, out);
}

static bool differ(const json_t *was, const json_t *now, const char *path, struct assay_text *out)
{
    if (json_is_object(was) && json_is_object(now))
        return objects_differ(was, now, path, out);
    if (json_is_array(was) && json_is_array(now))
        return arrays_differ(was, now, path, out);
    if (was && now && json_equal(was, now))
        return false;
    assay_text_add(out, "'%s' was ", path);
    say_value(was, out);
    assay_text_add(out, " and is ");
    say_value(now, out);
    assay_text_add(out, " now");
    return true;
}

bool assay_json_difference(const json_t *was, const json_t *now, struct assay_text *out)
{
    return differ(was, now, "", out);
}
