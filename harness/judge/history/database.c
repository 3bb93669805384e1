#include "harness/judge/history/database.h"

#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/arena.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/judge/history/database_parts.h"

#include "assay/banned.h"

#define APPLICATION 0x41535948 /* "ASYH": tells our files from other databases */
#define BUSY_MS 60000
#define DAY_S 86400

static const char schema[] =
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, content TEXT NOT NULL, night INTEGER NOT NULL,"
    " started_utc_s INTEGER NOT NULL, host TEXT NOT NULL, folder TEXT NOT NULL);"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, case_id TEXT NOT NULL, case_name TEXT NOT NULL, backend TEXT NOT NULL, device "
    "TEXT NOT NULL,"
    " host TEXT NOT NULL, UNIQUE(case_id, backend, device, host));"
    "CREATE TABLE environments(id INTEGER PRIMARY KEY, driver TEXT NOT NULL, library TEXT NOT NULL, kernel TEXT NOT NULL,"
    " compiler TEXT NOT NULL, clock TEXT NOT NULL, assay TEXT NOT NULL, UNIQUE(driver, library, kernel, compiler, clock, assay));"
    "CREATE TABLE points(series INTEGER NOT NULL REFERENCES series(id), night INTEGER NOT NULL, run INTEGER NOT NULL REFERENCES "
    "runs(id),"
    " environment INTEGER NOT NULL REFERENCES environments(id), standing INTEGER NOT NULL, launches INTEGER NOT NULL, log_median "
    "REAL,"
    " spread REAL, ratio REAL, checksum INTEGER NOT NULL, sets INTEGER NOT NULL, repeats INTEGER NOT NULL, clock_hz REAL,"
    " PRIMARY KEY(series, night, run)) WITHOUT ROWID;"
    "CREATE INDEX points_of_run ON points(run);"
    "CREATE TABLE alarms(key TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL, last_good INTEGER NOT "
    "NULL,"
    " first_bad INTEGER NOT NULL, confirmed INTEGER NOT NULL, message TEXT NOT NULL, changed TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE namings(id INTEGER PRIMARY KEY, alarm TEXT NOT NULL REFERENCES alarms(key), named TEXT NOT NULL, why TEXT NOT NULL,"
    " utc_s INTEGER NOT NULL);" /* what somebody said of an alarm; the last one counts, none is written over */
    "CREATE INDEX namings_of_alarm ON namings(alarm);";

const char *const assay_environment_names[ASSAY_ENVIRONMENT_COUNT] = {"driver",   "library", "kernel",
                                                                      "compiler", "clock",   "assay"};

const char *assay_standing_name(enum assay_standing standing)
{
    static const char *const names[] = {"pass", "marginal", "not checked", "untrusted", "fail", "did not run"};
    return standing <= ASSAY_STANDING_NOT_RUN ? names[standing] : "unknown";
}

void assay_night_text(int32_t night, char out[11])
{
    time_t at = (time_t)night * DAY_S;
    struct tm tm;
    if (!gmtime_r(&at, &tm) || !strftime(out, 11, "%Y-%m-%d", &tm))
        out[0] = 0;
}

bool assay_night_read(const char *text, int32_t *night)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (!end || *end || strlen(text) != 10)
        return false;
    *night = (int32_t)(timegm(&tm) / DAY_S);
    return true;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

enum assay_code assay_history_fail(struct assay_history *h, struct assay_error *err, const char *doing)
{
    int code = sqlite3_errcode(h->db) & 0xff;
    return ASSAY_FAIL(err,
                      code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ASSAY_DATA
                      : code == SQLITE_NOMEM                          ? ASSAY_MEMORY
                                                                      : ASSAY_IO,
                      "%s history '%.120s': %s", doing, h->path, sqlite3_errmsg(h->db));
}

enum assay_code assay_history_do(struct assay_history *h, const char *sql, const char *doing, struct assay_error *err)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ASSAY_OK : assay_history_fail(h, err, doing);
}

static enum assay_code pragma(struct assay_history *h, const char *sql, int64_t *out, struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(h->db, sql, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW)
        (void)assay_history_fail(h, err, "cannot read");
    else
        *out = sqlite3_column_int64(s, 0);
    (void)sqlite3_finalize(s);
    return err->code;
}

static enum assay_code look_at(struct assay_history *h, int64_t *version, struct assay_error *err)
{
    int64_t application = 0, tables = 0;
    if (pragma(h, "PRAGMA user_version", version, err) || pragma(h, "PRAGMA application_id", &application, err) ||
        pragma(h, "SELECT count(*) FROM sqlite_master", &tables, err))
        return err->code;
    if (application != APPLICATION && (application || tables))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.150s' is a database, but no history of assay", h->path);
    if (*version && *version < ASSAY_HISTORY_SCHEMA) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "history '%.120s' has schema %" PRId64 "; this assay (" ASSAY_VERSION ") knows %d",
                         h->path, *version, ASSAY_HISTORY_SCHEMA);
        return assay_error_hint(err, "it was written by an older assay: add its run folders to a new file; nothing was changed");
    }
    if (*version > ASSAY_HISTORY_SCHEMA) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "history '%.120s' has schema %" PRId64 "; this assay (" ASSAY_VERSION ") knows %d",
                         h->path, *version, ASSAY_HISTORY_SCHEMA);
        return assay_error_hint(err, "it was written by a newer assay: use that one; nothing was changed");
    }
    return ASSAY_OK;
}

/* The same as one state of the file, whoever makes it meanwhile. */
static enum assay_code look_at_once(struct assay_history *h, int64_t *version, struct assay_error *err)
{
    if (assay_history_do(h, "BEGIN", "cannot read", err))
        return err->code;
    (void)look_at(h, version, err);
    (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return err->code;
}

/* Two that make the same file: the second finds the tables when it has the lock. */
static enum assay_code make(struct assay_history *h, struct assay_error *err)
{
    int64_t version = 0;
    char marks[96];
    (void)snprintf(marks, sizeof marks, "PRAGMA application_id=%d;PRAGMA user_version=%d", APPLICATION, ASSAY_HISTORY_SCHEMA);
    if (assay_history_do(h, "BEGIN IMMEDIATE", "cannot lock", err))
        return err->code;
    if (!look_at(h, &version, err) && !version && !assay_history_do(h, schema, "cannot make", err))
        (void)assay_history_do(h, marks, "cannot make", err);
    if (err->code)
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    else
        (void)assay_history_do(h, "COMMIT", "cannot make", err);
    return err->code;
}

/* Going over to the write-ahead log needs the file for itself, for which SQLite does not wait. */
static enum assay_code log_ahead(struct assay_history *h, struct assay_error *err)
{
    for (int tries = 0; tries < BUSY_MS / 10; tries++) {
        int code = sqlite3_exec(h->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL) & 0xff;
        if (code == SQLITE_OK)
            return assay_history_do(h, "PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON", "cannot open", err);
        if (code != SQLITE_BUSY && code != SQLITE_LOCKED)
            break;
        (void)usleep(10000);
    }
    return assay_history_fail(h, err, "cannot open");
}

enum assay_code assay_history_open(const char *path, unsigned flags, struct assay_history **out, struct assay_error *err)
{
    int64_t version = 0;
    struct assay_history *h = calloc(1, sizeof *h);
    bool create = flags & ASSAY_HISTORY_CREATE;
    if (!h)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a history");
    (void)assay_string_copy(h->path, sizeof h->path, path);
    if (!create && !assay_file_exists(path))
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no history '%.150s'; 'assay history add DIR --db FILE' makes one", path);
    else if (sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), NULL) != SQLITE_OK)
        (void)ASSAY_FAIL(err, ASSAY_IO, "cannot open history '%.150s': %s", path, h->db ? sqlite3_errmsg(h->db) : "no memory");
    else if (sqlite3_busy_timeout(h->db, BUSY_MS) == SQLITE_OK && !look_at_once(h, &version, err) && !log_ahead(h, err) && !version)
        (void)make(h, err);
    if (err->code) {
        assay_history_close(h);
        return err->code;
    }
    *out = h;
    return ASSAY_OK;
}

void assay_history_close(struct assay_history *h)
{
    if (!h)
        return;
    (void)sqlite3_close(h->db);
    free(h);
}

enum assay_code assay_history_ask(struct assay_history *h, const char *sql, sqlite3_stmt **out, struct assay_error *err)
{
    return sqlite3_prepare_v2(h->db, sql, -1, out, NULL) == SQLITE_OK ? ASSAY_OK : assay_history_fail(h, err, "cannot ask");
}

const char *assay_history_text(sqlite3_stmt *s, int column)
{
    const unsigned char *text = sqlite3_column_text(s, column);
    return text ? (const char *)text : "";
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static double number(sqlite3_stmt *s, int column)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? NAN : sqlite3_column_double(s, column);
}

static enum assay_code read_series(struct assay_history *h, struct assay_history_data *out, struct assay_arena *arena,
                                   struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    size_t i = 0;
    int code = SQLITE_DONE;
    if (assay_history_ask(
            h,
            "SELECT s.id, case_id, case_name, backend, device, host, (SELECT count(*) FROM points WHERE series = s.id),"
            " (SELECT count(*) FROM series) FROM series s ORDER BY host, backend, device, case_name",
            &s, err))
        return err->code;
    while (!err->code && (code = sqlite3_step(s)) == SQLITE_ROW) {
        if (!out->series)
            out->series = assay_arena_take(arena, (size_t)sqlite3_column_int64(s, 7), sizeof *out->series);
        if (!out->series)
            break;
        struct assay_history_series *x = &out->series[i++];
        *x = (struct assay_history_series){.id = sqlite3_column_int64(s, 0)};
        x->case_id = assay_arena_text(arena, assay_history_text(s, 1));
        x->case_name = assay_arena_text(arena, assay_history_text(s, 2));
        x->backend = assay_arena_text(arena, assay_history_text(s, 3));
        x->device = assay_arena_text(arena, assay_history_text(s, 4));
        x->host = assay_arena_text(arena, assay_history_text(s, 5));
        x->n = (size_t)sqlite3_column_int64(s, 6);
        x->points = assay_arena_take(arena, x->n, sizeof *x->points);
        if (!x->case_id || !x->case_name || !x->backend || !x->device || !x->host || !x->points)
            break;
        out->n = i;
    }
    if (code == SQLITE_ROW)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the history '%.100s'", h->path);
    else if (code != SQLITE_DONE)
        (void)assay_history_fail(h, err, "cannot read");
    (void)sqlite3_finalize(s);
    return err->code;
}

static struct assay_history_point point_of(sqlite3_stmt *s)
{
    return (struct assay_history_point){.night = sqlite3_column_int(s, 0),
                                        .run = (uint32_t)sqlite3_column_int64(s, 1),
                                        .environment = (uint32_t)sqlite3_column_int64(s, 2),
                                        .standing = (uint8_t)sqlite3_column_int(s, 3),
                                        .launches = (uint16_t)sqlite3_column_int(s, 4),
                                        .log_median = number(s, 5),
                                        .spread = (float)number(s, 6),
                                        .ratio = number(s, 7),
                                        .checksum = (uint64_t)sqlite3_column_int64(s, 8),
                                        .repeats = sqlite3_column_int(s, 9) != 0,
                                        .clock_hz = (float)number(s, 10),
                                        .sets = (uint32_t)sqlite3_column_int64(s, 11)};
}

/* When each run began, by row id. */
static enum assay_code read_starts(struct assay_history *h, int64_t **out, size_t *n, struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    int64_t most = 0;
    int code;
    if (pragma(h, "SELECT ifnull(max(id), 0) FROM runs", &most, err) ||
        assay_history_ask(h, "SELECT id, started_utc_s FROM runs", &s, err))
        return err->code;
    *n = (size_t)most + 1;
    *out = most >= 0 && most < INT32_MAX ? calloc(*n, sizeof **out) : NULL;
    if (!*out)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %" PRId64 " runs of '%.100s'", most, h->path);
    while (!err->code && (code = sqlite3_step(s)) != SQLITE_DONE) {
        if (code != SQLITE_ROW)
            (void)assay_history_fail(h, err, "cannot read");
        else if ((size_t)sqlite3_column_int64(s, 0) < *n)
            (*out)[sqlite3_column_int64(s, 0)] = sqlite3_column_int64(s, 1);
    }
    (void)sqlite3_finalize(s);
    return err->code;
}

/* Runs of a night in the order of their start: they come in that of their row ids, which differs where a folder was added late.
 */
static void order(struct assay_history_series *x, const int64_t *started, size_t n)
{
    for (size_t i = 1; i < x->n; i++) {
        struct assay_history_point p = x->points[i];
        size_t k = i;
        while (k > 0 && x->points[k - 1].night == p.night && p.run < n && x->points[k - 1].run < n &&
               started[x->points[k - 1].run] > started[p.run]) {
            x->points[k] = x->points[k - 1];
            k--;
        }
        if (k < i)
            x->points[k] = p;
    }
}

static enum assay_code read_points(struct assay_history *h, struct assay_history_data *out, struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    int64_t *started = NULL;
    size_t n = 0;
    if (read_starts(h, &started, &n, err) ||
        assay_history_ask(
            h,
            "SELECT night, run, environment, standing, launches, log_median, spread, ratio, checksum, repeats, clock_hz, sets"
            " FROM points WHERE series = ?1 ORDER BY night, run",
            &s, err)) {
        free(started);
        return err->code;
    }
    for (size_t i = 0; i < out->n && !err->code; i++) {
        size_t k = 0;
        int code;
        (void)sqlite3_bind_int64(s, 1, out->series[i].id);
        while ((code = sqlite3_step(s)) == SQLITE_ROW && k < out->series[i].n)
            out->series[i].points[k++] = point_of(s);
        out->series[i].n = k;
        if (code != SQLITE_DONE)
            (void)assay_history_fail(h, err, "cannot read");
        (void)sqlite3_reset(s);
        order(&out->series[i], started, n);
    }
    (void)sqlite3_finalize(s);
    free(started);
    return err->code;
}

enum assay_code assay_history_read(struct assay_history *h, struct assay_history_data *out, struct assay_error *err)
{
    struct assay_arena *arena = calloc(1, sizeof *arena);
    *out = (struct assay_history_data){.owned = arena};
    if (!arena)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the history '%.100s'", h->path);
    /* one state of the file for both questions, whoever writes meanwhile */
    if (!assay_history_do(h, "BEGIN", "cannot read", err)) {
        if (!read_series(h, out, arena, err))
            (void)read_points(h, out, err);
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    }
    if (err->code)
        assay_history_data_release(out);
    return err->code;
}

void assay_history_data_release(struct assay_history_data *data)
{
    if (data->owned)
        assay_arena_clear(data->owned);
    free(data->owned);
    memset(data, 0, sizeof *data);
}

enum assay_code assay_history_environment(struct assay_history *h, uint32_t id, char *out[], struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    if (assay_history_ask(h, "SELECT driver, library, kernel, compiler, clock, assay FROM environments WHERE id = ?1", &s, err))
        return err->code;
    (void)sqlite3_bind_int64(s, 1, id);
    if (sqlite3_step(s) != SQLITE_ROW)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "history '%.100s' has no environment %" PRIu32, h->path, id);
    for (int i = 0; !err->code && i < ASSAY_ENVIRONMENT_COUNT; i++) {
        out[i] = strdup(assay_history_text(s, i));
        if (!out[i]) {
            while (i-- > 0)
                free(out[i]);
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an environment");
        }
    }
    (void)sqlite3_finalize(s);
    return err->code;
}
