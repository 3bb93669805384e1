/* What the files of the database share. */
#ifndef ASSAY_JUDGE_HISTORY_DATABASE_PARTS_H
#define ASSAY_JUDGE_HISTORY_DATABASE_PARTS_H

#include <sqlite3.h>

#include "harness/judge/history/database.h"

struct assay_history {
    sqlite3 *db;
    char path[512];
};

/* The last error of SQLite, with what we were doing ("cannot read"). */
enum assay_code assay_history_fail(struct assay_history *h, struct assay_error *err, const char *doing);
enum assay_code assay_history_do(struct assay_history *h, const char *sql, const char *doing, struct assay_error *err);
/* Finalize *out. */
enum assay_code assay_history_ask(struct assay_history *h, const char *sql, sqlite3_stmt **out, struct assay_error *err);
/* "" for NULL; lives until the statement steps. */
const char *assay_history_text(sqlite3_stmt *s, int column);

#endif
