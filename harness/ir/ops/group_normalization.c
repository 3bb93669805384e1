/* GroupNormalization (ONNX 21): the channels of X [n, c, d1, ..] in num_groups groups; over each group of one image
 *     Y = (X - mean) / sqrt(variance + epsilon) * scale + bias
 * with scale and bias [c]. The statistics are computed in the type that stash_type names: 1 is f32, 16 is bf16.
 * Cost of a group of n: n - 1 additions for the mean, n subtractions, n squares, n - 1 additions for the variance, one
 * for epsilon, n multiplications by the inverse deviation, n by scale, n additions of bias; two divisions by n, a square
 * root and a reciprocal. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-5},
    {.name = "num_groups", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "stash_type", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    enum assay_dtype stash;
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    for (int i = 1; !code && i < 3; i++)
        code = assay_infer_same_type(in, 0, i, err);
    if (!code)
        code = assay_infer_stash(in, &stash, err);
    if (!code)
        code = assay_infer_rank(in, 0, 2, ASSAY_MAX_RANK, err);
    for (int i = 1; !code && i < 3; i++)
        if (in->in[i]->rank != 1 || in->in[i]->dims[0] != x->dims[1])
            code = ASSAY_INFER_REFUSE(in, err, 0, i, "the second must be [%" PRId64 "], one number a channel", x->dims[1]);
    if (code)
        return code;
    int64_t groups = assay_node_i64(in->node, "num_groups", 0);
    if (groups < 1 || x->dims[1] % groups)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "its channels do not divide into %" PRId64 " groups", groups);
    if (!x->elements)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "nothing to take statistics of");
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t groups = assay_count_multiply((uint64_t)x->dims[0], (uint64_t)assay_node_i64(node, "num_groups", 1));
    assay_cost_flops(cost, 7, x->elements - groups);
    assay_cost_flops(cost, 6, groups); /* 7 n - 1 each */
    assay_cost_transcendentals(cost, 4, groups);
}

static void gradient(const struct assay_gradient *q)
{
    const int32_t *in = q->node->inputs;
    struct assay_attr list[] = {ASSAY_ATTR_FLOAT("epsilon", assay_node_f64(q->node, "epsilon", 1e-5)),
                                ASSAY_ATTR_INT("num_groups", assay_node_i64(q->node, "num_groups", 1)), ASSAY_ATTR_END};
    assay_gradient_op_outputs(q, "assay.GroupNormalizationGrad", (int32_t[]){q->dy[0], in[0], in[1]}, 3, list,
                              (bool[]){true, q->wanted[1], q->wanted[2]}, 3, q->dx);
}

ASSAY_OP_IR(GroupNormalization) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
