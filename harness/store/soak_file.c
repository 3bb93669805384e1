#include "harness/store/soak_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/store/chain.h"
#include "harness/store/fields.h"

#include "assay/banned.h"

#define FILE_LIMIT_BYTES ((size_t)1 << 30)

const char assay_soak_magic[8] = {'A', 'S', 'S', 'A', 'Y', 'S', 'O', 'K'};

struct assay_soak_file {
    char                       path[4096], torn_path[4096];
    int                        fd; /* -1: for reading */
    char                       last[ASSAY_CHAIN_DIGITS + 1];
    struct assay_soak_stretch *stretch;
    size_t                     n, capacity;
};

const char *assay_soak_end_name(enum assay_soak_end end)
{
    switch (end) {
    case ASSAY_SOAK_COMPLETE: return "complete";
    case ASSAY_SOAK_STOPPED: return "stopped";
    case ASSAY_SOAK_CRASHED: return "crashed";
    case ASSAY_SOAK_HUNG: return "hung";
    case ASSAY_SOAK_FAILED: return "failed";
    }
    return NULL;
}

/* ---- one line --------------------------------------------------------------------------------------------------- */

static const char *end_text(int value)
{
    return assay_soak_end_name((enum assay_soak_end)value);
}

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_soak_stretch, member, #member, required)
static const struct assay_field stretch_fields[] = {
    ASSAY_FIELD(TEXT, struct assay_soak_stretch, case_name, "case", true),
    ROW(TEXT, id, true),
    ROW(TEXT, backend, true),
    ROW(U32, number, true),
    ASSAY_FIELD_NAMED(NAME, struct assay_soak_stretch, end, "end", true, end_text, ASSAY_SOAK_FAILED),
    ROW(TEXT, reason, false),
    ROW(U64, begun_utc_ns, true),
    ROW(U64, wall_ns, true),
    ROW(U64, busy_ns, true),
    ROW(U64, iterations, true),
    ROW(U64, mismatches, true),
    ROW(U64, guard_bytes_changed, false),
    ASSAY_FIELD_END,
};
#undef ROW
#define ROW(kind, member) ASSAY_FIELD(kind, struct assay_soak_event, member, #member, true)
static const struct assay_field event_fields[] = {
    ROW(U64, utc_ns), ROW(U64, iteration), ROW(U64, busy_ns), ROW(U32, set), ROW(U32, output), ROW(I64, element),
    ROW(U64, elements), ROW(U64, bits), ROW(F64, expected), ROW(F64, observed), ASSAY_FIELD_END,
};
#undef ROW

static json_t *stretch_to_json(const struct assay_soak_stretch *s)
{
    json_t *json = json_object(), *events = json_array();
    bool    ok = json && events && assay_fields_write(stretch_fields, s, json);
    for (uint32_t i = 0; ok && i < s->n_events; i++) {
        json_t *event = json_object();
        ok = event && assay_fields_write(event_fields, &s->event[i], event) && !json_array_append(events, event);
        json_decref(event);
    }
    ok = ok && !json_object_set(json, "events", events);
    json_decref(events);
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

static enum assay_code stretch_from_json(const json_t *json, struct assay_soak_stretch *out, struct assay_error *err)
{
    static const char *const also[] = {"events", "before", "sha256", NULL};
    const json_t            *events = json_object_get(json, "events");
    memset(out, 0, sizeof *out);
    if (assay_fields_read(stretch_fields, also, json, "", out, err))
        return err->code;
    if (!json_is_array(events) || json_array_size(events) > ASSAY_SOAK_EVENTS)
        return assay_fields_fail("", "events", "a list of at most 32", events, err);
    for (size_t i = 0; i < json_array_size(events); i++)
        if (assay_fields_read(event_fields, NULL, json_array_get(events, i), "events", &out->event[out->n_events++], err))
            return err->code;
    return ASSAY_OK;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static bool make_room(struct assay_soak_file *f)
{
    if (f->n < f->capacity)
        return true;
    size_t                     wanted = 2 * f->capacity + 16;
    struct assay_soak_stretch *more = reallocarray(f->stretch, wanted, sizeof *more);
    if (!more)
        return false;
    f->stretch = more;
    f->capacity = wanted;
    return true;
}

static enum assay_code read_line(struct assay_soak_file *f, char *line, size_t length, const struct assay_chain_link *link,
                                 struct assay_error *err)
{
    char    place[128];
    size_t  shown = strlen(f->path) > 90 ? strlen(f->path) - 90 : 0;
    json_t *json = NULL;
    (void)snprintf(place, sizeof place, "%s:%zu", f->path + shown, f->n + 1);
    if (strcmp(link->before, f->last) != 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%s: does not follow the line before: a line was removed, added or moved", place);
    if (!make_room(f))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the stretches of '%s'", f->path + shown);
    if (assay_json_parse(line, length, place, &json, err))
        return err->code;
    enum assay_code code = stretch_from_json(json, &f->stretch[f->n], err);
    json_decref(json);
    if (code)
        return assay_error_in(err, "reading %s", place);
    f->n++;
    memcpy(f->last, link->hash, sizeof f->last);
    return ASSAY_OK;
}

/* *whole: bytes of all whole lines. A line that is not what its checksum says is torn if it is the last one. */
static enum assay_code read_lines(struct assay_soak_file *f, char *text, size_t length, size_t *whole, struct assay_error *err)
{
    size_t at = 0;
    char  *end;
    for (; at < length && (end = memchr(text + at, '\n', length - at)); at = (size_t)(end - text) + 1) {
        struct assay_chain_link link;
        size_t                  bytes = (size_t)(end - text) + 1 - at;
        if (!assay_chain_check(text + at, bytes, &link)) {
            if (at + bytes == length)
                break;
            return ASSAY_FAIL(err, ASSAY_DATA, "%.150s:%zu: not the line that was written: its checksum does not match", f->path, f->n + 1);
        }
        if (read_line(f, text + at, bytes, &link, err))
            return err->code;
    }
    *whole = at;
    return ASSAY_OK;
}

/* What an interruption left is kept before it is cut off. */
static enum assay_code mend(struct assay_soak_file *f, const char *torn, size_t bytes, size_t whole, struct assay_error *err)
{
    int fd = open(f->torn_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%.150s'", f->torn_path);
    enum assay_code code = assay_file_append(fd, torn, bytes, f->torn_path, err);
    if (!code)
        code = assay_file_append(fd, "\n", 1, f->torn_path, err);
    (void)close(fd);
    if (!code && (ftruncate(f->fd, (off_t)whole) || fsync(f->fd)))
        code = ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot cut the torn line off '%.150s'", f->path);
    return code;
}

static enum assay_code load(struct assay_soak_file *f, bool appends, struct assay_error *err)
{
    char  *text = NULL;
    size_t length = 0, whole = 0;
    if (appends) {
        f->fd = open(f->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (f->fd < 0)
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%.150s' for appending", f->path);
    } else if (!assay_file_exists(f->path)) {
        return ASSAY_OK;
    }
    if (assay_file_read(f->path, FILE_LIMIT_BYTES, &text, &length, err))
        return err->code;
    if (!read_lines(f, text, length, &whole, err) && appends && whole < length)
        (void)mend(f, text + whole, length - whole, whole, err);
    free(text);
    return err->code;
}

enum assay_code assay_soak_file_open(const char *folder, bool appends, struct assay_soak_file **out, struct assay_error *err)
{
    struct assay_soak_file *f = calloc(1, sizeof *f);
    if (!f)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to read a soak");
    f->fd = -1;
    assay_chain_begin(f->last);
    if (assay_path_join(f->path, sizeof f->path, folder, "soak.jsonl", err) ||
        assay_path_join(f->torn_path, sizeof f->torn_path, folder, "soak.torn", err) || load(f, appends, err)) {
        assay_soak_file_close(f);
        return err->code;
    }
    *out = f;
    return ASSAY_OK;
}

void assay_soak_file_close(struct assay_soak_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        (void)close(file->fd);
    free(file->stretch);
    free(file);
}

enum assay_code assay_soak_file_append(struct assay_soak_file *file, const struct assay_soak_stretch *stretch, struct assay_error *err)
{
    char    hash[ASSAY_CHAIN_DIGITS + 1];
    size_t  length = 0;
    json_t *json = stretch_to_json(stretch);
    char   *line = json ? assay_chain_line(json, file->last, &length, hash) : NULL;
    if (!line || !make_room(file))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a stretch of case '%.80s'", stretch->case_name);
    else if (!stretch_from_json(json, &file->stretch[file->n], err) && /* as it will be read again */
             !assay_file_append(file->fd, line, length, file->path, err)) {
        file->n++;
        memcpy(file->last, hash, sizeof file->last);
    }
    json_decref(json);
    free(line);
    return err->code;
}

const struct assay_soak_stretch *assay_soak_file_stretches(const struct assay_soak_file *file, size_t *n)
{
    *n = file->n;
    return file->stretch;
}

/* ---- the tally -------------------------------------------------------------------------------------------------- */

bool assay_soak_tally_read(const char *path, struct assay_soak_stretch *out)
{
    struct assay_soak_tally *t = malloc(sizeof *t);
    int                      fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool ok = t && fd >= 0 && read(fd, t, sizeof *t) == (ssize_t)sizeof *t && !memcmp(t->magic, assay_soak_magic, sizeof t->magic);
    if (fd >= 0)
        (void)close(fd);
    if (ok) {
        out->begun_utc_ns = t->begun_utc_ns;
        out->wall_ns = t->seen_utc_ns > t->begun_utc_ns ? t->seen_utc_ns - t->begun_utc_ns : t->busy_ns;
        out->busy_ns = t->busy_ns;
        out->iterations = t->iterations;
        out->mismatches = t->mismatches < t->iterations ? t->mismatches : t->iterations;
        out->guard_bytes_changed = t->guard_bytes_changed;
        out->n_events = (uint32_t)(t->n_events < ASSAY_SOAK_EVENTS ? t->n_events : ASSAY_SOAK_EVENTS);
        memcpy(out->event, t->event, out->n_events * sizeof *out->event);
    }
    free(t);
    return ok;
}
