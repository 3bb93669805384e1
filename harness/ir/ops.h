/* The op table: one row an op in ops.def; what ir knows of it in ops/<op>.c. */
#ifndef ASSAY_IR_OPS_H
#define ASSAY_IR_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/graph.h"
#include "harness/ir/graph.h"

enum assay_attr_presence { ASSAY_ATTR_REQUIRED = 1, ASSAY_ATTR_OPTIONAL = 2, ASSAY_ATTR_DEFAULT = 3 };

struct assay_attr_row {
    const char              *name; /* NULL ends the table */
    enum assay_attr_type     type;
    enum assay_attr_presence presence;
    int64_t                  i; /* the default; lists have none (infer completes them) */
    double                   f;
    const char              *text;
};

/* More operands than any row has. */
#define ASSAY_OP_MAX_OPERANDS 32

/* What inference may look at and must fill: the wanted outputs with dtype, rank and dims. It may also complete the
 * node's attributes, so that readers find them resolved (infer.h). `in` and `out` have ASSAY_OP_MAX_OPERANDS
 * entries whatever the node has: those it lacks are NULL. */
struct assay_infer {
    const struct assay_graph *graph;
    struct assay_node        *node;
    const struct assay_value **in;  /* NULL = absent */
    struct assay_value       **out; /* NULL = not wanted */
};

struct assay_gradient; /* gradient.h */

struct assay_op_ir {
    const struct assay_attr_row *attrs; /* NULL: no attributes */
    /* Refuses wrong dtypes and shapes with a sentence that names the input and both shapes. */
    enum assay_code (*infer)(const struct assay_infer *in, struct assay_error *err);
    /* Adds flops and transcendentals; bytes are already counted (each input and output once). NULL: neither. */
    void (*cost)(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost);
    /* Bytes read of input i where that is not all of them: rows that are chosen. NULL: all. More than there are counts as all. */
    uint64_t (*reads)(const struct assay_graph *g, const struct assay_node *node, uint32_t i);
    /* Bytes written of output o where it takes over an operand's memory and only a part of it changes. NULL: all. */
    uint64_t (*writes)(const struct assay_graph *g, const struct assay_node *node, uint32_t o);
    /* Emits the gradients of the inputs. NULL: not differentiable (gradient ops, optimizers); assay_gradient_zero where
     * the derivative is zero. */
    void (*gradient)(const struct assay_gradient *q);
};

struct assay_op_row {
    const char        *name, *domain; /* domain "" is ONNX's own */
    const char        *qualified;     /* "MatMul", "assay.Copy": what assay_op_find and assay_graph_op take */
    uint32_t           min_inputs, max_inputs, min_outputs, max_outputs;
    const struct assay_op_ir *ir;
};

/* "MatMul", or "assay.Copy" for the own domain; NULL: unknown. */
const struct assay_op_row *assay_op_find(const char *name);
/* All rows, in the order of ops.def. */
const struct assay_op_row *assay_op_rows(size_t *n);
/* The row's number in ops.def, for tables that other folders expand from it. */
size_t assay_op_index(const struct assay_op_row *row);

/* Algorithmic cost of one node: flops and transcendentals by the op's definition, every distinct value that it reads
 * once, every output once. Counts that exceed 64 bits stay at UINT64_MAX. */
struct assay_cost assay_node_cost(const struct assay_graph *g, const struct assay_node *node);
/* Of a whole graph: flops, transcendentals and messages summed over the nodes; bytes are what any execution must move at
 * least: every value that the graph is given and reads once, every output once. Temps are not counted, since a
 * device may fuse them away; sum assay_node_cost for what an unfused execution moves. */
struct assay_cost assay_graph_cost(const struct assay_graph *g);

/* ---- for ops/<op>.c ------------------------------------------------------------------------------------ */

/* Sums, products, and additions of times * count to a cost; what exceeds 64 bits stays at UINT64_MAX. */
uint64_t assay_count_add(uint64_t a, uint64_t b);
uint64_t assay_count_multiply(uint64_t a, uint64_t b);
void     assay_cost_flops(struct assay_cost *cost, uint64_t times, uint64_t count);
void     assay_cost_transcendentals(struct assay_cost *cost, uint64_t times, uint64_t count);

/* The row's constant: ASSAY_OP_IR(MatMul) = { .infer = …, .cost = … }; */
#define ASSAY_OP_IR(name) const struct assay_op_ir assay_op_ir_##name

#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out) \
    extern const struct assay_op_ir assay_op_ir_##name;
#include "harness/ir/ops.def"
#undef ASSAY_OP

#endif
