/* A case, built and compiled on a back end, whose outputs are wanted and not its time: repetitions and soaks are made of rounds
 * on a rig. In the process it is called in: only workers do. */
#ifndef ASSAY_RUN_RIG_H
#define ASSAY_RUN_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/hash.h"
#include "harness/load/graph_target.h"
#include "harness/plan/plan.h"
#include "harness/run/loader.h"
#include "suites/weights/value_source.h"

struct assay_rig_setup {
    const struct assay_case *what;
    const char              *backend, *plugin; /* plugin "": where the name leads to */
    const char              *weights, *inputs; /* "": the generator (suites/weights/value_source.h) */
    uint64_t                 seed, timeout_ns; /* of one execution */
    uint32_t                 sets;             /* input sets */
    uint64_t                 limit_bytes;      /* host and device memory each; fewer sets are taken if that many do not fit */
    /* As in struct assay_graph_target_setup; may be NULL. */
    enum assay_code (*fill)(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to, struct assay_error *err);
    void *self;
};

struct assay_rig {
    struct assay_rig_setup     with; /* borrowed pointers; sets: those there are */
    struct assay_graph        *graph;
    struct assay_value_source *source;
    struct assay_opened        opened;
    struct assay_graph_target *target;
    size_t                     n_outputs;
    int32_t                   *outputs;      /* values, in the order of assay_graph_outputs */
    uint64_t                   output_bytes; /* of one execution, one behind the other */
    uint64_t                   busy_ns;      /* wall time of all executions so far, from issue to completion */
    uint64_t                   executed;
    bool                       hung; /* an execution did not come to its end */
};

/* Builds, opens, fills, compiles. Frees everything itself when it fails. ASSAY_UNSUPPORTED: the device computes no values, or does
 * not take the case, because … */
enum assay_code assay_rig_open(const struct assay_rig_setup *setup, struct assay_rig *out, struct assay_error *err);
/* A device that hung is not asked to clean up, where it would hang again: what it holds ends with the process. */
void            assay_rig_close(struct assay_rig *rig);

/* One execution of every set, each into poisoned outputs, in an order from the operating system's entropy. `see` is called after
 * each with what it left; an error of it ends the round. ASSAY_TIMEOUT: an execution took longer than timeout_ns. */
struct assay_rig_watch {
    enum assay_code (*see)(void *self, const struct assay_collected *left, struct assay_error *err);
    void *self;
};
enum assay_code assay_rig_round(struct assay_rig *rig, const struct assay_rig_watch *watch, struct assay_error *err);

/* XXH3-128 of all output bytes of an execution, as the witness makes it. */
struct assay_hash128 assay_rig_hash(const struct assay_rig *rig, const struct assay_collected *left);
/* Copies all output bytes, one output behind the other. */
void                 assay_rig_copy(const struct assay_rig *rig, const struct assay_collected *left, unsigned char *to);

#endif
