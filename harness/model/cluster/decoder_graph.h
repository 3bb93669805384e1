/* The decoder that a graph is: its numbers by the names that params have in public checkpoints ("model.layers.3.self_attn.q_proj.weight"),
 * heads and experts by the ops. So a system that is only handed a graph knows how to spread it. */
#ifndef ASSAY_MODEL_DECODER_GRAPH_H
#define ASSAY_MODEL_DECODER_GRAPH_H

#include "assay/dtype.h"
#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/model/cluster/decoder.h"

struct assay_decoder_in_graph {
    struct assay_decoder_numbers numbers;
    double                       batch, tokens; /* of input_ids: sequences, and tokens of each; of a server's step: sequences, and tokens of all */
    bool                         trains;        /* the graph changes its params */
    bool                         serves;        /* it is a step of a server over caches in blocks: */
    double                       cache_tokens, cache_bytes; /* that the blocks hold together; bytes of an element */
    enum assay_dtype             weights;       /* that the matrices of layer 0 are stored in */
};
/* ASSAY_UNSUPPORTED: it is no decoder, or one of several ranks; the message says what is missing. */
enum assay_code assay_decoder_in_graph(const struct assay_graph *g, struct assay_decoder_in_graph *out, struct assay_error *err);

#endif
