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
    char                     host[65], cores[64], link[16]; /* where it runs, on which cores it may, over what it talks to the others */
};

/* job: {"do": "rank", "case": …, "backend": …, "plugin": …, "region": path, "rank": number, "patience_ns": …}. Returns when it was
 * told to leave. */
enum assay_code assay_rank_worker(const json_t *job, int fd, struct assay_error *err);

/* The environment's word that shows a rank's leader whom it called. */
#define ASSAY_RANK_TOKEN "ASSAY_RANK_TOKEN"
/* `assay rank ADDRESS`: the same as a process that mpirun or srun started, whose leader is at "addresses:port" (ranks/remote.h). It gets
 * its job there: that of a rank, without "region", with "link", "token" and "peers". Returns the process's exit status. */
int assay_rank_main(const char *address);

#endif
