/* The history of many nights in one SQLite file: a row a (case, back end, device, host) and run. Nothing else of assay reads it.
 *
 * Written in transactions with a write-ahead log and full sync: whoever dies leaves whole runs or nothing, and any number may add
 * at once. A run is known by the SHA-256 of its manifest and first record, so that adding it again changes nothing, or, after it
 * was resumed or validated anew, replaces what was there. */
#ifndef ASSAY_JUDGE_HISTORY_DATABASE_H
#define ASSAY_JUDGE_HISTORY_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/judge/summary.h"

#define ASSAY_HISTORY_SCHEMA 2

struct assay_history;

enum assay_history_open {
    ASSAY_HISTORY_CREATE = 1 << 0, /* a file that is not there is made */
};
/* ASSAY_CONFIG: not there, no database of assay, or of a newer schema. */
enum assay_code assay_history_open(const char *path, unsigned flags, struct assay_history **out, struct assay_error *err);
void assay_history_close(struct assay_history *h);

enum assay_history_added { ASSAY_HISTORY_NEW = 1, ASSAY_HISTORY_SAME, ASSAY_HISTORY_REPLACED };
/* What was added, in words for people. */
struct assay_history_run {
    enum assay_history_added added;
    char night[11], host[256]; /* 2026-11-26 */
    size_t rows, proved;       /* series; of those, with a time that counts */
};
/* Adds the run folder that `run` was read from, which must have been validated. `night` ("2026-11-26") and `host` NULL: the
 * manifest's. A night lasts from noon to noon, UTC, and has the name of the day on which it begins. */
enum assay_code assay_history_add(struct assay_history *h, const struct assay_summary *run, const char *night, const char *host,
                                  struct assay_history_run *out, struct assay_error *err);

/* ---- what was added ---------------------------------------------------------------------------------------------- */

/* How a row ended, from good to bad. */
enum assay_standing {
    ASSAY_STANDING_PASS = 0,
    ASSAY_STANDING_MARGINAL,
    ASSAY_STANDING_NOT_CHECKED,
    ASSAY_STANDING_UNTRUSTED,
    ASSAY_STANDING_FAIL,
    ASSAY_STANDING_NOT_RUN, /* crashed, hung, unsupported now */
};
const char *assay_standing_name(enum assay_standing standing);

/* What may have changed between two nights; texts of several lines name several things. */
enum {
    ASSAY_ENVIRONMENT_DRIVER,
    ASSAY_ENVIRONMENT_LIBRARY,
    ASSAY_ENVIRONMENT_KERNEL,
    ASSAY_ENVIRONMENT_COMPILER,
    ASSAY_ENVIRONMENT_CLOCK,
    ASSAY_ENVIRONMENT_ASSAY,
    ASSAY_ENVIRONMENT_COUNT
};
extern const char *const assay_environment_names[ASSAY_ENVIRONMENT_COUNT];

struct assay_history_point {
    int32_t night;             /* days since 1970-01-01 */
    uint32_t run, environment; /* row ids */
    uint8_t standing;          /* enum assay_standing */
    uint8_t repeats;           /* bool: all executions of each input set left the same bits */
    uint16_t launches;         /* with a time */
    float spread;              /* standard deviation of the logarithms of launch medians; NaN: one launch */
    float clock_hz;            /* of the host's cores, as measured; NaN */
    double log_median;         /* of latency in ns; NaN: none that counts */
    double ratio;              /* worst error over bound; NaN */
    uint64_t checksum;         /* of the outputs of those input sets that were kept */
    uint32_t sets;             /* which, and of what seed: only equal ones can be compared; 0: there is no checksum */
};
struct assay_history_series {
    int64_t id; /* row */
    char *case_name, *case_id, *backend, *device, *host;
    struct assay_history_point *points; /* by night, then by when they ran */
    size_t n;
};
struct assay_history_data {
    struct assay_history_series *series; /* by host, back end, device, case */
    size_t n;
    void *owned;
};
/* Everything. Release. */
enum assay_code assay_history_read(struct assay_history *h, struct assay_history_data *out, struct assay_error *err);
void assay_history_data_release(struct assay_history_data *data);
/* The texts of an environment; free each (ASSAY_ENVIRONMENT_COUNT of them). */
enum assay_code assay_history_environment(struct assay_history *h, uint32_t id, char *out[], struct assay_error *err);

/* ---- alarms ------------------------------------------------------------------------------------------------------ */

struct assay_history_alarm {
    char id[9];                              /* 8 hex digits, from `key` */
    char key[200];                           /* what makes it this alarm: series or host, kind, first night */
    char kind[16];                           /* time, verdict, error, bits */
    char scope[1024];                        /* the case with its back end, device and host; or back end, device and host alone */
    int32_t last_good, first_bad, confirmed; /* nights; last_good -1: none */
    char message[512], changed[1024];        /* one line; what else changed that night */
    char named[16], why[400];                /* by the last naming; empty: open */
    int64_t named_utc_s;
    char earlier[600];                       /* namings before that, the oldest first: "regression on 2026-11-27: why; …" */
};
/* Keeps those that are not there yet, where the same kind and scope within two nights is the same. Of an open one that is there,
 * message and what changed become those of now; a named one stays as it is. */
enum assay_code assay_history_alarms_keep(struct assay_history *h, const struct assay_history_alarm *alarms, size_t n,
                                          struct assay_error *err);
/* All, the open ones first, then by night. Free *out. */
enum assay_code assay_history_alarms_read(struct assay_history *h, struct assay_history_alarm **out, size_t *n,
                                          struct assay_error *err);
/* `id` may be any beginning that only one alarm has. What it was named before is kept, and is in out->earlier. ASSAY_CONFIG: none or
 * several. */
enum assay_code assay_history_alarm_name(struct assay_history *h, const char *id, const char *name, const char *why,
                                         struct assay_history_alarm *out, struct assay_error *err);

/* "2026-11-26" for a night and back; false: no date. */
void assay_night_text(int32_t night, char out[11]);
bool assay_night_read(const char *text, int32_t *night);

#endif
