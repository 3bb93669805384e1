/* Does the alarm keep its rates, and how fast is a long history checked? Prints one line a figure; with a file, writes the table
 * there between its marks (make history-table). */
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/judge/history/tests/noise.h"
#include "harness/judge/history/watch.h"

#include "assay/banned.h"

#define WATCHED 1000
#define QUIET_SERIES 2500 /* of each kind */
#define QUIET_NIGHTS 500
#define STEP_SERIES 2500
#define MOST_CHANGES 64
#define BEGIN_MARK "<!-- table by make history-table -->\n"
#define END_MARK "<!-- end of table -->\n"

static const size_t baseline[] = {30, 60, 120, 250};
#define BASELINES (sizeof baseline / sizeof *baseline)

struct kind {
    char name[48];
    int source;
    double correlation, false_messages, found[BASELINES], smallest; /* at the longest baseline, over the noise */
};
static struct kind kinds[] = {{"gemm, recorded", 0, 0, 0, {0}, 0},    {"memory, recorded", 1, 0, 0, {0}, 0},
                              {"softmax, recorded", 2, 0, 0, {0}, 0}, {"norm, recorded", 3, 0, 0, {0}, 0},
                              {"normal", -1, 0, 0, {0}, 0},           {"normal, correlation 0.3", -1, 0.3, 0, {0}, 0}};
#define KINDS (sizeof kinds / sizeof *kinds)

static struct noise_series one;
static struct assay_change changes[MOST_CHANGES];

static void measure_quiet(struct kind *k, const struct assay_change_limits *limits)
{
    struct noise n = noise_make(k->source, k->correlation, 11);
    struct assay_change_state state;
    size_t alarms = 0;
    for (int s = 0; s < QUIET_SERIES; s++) {
        noise_fill(&n, QUIET_NIGHTS, 0.01, SIZE_MAX, 0, &one);
        alarms += assay_change_follow(&one.series, limits, changes, MOST_CHANGES, &state, NULL);
    }
    k->false_messages = (double)alarms / QUIET_SERIES / QUIET_NIGHTS * WATCHED * ASSAY_WATCH_NIGHTS;
}

/* Is a step found within 5 nights, its first included? An alarm before it is none of it. *sigma, *smallest: as told before the
 * step. */
static bool finds(struct noise *n, const struct assay_change_limits *limits, size_t before, double noise, double *sigma,
                  double *smallest)
{
    struct assay_change_state state;
    noise_fill(n, before + ASSAY_CUSUM_NIGHTS, noise, before, log1p(ASSAY_WATCH_GATE), &one);
    one.series.n = before;
    (void)assay_change_follow(&one.series, limits, changes, MOST_CHANGES, &state, NULL);
    *sigma = state.sigma;
    *smallest = state.smallest;
    one.series.n = before + ASSAY_CUSUM_NIGHTS;
    size_t found = assay_change_follow(&one.series, limits, changes, MOST_CHANGES, &state, NULL);
    return found > 0 && changes[found - 1].confirmed >= before;
}

/* A step of 3 % in a noise of 1.2 %. */
static void measure_steps(struct kind *k, const struct assay_change_limits *limits)
{
    struct noise n = noise_make(k->source, k->correlation, 12);
    for (size_t b = 0; b < BASELINES; b++) {
        size_t found = 0;
        double sigma, smallest;
        for (int s = 0; s < STEP_SERIES; s++) {
            found += finds(&n, limits, baseline[b], 0.012, &sigma, &smallest);
            k->smallest += b + 1 == BASELINES ? smallest / sigma / STEP_SERIES : 0;
        }
        k->found[b] = (double)found / STEP_SERIES;
    }
}

struct promise {
    size_t quiet, quiet_found, near, near_found, gating, gating_found, all;
};

/* Series of any noise: those that say of themselves that they find it. */
static void measure_promises(const struct assay_change_limits *limits, struct promise *p)
{
    for (int source = 0; source < RECORDED_CASES; source++) {
        struct noise n = noise_make(source, 0, 13);
        for (int s = 0; s < STEP_SERIES; s++) {
            double sigma, smallest, noise = 0.003 * exp(log(8) * assay_random_unit(&n.random)); /* 0.3 % to 2.4 % */
            bool found = finds(&n, limits, 120, noise, &sigma, &smallest);
            p->all++;
            p->quiet += sigma <= 0.012;
            p->quiet_found += sigma <= 0.012 && found;
            p->near += sigma <= 0.012 && sigma > 0.01;
            p->near_found += sigma <= 0.012 && sigma > 0.01 && found;
            p->gating += smallest <= log1p(ASSAY_WATCH_GATE);
            p->gating_found += smallest <= log1p(ASSAY_WATCH_GATE) && found;
        }
    }
}

/* ---- a long history ---------------------------------------------------------------------------------------------- */

static int fill_history(const char *path)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_history *h = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *point = NULL;
    struct noise n = noise_make(-1, 0, 14);
    if (assay_history_open(path, ASSAY_HISTORY_CREATE, &h, &err))
        return 1;
    assay_history_close(h);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "BEGIN; INSERT INTO environments VALUES(1, '', '', '', '', '', '')", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                     " INSERT INTO series SELECT i, printf('%016x', i), printf('case/%d', i), 'cpu', 'host', 'h' FROM n;"
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                     " INSERT INTO runs SELECT i, i, i, i, i * 86400, 'h', '' FROM n",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT INTO points VALUES(?1, ?2, ?2, 1, 0, 3, ?3, 0.01, 0.1, 7, 1, 1, 3e9)", -1, &point, NULL) !=
            SQLITE_OK)
        return 1;
    for (int night = 1; night <= 1000; night++)
        for (int s = 1; s <= WATCHED; s++) {
            (void)sqlite3_bind_int(point, 1, s);
            (void)sqlite3_bind_int(point, 2, night);
            (void)sqlite3_bind_double(point, 3, 10 + 0.01 * assay_random_normal(&n.random));
            if (sqlite3_step(point) != SQLITE_DONE || sqlite3_reset(point) != SQLITE_OK)
                return 1;
        }
    (void)sqlite3_finalize(point);
    int code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return code != SQLITE_OK || sqlite3_close(db) != SQLITE_OK;
}

static int check_history(const char *path)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_history *h = NULL;
    struct assay_history_data data;
    struct assay_watch watch;
    struct assay_watch_setup setup = {.sentinels = "case/10 case/20", .nights = ASSAY_WATCH_NIGHTS};
    if (assay_history_open(path, 0, &h, &err) || assay_history_read(h, &data, &err) ||
        assay_watch_make(h, &data, &setup, &watch, &err)) {
        fprintf(stderr, "bench_history: %s\n", err.message);
        return 1;
    }
    bool whole = watch.n == WATCHED && watch.n_watched > WATCHED * 9 / 10;
    assay_watch_release(&watch);
    assay_history_data_release(&data);
    assay_history_close(h);
    return !whole;
}

/* In a process of its own, so that its memory and its processor time are its own. */
static bool in_child(int (*what)(const char *path), const char *path, double *seconds, double *bytes)
{
    struct rusage use;
    int status = 1;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(what(path));
    if (child < 0 || wait4(child, &status, 0, &use) != child)
        return false;
    *seconds = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + 1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
    *bytes = 1024.0 * (double)use.ru_maxrss;
    return status == 0;
}

static bool measure_speed(double *seconds, double *bytes)
{
    char folder[] = "/tmp/assay-bench-XXXXXX", path[64];
    double unused;
    if (!mkdtemp(folder))
        return false;
    (void)snprintf(path, sizeof path, "%s/h.db", folder);
    bool done = in_child(fill_history, path, &unused, &unused) && in_child(check_history, path, seconds, bytes);
    for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
        char file[80];
        (void)snprintf(file, sizeof file, "%s%s", path, *end);
        (void)unlink(file);
    }
    (void)rmdir(folder);
    return done;
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static void write_table(FILE *out)
{
    fprintf(out, "| noise of the nights | false messages in 30 nights of 1,000 series |");
    for (size_t b = 0; b < BASELINES; b++)
        fprintf(out, " 3 %% found, σ 1.2 %%, after %zu nights |", baseline[b]);
    fprintf(out, " step told, over σ |\n|---|---|---|---|---|---|---|\n");
    for (size_t k = 0; k < KINDS; k++) {
        fprintf(out, "| %s | %.2f |", kinds[k].name, kinds[k].false_messages);
        for (size_t b = 0; b < BASELINES; b++)
            fprintf(out, " %.1f %% |", 100 * kinds[k].found[b]);
        fprintf(out, " %.2f |\n", kinds[k].smallest);
    }
}

static int replace_table(const char *path)
{
    struct assay_error err = {.code = ASSAY_OK};
    char *text = NULL, *made = NULL;
    size_t length, bytes;
    if (assay_file_read(path, 1 << 20, &text, &length, &err)) {
        fprintf(stderr, "bench_history: %s\n", err.message);
        return 1;
    }
    const char *begin = strstr(text, BEGIN_MARK), *end = begin ? strstr(begin, END_MARK) : NULL;
    FILE *out = end ? open_memstream(&made, &bytes) : NULL;
    if (out) {
        fprintf(out, "%.*s" BEGIN_MARK, (int)(begin - text), text);
        write_table(out);
        fputs(end, out);
        (void)(fclose(out) == 0 && assay_file_replace(path, made, bytes, &err) == ASSAY_OK);
    }
    free(text);
    free(made);
    return !out || err.code != ASSAY_OK;
}

int main(int argc, char **argv)
{
    struct assay_change_limits limits;
    struct promise p = {0};
    double seconds = NAN, bytes = NAN, all = 0;
    assay_change_limits_make(WATCHED, ASSAY_WATCH_NIGHTS, &limits);
    for (size_t k = 0; k < KINDS; k++) {
        measure_quiet(&kinds[k], &limits);
        measure_steps(&kinds[k], &limits);
        all += kinds[k].source >= 0 ? kinds[k].false_messages / RECORDED_CASES : 0;
    }
    if (argc > 1)
        return replace_table(argv[1]);
    measure_promises(&limits, &p);
    if (!measure_speed(&seconds, &bytes))
        return 1;
    printf("bench history_false_messages %.2f 1 (goal <= 1: in 30 nights of 1000 series; %d series of %d nights from recorded "
           "launches)\n",
           all, QUIET_SERIES * RECORDED_CASES, QUIET_NIGHTS);
    printf(
        "bench history_found_3_percent %.1f %% (goal >= 95: in 5 nights, of %zu of %zu series with a night's noise <= 1.2 %%)\n",
        100.0 * (double)p.quiet_found / (double)p.quiet, p.quiet, p.all);
    printf("bench history_found_3_percent_at_limit %.1f %% (goal >= 95: of the %zu with 1.0 to 1.2 %%)\n",
           100.0 * (double)p.near_found / (double)p.near, p.near);
    printf("bench history_found_3_percent_gating %.1f %% (goal >= 95: of the %zu that say so of themselves)\n",
           100.0 * (double)p.gating_found / (double)p.gating, p.gating);
    printf("bench history_check %.2f s (goal < 5: of one processor; 1000 series x 1000 nights, from the file)\n", seconds);
    printf("bench history_check_memory %.0f MB (goal < 200)\n", bytes / 1e6);
    return 0;
}
