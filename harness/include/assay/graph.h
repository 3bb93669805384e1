/* A graph as a plug-in sees it: values and nodes in topological order, read through the host's accessors
 * (backend.h, struct assay_host), never by layout.
 *
 * A graph is SSA: every value is an input of some role or written by exactly one node. Ops are ONNX ops with
 * the semantics of opset 24, named as there ("MatMul", "LayerNormalization"); what ONNX lacks stands in the
 * domain "assay" (gradients, optimizers, Copy, collectives, paged attention). Shapes are static and row-major;
 * Conv is NCHW. Aliasing: an output value may name `alias_of`, a param or state value whose memory it takes
 * over; the node that writes it is the last to read the old content. */
#ifndef ASSAY_GRAPH_H
#define ASSAY_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"

#define ASSAY_MAX_RANK 8
#define ASSAY_NO_VALUE (-1) /* an optional input that is absent */

struct assay_graph; /* opaque */

/* What a value is for; decides who binds it and when it may change. Numbers are only ever appended. */
enum assay_role {
    ASSAY_ROLE_INPUT = 1,   /* bound per launch; differs from launch to launch */
    ASSAY_ROLE_CONTROL = 2, /* small integers that decide the cost of a step; always bound by host pointer */
    ASSAY_ROLE_PARAM = 3,   /* weights: fixed at compile, unless an output aliases it */
    ASSAY_ROLE_STATE = 4,   /* kept from launch to launch (KV cache, optimizer moments); changed through aliases */
    ASSAY_ROLE_CONST = 5,   /* content is part of the graph */
    ASSAY_ROLE_TEMP = 6,    /* between nodes; never bound */
    ASSAY_ROLE_OUTPUT = 7,  /* bound per launch; read by the host afterwards */
};

/* Where a value's memory is; the default is the device. Copy nodes move between places. */
enum assay_place {
    ASSAY_PLACE_DEVICE = 1,
    ASSAY_PLACE_HOST_PINNED = 2,
    ASSAY_PLACE_HOST_PAGEABLE = 3,
    ASSAY_PLACE_PEER = 4,
};

/* The caller sets size = sizeof before it asks; the host fills what it knows. Pointers live as long as the graph. */
struct assay_value_view {
    uint32_t         size;
    enum assay_dtype dtype;
    enum assay_role  role;
    enum assay_place place;
    int32_t          rank;
    int32_t          alias_of; /* value index, or ASSAY_NO_VALUE */
    int32_t          producer; /* node index, or -1 for a value no node writes */
    int64_t          dims[ASSAY_MAX_RANK];
    uint64_t         elements, bytes;
    const char      *name;
    const void      *data; /* CONST only: `bytes` bytes; else NULL */
};

struct assay_node_view {
    uint32_t       size;
    uint32_t       n_inputs, n_outputs;
    const int32_t *inputs;  /* value indices; ASSAY_NO_VALUE = absent */
    const int32_t *outputs; /* value indices; ASSAY_NO_VALUE = not wanted */
    const char    *op, *domain, *name;
};

/* What a node costs whatever executes it: the algorithmic counts of the op's definition. */
struct assay_cost {
    uint32_t size;
    uint64_t flops;           /* multiplies and adds, each 1; comparisons and selections 0 */
    uint64_t transcendentals; /* exp, log, erf, tanh, division, square root: one each */
    uint64_t read_bytes;      /* every input once */
    uint64_t written_bytes;   /* every output once */
    /* Since ABI 1.3: of ops between ranks, the message: what one rank gives or gets, whichever is more; 0 in a group of one */
    uint64_t payload_bytes;
};

#endif
