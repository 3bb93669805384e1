/* assay.LambApply(R, P, U, norm_p, norm_u): P' = P - R (norm_p / norm_u) U, where a norm that is zero counts as a ratio of
 * one: LAMB's second half. R and the norms are one number each.
 * Cost: two flops an element; a product and a division. */
#include "harness/ir/update.h"

#include "assay/banned.h"

enum { R, P, U, NORM_P, NORM_U };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_scalar(in, R, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_alike(in, P, U, err);
    for (int i = NORM_P; !code && i <= NORM_U; i++)
        code = assay_infer_scalar(in, i, ASSAY_TYPES_FLOAT, err);
    if (!code)
        assay_infer_next(in, 0, P);
    return code;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, 2, assay_output_elements(g, node, 0));
    assay_cost_flops(cost, 1, 1);
    assay_cost_transcendentals(cost, 1, 1);
}

ASSAY_OP_IR(LambApply) = {.infer = infer, .cost = cost};
