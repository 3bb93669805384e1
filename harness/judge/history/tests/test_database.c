#include <signal.h>
#include <sys/wait.h>

#include "harness/judge/history/tests/history_builder.h"
#include "harness/judge/tests/run_builder.h"

/* A judged run of three cases; `salt` makes it another run. */
static void make_run(const struct scratch *s, const char *name, unsigned salt, enum assay_outcome outcome, struct builder *b,
                     struct assay_summary *run)
{
    builder_begin(b, s, name, builder_plan(3, "cpu:host", NULL));
    for (unsigned i = 0; i < 3; i++)
        builder_launches(b, i, "cpu:host", (const double[]){1000 + salt, 1010 + salt, 990 + salt}, 3, outcome);
    builder_end(b, run);
}

static int64_t number(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(s), SQLITE_ROW, "%s", sqlite3_errmsg(db));
    int64_t n = sqlite3_column_int64(s, 0);
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(db);
    return n;
}

static enum assay_code add(const char *path, const struct assay_summary *run, const char *night, struct assay_history_run *told,
                           struct assay_error *err)
{
    struct assay_history *h = NULL;
    if (!assay_history_open(path, ASSAY_HISTORY_CREATE, &h, err))
        (void)assay_history_add(h, run, night, "host", told, err);
    assay_history_close(h);
    return err->code;
}

Test(database, adds_a_run_once_and_replaces_it_when_it_was_judged_anew)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary run;
    struct assay_error err = {0};
    struct assay_history_run told;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/h.db", s.path);
    make_run(&s, "one", 1, ASSAY_PASS, &b, &run);
    cr_assert_eq(add(path, &run, "2026-11-26", &told, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(told.added, ASSAY_HISTORY_NEW);
    cr_expect_eq(told.proved, 3u);
    cr_assert_eq(add(path, &run, "2026-11-26", &told, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(told.added, ASSAY_HISTORY_SAME);
    cr_expect_eq(number(path, "SELECT count(*) FROM points"), 3);
    for (size_t i = 0; i < b.n_verdicts; i++)
        b.verdicts[i].check.outcome = ASSAY_FAIL;
    cr_assert_eq(assay_verdicts_write(b.path, b.verdicts, b.n_verdicts, &err), ASSAY_OK);
    assay_summary_release(&run);
    cr_assert_eq(assay_summary_read(b.path, &run, &err), ASSAY_OK);
    cr_assert_eq(add(path, &run, "2026-11-26", &told, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(told.added, ASSAY_HISTORY_REPLACED);
    cr_expect_eq(told.proved, 0u, "what fails has no time");
    cr_expect_eq(number(path, "SELECT count(*) FROM points"), 3);
    cr_expect_eq(number(path, "SELECT count(*) FROM runs"), 1);
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(database, keeps_the_median_of_launches_and_their_spread)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary run;
    struct assay_error err = {0};
    struct assay_history_run told;
    struct assay_history *h = NULL;
    struct assay_history_data data;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/h.db", s.path);
    make_run(&s, "one", 0, ASSAY_PASS, &b, &run);
    cr_assert_eq(add(path, &run, "2026-11-26", &told, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_history_open(path, 0, &h, &err), ASSAY_OK);
    cr_assert_eq(assay_history_read(h, &data, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(data.n, 3u);
    cr_expect_float_eq(data.series[0].points[0].log_median, log(1000), 1e-12);
    cr_expect_float_eq((double)data.series[0].points[0].spread, 0.01, 1e-4);
    cr_expect_eq(data.series[0].points[0].launches, 3);
    char night[11];
    assay_night_text(data.series[0].points[0].night, night);
    cr_expect_str_eq(night, "2026-11-26");
    assay_history_data_release(&data);
    assay_history_close(h);
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(database, refuses_what_was_not_judged_and_dates_that_are_none)
{
    struct scratch s = scratch_new();
    struct builder b;
    struct assay_summary run;
    struct assay_error err = {0};
    struct assay_history_run told;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/h.db", s.path);
    make_run(&s, "one", 1, 0, &b, &run);
    cr_expect_eq(add(path, &run, "2026-11-26", &told, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "was not validated"), "%s", err.message);
    assay_summary_release(&run);
    make_run(&s, "two", 1, ASSAY_PASS, &b, &run);
    cr_expect_eq(add(path, &run, "26.11.2026", &told, &err), ASSAY_CONFIG);
    cr_expect_eq(add(path, &run, "2026-11-26x", &told, &err), ASSAY_CONFIG);
    err = (struct assay_error){0};
    cr_expect_eq(add(path, &run, NULL, &told, &err), ASSAY_DATA, "a manifest without a date");
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(database, refuses_another_schema_another_database_and_what_is_none)
{
    struct book b = book_new();
    struct assay_history *h = NULL;
    struct assay_error err = {0};
    char other[96];
    book_do(&b, "COMMIT; PRAGMA user_version = 1");
    cr_expect_eq(assay_history_open(b.path, 0, &h, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "has schema 1") && strstr(err.hint, "older"), "%s; %s", err.message, err.hint);
    book_do(&b, "PRAGMA user_version = 3");
    err = (struct assay_error){0};
    cr_expect_eq(assay_history_open(b.path, 0, &h, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "has schema 3") && strstr(err.hint, "newer"), "%s; %s", err.message, err.hint);
    cr_expect_eq(number(b.path, "SELECT count(*) FROM runs"), 1000, "nothing is lost");
    book_do(&b, "PRAGMA user_version = 2; PRAGMA application_id = 5");
    cr_expect_eq(assay_history_open(b.path, 0, &h, &err), ASSAY_CONFIG);
    (void)snprintf(other, sizeof other, "%s/text", b.scratch.path);
    put_bytes(other, "no database at all, but long enough to be looked at as one", 58);
    cr_expect_eq(assay_history_open(other, ASSAY_HISTORY_CREATE, &h, &err), ASSAY_DATA);
    (void)snprintf(other, sizeof other, "%s/nothing", b.scratch.path);
    cr_expect_eq(assay_history_open(other, 0, &h, &err), ASSAY_CONFIG);
    book_free(&b);
}

/* Adds runs first .. last to the history, night by night. */
static void add_many(const struct scratch *s, const char *path, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        char folder[128], night[16];
        struct assay_error err = {0};
        struct assay_summary run;
        struct assay_history_run told;
        (void)snprintf(folder, sizeof folder, "%s/run%u", s->path, i);
        (void)snprintf(night, sizeof night, "2026-10-%02u", i + 1);
        if (assay_summary_read(folder, &run, &err) || add(path, &run, night, &told, &err)) {
            fprintf(stderr, "%s\n", err.message);
            _exit(1);
        }
        assay_summary_release(&run);
    }
}

enum { RUNS = 12 };

static void make_runs(const struct scratch *s)
{
    for (unsigned i = 0; i < RUNS; i++) {
        char name[16];
        struct builder b;
        struct assay_summary run;
        (void)snprintf(name, sizeof name, "run%u", i);
        make_run(s, name, i, ASSAY_PASS, &b, &run);
        assay_summary_release(&run);
    }
}

Test(database, takes_what_two_add_at_once, .timeout = 60)
{
    struct scratch s = scratch_new();
    char path[96];
    int status;
    (void)snprintf(path, sizeof path, "%s/h.db", s.path);
    make_runs(&s);
    for (int i = 0; i < 3; i++) /* both halves, and one that adds all of them too */
        if (fork() == 0) {
            add_many(&s, path, i == 1 ? RUNS / 2 : 0, i == 0 ? RUNS / 2 - 1 : RUNS - 1);
            _exit(0);
        }
    for (int i = 0; i < 3; i++) {
        cr_assert_gt(wait(&status), 0);
        cr_expect_eq(status, 0, "a writer failed");
    }
    cr_expect_eq(number(path, "SELECT count(*) FROM runs"), RUNS);
    cr_expect_eq(number(path, "SELECT count(*) FROM points"), 3 * RUNS);
    scratch_remove(&s);
}

Test(database, holds_whole_runs_whoever_dies, .timeout = 60)
{
    struct scratch s = scratch_new();
    char path[96];
    (void)snprintf(path, sizeof path, "%s/h.db", s.path);
    make_runs(&s);
    for (unsigned i = 0; i < 25; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            add_many(&s, path, 0, RUNS - 1);
            _exit(0);
        }
        (void)usleep(500 + i * i * 150); /* from the first open to the last commit */
        (void)kill(child, SIGKILL);
        cr_assert_eq(waitpid(child, &status, 0), child);
        if (access(path, F_OK) == 0 && number(path, "SELECT count(*) FROM sqlite_master WHERE name = 'runs'"))
            cr_expect_eq(number(path, "SELECT count(*) FROM (SELECT id, (SELECT count(*) FROM points WHERE run = runs.id) n FROM "
                                      "runs) WHERE n <> 3"),
                         0);
    }
    pid_t child = fork();
    if (child == 0) {
        add_many(&s, path, 0, RUNS - 1);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    cr_expect_eq(number(path, "SELECT count(*) FROM points"), 3 * RUNS);
    cr_expect_eq(number(path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    scratch_remove(&s);
}

Test(database, is_made_once_by_those_who_open_it_at_once, .timeout = 60)
{
    enum { ROUNDS = 20, AT_ONCE = 4 };
    struct scratch s = scratch_new();
    for (int round = 0; round < ROUNDS; round++) {
        char path[96];
        int  status, failed = 0;
        (void)snprintf(path, sizeof path, "%s/%d.db", s.path, round);
        for (int i = 0; i < AT_ONCE; i++)
            if (fork() == 0) {
                struct assay_history *h = NULL;
                struct assay_error    err = {0};
                enum assay_code       code = assay_history_open(path, ASSAY_HISTORY_CREATE, &h, &err);
                if (code)
                    fprintf(stderr, "%s\n", err.message);
                assay_history_close(h);
                _exit(code != ASSAY_OK);
            }
        for (int i = 0; i < AT_ONCE; i++)
            failed += wait(&status) < 0 || status != 0;
        cr_expect_eq(failed, 0, "%d of %d could not open it", failed, AT_ONCE);
        cr_expect_eq(number(path, "PRAGMA user_version"), ASSAY_HISTORY_SCHEMA);
    }
    scratch_remove(&s);
}
