/* The whole watch list: every series of a history followed night by night, what a host's sentinels explain taken out, and what is
 * to be told. README.md is the manual. */
#ifndef ASSAY_JUDGE_HISTORY_WATCH_H
#define ASSAY_JUDGE_HISTORY_WATCH_H

#include "harness/judge/history/change.h"
#include "harness/judge/history/database.h"

#define ASSAY_WATCH_NIGHTS 30.0 /* with at most one false message */
#define ASSAY_WATCH_GATE 0.03   /* step that a series must find to be one that gates */
/* Beginnings of the names of the sentinel cases: one bound by arithmetic, one by memory. Suite nightly has them. */
#define ASSAY_WATCH_SENTINELS "gemm/dtype=f32,k=256,m=256,n=256, memory/bytes=16MiB,kind=copy"

struct assay_watch_setup {
    const char *sentinels; /* separated by blanks */
    double nights;         /* that pass with at most one false message of the whole list */
};

struct assay_watch_series {
    const struct assay_history_series *of;
    struct assay_change_state state;
    bool is_sentinel;
    bool has_sentinel;     /* another is there to be compared with */
    size_t n;              /* nights with a time that counts */
    int32_t *night;        /* owned by the watch, n each */
    double *value, *level; /* logarithms of ns */
};

struct assay_watch {
    struct assay_watch_series *series;      /* as in the data */
    size_t n, n_watched, n_gating, n_again; /* with a baseline; that find ASSAY_WATCH_GATE; that ask for a second look */
    struct assay_history_alarm *alarms;     /* found when all nights are followed anew, whether kept already or not */
    size_t n_alarms;
    size_t n_held; /* not told yet: the sentinel of their host is itself in doubt */
    int32_t last_night;
    struct assay_change_limits limits;
    void *owned;
};
/* `data` must outlive it. `h` is asked what environments were. Release. */
enum assay_code assay_watch_make(struct assay_history *h, const struct assay_history_data *data,
                                 const struct assay_watch_setup *setup, struct assay_watch *out, struct assay_error *err);
void assay_watch_release(struct assay_watch *watch);

/* "CASE on BACKEND, DEVICE at HOST" */
void assay_watch_scope(const struct assay_history_series *series, char out[1024]);

#endif
