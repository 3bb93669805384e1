/* ReduceMean: the mean along the axes (ONNX ReduceMean-18).
 * Cost: n - 1 additions and a division for n elements that fold into one. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_reduce(in, ASSAY_TYPES_WIDE, false, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t from = assay_input_elements(g, node, 0), to = assay_output_elements(g, node, 0);
    assay_cost_flops(cost, 1, from > to ? from - to : 0);
    assay_cost_transcendentals(cost, 1, from > to ? to : 0);
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_value *x = assay_graph_value(q->graph, q->node->inputs[0]), *y = assay_graph_value(q->graph, q->dy[0]);
    double                    share = x->elements ? (double)y->elements / (double)x->elements : 0;
    q->dx[0] = assay_gradient_expand_reduced(
        q, assay_gradient_binary(q, "Mul", q->dy[0], assay_gradient_number(q, q->dy[0], share)));
}

ASSAY_OP_IR(ReduceMean) = {.attrs = assay_reduce_attrs, .infer = infer, .cost = cost, .gradient = gradient};
