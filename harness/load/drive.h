/* A scenario issued to a target, on a real clock or a model's: the loop that neither waits too long nor looks too late.
 *
 * On a real clock it sleeps, then spins for the last microseconds; on a model clock it passes earliest_ns and time jumps.
 * Latency counts from the scheduled time; where the next query comes when another is done, from the moment the loop saw that.
 * Nothing is allocated while it runs; memory does not grow with the number of queries: what waits is not yet taken from the
 * arrivals. */
#ifndef ASSAY_LOAD_DRIVE_H
#define ASSAY_LOAD_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/memory.h"
#include "harness/load/arrivals.h"
#include "harness/load/histogram.h"
#include "harness/load/target.h"
#include "harness/plan/scenario.h"

#define ASSAY_DRIVE_GIVES_UP 100u /* failures one after another that end the issuing */

/* One query, as the samples file holds it (little-endian). Of offline load each sample is a query. */
struct assay_query_row {
    uint64_t query, scheduled_ns, issued_ns, completed_ns; /* from the run's start, by the target's clock */
    uint32_t samples;                                      /* that it asked for */
    uint32_t status;                                       /* enum assay_code: why it failed, ASSAY_OK if it did not */
};

/* How several waiting samples become one execution. */
struct assay_batching {
    uint32_t maximum;  /* samples of one execution; 1: none */
    /* Sizes that a batch may have: an execution has the least that holds its samples. They rise, the last is the maximum, which is the
     * only one where n_sizes is 0. */
    const uint32_t *sizes;
    uint32_t        n_sizes;
    uint64_t delay_ns; /* a batch that is not full leaves when its first sample has waited so long, or when no more will come */
};

/* Counts so far, where somebody may look who outlives the loop. */
struct assay_drive_tally {
    uint64_t issued, completed, failed;
};

struct assay_drive {
    const struct assay_scenario *scenario;
    const struct assay_seeds    *seeds;
    struct assay_target         *target;
    struct assay_batching        batching;
    uint32_t executions;        /* the most that the target gets at once, at least 1 */
    uint64_t model_begin_ns;    /* on a model clock: where it stands */
    uint64_t timeout_ns;        /* a query that takes longer has failed and is cancelled */
    uint64_t lateness_limit_ns; /* an issue later than that counts as late */
    /* Called for every completed or failed query; it must not allocate. May be NULL. */
    void (*completed)(void *self, const struct assay_query_row *row);
    /* Where the loop has time: never while a query runs or is about to. May be NULL. */
    void (*progress)(void *self, double share_done, uint64_t median_ns);
    void *self;
    struct assay_drive_tally *tally; /* written as queries begin and end; may be NULL */
};

struct assay_drive_result {
    uint64_t issued, completed, failed; /* issued = completed + failed, always */
    uint64_t samples;                   /* of completed queries */
    uint64_t executions;                /* begun */
    uint64_t places;                    /* sizes of their batches together */
    uint64_t first_issue_ns;            /* from the call to the first issue: the start-up */
    uint64_t last_scheduled_ns, last_completed_ns;
    struct assay_histogram latency;     /* of completed queries */
    /* Of an execution: from when a loop that is never late would have issued it (its samples are there and the target has room)
     * to its issue; where the target never pauses, from the end of the one before. What the loop itself is to blame for. */
    struct assay_histogram lateness;
    uint64_t late;                      /* executions issued beyond lateness_limit_ns */
    uint64_t most_in_flight;            /* executions */
    uint64_t wall_ns, span_ns;          /* the host's time of the run; sum of the stamped spans */
    struct assay_allocations allocations; /* this thread, from the first issue to the last completion, without progress() */
    bool     hit_wall_limit;            /* max_duration ended it before its minimum of queries and time */
    bool     gave_up;                   /* after ASSAY_DRIVE_GIVES_UP failures one after another */
    struct assay_error first_failure;
    struct assay_span  last;
};

/* Errors are of the set-up only (memory, a scenario without arrivals); what the target does wrong makes queries fail. */
enum assay_code assay_drive_run(const struct assay_drive *d, struct assay_drive_result *out, struct assay_error *err);

#endif
