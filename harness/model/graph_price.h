/* What a whole graph takes on a chip: one node after the other, nodes that are alike priced once. */
#ifndef ASSAY_MODEL_GRAPH_PRICE_H
#define ASSAY_MODEL_GRAPH_PRICE_H

#include "harness/model/node.h"

/* Nodes that are alike. */
struct assay_node_class {
    uint32_t             first, count; /* a node of it; how many there are */
    bool                 controlled;
    struct assay_hash128 key;
    struct assay_price   price;        /* of one of them, by the last pricing */
};

struct assay_graph_price {
    const struct assay_graph *graph;
    struct assay_graph_facts *facts;
    struct assay_node_class  *classes;
    uint32_t                 *class_of; /* by node */
    uint32_t                  n_classes;
    struct assay_price        total;
};

struct assay_adjust {
    void (*each)(void *self, const struct assay_graph *g, struct assay_node_class *c);
    void *self;
};

/* Finds what is alike; borrows the graph until it is freed. Nothing has a price yet. */
enum assay_code assay_graph_price_new(const struct assay_graph *g, struct assay_graph_price **out, struct assay_error *err);
void            assay_graph_price_free(struct assay_graph_price *p);
/* Prices every class anew, or with `again` only those that what control inputs hold can move; then the total. `adjust`, which may
 * be NULL, is called with every class that was priced. */
enum assay_code assay_graph_price_on(struct assay_graph_price *p, const struct assay_chip *chip,
                                     const struct assay_coefficients *k,
                                     const struct assay_node_how *how, bool again, const struct assay_adjust *adjust,
                                     struct assay_error *err);

#endif
