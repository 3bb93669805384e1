/* Alarms that were raised, and what somebody said of them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/strings.h"
#include "harness/judge/history/database_parts.h"

#include "assay/banned.h"

#define LAST_NAMING(column) "(SELECT " column " FROM namings WHERE alarm = key ORDER BY namings.id DESC LIMIT 1)"
#define IS_NAMED "EXISTS (SELECT 1 FROM namings WHERE alarm = key)"
#define COLUMNS                                                                                                                     \
    "key, id, kind, scope, last_good, first_bad, confirmed, message, changed, " LAST_NAMING("named") ", " LAST_NAMING(              \
        "why") ", " LAST_NAMING("utc_s") ", " EARLIER
/* All but the last naming. */
#define EARLIER                                                                                                                     \
    "(SELECT group_concat(said, '; ') FROM (SELECT named || ' on ' || date(utc_s, 'unixepoch') || ': ' || why AS said FROM namings" \
    " WHERE alarm = key AND namings.id < " LAST_NAMING("id") " ORDER BY namings.id))"
#define MOST_ALARMS 100000

static void bind(sqlite3_stmt *s, int place, const char *text)
{
    (void)sqlite3_bind_text(s, place, text, -1, SQLITE_TRANSIENT);
}

static void bind_alarm(sqlite3_stmt *s, const struct assay_history_alarm *a)
{
    bind(s, 1, a->key);
    bind(s, 2, a->id);
    bind(s, 3, a->kind);
    bind(s, 4, a->scope);
    (void)sqlite3_bind_int(s, 5, a->last_good);
    (void)sqlite3_bind_int(s, 6, a->first_bad);
    (void)sqlite3_bind_int(s, 7, a->confirmed);
    bind(s, 8, a->message);
    bind(s, 9, a->changed);
}

static enum assay_code do_for_all(struct assay_history *h, const char *sql, const struct assay_history_alarm *alarms, size_t n,
                                  struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    if (assay_history_ask(h, sql, &s, err))
        return err->code;
    for (size_t i = 0; i < n && !err->code; i++) {
        bind_alarm(s, &alarms[i]);
        if (sqlite3_step(s) != SQLITE_DONE)
            (void)assay_history_fail(h, err, "cannot write alarms to");
        (void)sqlite3_reset(s);
    }
    (void)sqlite3_finalize(s);
    return err->code;
}

#define THE_SAME "kind = ?3 AND scope = ?4 AND abs(first_bad - ?6) <= 2"

static enum assay_code keep_all(struct assay_history *h, const struct assay_history_alarm *alarms, size_t n,
                                struct assay_error *err)
{
    if (do_for_all(h, "UPDATE alarms SET message = ?8, changed = ?9 WHERE NOT " IS_NAMED " AND " THE_SAME "", alarms, n, err))
        return err->code;
    return do_for_all(h,
                      "INSERT INTO alarms(key, id, kind, scope, last_good, first_bad, confirmed, message, changed)"
                      " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE NOT EXISTS (SELECT 1 FROM alarms WHERE " THE_SAME ")"
                      " ON CONFLICT DO NOTHING",
                      alarms, n, err);
}

enum assay_code assay_history_alarms_keep(struct assay_history *h, const struct assay_history_alarm *alarms, size_t n,
                                          struct assay_error *err)
{
    if (n == 0 || assay_history_do(h, "BEGIN IMMEDIATE", "cannot lock", err))
        return err->code;
    if (!keep_all(h, alarms, n, err))
        (void)assay_history_do(h, "COMMIT", "cannot write alarms to", err);
    if (err->code)
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return err->code;
}

static void copy(sqlite3_stmt *s, int column, char *to, size_t capacity)
{
    (void)assay_string_copy(to, capacity, assay_history_text(s, column));
}

static void alarm_of(sqlite3_stmt *s, struct assay_history_alarm *a)
{
    copy(s, 0, a->key, sizeof a->key);
    copy(s, 1, a->id, sizeof a->id);
    copy(s, 2, a->kind, sizeof a->kind);
    copy(s, 3, a->scope, sizeof a->scope);
    a->last_good = sqlite3_column_int(s, 4);
    a->first_bad = sqlite3_column_int(s, 5);
    a->confirmed = sqlite3_column_int(s, 6);
    copy(s, 7, a->message, sizeof a->message);
    copy(s, 8, a->changed, sizeof a->changed);
    copy(s, 9, a->named, sizeof a->named);
    copy(s, 10, a->why, sizeof a->why);
    a->named_utc_s = sqlite3_column_int64(s, 11);
    copy(s, 12, a->earlier, sizeof a->earlier);
}

static enum assay_code collect(struct assay_history *h, sqlite3_stmt *s, struct assay_history_alarm **out, size_t *n,
                               struct assay_error *err)
{
    struct assay_history_alarm *all = NULL;
    size_t room = 0;
    int code;
    *n = 0;
    while ((code = sqlite3_step(s)) == SQLITE_ROW && *n < MOST_ALARMS) {
        if (*n == room) {
            struct assay_history_alarm *more = realloc(all, (room = room ? 2 * room : 16) * sizeof *all);
            if (!more) {
                free(all);
                return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for alarms");
            }
            all = more;
        }
        alarm_of(s, &all[(*n)++]);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        free(all);
        return assay_history_fail(h, err, "cannot read alarms of");
    }
    *out = all;
    return ASSAY_OK;
}

enum assay_code assay_history_alarms_read(struct assay_history *h, struct assay_history_alarm **out, size_t *n,
                                          struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    if (assay_history_ask(h, "SELECT " COLUMNS " FROM alarms ORDER BY " IS_NAMED ", first_bad, scope, kind", &s, err))
        return err->code;
    (void)collect(h, s, out, n, err);
    (void)sqlite3_finalize(s);
    return err->code;
}

/* The one alarm whose id begins so. */
static enum assay_code find(struct assay_history *h, const char *id, struct assay_history_alarm *out, struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    struct assay_history_alarm *all = NULL;
    size_t n = 0;
    if (!*id || strlen(id) > 8 || strspn(id, "0123456789abcdef") != strlen(id))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "an alarm has a name of up to 8 hex digits, not '%.40s'", id);
    if (assay_history_ask(h, "SELECT " COLUMNS " FROM alarms WHERE substr(id, 1, length(?1)) = ?1", &s, err))
        return err->code;
    bind(s, 1, id);
    if (!collect(h, s, &all, &n, err)) {
        if (n == 1 && all)
            *out = all[0];
        else if (n > 1)
            (void)ASSAY_FAIL(err, ASSAY_CONFIG, "%zu alarms begin with '%s': give more digits", n, id);
        else {
            (void)ASSAY_FAIL(err, ASSAY_CONFIG, "no alarm begins with '%s'", id);
            (void)assay_error_hint(err, "assay history check --db FILE lists them");
        }
    }
    free(all);
    (void)sqlite3_finalize(s);
    return err->code;
}

enum assay_code assay_history_alarm_name(struct assay_history *h, const char *id, const char *name, const char *why,
                                         struct assay_history_alarm *out, struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    struct assay_history_alarm a;
    if (find(h, id, &a, err) || assay_history_ask(h, "INSERT INTO namings(alarm, named, why, utc_s) VALUES(?1, ?2, ?3, ?4)", &s, err))
        return err->code;
    bind(s, 1, a.key);
    bind(s, 2, name);
    bind(s, 3, why);
    (void)sqlite3_bind_int64(s, 4, (int64_t)time(NULL));
    if (sqlite3_step(s) != SQLITE_DONE)
        (void)assay_history_fail(h, err, "cannot write to");
    (void)sqlite3_finalize(s);
    return err->code ? err->code : find(h, a.id, out, err);
}
