/* A graph on a back end, ready to be executed: buffers, rotating input sets, poisoned guarded outputs.
 *
 * Slots: each input value has `slots` buffers; before every batch the sets are dealt to the slots anew, in an order
 * from the operating system's entropy, so that what a buffer holds changes while its handle stays. Every output has
 * `slots` places too, each with guard bytes before and behind, poisoned before every batch.
 *
 * A graph with outputs that take over params or states restores: before every execution what they take over is written
 * anew from the host's copy, between guard bytes, so that each one is the same step from the same state with another input
 * set. Then there is one place for everything, slot 0, and the sets take turns in an order from the operating system's
 * entropy, each once before any comes again. */
#ifndef ASSAY_LOAD_GRAPH_TARGET_H
#define ASSAY_LOAD_GRAPH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/backend.h"
#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/load/target.h"
#include "suites/weights/value_source.h"

#define ASSAY_MIN_SETS 8u
#define ASSAY_GUARD_BYTES 4096u

struct assay_graph_target;

enum assay_target_phase { ASSAY_TARGET_FILL, ASSAY_TARGET_UPLOAD, ASSAY_TARGET_COMPILE };

struct assay_graph_target_setup {
    const struct assay_backend     *backend;
    struct assay_session           *session;
    const struct assay_device_info *device; /* it and the graph are borrowed until the target is freed */
    const struct assay_graph       *graph;
    const struct assay_value_source *source; /* borrowed likewise; NULL: all values from the generator */
    uint64_t                        seed;
    /* Fills a value of an input set in place of source and seed, as assay_value_fill does; NULL: they do. */
    enum assay_code (*fill)(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to, struct assay_error *err);
    void                           *fill_self;
    uint32_t                        slots;  /* input sets, and output places unless the graph restores; at least 1, by rule
                                               ASSAY_MIN_SETS */
    uint64_t                        limit_bytes; /* host and device memory each that may be taken */
    /* A target of the same session that is freed later, or NULL: what both have of params that stay as they are is in its buffers,
     * and a poll of either tells of the executions of both. So a workload is compiled for several sizes over one set of weights. */
    struct assay_graph_target      *beside;
    /* Called as phases begin. May be NULL. */
    void (*phase)(void *self, enum assay_target_phase phase);
    void *phase_self;
};

/* Bytes that the buffers of all slots take on the device; and that the host keeps beside them. */
void assay_graph_target_bytes(const struct assay_graph *g, uint32_t slots, uint64_t *device_bytes, uint64_t *host_bytes);

/* Bytes of params that a target of `g` takes from one of `beside` that it stands beside. */
uint64_t assay_graph_target_shared_bytes(const struct assay_graph *g, const struct assay_graph *beside);

/* Allocates, fills, uploads params and sets, compiles. Frees everything itself when it fails. ASSAY_MEMORY with the numbers:
 * more than limit_bytes. */
enum assay_code assay_graph_target_new(const struct assay_graph_target_setup *setup, struct assay_graph_target **out,
                                       struct assay_error *err);
void            assay_graph_target_free(struct assay_graph_target *t);
struct assay_target  assay_graph_target_as_target(struct assay_graph_target *t);
struct assay_program *assay_graph_target_program(struct assay_graph_target *t);

/* Must `prepare` come before every single execution? All of them are slot 0's then. */
bool assay_graph_target_restores(const struct assay_graph_target *t);
/* Before a batch of `n` <= slots queries: deals the sets, uploads what moved, restores, poisons the outputs. Untimed. */
enum assay_code assay_graph_target_prepare(struct assay_graph_target *t, uint32_t n, struct assay_error *err);
/* What an execution left, in the order of assay_graph_outputs; valid until the next call. */
struct assay_collected {
    const void *const *outputs;
    const void *const *before; /* of an output that takes over a param or state: what that held; else NULL */
    uint32_t           set;
    uint64_t           poison_key, guard_changed; /* guard bytes that changed */
};
/* After the batch: brings slot's outputs to the host. */
enum assay_code assay_graph_target_collect(struct assay_graph_target *t, uint32_t slot, struct assay_collected *out,
                                           struct assay_error *err);
/* One execution of a slot that was prepared, with the flag that traces it: waits for it and asks for its rows. *n = how many
 * there are, also beyond `capacity`. ASSAY_UNAVAILABLE: the back end has no trace. */
enum assay_code assay_graph_target_trace(struct assay_graph_target *t, uint32_t slot, uint64_t timeout_ns,
                                         struct assay_trace_row *rows, size_t capacity, size_t *n, struct assay_span *span,
                                         struct assay_error *err);
/* The values filled and uploaded, for the memory part of a record: all distinct bytes a rotation touches. */
uint64_t assay_graph_target_working_set(const struct assay_graph_target *t);

#endif
