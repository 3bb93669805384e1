/* One stretch of a soak, in a worker: the same program over and over, all output bytes of every execution against the hash of what
 * was verified. What it counts is in a mapped file at once (harness/store/soak_file.h), so it survives whatever ends the worker. */
#ifndef ASSAY_RUN_SOAK_H
#define ASSAY_RUN_SOAK_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/hash.h"
#include "harness/plan/plan.h"
#include "harness/verify/witness_file.h"

struct assay_soak_job {
    const struct assay_case *what;
    const char              *backend, *plugin, *weights, *inputs; /* as in struct assay_case_job */
    const char              *tally; /* path */
    uint64_t                 seed, for_ns, timeout_ns; /* for_ns: from the first execution on; timeout_ns: of one execution */
    uint32_t                 sets;
    bool                     has[ASSAY_WITNESS_MOST_SETS]; /* was something of this set verified? Others run, and are not counted */
    struct assay_hash128     hash[ASSAY_WITNESS_MOST_SETS];
    void (*progress)(void *self, double share); /* after each round; may be NULL */
    void *self;
};
enum assay_code assay_run_soak(const struct assay_soak_job *job, struct assay_error *err);

#endif
