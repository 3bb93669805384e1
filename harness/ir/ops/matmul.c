/* MatMul: Y = A B as numpy.matmul (ONNX MatMul-13). A vector on the left is one row, on the right one column, and
 * that axis is dropped again; axes before the last two broadcast.
 * Cost: 2 m n k flops for each of the products of [m,k] and [k,n]. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *a = in->in[0], *b = in->in[1];
    int64_t dims[ASSAY_MAX_RANK + 2];
    int32_t batch_a = a->rank > 2 ? a->rank - 2 : 0, batch_b = b->rank > 2 ? b->rank - 2 : 0, rank;
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_WIDE, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    for (int i = 0; !code && i < 2; i++)
        code = assay_infer_rank(in, i, 1, ASSAY_MAX_RANK, err);
    if (code)
        return code;
    int64_t k = a->dims[a->rank - 1], k_b = b->dims[b->rank > 1 ? b->rank - 2 : 0];
    if (k != k_b)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the inner lengths %" PRId64 " and %" PRId64 " differ", k, k_b);
    if (!assay_shape_broadcast(batch_a, a->dims, batch_b, b->dims, &rank, dims))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the axes before the last two do not broadcast");
    if (a->rank > 1)
        dims[rank++] = a->dims[a->rank - 2];
    if (b->rank > 1)
        dims[rank++] = b->dims[b->rank - 1];
    assay_infer_output(in, 0, a->dtype, rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *a = assay_graph_value(g, node->inputs[0]);
    uint64_t k = (uint64_t)a->dims[a->rank - 1];
    assay_cost_flops(cost, assay_count_multiply(2, k), assay_output_elements(g, node, 0));
}

ASSAY_OP_IR(MatMul) = {.infer = infer, .cost = cost};
