/* assay.EmbeddingBag: for each bag the sum or mean of the rows of a table that its indices name. Bag i holds indices
 * offsets[i] .. offsets[i+1]-1, the last all that are left; offsets begin with 0 and do not fall. An empty bag gives zeros.
 * Indices are in -rows .. rows-1.
 * Cost: an addition for every element of every row that is named, and for means a division an element of the result. They
 * are counted as if no bag was empty or of one row. */
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "sum"},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *table = in->in[0], *offsets = in->in[2];
    const char               *mode = assay_node_text(in->node, "mode", "sum");
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_rank(in, 0, 2, 2, err);
    for (int i = 1; !code && i < 3; i++) {
        code = assay_infer_type(in, i, ASSAY_TYPES_INDEX, err);
        if (!code)
            code = assay_infer_rank(in, i, 1, 1, err);
    }
    if (!code && strcmp(mode, "sum") != 0 && strcmp(mode, "mean") != 0)
        code = ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "mode must be sum or mean, got '%s'", mode);
    if (!code)
        assay_infer_output(in, 0, table->dtype, 2, (int64_t[]){offsets->dims[0], table->dims[1]});
    return code;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t width = (uint64_t)assay_graph_value(g, node->inputs[0])->dims[1];
    assay_cost_flops(cost, width, assay_input_elements(g, node, 1));
    if (!strcmp(assay_node_text(node, "mode", "sum"), "mean"))
        assay_cost_transcendentals(cost, 1, assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
    size_t            n = assay_gradient_attrs(q, list);
    list[n++] = ASSAY_ATTR_INT("rows", assay_graph_value(q->graph, q->node->inputs[0])->dims[0]);
    list[n] = ASSAY_ATTR_END;
    if (q->wanted[0])
        q->dx[0] = assay_gradient_op(q, "assay.EmbeddingBagGrad", (int32_t[]){q->dy[0], q->node->inputs[1], q->node->inputs[2]}, 3, list);
}

/* The chosen rows, not the table. */
static uint64_t reads(const struct assay_graph *g, const struct assay_node *node, uint32_t i)
{
    const struct assay_value *table = assay_graph_value(g, node->inputs[0]);
    return i == 0 ? assay_dtype_bytes(table->dtype, assay_count_multiply(assay_input_elements(g, node, 1), (uint64_t)table->dims[1])) : UINT64_MAX;
}

ASSAY_OP_IR(EmbeddingBag) = {.attrs = attrs, .infer = infer, .reads = reads, .cost = cost, .gradient = gradient};
