/* The timed phase of a case: executions one after another, in batches whose outputs are proved in between.
 *
 *     warm up │ prepare (deal inputs, poison outputs) │ n executions, timed │ collect, hash, keep │ peak and triad bursts │ prepare │ …
 *
 * A batch goes `rounds` times around the slots; what the last round left is collected. The number of rounds is
 * geometric (memoryless; one execution if the target restores what executions change), from the operating system's entropy: at no moment can a device tell whether an execution's output
 * will be looked at. It ends when both the minimum of runs and the minimum of timed time are met, when there is no room for more samples, or
 * at the wall limit, which also cuts the warm-up and a batch short; one execution at least is timed. */
#ifndef ASSAY_LOAD_CLOSED_LOOP_H
#define ASSAY_LOAD_CLOSED_LOOP_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/base/memory.h"
#include "harness/load/graph_target.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/counters.h"
#include "harness/measure/power.h"
#include "harness/measure/statistics.h"

/* Bursts of the ceilings are paired with the batch before them. */
#define ASSAY_MAX_PAIRS 256u

struct assay_closed_loop {
    struct assay_graph_target *target;
    uint32_t                   slots;
    uint64_t                   min_runs; /* at least 1 */
    uint64_t                   min_ns, max_ns;
    uint64_t                  *samples; /* room for max_samples, touched; every latency is stored as it comes */
    uint64_t                   max_samples;
    struct assay_ceiling      *ceiling;  /* NULL: none on this device */
    struct assay_counters     *counters; /* run only while the timed executions run; may be NULL */
    struct assay_meter        *meter;    /* may be NULL */
    /* One collected execution, in the order they ran; and the end of a batch. */
    void (*see)(void *self, uint64_t iteration, const struct assay_collected *left);
    void (*batch_end)(void *self);
    void (*warmed)(void *self);    /* the warm-up is over; may be NULL */
    void (*progress)(void *self, double share_done, uint64_t median_ns); /* between batches, of the last; may be NULL */
    void  *self;
    bool   collects; /* the device computes values */
    uint64_t timeout_ns; /* of one execution */
};

struct assay_closed_loop_result {
    uint64_t n;            /* samples stored */
    uint64_t first_ns;     /* the very first execution */
    uint64_t warm_runs, warm_ns;
    uint64_t timed_wall_ns; /* wall time of the timed regions, issue to last poll */
    uint64_t timed_span_ns; /* sum of the samples */
    uint64_t proof_ns;      /* between batches: prepare, collect, hash */
    uint64_t collected, guard_changed, batches;
    struct assay_allocations allocations; /* inside the timed regions, this thread */
    struct assay_span        last;        /* clock and device time of the last execution */
    uint64_t device_ns_sum, device_ns_n;
    double   batch_median_ns[ASSAY_MAX_PAIRS], peak_flops_per_s[ASSAY_MAX_PAIRS], triad_bytes_per_s[ASSAY_MAX_PAIRS];
    uint32_t n_pairs;
    bool     hit_wall_limit; /* ended by max_ns before min_runs and min_ns were met */
};

enum assay_code assay_closed_loop_run(const struct assay_closed_loop *loop, struct assay_closed_loop_result *out,
                                      struct assay_error *err);

#endif
