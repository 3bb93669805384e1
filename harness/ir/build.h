/* What the files of ir share while a graph is built. Nobody else includes this. */
#ifndef ASSAY_IR_BUILD_H
#define ASSAY_IR_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/arena.h"
#include "harness/ir/graph.h"

/* Names to value indices: open addressing, a power of two of slots, each index + 1 or 0 for a free one. */
struct assay_names {
    uint32_t *slots;
    size_t n_slots, n_used;
};

struct assay_graph_memory {
    struct assay_arena arena; /* operand lists, attributes, texts, const data */
    struct assay_names names;
    uint32_t value_room, node_room;
    uint32_t  step;    /* what is being built belongs to it (steps.h); 0: to none */
    uint32_t  step_room;
    uint32_t *step_of; /* [step_room], by node */
};

/* ASSAY_NO_VALUE: no value of that name. */
int32_t assay_names_find(const struct assay_graph *g, const char *name);
/* Enters g->values[index], whose name is not there yet. false: out of memory. */
bool assay_names_add(struct assay_graph *g, int32_t index);

/* May the graph still grow? false after an error and, with a complaint for the next finish, after finish. */
bool assay_graph_open(struct assay_graph *g);
/* `name` as it is in the repetition that is being built; `room` is where that is written. Too long a name stays too long. */
const char *assay_graph_repeated_name(const struct assay_graph *g, const char *name, char room[ASSAY_VALUE_NAME_BYTES + 16]);
/* Keeps *err if it is the graph's first error. */
void assay_graph_keep(struct assay_graph *g, const struct assay_error *err);
/* Is `name` one that a new value may take? `what` begins the sentence ("param"). */
enum assay_code assay_graph_check_name(const struct assay_graph *g, const char *what, const char *name,
                                       struct assay_error *err);
/* Checks dtype, rank and dims of *v and fills elements and bytes. */
enum assay_code assay_value_measure(struct assay_value *v, const char *what, struct assay_error *err);
/* Room for n more values (n more nodes) without moving the arrays again. */
enum assay_code assay_graph_reserve_values(struct assay_graph *g, uint32_t n, struct assay_error *err);
enum assay_code assay_graph_reserve_nodes(struct assay_graph *g, uint32_t n, struct assay_error *err);
/* Takes g->values[g->n_values], filled by the caller after a reservation, into the graph; its index in *index. */
enum assay_code assay_graph_admit(struct assay_graph *g, int32_t *index, struct assay_error *err);

#endif
