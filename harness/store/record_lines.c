#include "harness/store/record_lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/parallel.h"
#include "harness/base/strings.h"
#include "harness/store/chain.h"

#include "assay/banned.h"

#define FILE_LIMIT_BYTES ((size_t)4 << 30)
#define DIGITS ASSAY_CHAIN_DIGITS
#define LINES_AT_ONCE 16
#define SHOWN_PATH 90

/* ---- one line --------------------------------------------------------------------------------------------- */

enum line_state { LINE_GOOD, LINE_BROKEN, LINE_NO_RECORD };

/* A line and its place in the chain. */
struct link {
    enum line_state state;
    struct assay_chain_link chain;
};

static enum assay_code line_parse(const char *line, size_t length, const char *place, struct assay_record *out,
                                  struct assay_error *err)
{
    json_t *json = NULL;
    if (assay_json_parse(line, length, place, &json, err))
        return err->code;
    (void)json_object_del(json, "before");
    (void)json_object_del(json, "sha256");
    enum assay_code code = assay_record_from_json(json, out, err);
    json_decref(json);
    return code ? assay_error_in(err, "reading %s", place) : ASSAY_OK;
}

enum assay_code assay_record_line_make(const struct assay_record *record, const char before[65], char **line,
                                       size_t *length, char hash[65], struct assay_error *err)
{
    json_t *json = assay_record_to_json(record);
    char *out = json ? assay_chain_line(json, before, length, hash) : NULL;
    json_decref(json);
    if (!out)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the record of case '%.80s'", record->case_name);
    *line = out;
    return ASSAY_OK;
}

/* ---- a file of lines -------------------------------------------------------------------------------------- */

struct reading {
    const char *path; /* its end, which says more than its start */
    char *bytes;
    size_t *start; /* of line i; start[n] is where the last one ends */
    struct link *link;
    struct assay_record *records;
    size_t n;
};

/* Lines are independent of each other but for the chain, so they are read on all cores. */
static void read_some(void *self, size_t begin, size_t end)
{
    struct reading *r = self;
    for (size_t i = begin; i < end; i++) {
        struct assay_error ignored; /* the first bad line is read once more, for its message */
        char *line = r->bytes + r->start[i];
        size_t length = r->start[i + 1] - r->start[i];
        if (!assay_chain_check(line, length, &r->link[i].chain))
            r->link[i].state = LINE_BROKEN;
        else if (line_parse(line, length, "a line", &r->records[i], &ignored))
            r->link[i].state = LINE_NO_RECORD;
    }
}

static enum assay_code judge_line(struct reading *r, size_t i, struct assay_error *err)
{
    char place[SHOWN_PATH + 24];
    if (r->link[i].state == LINE_BROKEN) {
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s:%zu: not the line that was written: its checksum does not match", r->path,
                         i + 1);
        return assay_error_hint(err, "a record is never edited; take the run folder from a copy, or run again");
    }
    if (i > 0 && memcmp(r->link[i].chain.before, r->link[i - 1].chain.hash, DIGITS) != 0)
        return ASSAY_FAIL(err, ASSAY_DATA,
                          "%s:%zu: does not follow the line before: a line was removed, added or moved", r->path,
                          i + 1);
    if (i == 0 && !assay_chain_is_begin(r->link[i].chain.before))
        return ASSAY_FAIL(err, ASSAY_DATA, "%s:1: is not the first line that was written: lines before it are missing",
                          r->path);
    if (r->link[i].state == LINE_GOOD)
        return ASSAY_OK;
    (void)snprintf(place, sizeof place, "%s:%zu", r->path, i + 1);
    return line_parse(r->bytes + r->start[i], r->start[i + 1] - r->start[i], place, &r->records[i], err);
}

/* Finds the lines; what is behind the last newline is none. */
static enum assay_code find_lines(struct reading *r, size_t length, struct assay_error *err)
{
    size_t n = 0;
    for (const char *at = r->bytes; (at = memchr(at, '\n', length - (size_t)(at - r->bytes))); at++)
        n++;
    r->start = calloc(n + 1, sizeof *r->start);
    r->link = calloc(n + 1, sizeof *r->link);
    r->records = calloc(n + 1, sizeof *r->records);
    if (!r->start || !r->link || !r->records)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %zu records of '%s'", n, r->path);
    for (; r->n < n; r->n++)
        r->start[r->n + 1] =
            (size_t)((char *)memchr(r->bytes + r->start[r->n], '\n', length - r->start[r->n]) - r->bytes) + 1;
    return ASSAY_OK;
}

static enum assay_code finish(struct reading *r, size_t length, struct assay_record_lines *out, struct assay_error *err)
{
    struct assay_record_lines lines = {.records = r->records};
    if (r->n > 0 && r->start[r->n] == length && r->link[r->n - 1].state == LINE_BROKEN)
        r->n--; /* torn, though it has a newline */
    for (size_t i = 0; i < r->n; i++)
        if (judge_line(r, i, err))
            return err->code;
    lines.n = r->n;
    lines.bytes = r->start[r->n];
    lines.torn_bytes = length - r->start[r->n];
    assay_chain_begin(lines.last);
    if (r->n > 0)
        memcpy(lines.last, r->link[r->n - 1].chain.hash, DIGITS);
    if (lines.torn_bytes > 0) {
        if (!(lines.torn = malloc(lines.torn_bytes)))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the torn line of '%s'", r->path);
        memcpy(lines.torn, r->bytes + r->start[r->n], lines.torn_bytes);
    }
    r->records = NULL;
    *out = lines;
    return ASSAY_OK;
}

enum assay_code assay_record_lines_read(const char *path, struct assay_record_lines *out, struct assay_error *err)
{
    size_t length = strlen(path);
    struct reading r = {.path = length > SHOWN_PATH ? path + length - SHOWN_PATH : path};
    enum assay_code code = assay_file_read(path, FILE_LIMIT_BYTES, &r.bytes, &length, err);
    if (code == ASSAY_OK)
        code = find_lines(&r, length, err);
    if (code == ASSAY_OK) {
        json_object_seed(0); /* once, before several threads make objects */
        assay_parallel_for(r.n, LINES_AT_ONCE, read_some, &r);
        code = finish(&r, length, out, err);
    }
    free(r.bytes);
    free(r.start);
    free(r.link);
    free(r.records);
    return code;
}

void assay_record_lines_release(struct assay_record_lines *lines)
{
    free(lines->records);
    free(lines->torn);
    *lines = (struct assay_record_lines){0};
}
