/* assay.MoeCombineGrad: the gradients of MoeCombine's rows, weight times dY of the row's token, and of its weights, the product
 * of row and dY.
 * Cost: a multiplication an element of the rows; for the weights as many and as many additions, less one a weight. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0], *rows = in->in[1], *weights = in->in[2], *source = in->in[3];
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    for (int i = 1; !code && i < 3; i++)
        code = assay_infer_same_type(in, 0, i, err);
    if (!code)
        code = assay_infer_type(in, 3, ASSAY_TYPES_INDEX, err);
    for (int i = 0; !code && i < 4; i++)
        code = assay_infer_rank(in, i, i == 3 ? 1 : 2, i == 3 ? 1 : 2, err);
    if (code)
        return code;
    if (dy->dims[0] != weights->dims[0] || dy->dims[1] != rows->dims[1])
        return ASSAY_INFER_REFUSE(in, err, 0, 2, "not what MoeCombine makes of them");
    if (rows->dims[0] != (int64_t)weights->elements || rows->dims[0] != source->dims[0])
        return ASSAY_INFER_REFUSE(in, err, 1, 2, "rows, weights and slots differ in number");
    assay_infer_output(in, 0, rows->dtype, 2, rows->dims);
    assay_infer_output(in, 1, weights->dtype, 2, weights->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t rows = assay_input_elements(g, node, 1), weights = assay_output_elements(g, node, 1);
    assay_cost_flops(cost, 1, rows);
    if (node->n_outputs > 1 && rows >= weights)
        assay_cost_flops(cost, 1, 2 * rows - weights);
}

ASSAY_OP_IR(MoeCombineGrad) = {.infer = infer, .cost = cost};
