#include "harness/store/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/signal_hold.h"
#include "harness/base/strings.h"
#include "harness/store/json_difference.h"
#include "harness/store/record_lines.h"

#include "assay/banned.h"

#define JSON_LIMIT_BYTES ((size_t)64 << 20)
#define NOT_OPEN (-1)

struct assay_run_folder {
    char *path, *records_path;
    int lock, records_fd, log_fd; /* NOT_OPEN when read only */
    json_t *manifest, *plan;
    struct assay_record_lines lines;
    size_t capacity; /* of lines.records */
    uint32_t *slot;  /* index: 1 + number of a record, 0 = free */
    size_t n_slots;  /* a power of two, over twice the records */
    char torn[160];
};

/* ---- index of records ------------------------------------------------------------------------------------- */

/* Where (id, back end, launch) is in the index, or the free slot where it would be. */
static uint32_t *slot_of(const struct assay_run_folder *f, const char *id, const char *backend, uint32_t launch)
{
    size_t mask = f->n_slots - 1, at = assay_hash_text(backend, assay_hash_text(id, launch)) & mask;
    for (; f->slot[at]; at = (at + 1) & mask) {
        const struct assay_record *r = &f->lines.records[f->slot[at] - 1];
        if (r->launch == launch && strcmp(r->id, id) == 0 && strcmp(r->backend, backend) == 0)
            break;
    }
    return &f->slot[at];
}

/* Room in memory for one record more, so that nothing can fail once it is on the disk. */
static bool make_room(struct assay_run_folder *f)
{
    if (f->lines.n >= f->capacity) {
        size_t wanted = f->capacity + f->capacity / 2 + 16;
        struct assay_record *more = reallocarray(f->lines.records, wanted, sizeof *more);
        if (!more)
            return false;
        f->lines.records = more;
        f->capacity = wanted;
    }
    if (f->n_slots >= 2 * (f->lines.n + 1))
        return true;
    size_t n_slots = 64;
    uint32_t *old = f->slot;
    while (n_slots < 4 * (f->lines.n + 1))
        n_slots *= 2;
    if (!(f->slot = calloc(n_slots, sizeof *f->slot))) {
        f->slot = old;
        return false;
    }
    free(old);
    f->n_slots = n_slots;
    for (size_t i = 0; i < f->lines.n; i++) {
        const struct assay_record *r = &f->lines.records[i];
        *slot_of(f, r->id, r->backend, r->launch) = (uint32_t)i + 1;
    }
    return true;
}

static enum assay_code index_records(struct assay_run_folder *f, struct assay_error *err)
{
    f->capacity = f->lines.n;
    if (!make_room(f))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the records of '%s'", f->path);
    for (size_t i = 0; i < f->lines.n; i++) {
        const struct assay_record *r = &f->lines.records[i];
        size_t first = *slot_of(f, r->id, r->backend, r->launch) - 1u;
        if (first != i)
            return ASSAY_FAIL(err, ASSAY_DATA,
                              "%s:%zu: launch %u of '%.60s' on '%.40s' stands twice, first in line %zu",
                              f->records_path, (first < i ? i : first) + 1, r->launch, r->case_name, r->backend,
                              (first < i ? first : i) + 1);
    }
    return ASSAY_OK;
}

bool assay_run_folder_has(const struct assay_run_folder *folder, const char *id, const char *backend, uint32_t launch)
{
    return *slot_of(folder, id, backend, launch) != 0;
}

/* ---- opening and closing ---------------------------------------------------------------------------------- */

static enum assay_code folder_new(const char *path, struct assay_run_folder **out, struct assay_error *err)
{
    struct assay_run_folder *f = calloc(1, sizeof *f);
    size_t bytes = strlen(path) + sizeof "/records.jsonl";
    if (f) {
        f->lock = f->records_fd = f->log_fd = NOT_OPEN;
        f->path = strdup(path);
        f->records_path = malloc(bytes);
    }
    if (!f || !f->path || !f->records_path) {
        assay_run_folder_close(f);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to open '%.200s'", path);
    }
    *out = f;
    return assay_path_join(f->records_path, bytes, path, "records.jsonl", err);
}

void assay_run_folder_close(struct assay_run_folder *folder)
{
    if (!folder)
        return;
    if (folder->records_fd != NOT_OPEN)
        (void)close(folder->records_fd);
    if (folder->log_fd != NOT_OPEN)
        (void)close(folder->log_fd);
    if (folder->lock != NOT_OPEN)
        (void)close(folder->lock);
    json_decref(folder->manifest);
    json_decref(folder->plan);
    assay_record_lines_release(&folder->lines);
    free(folder->slot);
    free(folder->records_path);
    free(folder->path);
    free(folder);
}

static enum assay_code path_in(const struct assay_run_folder *f, const char *name, char out[4096],
                               struct assay_error *err)
{
    return assay_path_join(out, 4096, f->path, name, err);
}

static enum assay_code take_lock(struct assay_run_folder *f, struct assay_error *err)
{
    char path[4096];
    return path_in(f, "lock", path, err) ? err->code : assay_file_lock(path, &f->lock, err);
}

/* For appending. The log may be missing: a run is worth more than its log. */
static enum assay_code open_for_appending(struct assay_run_folder *f, struct assay_error *err)
{
    char path[4096];
    f->records_fd = open(f->records_path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (f->records_fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s' for appending", f->records_path);
    if (path_in(f, "log.txt", path, err))
        return err->code;
    f->log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    return ASSAY_OK;
}

static enum assay_code json_read(const struct assay_run_folder *f, const char *name, json_t **out,
                                 struct assay_error *err)
{
    char path[4096], *text;
    size_t length;
    const char *shown;
    enum assay_code code;
    if (path_in(f, name, path, err) || assay_file_read(path, JSON_LIMIT_BYTES, &text, &length, err))
        return err->code;
    shown = strlen(path) > 80 ? path + strlen(path) - 80 : path;
    code = assay_json_parse(text, length, shown, out, err);
    free(text);
    if (code == ASSAY_OK && !json_is_object(*out))
        code = ASSAY_FAIL(err, ASSAY_DATA, "%s: must be an object", shown);
    return code;
}

static enum assay_code json_write(const struct assay_run_folder *f, const char *name, const json_t *value,
                                  struct assay_error *err)
{
    char path[4096];
    char *text = assay_json_pretty(value);
    if (!text)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to write '%s'", name);
    enum assay_code code = path_in(f, name, path, err);
    if (code == ASSAY_OK)
        code = assay_file_replace(path, text, strlen(text), err);
    free(text);
    return code;
}

/* Byte for byte: comments and what it leaves to defaults are in no plan. */
static enum assay_code suite_write(const struct assay_run_folder *f, const char *text, struct assay_error *err)
{
    char path[4096];
    if (!text)
        return ASSAY_OK;
    return path_in(f, "suite.json", path, err) ? err->code : assay_file_replace(path, text, strlen(text), err);
}

/* records.jsonl is made last, so without it nothing ever ran. */
static enum assay_code check_is_run(const struct assay_run_folder *f, struct assay_error *err)
{
    struct stat st;
    if (stat(f->path, &st) || !S_ISDIR(st.st_mode))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no run folder '%s'", f->path);
    if (!assay_file_exists(f->records_path)) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' is no run folder: it has no records.jsonl", f->path);
        return assay_error_hint(err, "a run that ended before its first case starts anew, without --resume");
    }
    return ASSAY_OK;
}

/* What is in the files. */
static enum assay_code load(struct assay_run_folder *f, struct assay_error *err)
{
    if (check_is_run(f, err) || json_read(f, "manifest.json", &f->manifest, err) ||
        json_read(f, "plan.json", &f->plan, err) || assay_record_lines_read(f->records_path, &f->lines, err) ||
        index_records(f, err))
        return err->code;
    if (f->lines.torn)
        (void)snprintf(f->torn, sizeof f->torn,
                       "records.jsonl ends in %zu bytes that are no whole record, after %zu records",
                       f->lines.torn_bytes, f->lines.n);
    return ASSAY_OK;
}

enum assay_code assay_run_folder_read(const char *path, struct assay_run_folder **out, struct assay_error *err)
{
    struct assay_run_folder *f = NULL;
    if (folder_new(path, &f, err) || load(f, err)) {
        assay_run_folder_close(f);
        return err->code;
    }
    *out = f;
    return ASSAY_OK;
}

/* ---- creating --------------------------------------------------------------------------------------------- */

/* What an interrupted creation may leave: names of ours, and halves of files under their temporary names. */
static bool is_left_by_creation(const char *name)
{
    static const char *const whole[] = {".", "..", "lock", "samples", "witness", "trace", "suite.json", "plan.json", "manifest.json"};
    static const char *const begun[] = {"suite.json.", "plan.json.", "manifest.json.", "records.jsonl."};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(name, whole[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++)
        if (strncmp(name, begun[i], strlen(begun[i])) == 0 && length > 4 && strcmp(name + length - 4, ".tmp") == 0)
            return true;
    return false;
}

static enum assay_code check_fresh(const struct assay_run_folder *f, struct assay_error *err)
{
    char clean[100];
    struct assay_text name = ASSAY_TEXT(clean);
    struct dirent *entry;
    DIR *dir = opendir(f->path);
    if (!dir)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read folder '%s'", f->path);
    do {
        entry = readdir(dir);
    } while (entry && is_left_by_creation(entry->d_name));
    if (entry)
        assay_string_escape(&name, ASSAY_ESCAPE_TERMINAL, entry->d_name);
    (void)closedir(dir);
    if (assay_file_exists(f->records_path)) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' holds a run already", f->path);
        return assay_error_hint(err, "choose another folder, or go on with --resume");
    }
    if (!entry)
        return ASSAY_OK;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' is not empty: it holds '%s'", f->path, clean);
    return assay_error_hint(err, "choose another folder");
}

static enum assay_code make_folder(struct assay_run_folder *f, const char *name, struct assay_error *err)
{
    char path[4096];
    return path_in(f, name, path, err) ? err->code : assay_folder_make(path, err);
}

/* The check before the lock keeps a lock file out of a folder that is not ours; the one behind it decides. */
static enum assay_code build(struct assay_run_folder *f, const json_t *manifest, const json_t *plan, const char *suite_text,
                             struct assay_error *err)
{
    if (assay_folder_make(f->path, err) || check_fresh(f, err) || take_lock(f, err) || check_fresh(f, err) ||
        make_folder(f, "samples", err) || make_folder(f, "witness", err) || make_folder(f, "trace", err) ||
        suite_write(f, suite_text, err) || json_write(f, "plan.json", plan, err) || json_write(f, "manifest.json", manifest, err) ||
        assay_file_replace(f->records_path, "", 0, err) ||
        load(f, err))
        return err->code;
    return open_for_appending(f, err);
}

enum assay_code assay_run_folder_create(const char *path, const json_t *manifest, const json_t *plan, const char *suite_text,
                                        struct assay_run_folder **out, struct assay_error *err)
{
    struct assay_run_folder *f = NULL;
    if (folder_new(path, &f, err) || build(f, manifest, plan, suite_text, err)) {
        assay_run_folder_close(f);
        return err->code;
    }
    assay_run_folder_log(f, "created");
    *out = f;
    return ASSAY_OK;
}

/* ---- resuming --------------------------------------------------------------------------------------------- */

static enum assay_code check_plan(const struct assay_run_folder *f, const json_t *plan, struct assay_error *err)
{
    char what[200];
    struct assay_text text = ASSAY_TEXT(what);
    if (!plan || !assay_json_difference(f->plan, plan, &text))
        return ASSAY_OK;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "cannot go on with another plan: %s", what);
    return assay_error_hint(err, "repeat the command that began '%.80s', or choose another folder", f->path);
}

/* The piece is kept before it is cut off: an interruption between the two keeps it twice, never not at all. */
static enum assay_code mend(struct assay_run_folder *f, struct assay_error *err)
{
    char path[4096];
    const char *end = f->lines.torn_bytes && f->lines.torn[f->lines.torn_bytes - 1] == '\n' ? "" : "\n";
    enum assay_code code;
    if (!f->lines.torn)
        return ASSAY_OK;
    if (path_in(f, "records.torn", path, err))
        return err->code;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path);
    code = assay_file_append(fd, f->lines.torn, f->lines.torn_bytes, path, err);
    if (code == ASSAY_OK)
        code = assay_file_append(fd, end, strlen(end), path, err);
    (void)close(fd);
    if (code)
        return code;
    if (ftruncate(f->records_fd, (off_t)f->lines.bytes) || fsync(f->records_fd))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot cut the torn line off '%s'", f->records_path);
    assay_run_folder_log(f, "%s; moved to records.torn", f->torn);
    return ASSAY_OK;
}

enum assay_code assay_run_folder_resume(const char *path, const json_t *plan, struct assay_run_folder **out,
                                        struct assay_error *err)
{
    struct assay_run_folder *f = NULL;
    struct stat st;
    if (folder_new(path, &f, err) || check_is_run(f, err)) /* before a lock is left in a folder that is not ours */
        goto fail;
    if (take_lock(f, err) || load(f, err) || check_plan(f, plan, err) || open_for_appending(f, err))
        goto fail;
    if (fstat(f->records_fd, &st) || (uint64_t)st.st_size != f->lines.bytes + f->lines.torn_bytes) {
        (void)ASSAY_FAIL(err, ASSAY_DATA, "'%s' changed while it was read", f->records_path);
        goto fail;
    }
    if (mend(f, err))
        goto fail;
    assay_run_folder_log(f, "resumed with %zu records", f->lines.n);
    *out = f;
    return ASSAY_OK;
fail:
    assay_run_folder_close(f);
    return err->code;
}

/* ---- appending -------------------------------------------------------------------------------------------- */

/* An append that failed may have left a piece that could not be cut back then: nobody else writes under our lock. */
static enum assay_code check_end(const struct assay_run_folder *f, struct assay_error *err)
{
    struct stat st;
    if (fstat(f->records_fd, &st))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot look at '%s'", f->records_path);
    if ((uint64_t)st.st_size < f->lines.bytes)
        return ASSAY_FAIL(err, ASSAY_DATA, "'%s' lost %llu bytes while we had its lock", f->records_path,
                          (unsigned long long)(f->lines.bytes - (uint64_t)st.st_size));
    if ((uint64_t)st.st_size > f->lines.bytes && ftruncate(f->records_fd, (off_t)f->lines.bytes))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot cut the torn line off '%s'", f->records_path);
    return ASSAY_OK;
}

/* The record as it will be read again: what cannot be read back must not be written. */
static enum assay_code read_back(const struct assay_record *record, struct assay_record *out, struct assay_error *err)
{
    json_t *json = assay_record_to_json(record);
    if (!json)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "the record of case '%.80s' holds what no record can",
                          record->case_name);
    enum assay_code code = assay_record_from_json(json, out, err);
    json_decref(json);
    return code ? assay_error_in(err, "recording case '%.80s'", record->case_name) : ASSAY_OK;
}

enum assay_code assay_run_folder_append(struct assay_run_folder *folder, const struct assay_record *record,
                                        struct assay_error *err)
{
    struct assay_record_lines *lines = &folder->lines;
    char *line = NULL, hash[65];
    size_t length;
    if (folder->records_fd == NOT_OPEN)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "'%s' was opened for reading", folder->path);
    if (!make_room(folder))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a record");
    struct assay_record *kept = &lines->records[lines->n];
    if (read_back(record, kept, err))
        return err->code;
    uint32_t *slot = slot_of(folder, kept->id, kept->backend, kept->launch);
    if (*slot)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "launch %u of '%.80s' on '%.60s' is recorded already", kept->launch,
                          kept->case_name, kept->backend);
    if (check_end(folder, err) || assay_record_line_make(kept, lines->last, &line, &length, hash, err) ||
        assay_file_append(folder->records_fd, line, length, folder->records_path, err)) {
        free(line);
        return err->code;
    }
    free(line);
    memcpy(lines->last, hash, sizeof lines->last);
    lines->bytes += length;
    *slot = (uint32_t)++lines->n;
    return ASSAY_OK;
}

/* ---- asking ----------------------------------------------------------------------------------------------- */

const struct assay_record *assay_run_folder_records(const struct assay_run_folder *folder, size_t *n)
{
    *n = folder->lines.n;
    return folder->lines.records;
}

const json_t *assay_run_folder_manifest(const struct assay_run_folder *folder)
{
    return folder->manifest;
}

const json_t *assay_run_folder_plan(const struct assay_run_folder *folder)
{
    return folder->plan;
}

const char *assay_run_folder_path(const struct assay_run_folder *folder)
{
    return folder->path;
}

const char *assay_run_folder_torn(const struct assay_run_folder *folder)
{
    return folder->torn[0] ? folder->torn : NULL;
}

/* ---- log -------------------------------------------------------------------------------------------------- */

void assay_run_folder_log(struct assay_run_folder *folder, const char *fmt, ...)
{
    char message[1024], when[21], line[2048];
    struct assay_text text = assay_text_over(line, sizeof line - 1);
    struct assay_signal_hold hold;
    va_list args;
    if (folder->log_fd == NOT_OPEN)
        return;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    assay_clock_utc_text(assay_clock_utc_ns(), when);
    assay_text_add(&text, "%s ", when);
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, message);
    line[text.length] = '\n';
    assay_signal_hold_begin(&hold, SIGXFSZ); /* a full disk costs the line, not the run */
    ssize_t written = write(folder->log_fd, line, text.length + 1);
    (void)written;
    assay_signal_hold_end(&hold);
}
