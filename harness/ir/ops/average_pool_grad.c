/* assay.AveragePoolGrad: dX, of shape input_shape, from dY, with AveragePool's attributes: each window adds its dY, divided
 * by the window's count, to all that it sees.
 * Cost of an element of dY: a multiplication by the reciprocal of the count and kernel additions, padding included. */
#include "harness/ir/pool.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_POOL_ATTRS,
    {.name = "count_include_pad", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "input_shape", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const int64_t *dims;
    enum assay_code code = assay_infer_range(in, "count_include_pad", 0, 1, err);
    if (!code)
        code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_rank(in, 0, 3, 2 + ASSAY_WINDOW_MAX_AXES, err);
    if (!code)
        code = assay_window_input_shape(in, &dims, err);
    return code ? code : assay_pool_grad_infer(in, dims, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, assay_count_add(assay_window_taps(node), 1), assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(AveragePoolGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
