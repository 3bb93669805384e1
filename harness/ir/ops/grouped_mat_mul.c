/* assay.GroupedMatMul: rows in groups one after the other, counts[e] of them times matrix e; with transB, times its
 * transpose. The counts add up to the rows, which only an execution can see: nothing is dropped.
 * Cost: 2 r d f flops for rows [r,d] and results [r,f]. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "transB", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *rows = in->in[0], *w = in->in[1], *counts = in->in[2];
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_type(in, 2, ASSAY_TYPES_INDEX, err);
    for (int i = 0; !code && i < 3; i++)
        code = assay_infer_rank(in, i, (int[]){2, 3, 1}[i], (int[]){2, 3, 1}[i], err);
    if (!code)
        code = assay_infer_range(in, "transB", 0, 1, err);
    if (code)
        return code;
    bool    turned = assay_node_i64(in->node, "transB", 0) != 0;
    int64_t inner = w->dims[turned ? 2 : 1], columns = w->dims[turned ? 1 : 2];
    if (rows->dims[1] != inner)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the inner lengths %" PRId64 " and %" PRId64 " differ", rows->dims[1], inner);
    if (w->dims[0] != counts->dims[0])
        return ASSAY_INFER_REFUSE(in, err, 1, 2, "%" PRId64 " matrices, %" PRId64 " counts", w->dims[0], counts->dims[0]);
    assay_infer_output(in, 0, rows->dtype, 2, (int64_t[]){rows->dims[0], columns});
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t inner = (uint64_t)assay_graph_value(g, node->inputs[0])->dims[1];
    assay_cost_flops(cost, assay_count_multiply(2, inner), assay_output_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    int32_t rows = q->node->inputs[0], w = q->node->inputs[1], counts = q->node->inputs[2];
    int64_t turned = assay_node_i64(q->node, "transB", 0);
    if (q->wanted[0])
        q->dx[0] = assay_gradient_op(q, "assay.GroupedMatMul", (int32_t[]){q->dy[0], w, counts}, 3,
                                     (struct assay_attr[]){ASSAY_ATTR_INT("transB", !turned), ASSAY_ATTR_END});
    if (q->wanted[1])
        q->dx[1] = assay_gradient_op(q, "assay.GroupedMatMulWeightGrad",
                                     (int32_t[]){turned ? q->dy[0] : rows, turned ? rows : q->dy[0], counts}, 3, NULL);
}

/* A matrix for every row at most: which of them, the counts say. */
static uint64_t reads(const struct assay_graph *g, const struct assay_node *node, uint32_t i)
{
    const struct assay_value *w = assay_graph_value(g, node->inputs[1]), *rows = assay_graph_value(g, node->inputs[0]);
    return i == 1 && w->dims[0] ? assay_count_multiply(w->bytes / (uint64_t)w->dims[0], (uint64_t)rows->dims[0]) : UINT64_MAX;
}

ASSAY_OP_IR(GroupedMatMul) = {.attrs = attrs, .infer = infer, .reads = reads, .cost = cost, .gradient = gradient};
