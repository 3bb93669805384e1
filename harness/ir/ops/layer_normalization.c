/* LayerNormalization (ONNX 17): over the axes from `axis` to the last, Y = (X - mean) / sqrt(variance + epsilon) *
 * Scale + B, where Scale and B stretch to X. Optional outputs Mean and InvStdDev have X's shape with those axes 1 and
 * the type that stash_type names, in which the statistics are computed: 1 is f32, 16 is bf16.
 * Cost of a row of n: n - 1 additions for the mean, n subtractions, n squares, n - 1 additions for the variance, one
 * for epsilon, n multiplications by the inverse deviation, n by Scale, n additions of B if there is one; two divisions
 * by n, a square root and a reciprocal. */
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
    int64_t dims[ASSAY_MAX_RANK];
    int32_t axis;
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (!code)
        code = assay_infer_stash(in, &stash, err);
    for (int i = 1; !code && i < 3; i++) {
        code = assay_infer_same_type(in, 0, i, err);
        if (!code)
            code = assay_infer_stretches(in, i, 0, err);
    }
    if (code)
        return code;
    if (!assay_shape_count(x->dims, axis, x->rank))
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "nothing to normalise from axis %" PRId32 " on", axis);
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = i < axis ? x->dims[i] : 1;
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    assay_infer_output(in, 1, stash, x->rank, dims);
    assay_infer_output(in, 2, stash, x->rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t n = assay_shape_count(x->dims, (int32_t)assay_node_i64(node, "axis", 0), x->rank);
    assay_cost_flops(cost, (node->n_inputs > 2 ? 7 : 6) * n - 1, x->elements / n);
    assay_cost_transcendentals(cost, 4, x->elements / n);
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_node *node = q->node;
    int32_t bias = node->n_inputs > 2 && q->wanted[2] ? node->inputs[2] : ASSAY_NO_VALUE, out[3];
    if (q->dy[1] != ASSAY_NO_VALUE || q->dy[2] != ASSAY_NO_VALUE) {
        assay_graph_refuse(q->graph, ASSAY_UNSUPPORTED,
                           "LayerNormalization '%s': no gradient goes through its mean and deviation", node->name);
        return;
    }
    bool with_scale = bias != ASSAY_NO_VALUE && assay_value_same_shape(assay_graph_value(q->graph, bias),
                                                                       assay_graph_value(q->graph, node->inputs[1]));
    if (q->wanted[0] || q->wanted[1]) {
        assay_gradient_op_outputs(q, "assay.LayerNormalizationGrad", (int32_t[]){q->dy[0], node->inputs[0], node->inputs[1]},
                                  3,
                                  (struct assay_attr[]){ASSAY_ATTR_INT("axis", assay_node_i64(node, "axis", -1)),
                                                        ASSAY_ATTR_FLOAT("epsilon", assay_node_f64(node, "epsilon", 1e-5)),
                                                        ASSAY_ATTR_END},
                                  (bool[]){true, q->wanted[1], with_scale}, 3, out);
        for (int i = 0; i < 3; i++)
            q->dx[i] = out[i];
    } else {
        with_scale = false;
    }
    if (bias != ASSAY_NO_VALUE && !with_scale)
        q->dx[2] = assay_gradient_sum_to(q, q->dy[0], bias);
}

ASSAY_OP_IR(LayerNormalization) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
