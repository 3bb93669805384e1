#include "harness/ir/samples.h"

#include "assay/banned.h"

#define SIGNED ASSAY_SAMPLE_SIGNED
#define POSITIVE ASSAY_SAMPLE_POSITIVE
#define SAMPLE(op, inputs, attrs, n_outputs, fill) {op, inputs, attrs, n_outputs, fill, ASSAY_SAMPLE_SMALL},
#define LONG(op, inputs, attrs, n_outputs, fill) {op, inputs, attrs, n_outputs, fill, ASSAY_SAMPLE_LONG},
const struct assay_sample assay_samples[] = {
#include "harness/ir/samples/convolutional.inc"
#include "harness/ir/samples/elementwise.inc"
#include "harness/ir/samples/index.inc"
#include "harness/ir/samples/moving.inc"
#include "harness/ir/samples/products.inc"
#include "harness/ir/samples/ranks.inc"
#include "harness/ir/samples/rows.inc"
#include "harness/ir/samples/transformers.inc"
};
const size_t assay_samples_n = sizeof assay_samples / sizeof *assay_samples;

struct assay_fill assay_sample_fill_of(const struct assay_sample *s)
{
    return s->fill == ASSAY_SAMPLE_POSITIVE ? ASSAY_FILL_POSITIVE : ASSAY_FILL_SIGNED;
}

struct assay_graph *assay_sample_graph(const struct assay_sample *s, enum assay_dtype dtype, struct assay_fill fill, int32_t *in,
                                       size_t *n_in, int32_t *out)
{
    struct assay_graph *g = assay_graph_new("sample");
    if (!g)
        return NULL;
    *n_in = assay_node_inputs_read(g, dtype, fill, s->inputs, in);
    assay_node_add(g, s->op, in, *n_in, s->attrs, (size_t)s->n_outputs, out);
    return g;
}
