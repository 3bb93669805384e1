/* What a node of a graph takes on a chip: its op, attributes, shapes, formats and what control inputs hold, as one of the kernel
 * shapes of kernel.h. Which node is which, and what real stacks fuse: backends/model/README.md, "Nodes". */
#ifndef ASSAY_MODEL_NODE_H
#define ASSAY_MODEL_NODE_H

#include "assay/error.h"
#include "harness/base/hash.h"
#include "harness/ir/graph.h"
#include "harness/model/kernel.h"

struct assay_node_how {
    /* what values in f32 are kept and multiplied in: ASSAY_F32 as the graph says, ASSAY_BF16, ASSAY_F16 */
    enum assay_dtype   f32_as;
    const void *const *content; /* by value: what control inputs hold. NULL, or NULL in it: as full as the shapes allow */
};

/* What every node of a graph needs to know of the rest of it; borrows the graph until it is freed. */
struct assay_graph_facts;
enum assay_code assay_graph_facts_new(const struct assay_graph *g, struct assay_graph_facts **out, struct assay_error *err);
void            assay_graph_facts_free(struct assay_graph_facts *f);

/* ASSAY_UNSUPPORTED: the chip lacks a format or a number that the node needs; the message has the field's name. What costs
 * nothing (views, what is computed once at compile) has a price of zeros. */
enum assay_code assay_node_price(const struct assay_chip *chip, const struct assay_coefficients *k,
                                 const struct assay_graph_facts *f,
                                 uint32_t node, const struct assay_node_how *how, struct assay_price *out,
                                     struct assay_error *err);
/* Nodes of equal keys have equal prices on every chip, whatever control inputs hold. */
struct assay_hash128 assay_node_key(const struct assay_graph_facts *f, uint32_t node);
/* Does what a control input holds move its price? */
bool assay_node_is_controlled(const struct assay_graph_facts *f, uint32_t node);

#endif
