/* Which step of a schedule a node belongs to. Builders and passes say it while a graph is built; transform/schedule.h puts nodes in the
 * order of steps. A graph whose builder says nothing has none. */
#ifndef ASSAY_IR_STEPS_H
#define ASSAY_IR_STEPS_H

#include <stdint.h>

#include "harness/ir/graph.h"

/* Steps are numbered from 1 by who builds; the backward half of one (transform/gradient.h) is its number with this bit. */
#define ASSAY_STEP_BACKWARD (1u << 31)

/* From here on nodes belong to `step`; 0: to none. */
void assay_graph_step(struct assay_graph *g, uint32_t step);
/* The step that `node` was built in; 0: none. */
uint32_t assay_graph_step_of(const struct assay_graph *g, uint32_t node);

#endif
