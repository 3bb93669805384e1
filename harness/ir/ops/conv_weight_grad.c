/* assay.ConvWeightGrad: dW [m, c/group, k1, ..] of a Conv from dY [n, m, o1, ..] and X [n, c, d1, ..], with Conv's
 * attributes, of which kernel_shape must be there: dW[m, c, t] = the sum of dY[n, m, o] X[n, c, i] over all n and o, where
 * i = o stride - pad + t dilation, in the group of m.
 * Cost: 2 (c/group) k1 k2 .. flops an element of dY, padding included, as the convolution itself. */
#include "harness/ir/conv.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_CONV_ATTRS(ASSAY_ATTR_REQUIRED),
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0], *x = in->in[1];
    struct assay_window win = {.filters = ASSAY_INFER_NONE};
    int64_t dims[2 + ASSAY_WINDOW_MAX_AXES];
    enum assay_code code = assay_conv_grad_operands(in, err);
    if (!code)
        code = assay_conv_grad_check(in, x->dims, dy->dims[1], -1, &win, err);
    if (code)
        return code;
    dims[0] = dy->dims[1];
    dims[1] = x->dims[1] / assay_node_i64(in->node, "group", 1);
    for (int32_t i = 0; i < win.axes; i++)
        dims[i + 2] = win.kernel[i];
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *w = assay_graph_value(g, node->outputs[0]);
    assay_cost_flops(cost, assay_count_multiply(2, assay_shape_count(w->dims, 1, w->rank)), assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(ConvWeightGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
