/* Histories with chosen points, written as rows. */
#ifndef ASSAY_JUDGE_HISTORY_TESTS_HISTORY_BUILDER_H
#define ASSAY_JUDGE_HISTORY_TESTS_HISTORY_BUILDER_H

#include <math.h>
#include <sqlite3.h>

#include "harness/judge/history/watch.h"
#include "harness/store/tests/scratch.h"

struct book {
    struct scratch scratch;
    char path[96];
    struct assay_history *h;
    sqlite3 *db;
    int n_series;
};

static inline void book_do(struct book *b, const char *sql)
{
    cr_assert_eq(sqlite3_exec(b->db, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(b->db));
}

/* 1000 runs, one a night; environments 1 and 2, which differ in library and kernel. */
static inline struct book book_new(void)
{
    struct book b = {.scratch = scratch_new()};
    struct assay_error err = {0};
    (void)snprintf(b.path, sizeof b.path, "%s/h.db", b.scratch.path);
    cr_assert_eq(assay_history_open(b.path, ASSAY_HISTORY_CREATE, &b.h, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(sqlite3_open(b.path, &b.db), SQLITE_OK);
    book_do(&b,
            "INSERT INTO environments VALUES(1, '', 'libm.so.6 1' || char(10) || 'libx 1', 'Linux 6.1', 'gcc 12', '', 'assay 1'),"
            " (2, '', 'libm.so.6 1' || char(10) || 'libx 2', 'Linux 6.2', 'gcc 12', '', 'assay 1')");
    book_do(&b, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                " INSERT INTO runs SELECT i, i, i, i, i * 86400, 'h', '' FROM n; BEGIN");
    return b;
}

static inline int book_series(struct book *b, const char *name)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql, "INSERT INTO series VALUES(%d, '%016x', '%s', 'cpu', 'chip', 'host')", b->n_series + 1,
                   (unsigned)b->n_series, name);
    book_do(b, sql);
    return ++b->n_series;
}

struct book_point {
    int night;
    double log_median, ratio, clock_hz;
    int environment, standing, repeats;
    int64_t checksum;
};

static inline struct book_point book_night(int night, double log_median)
{
    return (struct book_point){
        .night = night, .log_median = log_median, .ratio = 0.1, .clock_hz = 3e9, .environment = 1, .repeats = 1, .checksum = 7};
}

static inline void book_add(struct book *b, int series, struct book_point p)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql, "INSERT INTO points VALUES(%d, %d, %d, %d, %d, 3, %.17g, 0.005, %.17g, %lld, 1, %d, %.17g)",
                   series, p.night, p.night, p.environment, p.standing, p.log_median, p.ratio, (long long)p.checksum, p.repeats,
                   p.clock_hz);
    book_do(b, sql);
}

struct reading {
    struct assay_history_data data;
    struct assay_watch watch;
    struct assay_history_alarm *alarms;
    size_t n_alarms;
};

/* Follows all, keeps the alarms, reads them again. */
static inline struct reading book_read(struct book *b)
{
    struct reading r = {.n_alarms = 0};
    struct assay_error err = {0};
    struct assay_watch_setup setup = {.sentinels = "gemm/sentinel memory/sentinel", .nights = 30};
    if (!sqlite3_get_autocommit(b->db))
        book_do(b, "COMMIT");
    cr_assert_eq(assay_history_read(b->h, &r.data, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_watch_make(b->h, &r.data, &setup, &r.watch, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_history_alarms_keep(b->h, r.watch.alarms, r.watch.n_alarms, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_history_alarms_read(b->h, &r.alarms, &r.n_alarms, &err), ASSAY_OK, "%s", err.message);
    return r;
}

static inline void reading_release(struct reading *r)
{
    free(r->alarms);
    assay_watch_release(&r->watch);
    assay_history_data_release(&r->data);
}

static inline void book_free(struct book *b)
{
    assay_history_close(b->h);
    (void)sqlite3_close(b->db);
    scratch_remove(&b->scratch);
}

#endif
