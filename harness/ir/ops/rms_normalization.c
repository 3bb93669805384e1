/* RMSNormalization (ONNX 23): over the axes from `axis` to the last, Y = X / sqrt(mean(X * X) + epsilon) * Scale.
 * Scale stretches to X and gives Y its type; the statistics are computed in the type that stash_type names: 1 is f32,
 * 16 is bf16.
 * Cost of a row of n: n squares, n - 1 additions, one for epsilon, n multiplications by the inverse root, n by Scale;
 * a division by n, a square root and a reciprocal. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -1},
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-5},
    {.name = "stash_type", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    enum assay_dtype stash;
    int32_t axis;
    enum assay_code code = ASSAY_OK;
    for (int i = 0; !code && i < 2; i++)
        code = assay_infer_type(in, i, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (!code)
        code = assay_infer_stash(in, &stash, err);
    if (!code)
        code = assay_infer_stretches(in, 1, 0, err);
    if (code)
        return code;
    if (!assay_shape_count(x->dims, axis, x->rank))
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "nothing to normalise from axis %" PRId32 " on", axis);
    assay_infer_output(in, 0, in->in[1]->dtype, x->rank, x->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t n = assay_shape_count(x->dims, (int32_t)assay_node_i64(node, "axis", 0), x->rank);
    assay_cost_flops(cost, 4 * n, x->elements / n);
    assay_cost_transcendentals(cost, 3, x->elements / n);
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_node *node = q->node;
    assay_gradient_op_outputs(q, "assay.RMSNormalizationGrad", (int32_t[]){q->dy[0], node->inputs[0], node->inputs[1]}, 3,
                              (struct assay_attr[]){ASSAY_ATTR_INT("axis", assay_node_i64(node, "axis", -1)),
                                                    ASSAY_ATTR_FLOAT("epsilon", assay_node_f64(node, "epsilon", 1e-5)),
                                                    ASSAY_ATTR_END},
                              (bool[]){true, q->wanted[1]}, 2, q->dx);
}

ASSAY_OP_IR(RMSNormalization) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
