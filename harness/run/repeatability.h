/* Does a back end give the same bits again? One job of a worker for each part of the question; harness/judge/repeatability.c puts
 * them together.
 *
 *   process   execution after execution in this process; and its first outputs against those of another process
 *   threads   with every number of threads, against that process's
 *   batch     items among other neighbours, at other places, in batches of other sizes
 *
 * The outputs of the first process lie in a file, the baseline, so that later ones find what differs and by how much. */
#ifndef ASSAY_RUN_REPEATABILITY_H
#define ASSAY_RUN_REPEATABILITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"

struct assay_repeatability_job {
    const struct assay_case *what;
    const char              *backend, *part;
    const char              *baseline;   /* path */
    bool                     writes;     /* part process: this is the first one */
    uint64_t                 runs;       /* part process: executions to compare; part batch: arrangements */
    uint64_t                 seed, timeout_ns; /* of one execution */
};

/* *found (new reference) has a member for each property that the part is about: an agreement (harness/verify/agreement.h), or
 * {"why": "…"} where there is nothing to compare. Only workers call it. */
enum assay_code assay_run_repeatability(const struct assay_repeatability_job *job, json_t **found, struct assay_error *err);

#endif
