/* Conv (ONNX 22): Y = X convolved with W, plus B, for X [n, c, d1..], W [m, c/group, k1..], B [m], Y [n, m, o1..] of
 * one to three spatial axes. With window w = (k - 1) dilation + 1,
 *     o = floor((d + pad at begin + pad at end - w) / stride) + 1;
 * auto_pad VALID pads nothing; SAME_UPPER and SAME_LOWER pad so that o = ceil(d / stride), the odd one at the end or
 * at the beginning. In a built graph kernel_shape, strides, dilations and pads always stand in the node and auto_pad
 * is NOTSET, so that a reader needs nothing else.
 * Cost: 2 (c/group) k1 k2 .. flops an output element, padding included, and one to add B. */
#include <inttypes.h>

#include "harness/ir/conv.h"
#include "harness/ir/gradient.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_CONV_ATTRS(ASSAY_ATTR_OPTIONAL),
    {.name = NULL},
};

static enum assay_code check_channels(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *w = in->in[1], *b = in->in[2];
    int64_t group = assay_node_i64(in->node, "group", 1), c = x->dims[1], m = w->dims[0];
    if (w->rank != x->rank)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the ranks must be equal");
    if (group < 1)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "group must be positive, got %" PRId64,
                                  group);
    if (c % group || c / group != w->dims[1])
        return ASSAY_INFER_REFUSE(in, err, 0, 1,
                                  "%" PRId64 " channels in %" PRId64 " groups do not meet %" PRId64 " in a kernel", c,
                                  group, w->dims[1]);
    if (m % group)
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE,
                                  "%" PRId64 " kernels do not divide into %" PRId64 " groups", m, group);
    if (b && (b->rank != 1 || b->dims[0] != m))
        return ASSAY_INFER_REFUSE(in, err, 1, 2, "the bias must be [%" PRId64 "]", m);
    return ASSAY_OK;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *w = in->in[1];
    struct assay_window win = {.input = 0, .filters = 1};
    int64_t dims[2 + ASSAY_WINDOW_MAX_AXES] = {x->dims[0], w->dims[0]};
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    for (int i = 1; !code && i < 3; i++)
        code = assay_infer_same_type(in, 0, i, err);
    if (!code)
        code = assay_infer_rank(in, 0, 3, 2 + ASSAY_WINDOW_MAX_AXES, err);
    if (!code)
        code = check_channels(in, err);
    if (code)
        return code;
    win.axes = x->rank - 2;
    for (int32_t i = 0; i < win.axes; i++) {
        win.in[i] = x->dims[i + 2];
        win.kernel[i] = w->dims[i + 2];
    }
    code = assay_window_resolve(in, &win, err);
    if (code)
        return code;
    for (int32_t i = 0; i < win.axes; i++)
        dims[i + 2] = win.out[i];
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *w = assay_graph_value(g, node->inputs[1]);
    uint64_t depth = assay_shape_count(w->dims, 1, w->rank), elements = assay_output_elements(g, node, 0);
    assay_cost_flops(cost, assay_count_multiply(2, depth), elements);
    if (node->n_inputs > 2)
        assay_cost_flops(cost, 1, elements);
}

static void gradient(const struct assay_gradient *q)
{
    const int32_t *in = q->node->inputs;
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS + 1];
    size_t n = assay_gradient_attrs(q, list);
    if (q->wanted[1])
        q->dx[1] = assay_gradient_op(q, "assay.ConvWeightGrad", (int32_t[]){q->dy[0], in[0]}, 2, list);
    if (q->node->n_inputs > 2 && q->wanted[2]) {
        const struct assay_value *y = assay_graph_value(q->graph, q->dy[0]);
        int64_t channels = y->dims[1], axes[] = {0, 2, 3, 4};
        int32_t sums = assay_gradient_i64s(q, (size_t)y->rank - 1, axes);
        sums = assay_gradient_op(q, "ReduceSum", (int32_t[]){q->dy[0], sums}, 2, NULL);
        q->dx[2] = assay_gradient_reshape(q, sums, 1, &channels);
    }
    if (!q->wanted[0])
        return;
    const struct assay_value *x = assay_graph_value(q->graph, in[0]);
    list[n] = (struct assay_attr){.name = "input_shape", .type = ASSAY_ATTR_I64S, .n = (size_t)x->rank};
    for (int32_t i = 0; i < x->rank; i++)
        list[n].list[i] = x->dims[i];
    list[n + 1] = ASSAY_ATTR_END;
    q->dx[0] = assay_gradient_op(q, "assay.ConvInputGrad", (int32_t[]){q->dy[0], in[1]}, 2, list);
}

ASSAY_OP_IR(Conv) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
