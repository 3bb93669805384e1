/* A few executions with the flag that traces them, after the timed ones: how long each node takes. */
#ifndef ASSAY_RUN_CASE_TRACE_H
#define ASSAY_RUN_CASE_TRACE_H

#include <stdint.h>

#include "assay/backend.h"
#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/load/graph_target.h"
#include "harness/store/trace.h"

#define ASSAY_TRACE_RUNS 5u
#define ASSAY_TRACE_NS 3000000000u /* no further execution is begun after it */

struct assay_case_trace_setup {
    const struct assay_backend *backend;
    struct assay_graph_target  *target;
    const struct assay_graph   *graph;
    uint32_t                    slots;      /* of the target */
    uint64_t                    timeout_ns; /* of one execution */
};

/* ASSAY_TRACE_RUNS executions, fewer where they take long; *traced_ns is the median of them from begin to end. Fails with
 * the reason why there is no trace: the back end has none, a graph of one node needs none, rows that cannot be. Release *out. */
enum assay_code assay_case_trace(const struct assay_case_trace_setup *setup, struct assay_trace *out, double *traced_ns,
                                 struct assay_error *err);

#endif
