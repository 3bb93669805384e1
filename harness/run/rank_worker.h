/* One rank of a case: a worker that opens the back end with a communicator and does what its leader (ranked.h) orders. */
#ifndef ASSAY_RUN_RANK_WORKER_H
#define ASSAY_RUN_RANK_WORKER_H

#include <jansson.h>

#include "assay/backend.h"
#include "assay/error.h"

/* What a rank leaves in its stage before it says that it is ready. */
struct assay_rank_ready {
    struct assay_device_info device;
    char                     canonical[640], path[512];
};

/* job: {"do": "rank", "case": …, "backend": …, "plugin": …, "region": path, "rank": number, "patience_ns": …}. Returns when it was
 * told to leave. */
enum assay_code assay_rank_worker(const json_t *job, int fd, struct assay_error *err);

#endif
