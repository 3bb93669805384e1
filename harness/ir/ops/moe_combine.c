/* assay.MoeCombine: Y[token] = the sum over its k slots of weight times row, `source` holding each row's slot, token k + j:
 * the way back from MoePermute. source is a permutation, which only an execution can see.
 * Cost: a multiplication and an addition an element of the rows, less one addition an element of Y. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *rows = in->in[0], *weights = in->in[1], *source = in->in[2];
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_type(in, 2, ASSAY_TYPES_INDEX, err);
    for (int i = 0; !code && i < 3; i++)
        code = assay_infer_rank(in, i, i == 2 ? 1 : 2, i == 2 ? 1 : 2, err);
    if (code)
        return code;
    if (rows->dims[0] != (int64_t)weights->elements)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "%" PRId64 " rows, %" PRIu64 " weights", rows->dims[0], weights->elements);
    if (rows->dims[0] != source->dims[0])
        return ASSAY_INFER_REFUSE(in, err, 0, 2, "%" PRId64 " rows, %" PRId64 " slots", rows->dims[0], source->dims[0]);
    assay_infer_output(in, 0, rows->dtype, 2, (int64_t[]){weights->dims[0], rows->dims[1]});
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t rows = assay_input_elements(g, node, 0), out = assay_output_elements(g, node, 0);
    assay_cost_flops(cost, 1, rows);
    assay_cost_flops(cost, 1, rows > out ? rows - out : 0);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t out[2];
    assay_gradient_op_outputs(q, "assay.MoeCombineGrad",
                              (int32_t[]){q->dy[0], q->node->inputs[0], q->node->inputs[1], q->node->inputs[2]}, 4, NULL,
                              (const bool[]){true, q->wanted[1]}, 2, out);
    if (q->wanted[0])
        q->dx[0] = out[0];
    if (q->wanted[1])
        q->dx[1] = out[1];
}

ASSAY_OP_IR(MoeCombine) = {.infer = infer, .cost = cost, .gradient = gradient};
