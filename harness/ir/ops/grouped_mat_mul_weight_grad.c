/* assay.GroupedMatMulWeightGrad: for each group of rows, counts[e] of them, the product of A's transpose and B: [e,d,f] of
 * A [r,d] and B [r,f]. A group without rows gives zeros.
 * Cost: 2 r d f flops. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *a = in->in[0], *b = in->in[1];
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_type(in, 2, ASSAY_TYPES_INDEX, err);
    for (int i = 0; !code && i < 3; i++)
        code = assay_infer_rank(in, i, i == 2 ? 1 : 2, i == 2 ? 1 : 2, err);
    if (code)
        return code;
    if (a->dims[0] != b->dims[0])
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "%" PRId64 " and %" PRId64 " rows", a->dims[0], b->dims[0]);
    assay_infer_output(in, 0, a->dtype, 3, (int64_t[]){in->in[2]->dims[0], a->dims[1], b->dims[1]});
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t columns = (uint64_t)assay_graph_value(g, node->inputs[1])->dims[1];
    assay_cost_flops(cost, assay_count_multiply(2, columns), assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(GroupedMatMulWeightGrad) = {.infer = infer, .cost = cost};
