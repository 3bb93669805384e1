/* One node from text, for tables of nodes that are part of the program: what is wrong in a text is a bug of ours.
 *   inputs  "f32[2,3] - i64{1,-1} i64[2,2]{0,1,1,0}": values of a type and shape, "-" an absent one, {..} a const of at
 *           most 40 whole numbers; the type "f" is what the caller says
 *   attrs   "axis=-1 alpha=0.5 pads=[1,1] approximate=tanh"; an integer has no '.', a float has one
 * Inputs are called "in0", "in1", … by their place, the first output "y", others "y1", "y2", … */
#ifndef ASSAY_IR_NODE_TEXT_H
#define ASSAY_IR_NODE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

/* Attributes by name, ended by ASSAY_ATTR_END; the names live in it. */
struct assay_node_attrs {
    struct assay_attr list[9];
    char              text[8][128];
};
void assay_node_attrs_read(const char *text, struct assay_node_attrs *out);

/* Adds the inputs to the graph; `f` is the type "f", `fill` that of what is bound. Returns how many there are; inputs has room
 * for ASSAY_OP_MAX_OPERANDS. */
size_t assay_node_inputs_read(struct assay_graph *g, enum assay_dtype f, struct assay_fill fill, const char *text, int32_t *inputs);

/* Adds a node of op ("assay.Sgd", "MatMul") with what was read; out[n_outputs <= 8]. */
void assay_node_add(struct assay_graph *g, const char *op, const int32_t *inputs, size_t n_inputs, const char *attrs, size_t n_outputs,
                    int32_t *out);

#endif
