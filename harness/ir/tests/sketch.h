/* A graph of one node from text (harness/ir/node_text.h), for tables of cases. */
#ifndef ASSAY_IR_TESTS_SKETCH_H
#define ASSAY_IR_TESTS_SKETCH_H

#include <stdlib.h>
#include <string.h>

#include "harness/ir/node_text.h"
#include "reference/formats/formats.h"

/* A graph with the node, its outputs marked; the caller finishes and frees it. */
static inline struct assay_graph *sketch(const char *op, const char *inputs, const char *attrs, size_t n_outputs)
{
    struct assay_graph *g = assay_graph_new("sketch");
    int32_t in[ASSAY_OP_MAX_OPERANDS], out[8];
    size_t n = assay_node_inputs_read(g, ASSAY_F32, ASSAY_FILL_SIGNED, inputs, in);
    assay_node_add(g, op, in, n, attrs, n_outputs, out);
    for (size_t o = 0; o < n_outputs; o++)
        assay_graph_output(g, out[o]);
    return g;
}

/* "f32[2,4] f32[2]": the shapes of all outputs of the sketch, or the refusal after "refused: ". */
static inline void sketch_shapes(const struct assay_graph *g, size_t n_outputs, struct assay_text *out)
{
    if (g->first_error.code != ASSAY_OK) {
        assay_text_add(out, "refused: %s", g->first_error.message);
        return;
    }
    for (size_t o = 0; o < n_outputs; o++) {
        assay_text_add(out, "%s", o ? " " : "");
        assay_value_describe(assay_graph_value(g, g->nodes[0].outputs[o]), out);
    }
}

#endif
