/* assay.SoftmaxCrossEntropyGrad(dLoss, scores, labels, weights?): with the operands and attributes of
 * SoftmaxCrossEntropyLoss, dScores = g (Softmax(scores) - 1 at the label), g = dLoss w[label] of the label, or 0 where it is
 * ignored; of reduction "mean" divided by what the loss was divided by. The softmax is made again.
 * Cost of a label: C subtractions, C - 1 additions, C products with g over the sum and one subtraction at the label, a
 * product with the weight if there are any; C exponentials and a division. Mean one division more, and the weights'
 * additions. */
#include <string.h>

#include "harness/ir/cross_entropy.h"

#include "assay/banned.h"

enum { DLOSS, SCORES, LABELS, WEIGHTS };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[SCORES];
    struct assay_value loss = {0};
    enum assay_code code = assay_infer_cross_entropy(in, SCORES, err);
    if (!code)
        code = assay_infer_same_type(in, SCORES, DLOSS, err);
    if (code)
        return code;
    loss.rank = assay_cross_entropy_shape(in, SCORES, loss.dims);
    if (!assay_value_same_shape(in->in[DLOSS], &loss))
        return ASSAY_INFER_REFUSE(in, err, DLOSS, LABELS, "the first is not of the shape of the loss");
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t classes = (uint64_t)assay_graph_value(g, node->inputs[SCORES])->dims[1];
    uint64_t labels = assay_input_elements(g, node, LABELS), weighted = assay_input_elements(g, node, WEIGHTS) > 0;
    if (!labels || !classes)
        return;
    assay_cost_flops(cost, 3 * classes + weighted, labels);
    assay_cost_transcendentals(cost, classes + 1, labels);
    if (!strcmp(assay_node_text(node, "reduction", "mean"), "mean")) {
        assay_cost_flops(cost, weighted, labels - 1);
        assay_cost_transcendentals(cost, 1, 1);
    }
}

ASSAY_OP_IR(SoftmaxCrossEntropyGrad) = {.attrs = assay_cross_entropy_attrs, .infer = infer, .cost = cost};
