/* Puts the nodes of a rank's graph in the order of a schedule that was made outside of it: a stage of a pipeline goes through forward
 * and backward halves of its micro-batches in the order that it is told. Values do not change; how many are alive at a time does. */
#ifndef ASSAY_IR_TRANSFORM_SCHEDULE_H
#define ASSAY_IR_TRANSFORM_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/ir/graph.h"

/* One entry of a schedule: all nodes of a step (harness/ir/steps.h), or before them its Receives alone. What one rank sends another
 * comes in the order in which it was sent, so who needs a later message first takes the earlier ones, too. */
struct assay_schedule_entry {
    uint32_t step;
    bool     only_receives;
};

/* Copies `from`, under construction, into the empty `to`: first what is given, then the nodes, entry by entry, each step's in the order
 * in which they were built; nodes of no step where a step first needs what they write, the others at the end. Nodes keep
 * their steps. A mistake in `from` becomes one of `to`; refused, with the names: a step that needs what a later one writes, a step that no entry has. */
void assay_graph_schedule(const struct assay_graph *from, const struct assay_schedule_entry *entries, size_t n, struct assay_graph *to);

#endif
