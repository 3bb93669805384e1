/* AveragePool (ONNX 22): the mean of what each window of X [n, c, d1, ..] sees: of the elements of X, or with
 * count_include_pad of those and the pads, which are zeros. What ceil_mode lets a last window reach beyond the pads counts
 * in neither case. Windows as MaxPool's.
 * Cost of an output element: kernel - 1 additions and a multiplication by the reciprocal of the count, padding included. */
#include "harness/ir/gradient.h"
#include "harness/ir/pool.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_POOL_ATTRS,
    {.name = "count_include_pad", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_range(in, "count_include_pad", 0, 1, err);
    return code ? code : assay_pool_infer(in, ASSAY_TYPES_FLOAT, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, assay_window_taps(node), assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_value *x = assay_graph_value(q->graph, q->node->inputs[0]);
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS + 1];
    size_t n = assay_gradient_attrs(q, list);
    list[n] = (struct assay_attr){.name = "input_shape", .type = ASSAY_ATTR_I64S, .n = (size_t)x->rank};
    for (int32_t i = 0; i < x->rank; i++)
        list[n].list[i] = x->dims[i];
    list[n + 1] = ASSAY_ATTR_END;
    q->dx[0] = assay_gradient_op(q, "assay.AveragePoolGrad", q->dy, 1, list);
}

ASSAY_OP_IR(AveragePool) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
