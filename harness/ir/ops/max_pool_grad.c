/* assay.MaxPoolGrad: dX from dY and X, with MaxPool's attributes. Each window adds its dY to the element it took: the first
 * of the greatest in row-major order of its taps; a NaN is greater than all, and the first NaN counts.
 * Cost: one addition for each element of dY. */
#include "harness/ir/pool.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_POOL_ATTRS,
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_rank(in, 0, 3, 2 + ASSAY_WINDOW_MAX_AXES, err);
    if (!code && in->in[1]->rank != in->in[0]->rank)
        code = ASSAY_INFER_REFUSE(in, err, 0, 1, "the ranks must be equal");
    return code ? code : assay_pool_grad_infer(in, in->in[1]->dims, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, 1, assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(MaxPoolGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
