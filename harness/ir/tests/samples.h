/* Small nodes of every op, for tests that walk all of them: SAMPLE(op, inputs, attributes, outputs, fill). The type "f"
 * is chosen by the test; the fill is that of the float inputs. Each family of ops has its file in samples/. */
#ifndef ASSAY_IR_TESTS_SAMPLES_H
#define ASSAY_IR_TESTS_SAMPLES_H

#include "harness/ir/tests/sketch.h"

struct sample {
    char op[48], inputs[200], attrs[200];
    int n_outputs;
    enum { SIGNED, POSITIVE } fill;
};
#define SAMPLE(op, inputs, attrs, n_outputs, fill) {op, inputs, attrs, n_outputs, fill},
static const struct sample samples[] = {
#include "harness/ir/tests/samples/convolutional.inc"
#include "harness/ir/tests/samples/elementwise.inc"
#include "harness/ir/tests/samples/index.inc"
#include "harness/ir/tests/samples/moving.inc"
#include "harness/ir/tests/samples/products.inc"
#include "harness/ir/tests/samples/rows.inc"
#include "harness/ir/tests/samples/transformers.inc"
};
#undef SAMPLE
enum { N_SAMPLES = sizeof samples / sizeof *samples };

/* The sample's node in a graph with its float inputs in `dtype`; `out` gets its outputs, `in` its inputs (both with room
 * for ASSAY_OP_MAX_OPERANDS). The caller marks outputs, finishes and frees. */
static inline struct assay_graph *sample_graph(const struct sample *s, enum assay_dtype dtype, int32_t *in, size_t *n_in,
                                               int32_t *out)
{
    static const char *const names[] = {"y", "y1", "y2", "y3", "y4", "y5", "y6", "y7"};
    struct assay_graph *g = assay_graph_new("sample");
    struct assay_attr list[ASSAY_ATTR_MAX_LENGTH];
    char text[8][128];
    *n_in = sketch_inputs_as(g, dtype, s->fill == POSITIVE ? ASSAY_FILL_POSITIVE : ASSAY_FILL_SIGNED, s->inputs, in);
    sketch_attrs(s->attrs, list, text);
    assay_graph_op_outputs(g, s->op, names, (size_t)s->n_outputs, in, *n_in, list, out);
    return g;
}

#endif
