/* A case whose work is spread over ranks, as one device: each rank is a process of its own with its own session, and the graph
 * that is executed is that of all ranks joined (harness/ir/transform/join.h), each of whose values is some rank's. So whoever times,
 * witnesses and judges executions has nothing to know of ranks. Ranks meet before an execution. On one machine it begins with the first
 * rank's begin and ends with the last one's end; of ranks elsewhere, whose clocks are others, it takes as long as it took the one that
 * took longest. */
#ifndef ASSAY_RUN_RANKED_H
#define ASSAY_RUN_RANKED_H

#include "harness/plan/plan.h"
#include "harness/run/loader.h"

struct assay_ranked_setup {
    const struct assay_case *what;
    const char              *backend, *plugin;
    const char              *launcher;         /* one of assay_launchers */
    const struct assay_graph *graph;           /* joined; borrowed until the session is closed */
    const struct assay_rank_value *of;         /* of each of its values; borrowed likewise */
    uint32_t                 n;
    uint64_t                 patience_ns;      /* for which a rank waits for another before it says so */
};

/* Who starts the processes: "fork", this one; or "mpirun", "srun", which may start them on other hosts. NULL-terminated. */
extern const char *const assay_launchers[];
/* Can ranks be started so here? ASSAY_UNAVAILABLE: no, because …; *what is the launcher's version. */
enum assay_code assay_launcher_look(const char *launcher, char what[160], struct assay_error *err);

/* Starts the ranks and waits until all are ready. A rank that cannot be opened, dies or hangs is told by its number and its host's
 * name. Close with assay_backend_close. */
enum assay_code assay_ranked_open(const struct assay_ranked_setup *setup, struct assay_opened *out, struct assay_error *err);

#endif
