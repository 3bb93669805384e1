/* assay.EmbeddingBagGrad: the gradient of EmbeddingBag's table of `rows` rows: to each row, in the order of the indices, dY of
 * the bags that name it, for means divided by what the bag holds.
 * Cost: an addition for every element of every row that is named, and for means a division an element of dY. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "sum"},
    {.name = "rows", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0], *offsets = in->in[2];
    const char               *mode = assay_node_text(in->node, "mode", "sum");
    int64_t                   rows = assay_node_i64(in->node, "rows", 0);
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_rank(in, 0, 2, 2, err);
    for (int i = 1; !code && i < 3; i++) {
        code = assay_infer_type(in, i, ASSAY_TYPES_INDEX, err);
        if (!code)
            code = assay_infer_rank(in, i, 1, 1, err);
    }
    if (code)
        return code;
    if (strcmp(mode, "sum") != 0 && strcmp(mode, "mean") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "mode must be sum or mean, got '%s'", mode);
    if (dy->dims[0] != offsets->dims[0])
        return ASSAY_INFER_REFUSE(in, err, 0, 2, "%" PRId64 " and %" PRId64 " bags", dy->dims[0], offsets->dims[0]);
    if (rows < 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "rows must not be negative, got %" PRId64, rows);
    assay_infer_output(in, 0, dy->dtype, 2, (int64_t[]){rows, dy->dims[1]});
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t width = (uint64_t)assay_graph_value(g, node->inputs[0])->dims[1];
    assay_cost_flops(cost, width, assay_input_elements(g, node, 1));
    if (!strcmp(assay_node_text(node, "mode", "sum"), "mean"))
        assay_cost_transcendentals(cost, 1, assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(EmbeddingBagGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
