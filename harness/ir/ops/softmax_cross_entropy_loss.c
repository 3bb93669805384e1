/* SoftmaxCrossEntropyLoss (ONNX 13): scores [N, C, d1, ...], labels [N, d1, ...] in 0..C-1 (i32 or i64), optional class
 * weights [C]. With P = LogSoftmax(scores) along axis 1, the optional output log_prob, each label l has the loss
 * -P[l] w[l]; none where it is ignore_index. reduction "none" gives them all, "sum" their sum, "mean" that divided by the
 * sum of the weights of the labels that are not ignored (by their number, without weights).
 * Cost of a label: C subtractions, C - 1 additions and two subtractions for P[l], or C where all of P are wanted, a product
 * with the weight if there are any; C exponentials and a logarithm. Reduced, an addition a label but the first; mean a
 * division, and with weights their additions. Ignored labels are data, and counted. */
#include <string.h>

#include "harness/ir/cross_entropy.h"
#include "harness/ir/gradient.h"

#include "assay/banned.h"

enum { SCORES, LABELS, WEIGHTS };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    int64_t dims[ASSAY_MAX_RANK];
    const struct assay_value *x = in->in[SCORES];
    enum assay_code code = assay_infer_cross_entropy(in, SCORES, err);
    if (code)
        return code;
    assay_infer_output(in, 0, x->dtype, assay_cross_entropy_shape(in, SCORES, dims), dims);
    assay_infer_output(in, 1, x->dtype, x->rank, x->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t classes = (uint64_t)assay_graph_value(g, node->inputs[SCORES])->dims[1];
    uint64_t labels = assay_input_elements(g, node, LABELS), weighted = assay_input_elements(g, node, WEIGHTS) > 0;
    const char *reduction = assay_node_text(node, "reduction", "mean");
    bool all = assay_output_elements(g, node, 1) > 0;
    if (!labels || !classes)
        return;
    assay_cost_flops(cost, 2 * classes - 1 + (all ? classes : 2) + weighted, labels);
    assay_cost_transcendentals(cost, classes + 1, labels);
    if (strcmp(reduction, "none") != 0)
        assay_cost_flops(cost, 1, labels - 1);
    if (!strcmp(reduction, "mean")) {
        assay_cost_flops(cost, weighted, labels - 1);
        assay_cost_transcendentals(cost, 1, 1);
    }
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_node *node = q->node;
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
    int32_t weights = node->n_inputs > WEIGHTS ? node->inputs[WEIGHTS] : ASSAY_NO_VALUE, through = ASSAY_NO_VALUE;
    if (weights != ASSAY_NO_VALUE && q->wanted[WEIGHTS]) {
        assay_graph_refuse(q->graph, ASSAY_UNSUPPORTED, "SoftmaxCrossEntropyLoss '%s' has no gradient of its class weights",
                           node->name);
        return;
    }
    (void)assay_gradient_attrs(q, list);
    if (q->dy[0] != ASSAY_NO_VALUE)
        q->dx[0] = assay_gradient_op(q, "assay.SoftmaxCrossEntropyGrad",
                                     (int32_t[]){q->dy[0], node->inputs[SCORES], node->inputs[LABELS], weights}, 4, list);
    if (q->dy[1] != ASSAY_NO_VALUE)
        through = assay_gradient_op(q, "assay.LogSoftmaxGrad", (int32_t[]){q->dy[1], node->outputs[1]}, 2,
                                    (struct assay_attr[]){ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END});
    if (through != ASSAY_NO_VALUE)
        q->dx[0] = q->dx[0] == ASSAY_NO_VALUE ? through : assay_gradient_binary(q, "Add", q->dx[0], through);
}

ASSAY_OP_IR(SoftmaxCrossEntropyLoss) = {
    .attrs = assay_cross_entropy_attrs, .infer = infer, .cost = cost, .gradient = gradient};
