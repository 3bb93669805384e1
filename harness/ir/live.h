/* Memory that an execution in node order needs for what lies between its inputs and its outputs. */
#ifndef ASSAY_IR_LIVE_H
#define ASSAY_IR_LIVE_H

#include <stdint.h>

#include "harness/ir/graph.h"

struct assay_live {
    uint64_t peak_bytes;  /* the largest set of temps and outputs that are alive while one node runs */
    uint32_t at_node;     /* the first that needs it */
    uint64_t param_bytes; /* weights: all params, frozen ones included */
    uint64_t state_bytes;
};

/* A temp is alive from the node that writes it to the last that reads it, an output to the end; an output that takes over a
 * param or state has no memory of its own. Each value has its own bytes: nothing is done in place, no view is shared. false:
 * out of memory. */
bool assay_graph_live(const struct assay_graph *g, struct assay_live *out);

#endif
