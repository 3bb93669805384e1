#include "harness/load/rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

/* A whole number below 2^63 and what follows it; NULL if there is none. */
static const char *read_number(const char *at, uint64_t *out)
{
    uint64_t value = 0;
    if (*at < '0' || *at > '9')
        return NULL;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (value > (UINT64_MAX >> 1) / 10 - 1)
            return NULL;
        value = 10 * value + (uint64_t)(*at - '0');
    }
    *out = value;
    return at;
}

static const char *line_end(const char *at)
{
    if (*at == '\r')
        at++;
    return *at == '\n' ? at + 1 : *at ? NULL : at;
}

const char *assay_rows_read(const struct assay_rows *r, const char *at, uint64_t value[ASSAY_ROWS_COLUMNS], unsigned *column)
{
    memset(value, 0, ASSAY_ROWS_COLUMNS * sizeof *value);
    for (*column = 0; *column < r->columns; ++*column) {
        if (*column && *at++ != ',')
            return NULL;
        at = read_number(at, &value[*column]);
        if (!at)
            return NULL;
    }
    return line_end(at);
}

static enum assay_code read_header(struct assay_rows *r, const char *path, struct assay_error *err)
{
    const char *const *headers = r->kind->headers;
    size_t             length = strcspn(r->bytes, "\r\n");
    for (size_t n = 0; headers[n]; n++)
        if (length == strlen(headers[n]) && !strncmp(r->bytes, headers[n], length)) {
            r->header = (unsigned)n;
            for (const char *c = headers[n]; *c; c++)
                r->columns += *c == ',';
            r->columns++;
            r->first = line_end(r->bytes + length);
            return r->first ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_DATA, "%.100s:1: a line ends in the middle", path);
        }
    (void)ASSAY_FAIL(err, ASSAY_DATA, "%.100s:1: this is no header of %s", path, r->kind->what);
    return assay_error_hint(err, "the first line is %s", r->kind->hint);
}

enum assay_code assay_rows_open(const char *path, const struct assay_rows_kind *kind, struct assay_rows *out, struct assay_error *err)
{
    struct assay_rows r = {.kind = kind};
    size_t            length;
    if (assay_file_read(path, kind->limit_bytes, &r.bytes, &length, err))
        return err->code;
    enum assay_code code = strlen(r.bytes) == length ? read_header(&r, path, err)
                                                     : ASSAY_FAIL(err, ASSAY_DATA, "%.100s: this is no text: it has a zero byte", path);
    if (code)
        free(r.bytes);
    else
        *out = r;
    return code;
}

enum assay_code assay_rows_refuse(const struct assay_rows *r, const char *path, uint64_t line, const char *at, unsigned column, const char *wanted,
                                  struct assay_error *err)
{
    char              seen[80], raw[40];
    struct assay_text text = ASSAY_TEXT(seen);
    const char       *end = at + strcspn(at, "\r\n"), *value = at;
    unsigned          values = 1;
    for (const char *c = at; c < end; c++)
        values += *c == ',';
    bool too_many = column >= r->columns && values > r->columns;
    for (unsigned k = 0; !too_many && k < column && k + 1 < r->columns && value < end; k++) /* what is wrong behind the last is wrong in it */
        value += strcspn(value, ",\r\n") + (k + 1 < values);
    size_t length = too_many ? (size_t)(end - at) : strcspn(value, ",\r\n");
    length = length < sizeof raw - 1 ? length : sizeof raw - 1;
    memcpy(raw, value, length);
    raw[length] = 0;
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, raw);
    if (too_many)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: %u values are wanted, got '%s'", path, (unsigned long long)line, r->columns, seen);
    column = column < r->columns ? column : r->columns - 1;
    return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: %s must be %s, got '%s'", path, (unsigned long long)line, r->kind->names[column], wanted, seen);
}
