#include "harness/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json_place.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define LINE_LIMIT_BYTES ((size_t)64 << 20)
#define SHOWN_PATH 90
#define MOST_DEPTH 200 /* jansson reads 2048; what was read must be readable also within what is written around it */

/* ---- errors ----------------------------------------------------------------------------------------------- */

/* The end of a long path says more than its start. */
static void write_path(const char *path, struct assay_text *out)
{
    size_t length = strlen(path);
    bool   cut = length > SHOWN_PATH;
    assay_text_add(out, "%s%s", cut ? "..." : "", cut ? path + length - SHOWN_PATH : path);
}

ASSAY_PRINTF(5, 6)
static void tell_in(const struct assay_json_file *file, const json_t *object, const char *key, struct assay_error *err,
                    const char *fmt, ...)
{
    char              text[sizeof err->message], place[SHOWN_PATH + 32];
    struct assay_text at = ASSAY_TEXT(place);
    va_list           args;
    size_t            line = assay_json_place_line(file, object, key);
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    write_path(file->path, &at);
    if (line)
        assay_text_add(&at, ":%zu", line);
    (void)ASSAY_FAIL(err, ASSAY_DATA, "%s: %s", place, text);
}
/* A macro, so that the code stands where it is returned. */
#define fail_in(file, object, key, err, ...) (tell_in((file), (object), (key), (err), __VA_ARGS__), ASSAY_DATA)

enum assay_code assay_json_fail(const struct assay_json_file *file, const char *key, struct assay_error *err,
                                const char *fmt, ...)
{
    char    text[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail_in(file, NULL, key, err, "%s", text);
}

enum assay_code assay_json_fail_at(const struct assay_json_file *file, const json_t *object, const char *key,
                                   struct assay_error *err, const char *fmt, ...)
{
    char    text[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail_in(file, object, key, err, "%s", text);
}

static const char *kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a text";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "unknown";
}

static enum assay_code wrong_kind(const struct assay_json_file *file, const json_t *object, const char *key,
                                  const char *wanted, struct assay_error *err)
{
    return fail_in(file, object, key, err, "'%s' must be %s, not %s", key, wanted,
                   kind_of(json_object_get(object, key)));
}

/* ---- files ------------------------------------------------------------------------------------------------ */

static enum assay_code fail_syntax(const char *place, const json_error_t *at, struct assay_error *err)
{
    enum json_error_code code = json_error_code(at);
    if (code == json_error_out_of_memory || !*at->text) /* jansson is silent in some places where memory ends */
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%s: no memory to parse it", place);
    char what[JSON_ERROR_TEXT_LENGTH]; /* what stands near is quoted as it is, line ends of an open string with it */
    (void)assay_string_copy(what, sizeof what, at->text);
    for (char *c = what; *c; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    (void)ASSAY_FAIL(err, ASSAY_DATA, "%s:%d:%d: %s", place, at->line, at->column, what);
    if (code == json_error_duplicate_key && strstr(at->text, "\"//"))
        return assay_error_hint(err, "comments need different keys too: \"//1\", \"//2\"");
    return err->code;
}

/* Is something in it nested deeper than `left` arrays and objects? */
static bool is_deeper(const json_t *value, int left)
{
    if (!json_is_array(value) && !json_is_object(value))
        return false;
    json_t *changeable = (json_t *)(uintptr_t)value; /* as in known_keys */
    bool    deeper = left == 0;
    for (size_t i = 0; !deeper && i < json_array_size(value); i++)
        deeper = is_deeper(json_array_get(value, i), left - 1);
    for (void *at = json_object_iter(changeable); !deeper && at; at = json_object_iter_next(changeable, at))
        deeper = is_deeper(json_object_iter_value(at), left - 1);
    return deeper;
}

/* The text as a tree, a new reference. `place` is for messages. */
static enum assay_code parse(const char *text, size_t length, const char *place, json_t **out, struct assay_error *err)
{
    json_error_t at;
    json_t      *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &at);
    if (!value)
        return fail_syntax(place, &at, err);
    if (is_deeper(value, MOST_DEPTH)) {
        json_decref(value);
        return ASSAY_FAIL(err, ASSAY_DATA, "%s: arrays and objects are nested deeper than %d", place, MOST_DEPTH);
    }
    *out = value;
    return ASSAY_OK;
}

static enum assay_code check_format(const struct assay_json_file *file, const char *format, struct assay_error *err)
{
    const char *found = NULL;
    if (!json_is_object(file->root))
        return fail_in(file, NULL, NULL, err, "must be an object, not %s", kind_of(file->root));
    if (!json_object_get(file->root, "format"))
        return fail_in(file, NULL, NULL, err, "'format' is missing; it must be '%s'", format);
    if (assay_json_text(file, file->root, "format", true, &found, err))
        return assay_error_hint(err, "it must be '%s'", format);
    if (strcmp(found, format) != 0)
        return fail_in(file, file->root, "format", err, "'format' must be '%s', got '%.60s'", format, found);
    return ASSAY_OK;
}

enum assay_code assay_json_load(const char *path, const char *format, size_t limit_bytes, struct assay_json_file *out,
                                struct assay_error *err)
{
    struct assay_json_file file = {0};
    char                   shown[SHOWN_PATH + 8];
    struct assay_text      place = ASSAY_TEXT(shown);
    enum assay_code        code;
    if (!assay_string_copy(file.path, sizeof file.path, path))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a path of %zu bytes is too long: '%.100s...'", strlen(path), path);
    if (assay_file_read(path, limit_bytes, &file.bytes, &file.length, err))
        return err->code;
    write_path(path, &place);
    code = parse(file.bytes, file.length, shown, &file.root, err);
    if (!code)
        code = check_format(&file, format, err);
    if (code)
        assay_json_release(&file);
    else
        *out = file;
    return code;
}

void assay_json_release(struct assay_json_file *file)
{
    json_decref(file->root);
    free(file->bytes);
    *file = (struct assay_json_file){0};
}

enum assay_code assay_json_parse(const char *text, size_t length, const char *what, json_t **out,
                                 struct assay_error *err)
{
    char place[100];
    if (length > LINE_LIMIT_BYTES)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.90s: %zu bytes, more than %zu", what, length, LINE_LIMIT_BYTES);
    (void)snprintf(place, sizeof place, "%.90s", what);
    return parse(text, length, place, out, err);
}

/* ---- members ---------------------------------------------------------------------------------------------- */

enum assay_code assay_json_known_keys(const struct assay_json_file *file, const json_t *object,
                                      const char *const *known, size_t n, struct assay_error *err)
{
    json_t *changeable = (json_t *)(uintptr_t)object; /* jansson's iterators take no const; nothing is changed */
    for (void *at = json_object_iter(changeable); at; at = json_object_iter_next(changeable, at)) {
        const char *key = json_object_iter_key(at), *near;
        size_t      i = 0;
        while (i < n && strcmp(key, known[i]) != 0)
            i++;
        if (i < n || !strncmp(key, "//", 2))
            continue;
        char              all[sizeof err->hint];
        struct assay_text text = ASSAY_TEXT(all);
        for (i = 0; i < n; i++)
            assay_text_add(&text, "%s%s", i ? ", " : "", known[i]);
        near = assay_string_nearest(key, known, n);
        (void)fail_in(file, object, key, err, "unknown key '%.80s'", key);
        return near ? assay_error_hint(err, "did you mean '%s'?", near) : assay_error_hint(err, "known: %.180s", all);
    }
    return ASSAY_OK;
}

/* The member, or NULL when it is absent and need not be there. */
static enum assay_code find(const struct assay_json_file *file, const json_t *object, const char *key, bool required,
                            json_t **out, struct assay_error *err)
{
    *out = json_object_get(object, key);
    if (!*out && required)
        return fail_in(file, object, NULL, err, "'%s' is missing", key);
    return ASSAY_OK;
}

enum assay_code assay_json_text(const struct assay_json_file *file, const json_t *object, const char *key,
                                bool required, const char **out, struct assay_error *err)
{
    json_t         *value;
    enum assay_code code = find(file, object, key, required, &value, err);
    if (code)
        return code;
    if (value && !json_is_string(value))
        return wrong_kind(file, object, key, "a text", err);
    if (value)
        *out = json_string_value(value);
    return ASSAY_OK;
}

enum assay_code assay_json_word(const struct assay_json_file *file, const json_t *object, const char *key, bool required,
                                const char *const *words, int *out, struct assay_error *err)
{
    const char       *text = NULL, *near;
    char              all[160];
    struct assay_text known = ASSAY_TEXT(all);
    size_t            n = 0;
    enum assay_code   code = assay_json_text(file, object, key, required, &text, err);
    if (code || !text)
        return code;
    for (; words[n]; n++) {
        if (*text && !strcmp(words[n], text)) {
            *out = (int)n;
            return ASSAY_OK;
        }
        assay_text_add(&known, "%s%s", *all ? ", " : "", words[n]);
    }
    near = *text ? assay_string_nearest(text, words, n) : NULL;
    (void)fail_in(file, object, key, err, "'%s' is '%.40s'", key, text);
    return near && *near ? assay_error_hint(err, "did you mean '%s'?", near) : assay_error_hint(err, "it can be: %s", all);
}

enum assay_code assay_json_i64(const struct assay_json_file *file, const json_t *object, const char *key, bool required,
                               int64_t min, int64_t max, int64_t *out, struct assay_error *err)
{
    json_t *value;
    if (find(file, object, key, required, &value, err))
        return err->code;
    if (!value)
        return ASSAY_OK;
    if (!json_is_integer(value))
        return wrong_kind(file, object, key, "an integer", err);
    if (json_integer_value(value) < min || json_integer_value(value) > max)
        return fail_in(file, object, key, err, "'%s' must be from %lld to %lld, got %lld", key, (long long)min,
                       (long long)max, (long long)json_integer_value(value));
    *out = json_integer_value(value);
    return ASSAY_OK;
}

enum assay_code assay_json_f64(const struct assay_json_file *file, const json_t *object, const char *key, bool required,
                               double min, double max, double *out, struct assay_error *err)
{
    json_t *value;
    double  number;
    if (find(file, object, key, required, &value, err))
        return err->code;
    if (!value)
        return ASSAY_OK;
    if (!json_is_number(value))
        return wrong_kind(file, object, key, "a number", err);
    number = json_number_value(value);
    if (!(number >= min && number <= max))
        return fail_in(file, object, key, err, "'%s' must be from %.9g to %.9g, got %.17g", key, min, max, number);
    *out = number;
    return ASSAY_OK;
}

enum assay_code assay_json_bool(const struct assay_json_file *file, const json_t *object, const char *key,
                                bool required, bool *out, struct assay_error *err)
{
    json_t *value;
    if (find(file, object, key, required, &value, err))
        return err->code;
    if (value && !json_is_boolean(value))
        return wrong_kind(file, object, key, "true or false", err);
    if (value)
        *out = json_is_true(value);
    return ASSAY_OK;
}

enum assay_code assay_json_array(const struct assay_json_file *file, const json_t *object, const char *key,
                                 bool required, json_t **out, struct assay_error *err)
{
    json_t *value;
    if (find(file, object, key, required, &value, err))
        return err->code;
    if (value && !json_is_array(value))
        return wrong_kind(file, object, key, "an array", err);
    if (value)
        *out = value;
    return ASSAY_OK;
}

enum assay_code assay_json_object(const struct assay_json_file *file, const json_t *object, const char *key,
                                  bool required, json_t **out, struct assay_error *err)
{
    json_t *value;
    if (find(file, object, key, required, &value, err))
        return err->code;
    if (value && !json_is_object(value))
        return wrong_kind(file, object, key, "an object", err);
    if (value)
        *out = value;
    return ASSAY_OK;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

char *assay_json_line(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}

/* The code point at `at` if it is one that jansson writes as it is and a terminal acts on or is misled by: DEL, C1, line
 * separators, and what turns the reading direction. All stand in strings only. 0: none. */
static unsigned acting(const unsigned char *at)
{
    unsigned code = at[0];
    if (code == 0xC2 && at[1] < 0xA0)
        code = at[1];
    else if (code == 0xE2 && (at[1] == 0x80 || at[1] == 0x81))
        code = (0x2000u | (at[1] & 0x3Fu) << 6) | (at[2] & 0x3Fu);
    else if (code != 0x7F)
        return 0;
    bool misleads = (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return code < 0xA0 || misleads ? code : 0;
}

char *assay_json_pretty(const json_t *value)
{
    char  *plain = json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)), *safe, *to;
    size_t n = 0;
    for (const unsigned char *at = (const unsigned char *)plain; at && *at; at++)
        n += acting(at) != 0;
    if (!plain || !n)
        return plain;
    safe = to = malloc(strlen(plain) + 6 * n + 1);
    for (const unsigned char *at = (const unsigned char *)plain; safe && *at;) {
        unsigned code = acting(at);
        if (code) {
            (void)snprintf(to, 7, "\\u%04X", code & 0xFFFFu);
            to += 6;
            at += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
        } else {
            *to++ = (char)*at++;
        }
    }
    if (safe)
        *to = 0;
    free(plain);
    return safe;
}

json_t *assay_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

double assay_json_number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *assay_json_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

uint64_t assay_json_u64_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char   *text = json_string_value(value);
    json_int_t    n = json_integer_value(value);
    if (text) /* beyond what a JSON integer holds */
        return *text == '-' ? 0 : strtoull(text, NULL, 10);
    return n > 0 ? (uint64_t)n : 0;
}

json_t *assay_json_u64(uint64_t value)
{
    char text[24];
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

/* Bytes of the well-formed sequence at `at` (Unicode 15, table 3-7), or 0. A NUL ends any sequence. */
static size_t utf8_length(const unsigned char *at)
{
    unsigned char first = at[0];
    size_t        length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first > 0xF4)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (at[i] < low || at[i] > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

json_t *assay_json_string(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
    size_t            length = strlen(text), used = 0;
    char             *clean;
    json_t           *value;
    if (length > SIZE_MAX / 4 || !(clean = malloc(length * 3 + 1)))
        return NULL;
    while (*text) {
        size_t good = utf8_length((const unsigned char *)text);
        memcpy(clean + used, good ? text : replacement, good ? good : 3);
        used += good ? good : 3;
        text += good ? good : 1;
    }
    value = json_stringn(clean, used);
    free(clean);
    return value;
}
