/* A workload builds a graph from parameters and names its headline metric. One C file in suites/workloads,
 * reached through the registry there. Its parameter table is the grammar of its case names:
 * `gemm/dtype=f32,k=1024,m=1024,n=1024`. */
#ifndef ASSAY_WORKLOAD_H
#define ASSAY_WORKLOAD_H

#include "assay/error.h"
#include "assay/graph.h"
#include "assay/option.h"

struct assay_workload {
    const char                *name, *summary;
    const char *const         *phases; /* NULL-terminated, or NULL: the workload has no phases */
    const struct assay_option *params;
    size_t                     params_bytes; /* of the struct the table fills */
    /* The name of the rate that says how good a result is: "flops_per_s", "bytes_per_s", "items_per_s". */
    const char *headline;
    /* How many items one execution handles, for items_per_s (images, tokens, rows); NULL = 1. */
    uint64_t (*items)(const void *params, const char *phase);
    const char *item; /* "image", "token", "row" */
    /* Fills an empty graph (harness/ir/graph.h). Parameters are within their table's ranges; what no range can
     * say (a head count that does not divide) is refused here, naming the parameter. */
    enum assay_code (*build)(const void *params, const char *phase, struct assay_graph *g, struct assay_error *err);
};

#endif
