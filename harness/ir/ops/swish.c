/* Swish (ONNX 24): Y = X * sigmoid(alpha X) = X / (1 + exp(-alpha X)).
 * Cost an element: an addition, a multiplication by alpha (unless it is 1); an exponential and a division. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "alpha", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1.0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    bool plain = assay_node_f64(node, "alpha", 1.0) == 1.0;
    assay_cost_flops(cost, plain ? 1 : 2, assay_output_elements(g, node, 0));
    assay_cost_transcendentals(cost, 2, assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr attrs_of_node[ASSAY_GRADIENT_MAX_ATTRS];
    (void)assay_gradient_attrs(q, attrs_of_node);
    q->dx[0] = assay_gradient_op(q, "assay.SwishGrad", (int32_t[]){q->dy[0], q->node->inputs[0]}, 2, attrs_of_node);
}

ASSAY_OP_IR(Swish) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
