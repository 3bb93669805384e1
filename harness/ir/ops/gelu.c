/* Gelu (ONNX 20): Y = X/2 * (1 + erf(X / sqrt 2)), or with approximate "tanh"
 * Y = X/2 * (1 + tanh(sqrt(2/pi) * (X + 0.044715 X^3))).
 * Cost an element: multiply by 1/sqrt 2, add 1, multiply by X and by 1/2 and one erf; approximated, three
 * multiplications for the cubic term, an addition, a multiplication by sqrt(2/pi), add 1, multiply by X and by 1/2,
 * and one tanh. */
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "approximate", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "none"},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const char *approximate = assay_node_text(in->node, "approximate", "none");
    if (strcmp(approximate, "none") != 0 && strcmp(approximate, "tanh") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "approximate must be none or tanh, got '%.32s'", approximate);
    return assay_infer_unary(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    bool exact = !strcmp(assay_node_text(node, "approximate", "none"), "none");
    assay_cost_flops(cost, exact ? 4 : 8, assay_output_elements(g, node, 0));
    assay_cost_transcendentals(cost, 1, assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr attrs_of_node[ASSAY_GRADIENT_MAX_ATTRS];
    (void)assay_gradient_attrs(q, attrs_of_node);
    q->dx[0] = assay_gradient_op(q, "assay.GeluGrad", (int32_t[]){q->dy[0], q->node->inputs[0]}, 2, attrs_of_node);
}

ASSAY_OP_IR(Gelu) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
