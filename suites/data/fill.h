/* The numbers that the harness binds: a function of (seed, value's name, input set) and the value's fill rule, the same
 * for any number of threads, on any machine (normal fills: of the same math library). */
#ifndef ASSAY_DATA_FILL_H
#define ASSAY_DATA_FILL_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"

/* Fills all bytes of one value for one input set into `to` (value->bytes). Params, states and consts do not depend on
 * the set. A part (assay_graph_part) gets what the whole has in its place. Refuses a value that has no fill rule. */
enum assay_code assay_fill_value(const struct assay_graph *g, int32_t value, uint64_t seed, uint64_t set, void *to,
                                 struct assay_error *err);

#endif
