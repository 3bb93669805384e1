/* assay.SigmoidGrad(dY, Y): dX = dY Y (1 - Y).
 * Cost: three flops an element. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_pair(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, 3, assay_output_elements(g, node, 0));
}

ASSAY_OP_IR(SigmoidGrad) = {.infer = infer, .cost = cost};
