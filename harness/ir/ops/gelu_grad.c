/* assay.GeluGrad(dY, X): dX = dY (P + X p), P = (1 + erf(X / sqrt 2)) / 2, p = exp(-X^2 / 2) / sqrt(2 pi); with
 * approximate "tanh" dX = dY / 2 (1 + t + X (1 - t^2) u'), t = tanh(u), u = sqrt(2/pi) (X + 0.044715 X^3).
 * Cost an element: three flops for P, two for the exponent, one for 1 / sqrt(2 pi), three to join; an erf and an
 * exponential. Approximated, five for u, three for u', one for 1 + t, two for 1 - t^2, three to join and two by dY / 2;
 * one tanh. */
#include <string.h>

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
    return assay_infer_pair(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    bool exact = !strcmp(assay_node_text(node, "approximate", "none"), "none");
    assay_cost_flops(cost, exact ? 9 : 16, assay_output_elements(g, node, 0));
    assay_cost_transcendentals(cost, exact ? 2 : 1, assay_output_elements(g, node, 0));
}

ASSAY_OP_IR(GeluGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
