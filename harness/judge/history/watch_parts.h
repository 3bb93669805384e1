/* What the files of the watch share. */
#ifndef ASSAY_JUDGE_HISTORY_WATCH_PARTS_H
#define ASSAY_JUDGE_HISTORY_WATCH_PARTS_H

#include "harness/base/arena.h"
#include "harness/judge/history/watch.h"

/* A thing to be told, of one series or of all that run on a device of a host. */
struct assay_finding {
    size_t series;     /* index; of a host: one that shows it */
    bool wide;         /* of the whole host */
    const char *kind;  /* time, verdict, error, bits */
    size_t good, bad;  /* points of the series: last good, first bad; good SIZE_MAX: none */
    int32_t confirmed; /* night */
    char message[512];
};
struct assay_findings {
    struct assay_finding *at; /* free */
    size_t n, capacity;
    bool failed; /* out of memory */
};
/* A new one with nothing in it; NULL when out of memory, and then `failed`. */
struct assay_finding *assay_finding_add(struct assay_findings *all);

/* What is wrong with outputs, series by series: nothing here is averaged. */
void assay_watch_accuracy(const struct assay_history_data *data, size_t series, struct assay_findings *out);

/* What differs between the environments of two points, as a line; says so when nothing does. */
enum assay_code assay_watch_changed(struct assay_history *h, const struct assay_history_point *good,
                                    const struct assay_history_point *bad, char out[1024], struct assay_error *err);

#endif
