/* A scenario issued to a target, on a real clock or a model's: the loop that neither waits too long nor looks too late.
 *
 * On a real clock it sleeps, then spins for the last microseconds; on a model clock it passes earliest_ns and time jumps. Latency counts
 * from the scheduled time. Nothing is allocated while it runs; memory does not grow with the number of queries. */
#ifndef ASSAY_LOAD_DRIVE_H
#define ASSAY_LOAD_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/histogram.h"
#include "harness/plan/scenario.h"
#include "harness/load/arrivals.h"
#include "harness/load/target.h"

/* One query, as the samples file holds it (little-endian), in the order they were completed. */
struct assay_query_row {
    uint64_t query, scheduled_ns, issued_ns, completed_ns; /* from the run's start, by the target's clock */
    uint32_t samples;                                      /* that it asked for */
    uint32_t status;                                       /* enum assay_code: why it failed, ASSAY_OK if it did not */
};

/* How several waiting queries become one execution. */
struct assay_batching {
    uint32_t maximum;  /* samples of one execution; 1: none */
    uint64_t delay_ns; /* a batch that is not full leaves when its first query has waited so long */
    const uint32_t *buckets; /* compiled sizes, ascending, the last one `maximum`; n_buckets */
    uint32_t n_buckets;
};

struct assay_drive {
    const struct assay_scenario *scenario;
    const struct assay_seeds    *seeds;
    struct assay_target         *target;
    struct assay_batching        batching;
    uint64_t timeout_ns;             /* a query that takes longer has failed and is cancelled */
    uint64_t lateness_limit_ns;      /* an issue later than that counts as late */
    /* Called for every completed or failed query, off the clock's path where there is time; may be NULL. */
    void (*completed)(void *self, const struct assay_query_row *row);
    void (*progress)(void *self, double share_done, uint64_t median_ns);
    void *self;
};

struct assay_drive_result {
    uint64_t issued, completed, failed; /* issued = completed + failed, always */
    uint64_t samples;                   /* of completed queries */
    uint64_t first_issue_ns;            /* from the call to the first issue: the start-up */
    uint64_t last_scheduled_ns, last_completed_ns;
    struct assay_histogram latency, lateness, harness; /* harness: what the loop itself took for each query */
    uint64_t late;                      /* issues beyond lateness_limit_ns */
    uint64_t most_in_flight;
    bool     hit_wall_limit;
    struct assay_error first_failure;
};

enum assay_code assay_drive_run(const struct assay_drive *d, struct assay_drive_result *out, struct assay_error *err);

#endif
