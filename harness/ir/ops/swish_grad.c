/* assay.SwishGrad(dY, X): dX = dY s (1 + alpha X (1 - s)), s = sigmoid(alpha X).
 * Cost an element: an addition for s, a subtraction, a multiplication by X, an addition, two multiplications, and one by
 * alpha (unless it is 1); an exponential and a division. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "alpha", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1.0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_pair(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    bool plain = assay_node_f64(node, "alpha", 1.0) == 1.0;
    assay_cost_flops(cost, plain ? 6 : 7, assay_output_elements(g, node, 0));
    assay_cost_transcendentals(cost, 2, assay_output_elements(g, node, 0));
}

ASSAY_OP_IR(SwishGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
