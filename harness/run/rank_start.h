/* How the processes of ranks begin: started here, or by the cluster's launcher (assay_launchers). Both return when all ranks are ready;
 * on failure the session is closed as any. Of ranked.c alone. */
#ifndef ASSAY_RUN_RANK_START_H
#define ASSAY_RUN_RANK_START_H

#include "harness/run/rank_orders.h"

/* One process a rank, on this machine, over a region of shared memory. */
enum assay_code assay_ranks_start_forked(struct assay_session *s, struct assay_error *err);
/* By s->with.launcher, on whichever hosts it chooses. ASSAY_UNAVAILABLE: it is not there or did not start them; ASSAY_TIMEOUT: one did
 * not come. */
enum assay_code assay_ranks_start_launched(struct assay_session *s, struct assay_error *err);

#endif
