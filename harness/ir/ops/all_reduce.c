/* assay.AllReduce: Y on every rank of the group = the sum over the group of their X, or the greatest of each element (`reduce`).
 * Sums are made in the order of the ranks.
 * Cost: for n ranks n - 1 additions an element of a sum; a message of X's bytes.
 * Gradient: of a sum, dY itself, since Y is used alike by all (ranks.h). Of a greatest, dY goes to the ranks that have it, in
 * equal shares. */
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_ATTR_RANKS,
    {.name = "reduce", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "sum"},
    {.name = NULL},
};

static bool adds(const struct assay_node *node)
{
    return !strcmp(assay_node_text(node, "reduce", "sum"), "sum");
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const char     *reduce = assay_node_text(in->node, "reduce", "sum");
    int64_t         n;
    enum assay_code code = assay_infer_unary(in, ASSAY_TYPES_WIDE, err);
    if (!code)
        code = assay_infer_ranks(in, 1, ASSAY_ATTR_MAX_LENGTH, &n, err);
    if (!code && !adds(in->node) && strcmp(reduce, "max") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "reduce must be sum or max, got '%s'", reduce);
    return code;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    size_t n;
    (void)assay_node_ranks(node, &n);
    if (adds(node))
        assay_cost_flops(cost, n - 1, assay_output_elements(g, node, 0));
    assay_cost_payload(g, node, cost);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t x = q->node->inputs[0], y = q->node->outputs[0];
    q->dx[0] = q->dy[0];
    if (adds(q->node))
        return;
    int32_t           has = assay_gradient_binary(q, "Equal", x, y);
    int64_t           type = assay_onnx_number(assay_graph_value(q->graph, x)->dtype);
    struct assay_attr to[] = {ASSAY_ATTR_INT("to", type), ASSAY_ATTR_END};
    int32_t           holders = assay_gradient_on_ranks(q, "assay.AllReduce", assay_gradient_op(q, "Cast", &has, 1, to), NULL);
    q->dx[0] = assay_gradient_where(q, has, assay_gradient_binary(q, "Div", q->dy[0], holders), false, x);
}

ASSAY_OP_IR(AllReduce) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
