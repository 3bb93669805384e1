#include "harness/load/trace.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define LIMIT_BYTES ((size_t)1 << 30)
#define MAX_TOKENS 100000000u

static const char *const columns[] = {"scheduled_ns", "sample_index", "prompt_tokens", "output_tokens"};

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

static unsigned columns_of(const struct assay_trace *t)
{
    return t->has_tokens ? 4 : t->has_sample ? 2 : 1;
}

/* One line; *column: the one that is wrong when NULL comes back, as many as there are when it is the end. */
static const char *read_row(const struct assay_trace *t, const char *at, struct assay_trace_row *out, unsigned *column)
{
    uint64_t value[4] = {0};
    for (*column = 0; *column < columns_of(t); ++*column) {
        if (*column && *at++ != ',')
            return NULL;
        at = read_number(at, &value[*column]);
        if (!at)
            return NULL;
    }
    out->scheduled_ns = value[0];
    out->sample = value[1];
    if (value[2] > MAX_TOKENS || value[3] > MAX_TOKENS) {
        *column = value[2] > MAX_TOKENS ? 2 : 3;
        return NULL;
    }
    out->prompt_tokens = (uint32_t)value[2];
    out->output_tokens = (uint32_t)value[3];
    return line_end(at);
}

bool assay_trace_next(struct assay_trace *t, struct assay_trace_row *out)
{
    unsigned    column;
    const char *next = *t->at ? read_row(t, t->at, out, &column) : NULL;
    t->at = next ? next : t->at;
    return next;
}

static enum assay_code read_header(struct assay_trace *t, const char *path, struct assay_error *err)
{
    static const char *const known[] = {"scheduled_ns", "scheduled_ns,sample_index",
                                        "scheduled_ns,sample_index,prompt_tokens,output_tokens"};
    size_t length = strcspn(t->bytes, "\r\n");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (length == strlen(known[i]) && !strncmp(t->bytes, known[i], length)) {
            t->has_sample = i > 0;
            t->has_tokens = i > 1;
            t->rows = t->at = line_end(t->bytes + length);
            return t->rows ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_DATA, "%.100s:1: a line ends in the middle", path);
        }
    (void)ASSAY_FAIL(err, ASSAY_DATA, "%.100s:1: this is no header of a trace", path);
    return assay_error_hint(err, "the first line is scheduled_ns[,sample_index[,prompt_tokens,output_tokens]]");
}

/* Says what is wrong in column `column` of the line at `at`. */
static enum assay_code refuse_row(const char *path, uint64_t line, const char *at, unsigned column, unsigned n,
                                  struct assay_error *err)
{
    char              seen[80];
    struct assay_text text = ASSAY_TEXT(seen);
    char              raw[40];
    size_t            length = strcspn(at, "\r\n");
    length = length < sizeof raw - 1 ? length : sizeof raw - 1;
    memcpy(raw, at, length);
    raw[length] = 0;
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, raw);
    if (column >= n)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: %u values are wanted, got '%s'", path, (unsigned long long)line, n, seen);
    return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: %s must be a whole number that is not negative%s, got '%s'", path,
                      (unsigned long long)line, columns[column], column > 1 ? " or absurd" : "", seen);
}

static enum assay_code check(struct assay_trace *t, const char *path, uint64_t samples, struct assay_error *err)
{
    struct assay_trace_row row;
    uint64_t               before = 0, line = 2;
    for (const char *at = t->rows; *at; line++) {
        unsigned    column;
        const char *next = read_row(t, at, &row, &column);
        if (!next)
            return refuse_row(path, line, at, column, columns_of(t), err);
        if (row.scheduled_ns < before)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: times must not fall, %llu ns comes after %llu ns", path,
                              (unsigned long long)line, (unsigned long long)row.scheduled_ns, (unsigned long long)before);
        if (t->has_sample && row.sample >= samples)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: sample_index %llu is not below the %llu samples of the data set", path,
                              (unsigned long long)line, (unsigned long long)row.sample, (unsigned long long)samples);
        if ((uint64_t)row.prompt_tokens + row.output_tokens > (uint64_t)t->longest.prompt_tokens + t->longest.output_tokens) {
            t->longest = row;
            t->longest_line = line;
        }
        before = row.scheduled_ns;
        t->n++;
        at = next;
    }
    return t->n ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_DATA, "%.100s: there is no arrival in it", path);
}

enum assay_code assay_trace_open(const char *path, uint64_t samples, struct assay_trace *out, struct assay_error *err)
{
    struct assay_trace t = {.bytes = NULL};
    size_t             length;
    if (assay_file_read(path, LIMIT_BYTES, &t.bytes, &length, err))
        return err->code;
    if (strlen(t.bytes) != length)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%.100s: this is no text: it has a zero byte", path);
    else if (!read_header(&t, path, err))
        (void)check(&t, path, samples, err);
    if (err->code) {
        free(t.bytes);
        return err->code;
    }
    *out = t;
    return ASSAY_OK;
}

void assay_trace_close(struct assay_trace *t)
{
    free(t->bytes);
    t->bytes = NULL;
}
