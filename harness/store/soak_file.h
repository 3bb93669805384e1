/* soak.jsonl of a run folder: one line a stretch of a soak, that is, of one worker that executed one case over and over; appended,
 * synced, in a chain (chain.h). And the tally in which a worker counts as it goes, so that a crash loses nothing. */
#ifndef ASSAY_STORE_SOAK_FILE_H
#define ASSAY_STORE_SOAK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/case_name.h"

#define ASSAY_SOAK_EVENTS 32 /* mismatches of a stretch that are described; all are counted */

/* One execution whose outputs are not those that were verified. */
struct assay_soak_event {
    uint64_t utc_ns, iteration, busy_ns; /* when it was seen; which of the stretch, from 0; device time of the stretch until then */
    uint32_t set;
    uint32_t output;   /* place among the outputs; meaningless where elements is 0 */
    int64_t  element;  /* first that differs; -1: the verified outputs were not at hand, only their hash */
    uint64_t elements, bits; /* that differ */
    double   expected, observed; /* of that element */
};

/* How a stretch ended. */
enum assay_soak_end {
    ASSAY_SOAK_COMPLETE = 1,
    ASSAY_SOAK_STOPPED = 2, /* by the user, or with the program that watched it */
    ASSAY_SOAK_CRASHED = 3,
    ASSAY_SOAK_HUNG = 4,
    ASSAY_SOAK_FAILED = 5,  /* the back end reported an error */
};
const char *assay_soak_end_name(enum assay_soak_end end);

struct assay_soak_stretch {
    char     case_name[ASSAY_CASE_NAME_BYTES], id[17], backend[640];
    uint32_t number;    /* of the case and back end, from 0 */
    enum assay_soak_end end;
    char     reason[256]; /* why it ended so; empty: complete */
    uint64_t begun_utc_ns, wall_ns;
    uint64_t busy_ns;    /* wall time of the executions that were compared, from issue to completion */
    uint64_t iterations, mismatches; /* compared; of those, not the verified bits */
    uint64_t guard_bytes_changed;    /* beside the outputs */
    uint32_t n_events;
    struct assay_soak_event event[ASSAY_SOAK_EVENTS];
};

struct assay_soak_file;
/* Reads what is there; a torn last line is left out and, if `appends`, moved to soak.torn. None there is none. `folder` must hold a
 * run, whose lock the caller has if he appends. */
enum assay_code assay_soak_file_open(const char *folder, bool appends, struct assay_soak_file **out, struct assay_error *err);
void            assay_soak_file_close(struct assay_soak_file *file);
enum assay_code assay_soak_file_append(struct assay_soak_file *file, const struct assay_soak_stretch *stretch, struct assay_error *err);
/* Borrowed until the next append. */
const struct assay_soak_stretch *assay_soak_file_stretches(const struct assay_soak_file *file, size_t *n);

/* ---- the tally -------------------------------------------------------------------------------------------------- */

/* Mapped by the worker. Counts are stored after what they count. */
struct assay_soak_tally {
    char     magic[8]; /* "ASSAYSOK" */
    uint64_t begun_utc_ns, seen_utc_ns, busy_ns, iterations, mismatches, guard_bytes_changed, n_events; /* seen: the last execution */
    struct assay_soak_event event[ASSAY_SOAK_EVENTS];
};
extern const char assay_soak_magic[8];
/* What a worker has counted, into the members of `out` that count, and wall_ns: from its begin to its last execution. false: there is
 * no tally that can be read. */
bool assay_soak_tally_read(const char *path, struct assay_soak_stretch *out);

#endif
