/* assay.MoeRoute: to each token its k experts and their weights. Scores are softmax or sigmoid of the logits; the k experts
 * with the greatest scores plus bias are chosen, greatest first, of equals the lower number; their weights are their scores
 * without the bias, divided by their sum if `normalize`, times `scale`.
 * Cost: a softmax as Softmax's rows, a sigmoid as Sigmoid's; an addition an element of the logits if there is a bias; if
 * normalized k - 1 additions, a division and k multiplications a token; one multiplication a weight.
 * Gradient: the choice has none, so neither has the bias; the weights have. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "k", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "scoring", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "softmax"},
    {.name = "normalize", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "scale", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *logits = in->in[0], *bias = in->in[1];
    const char               *scoring = assay_node_text(in->node, "scoring", "softmax");
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_rank(in, 0, 2, 2, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "normalize", 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "k", 1, logits->dims[1], err);
    if (code)
        return code;
    if (strcmp(scoring, "softmax") != 0 && strcmp(scoring, "sigmoid") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "scoring must be softmax or sigmoid, got '%s'", scoring);
    if (bias && (bias->rank != 1 || bias->dims[0] != logits->dims[1]))
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "the bias must be [%" PRId64 "]", logits->dims[1]);
    int64_t dims[] = {logits->dims[0], assay_node_i64(in->node, "k", 1)};
    assay_infer_output(in, 0, logits->dtype, 2, dims);
    assay_infer_output(in, 1, ASSAY_I32, 2, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t tokens = (uint64_t)x->dims[0], e = (uint64_t)x->dims[1], k = (uint64_t)assay_node_i64(node, "k", 1);
    bool     softmax = !strcmp(assay_node_text(node, "scoring", "softmax"), "softmax");
    assay_cost_flops(cost, softmax ? 3 * e - 1 : e, tokens);
    assay_cost_transcendentals(cost, softmax ? e + 1 : 2 * e, tokens);
    if (node->n_inputs > 1)
        assay_cost_flops(cost, e, tokens);
    if (assay_node_i64(node, "normalize", 1)) {
        assay_cost_flops(cost, 2 * k - 1, tokens);
        assay_cost_transcendentals(cost, 1, tokens);
    }
    assay_cost_flops(cost, k, tokens);
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
    int32_t           experts = q->node->n_outputs > 1 ? q->node->outputs[1] : ASSAY_NO_VALUE;
    if (!q->wanted[0])
        return;
    size_t n = assay_gradient_attrs(q, list);
    if (experts == ASSAY_NO_VALUE) { /* nobody asked for them: chosen again */
        int32_t out[2];
        assay_gradient_op_outputs(q, "assay.MoeRoute", q->node->inputs, q->node->n_inputs, list, (const bool[]){true, true}, 2, out);
        experts = out[1];
    }
    for (size_t i = n; i-- > 0;) /* k is the experts' width */
        if (!strcmp(list[i].name, "k"))
            list[i] = list[--n];
    list[n] = ASSAY_ATTR_END;
    q->dx[0] = assay_gradient_op(q, "assay.MoeRouteGrad", (int32_t[]){q->dy[0], q->node->inputs[0], experts}, 3, list);
}

ASSAY_OP_IR(MoeRoute) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
