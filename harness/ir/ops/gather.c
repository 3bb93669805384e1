/* Gather: along `axis` the slices of X that the indices name, in their shape (ONNX Gather-13). Indices are in -length ..
 * length-1; others are an error, which only an execution can see.
 * Cost: bytes only. They are counted as the definition reads: X once, however few of its slices are named. */
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *indices = in->in[1];
    int64_t                   dims[2 * ASSAY_MAX_RANK];
    int32_t                   axis, rank;
    enum assay_code           code = assay_infer_rank(in, 0, 1, ASSAY_MAX_RANK, err);
    if (!code)
        code = assay_infer_type(in, 1, ASSAY_TYPES_INDEX, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (code)
        return code;
    rank = x->rank - 1 + indices->rank;
    if (rank > ASSAY_MAX_RANK)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "more than %d axes", ASSAY_MAX_RANK);
    memcpy(dims, x->dims, (size_t)axis * sizeof *dims);
    memcpy(dims + axis, indices->dims, (size_t)indices->rank * sizeof *dims);
    memcpy(dims + axis + indices->rank, x->dims + axis + 1, (size_t)(x->rank - axis - 1) * sizeof *dims);
    assay_infer_output(in, 0, x->dtype, rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    if (q->wanted[0])
        q->dx[0] = assay_gradient_op(q, "assay.GatherGrad", (int32_t[]){q->dy[0], q->node->inputs[1]}, 2,
                                     (struct assay_attr[]){ASSAY_ATTR_INT("axis", assay_node_i64(q->node, "axis", 0)),
                                                           assay_gradient_list("input_shape", (size_t)x.rank, x.dims),
                                                           ASSAY_ATTR_END});
}

/* The chosen entries, not the table. */
static uint64_t reads(const struct assay_graph *g, const struct assay_node *node, uint32_t i)
{
    return i == 0 ? assay_graph_value(g, node->outputs[0])->bytes : UINT64_MAX;
}

ASSAY_OP_IR(Gather) = {.attrs = attrs, .infer = infer, .reads = reads, .gradient = gradient};
