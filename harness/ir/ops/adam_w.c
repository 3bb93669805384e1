/* assay.AdamW(R, T, P, G, M, V, scale?), Loshchilov and Hutter, "Decoupled weight decay regularization", 2019: g = G scale,
 * M' = beta1 M + (1 - beta1) g, V' = beta2 V + (1 - beta2) g^2,
 * U = (M' / (1 - beta1^T)) / (sqrt(V' / (1 - beta2^T)) + epsilon) + weight_decay P, P' = P - R U.
 * R (a float), T (i64, 1 at the first step) and scale are one number each; T's numbers and 1 - beta are formed in double.
 * Cost an element: three flops for M', four for V', two to correct them, one for epsilon, two for the step, one for scale
 * and two for weight_decay where they are; a root and a division. Two powers and two reciprocals a step. */
#include "harness/ir/update.h"

#include "assay/banned.h"

enum { R, T, P, G, M, V, SCALE };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_scalar(in, R, ASSAY_TYPES_FLOAT, err);
    return code ? code : assay_infer_adam(in, T, P, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_adam(g, node, P, cost);
    assay_cost_flops(cost, 2, assay_output_elements(g, node, 0));
}

ASSAY_OP_IR(AdamW) = {.attrs = assay_adam_attrs, .infer = infer, .cost = cost};
