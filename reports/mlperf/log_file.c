#include "reports/mlperf/log_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"

#include "assay/banned.h"

#define LIMIT_BYTES ((size_t)256 << 20)
#define MARK ":::MLLOG"
#define LINE_BYTES 65536u
#define SHORT_DIGITS 18u /* so many digits always fit into 63 bits */
/* In front of a whole number that is kept as text. In a JSON text it could only be escaped, and a line with that is refused. */
#define LARGE '\x01'
#define LARGE_ESCAPED "\\u0001"

/* The line with whole numbers that may not fit into 63 bits as marked texts: seeds have 64. `to` has room for 7 bytes more a number. */
static size_t keep_large(const char *from, size_t length, char *to)
{
    size_t n = 0;
    bool   in_text = false;
    for (size_t i = 0; i < length;) {
        size_t digits = 0;
        while (!in_text && i + digits < length && from[i + digits] >= '0' && from[i + digits] <= '9')
            digits++;
        bool whole = digits > SHORT_DIGITS && i && strchr(" :[,", from[i - 1]) && (i + digits == length || strchr(" ,}]", from[i + digits]));
        for (const char *mark = whole ? "\"" LARGE_ESCAPED : ""; *mark; mark++)
            to[n++] = *mark;
        for (size_t k = 0; k < digits; k++)
            to[n++] = from[i++];
        if (whole)
            to[n++] = '"';
        if (digits)
            continue;
        if (in_text && from[i] == '\\' && i + 1 < length)
            to[n++] = from[i++];
        else if (from[i] == '"')
            in_text = !in_text;
        to[n++] = from[i++];
    }
    return n;
}

static enum assay_code take_line(struct assay_mlperf_log *log, const char *path, size_t number, const char *line, size_t length, char *room,
                                 struct assay_error *err)
{
    json_t            *object = NULL;
    struct assay_error why = {.code = ASSAY_OK};
    if (length > LINE_BYTES)
        return ASSAY_FAIL(err, ASSAY_DATA, "%s:%zu: a line of %zu bytes", path, number, length);
    if (memmem(line, length, LARGE_ESCAPED, strlen(LARGE_ESCAPED)))
        return ASSAY_FAIL(err, ASSAY_DATA, "%s:%zu: a control character", path, number);
    if (assay_json_parse(room, keep_large(line, length, room), "line", &object, &why))
        return ASSAY_FAIL(err, ASSAY_DATA, "%s:%zu: %.120s", path, number, why.message);
    const char   *key = json_string_value(json_object_get(object, "key"));
    json_t       *value = json_object_get(object, "value");
    const json_t *is_error = json_object_get(json_object_get(object, "metadata"), "is_error");
    if (!key || !value || !json_is_boolean(is_error))
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s:%zu: no key, value and metadata.is_error", path, number);
    else if (!json_object_get(log->values, key) && json_object_set(log->values, key, value))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the keys of '%.150s'", path);
    log->lines++;
    log->errors += json_is_true(is_error);
    json_decref(object);
    return err->code;
}

static enum assay_code take_all(struct assay_mlperf_log *log, const char *path, const char *bytes, size_t length, struct assay_error *err)
{
    size_t number = 1;
    char  *room = malloc(8 * LINE_BYTES);
    if (!room || !(log->values = json_object()))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to read '%.150s'", path);
    else if (length < strlen(MARK) || memcmp(bytes, MARK, strlen(MARK)) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s:1: the first line does not begin with " MARK, path);
    for (const char *at = bytes, *end = bytes + length; !err->code && at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t      n = (size_t)((stop ? stop : end) - at);
        if (n >= strlen(MARK) && !memcmp(at, MARK, strlen(MARK)))
            (void)take_line(log, path, number, at + strlen(MARK), n - strlen(MARK), room, err);
        at += n + 1;
    }
    free(room);
    return err->code;
}

enum assay_code assay_mlperf_log_read(const char *path, struct assay_mlperf_log *out, struct assay_error *err)
{
    struct assay_mlperf_log log = {.values = NULL};
    char                   *bytes = NULL;
    size_t                  length;
    if (assay_file_read(path, LIMIT_BYTES, &bytes, &length, err))
        return err->code;
    if (take_all(&log, path, bytes, length, err))
        assay_mlperf_log_release(&log);
    else
        *out = log;
    free(bytes);
    return err->code;
}

void assay_mlperf_log_release(struct assay_mlperf_log *log)
{
    json_decref(log->values);
    log->values = NULL;
}

bool assay_mlperf_log_u64(const struct assay_mlperf_log *log, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(log->values, key);
    const char   *text = json_string_value(value);
    char         *end;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = (uint64_t)json_integer_value(value);
        return true;
    }
    if (!text || *text != LARGE)
        return false;
    errno = 0;
    unsigned long long large = strtoull(text + 1, &end, 10);
    if (errno || *end)
        return false;
    *out = large;
    return true;
}

bool assay_mlperf_log_f64(const struct assay_mlperf_log *log, const char *key, double *out)
{
    const json_t *value = json_object_get(log->values, key);
    uint64_t      whole;
    if (json_is_real(value))
        *out = json_real_value(value);
    else if (assay_mlperf_log_u64(log, key, &whole))
        *out = (double)whole;
    else
        return false;
    return true;
}

bool assay_mlperf_log_truth(const struct assay_mlperf_log *log, const char *key, bool *out)
{
    const json_t *value = json_object_get(log->values, key);
    if (!json_is_boolean(value))
        return false;
    *out = json_is_true(value);
    return true;
}

const char *assay_mlperf_log_text(const struct assay_mlperf_log *log, const char *key)
{
    const char *text = json_string_value(json_object_get(log->values, key));
    return text && *text != LARGE ? text : NULL;
}
