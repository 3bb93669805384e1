/* Add: C = A + B with broadcasting (ONNX Add-14).
 * Cost: one flop an output element. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_binary(in, ASSAY_TYPES_NUMERIC, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, 1, assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    for (int i = 0; i < 2; i++)
        if (q->wanted[i])
            q->dx[i] = assay_gradient_sum_to(q, q->dy[0], q->node->inputs[i]);
}

ASSAY_OP_IR(Add) = {.infer = infer, .cost = cost, .gradient = gradient};
