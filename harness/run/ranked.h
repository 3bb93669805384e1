/* A case whose work is spread over ranks, as one device: each rank is a worker process of its own with its own session, and the graph
 * that is executed is that of all ranks joined (harness/ir/transform/join.h), each of whose values is some rank's. So whoever times,
 * witnesses and judges executions has nothing to know of ranks. An execution begins with the first rank's begin and ends with the
 * last one's end. */
#ifndef ASSAY_RUN_RANKED_H
#define ASSAY_RUN_RANKED_H

#include "harness/plan/plan.h"
#include "harness/run/loader.h"

struct assay_ranked_setup {
    const struct assay_case *what;
    const char              *backend, *plugin;
    const struct assay_graph *graph;           /* joined; borrowed until the session is closed */
    const struct assay_rank_value *of;         /* of each of its values; borrowed likewise */
    uint32_t                 n;
    uint64_t                 patience_ns;      /* for which a rank waits for another before it says so */
};

/* Starts the ranks and waits until all are ready. A rank that cannot be opened, dies or hangs is told by its number and this host's
 * name. Close with assay_backend_close. */
enum assay_code assay_ranked_open(const struct assay_ranked_setup *setup, struct assay_opened *out, struct assay_error *err);

#endif
