/* Graphs made from a finished graph: the same with inner values as outputs, and one node of it alone. For whoever looks for
 * the node at which a device goes astray. */
#ifndef ASSAY_IR_TRANSFORM_COPY_H
#define ASSAY_IR_TRANSFORM_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"

/* Can this value become an output: a node writes it, on the device, and it is none yet? */
bool assay_graph_can_reveal(const struct assay_graph *g, int32_t value);

/* The same graph in which every value with shown[value] is an output too. Values and nodes keep their numbers, names, fill rules
 * and aliases. It is another program: a device may no longer fuse over what is now an output. Ours to free. */
enum assay_code assay_graph_reveal(const struct assay_graph *g, const bool *shown, struct assay_graph **out, struct assay_error *err);

/* Node `node` alone: its consts are consts, what else it reads are inputs (control inputs stay such), all it writes are outputs;
 * names are kept, nothing is an alias. value[v] becomes the number that value v of `g` has in *out, or ASSAY_NO_VALUE; it has room
 * for g->n_values. Ours to free. */
enum assay_code assay_graph_excerpt(const struct assay_graph *g, uint32_t node, struct assay_graph **out, int32_t *value,
                                    struct assay_error *err);

/* For passes that make a graph out of another. A value that no node writes, as `role`, with what it is a part of; and node `node`,
 * reading inputs[] of the new graph, with the numbers of what it writes in out[]. */
int32_t assay_graph_copy_given(struct assay_graph *to, const struct assay_value *v, enum assay_role role);
void    assay_graph_copy_node(struct assay_graph *to, const struct assay_graph *g, uint32_t node, const int32_t *inputs, int32_t *out);

#endif
