/* assay.SoftmaxGrad(dY, Y): dX = Y (dY - sum(dY Y)) along `axis`.
 * Cost of a row of n: n products and n - 1 additions for the sum, n subtractions and n multiplications. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    int32_t axis;
    enum assay_code code = assay_infer_axis(in, "axis", &axis, err);
    return code ? code : assay_infer_pair(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t n = (uint64_t)x->dims[assay_node_i64(node, "axis", 0)];
    if (n) {
        assay_cost_flops(cost, 4 * n - 1, x->elements / n);
    }
}

ASSAY_OP_IR(SoftmaxGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
