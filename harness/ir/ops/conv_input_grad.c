/* assay.ConvInputGrad: dX of a Conv, of shape input_shape, from dY [n, m, o1, ..] and W [m, c/group, k1, ..], with Conv's
 * attributes: dX[n, c, i] = the sum of dY[n, m, o] W[m, c, t] over the filters m of c's group and all o and taps t that see
 * i, o stride - pad + t dilation = i.
 * Cost: 2 (c/group) k1 k2 .. flops an element of dY, padding included, as the convolution itself. */
#include "harness/ir/conv.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_CONV_ATTRS(ASSAY_ATTR_OPTIONAL),
    {.name = "input_shape", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *w = in->in[1];
    const int64_t *x;
    struct assay_window win = {.filters = 1};
    enum assay_code code = assay_conv_grad_operands(in, err);
    if (!code)
        code = assay_window_input_shape(in, &x, err);
    if (code)
        return code;
    for (int32_t i = 0; i < w->rank - 2; i++)
        win.kernel[i] = w->dims[i + 2];
    code = assay_conv_grad_check(in, x, w->dims[0], w->dims[1], &win, err);
    if (!code)
        assay_infer_output(in, 0, w->dtype, w->rank, x);
    return code;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *w = assay_graph_value(g, node->inputs[1]);
    assay_cost_flops(cost, assay_count_multiply(2, assay_shape_count(w->dims, 1, w->rank)), assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(ConvInputGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
