/* The items of a batch: which part of every value belongs to which item, and inputs in which chosen items stand at chosen places.
 *
 * The workload names the parameter that counts its items (assay/workload.h). Built at two sizes, the graph itself says where they
 * are: the axis of a value that grows with the number of items. What does not grow is shared by all items. */
#ifndef ASSAY_RUN_ITEMS_H
#define ASSAY_RUN_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/plan/plan.h"

/* A value seen as [outer, items, chunk]. */
struct assay_item_axis {
    bool     has;   /* false: it belongs to no item */
    uint64_t outer, chunk_elements, chunk_bytes;
};

struct assay_items {
    const struct assay_case *what; /* borrowed */
    struct assay_case        whole; /* the case with `size` items */
    struct assay_graph      *graph; /* its graph */
    struct assay_item_axis  *axis;  /* one a value of it */
    uint32_t                 size;
    bool                     placed_state; /* some state belongs to places: items cannot change theirs */
    uint64_t                 seed;
};

/* `size` becomes the case's own number of items, or `least` if that is more. ASSAY_UNSUPPORTED with the reason where there are no
 * items: no such parameter, a training step that joins them, no output that belongs to one. */
enum assay_code assay_items_init(const struct assay_case *what, uint64_t seed, uint32_t least, struct assay_items *out,
                                 struct assay_error *err);
void            assay_items_release(struct assay_items *items);
/* The case with another number of items. Release it. */
enum assay_code assay_items_case(const struct assay_items *items, uint32_t size, struct assay_case *out, struct assay_error *err);

/* An item by its row of a generated input set of the whole. */
struct assay_item {
    uint32_t set, row;
};
/* Inputs made of chosen items; what belongs to none is that of `set`. */
struct assay_arrangement {
    uint32_t                 set, n;
    const struct assay_item *item; /* n */
};
struct assay_arrangements {
    const struct assay_items       *items;
    const struct assay_arrangement *arrangement; /* one an input set of the target */
};
/* For graph_target_setup.fill with `self` a struct assay_arrangements: the values of a graph of any number of items. Params, states
 * and inputs that count places (offsets) stay where they are. */
enum assay_code assay_items_fill(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to, struct assay_error *err);

#endif
