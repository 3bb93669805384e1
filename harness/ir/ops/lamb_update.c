/* assay.LambUpdate(T, P, G, M, V, scale?): the first half of LAMB (You and others, "Large batch optimization for deep
 * learning", 2020): U, M' and V' as in adam_w.c, weight_decay P within U. The norms of P and U stand between the halves.
 * Cost: that of adam_w.c without the step. */
#include "harness/ir/update.h"

#include "assay/banned.h"

enum { T, P, G, M, V, SCALE };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_adam(in, T, P, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_adam(g, node, P, cost);
}

ASSAY_OP_IR(LambUpdate) = {.attrs = assay_adam_attrs, .infer = infer, .cost = cost};
