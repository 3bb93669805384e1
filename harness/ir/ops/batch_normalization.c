/* BatchNormalization (ONNX 15): for each channel c of X [n, c, d1, ..] (a vector is n values of one channel),
 *     Y = (X - mean) / sqrt(variance + epsilon) * scale + B
 * with mean and variance given (inference), or with training_mode those of this X: variance is mean((X - mean)^2). Then
 * two more outputs may be asked for: running_mean = momentum input_mean + (1 - momentum) mean, running_var alike. X and
 * Y have one type, scale and B one, the means and variances one.
 * Cost of a channel of n, inference: 3 flops an element, two for epsilon and scale, a square root and a reciprocal;
 * training: n - 1 additions for the mean, n subtractions, n squares, n - 1 additions for the variance, one for epsilon,
 * one multiplication by scale, n multiplications, n additions of B, two divisions by n, a square root and a reciprocal;
 * 3 flops for each running output. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-5},
    {.name = "momentum", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.9},
    {.name = "training_mode", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static int64_t channels_of(const struct assay_value *x)
{
    return x->rank > 1 ? x->dims[1] : 1;
}

static enum assay_code check_training(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_range(in, "training_mode", 0, 1, err);
    if (code)
        return code;
    if (!assay_node_i64(in->node, "training_mode", 0)) {
        if (in->out[1] || in->out[2])
            return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                      "running statistics are outputs of training_mode only");
        return ASSAY_OK;
    }
    if (!in->in[0]->elements)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "nothing to take statistics of");
    return ASSAY_OK;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    enum assay_code code = ASSAY_OK;
    for (int i = 0; !code && i < 5; i++)
        code = assay_infer_type(in, i, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 1, 2, err);
    if (!code)
        code = assay_infer_same_type(in, 3, 4, err);
    if (!code)
        code = assay_infer_rank(in, 0, 1, ASSAY_MAX_RANK, err);
    for (int i = 1; !code && i < 5; i++)
        if (in->in[i]->rank != 1 || in->in[i]->dims[0] != channels_of(x))
            code = ASSAY_INFER_REFUSE(in, err, 0, i, "the second must be [%" PRId64 "], one number a channel", channels_of(x));
    if (!code)
        code = check_training(in, err);
    if (code)
        return code;
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    assay_infer_output(in, 1, in->in[3]->dtype, 1, in->in[3]->dims);
    assay_infer_output(in, 2, in->in[3]->dtype, 1, in->in[3]->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[0]);
    uint64_t channels = (uint64_t)channels_of(x);
    if (!assay_node_i64(node, "training_mode", 0)) {
        assay_cost_flops(cost, 3, x->elements);
        assay_cost_flops(cost, 2, channels);
        assay_cost_transcendentals(cost, 2, channels);
        return;
    }
    assay_cost_flops(cost, 6, x->elements);
    assay_cost_transcendentals(cost, 4, channels);
    assay_cost_flops(cost, 3, assay_count_add(assay_output_elements(g, node, 1), assay_output_elements(g, node, 2)));
}

/* ---- gradient -------------------------------------------------------------------------------------------------- */

/* A number a channel, in the shape that broadcasts over X. */
static int32_t by_channel(const struct assay_gradient *q, int32_t v)
{
    const struct assay_value *x = assay_graph_value(q->graph, q->node->inputs[0]);
    int64_t dims[ASSAY_MAX_RANK], channels = channels_of(x);
    int32_t rank = x->rank > 1 ? x->rank - 1 : 1;
    for (int32_t i = 0; i < rank; i++)
        dims[i] = i ? 1 : channels;
    return assay_gradient_reshape(q, v, rank, dims);
}

/* All axes but the channels'. */
static int32_t other_axes(const struct assay_gradient *q)
{
    const struct assay_value *x = assay_graph_value(q->graph, q->node->inputs[0]);
    int64_t axes[ASSAY_MAX_RANK];
    size_t  n = 0;
    for (int32_t i = 0; i < x->rank; i++)
        if (i != 1)
            axes[n++] = i;
    return assay_gradient_i64s(q, n, axes);
}

static int32_t sum_by_channel(const struct assay_gradient *q, int32_t v)
{
    int64_t channels = channels_of(assay_graph_value(q->graph, q->node->inputs[0]));
    int32_t sum = assay_gradient_op(q, "ReduceSum", (int32_t[]){v, other_axes(q)}, 2, NULL);
    return assay_gradient_reshape(q, sum, 1, &channels);
}

static int32_t times(const struct assay_gradient *q, int32_t v, double number)
{
    return assay_gradient_binary(q, "Mul", v, assay_gradient_number(q, v, number));
}

/* The statistics are given: Y is X times a factor a channel, and a shift. */
static void of_inference(const struct assay_gradient *q)
{
    const int32_t *in = q->node->inputs;
    /* An attribute is a float. */
    int32_t dy = q->dy[0], epsilon = assay_gradient_number(q, in[4], (double)(float)assay_node_f64(q->node, "epsilon", 1e-5));
    int32_t variance = assay_gradient_binary(q, "Add", in[4], epsilon);
    int32_t deviation = assay_gradient_unary(q, "Sqrt", variance);
    int32_t factor = assay_gradient_binary(q, "Div", in[1], deviation), sum = ASSAY_NO_VALUE;
    if (q->wanted[0])
        q->dx[0] = assay_gradient_binary(q, "Mul", dy, by_channel(q, factor));
    if (q->wanted[2] || q->wanted[3])
        sum = sum_by_channel(q, dy);
    if (q->wanted[1] || q->wanted[4]) {
        int32_t centred = assay_gradient_binary(q, "Sub", in[0], by_channel(q, in[3]));
        int32_t products = sum_by_channel(q, assay_gradient_binary(q, "Mul", dy, centred));
        q->dx[1] = assay_gradient_binary(q, "Div", products, deviation);
    }
    q->dx[2] = sum;
    if (q->wanted[3])
        q->dx[3] = assay_gradient_unary(q, "Neg", assay_gradient_binary(q, "Mul", sum, factor));
    if (q->wanted[4]) {
        int32_t share = assay_gradient_binary(q, "Mul", q->dx[1], in[1]);
        q->dx[4] = times(q, assay_gradient_binary(q, "Div", share, variance), -0.5);
    }
}

static void add_to_x(const struct assay_gradient *q, int32_t share)
{
    q->dx[0] = q->dx[0] == ASSAY_NO_VALUE ? share : assay_gradient_binary(q, "Add", q->dx[0], share);
}

static int32_t stretched(const struct assay_gradient *q, int32_t v)
{
    struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    int32_t shape = assay_gradient_i64s(q, (size_t)x.rank, x.dims);
    return assay_gradient_op(q, "Expand", (int32_t[]){v, shape}, 2, NULL);
}

static int32_t centred_x(const struct assay_gradient *q)
{
    int32_t x = q->node->inputs[0];
    return assay_gradient_binary(q, "Sub", x, assay_gradient_op(q, "ReduceMean", (int32_t[]){x, other_axes(q)}, 2, NULL));
}

/* Rarely asked for: a loss that hangs on the running statistics. */
static void of_running(const struct assay_gradient *q)
{
    struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    double momentum = (double)(float)assay_node_f64(q->node, "momentum", 0.9);
    double each = (1 - momentum) / ((double)x.elements / (double)channels_of(&x));
    for (int i = 1; i < 3; i++) {
        if (q->dy[i] == ASSAY_NO_VALUE)
            continue;
        if (q->wanted[i + 2])
            q->dx[i + 2] = times(q, q->dy[i], momentum);
        if (!q->wanted[0])
            continue;
        int32_t share = by_channel(q, times(q, q->dy[i], i * each));
        add_to_x(q, i == 1 ? stretched(q, share) : assay_gradient_binary(q, "Mul", centred_x(q), share));
    }
}

static void gradient(const struct assay_gradient *q)
{
    const int32_t *in = q->node->inputs;
    if (!assay_node_i64(q->node, "training_mode", 0)) {
        of_inference(q);
        return;
    }
    if (q->dy[0] != ASSAY_NO_VALUE)
        assay_gradient_op_outputs(
            q, "assay.BatchNormalizationGrad", (int32_t[]){q->dy[0], in[0], in[1]}, 3,
            (struct assay_attr[]){ASSAY_ATTR_FLOAT("epsilon", assay_node_f64(q->node, "epsilon", 1e-5)), ASSAY_ATTR_END},
            (bool[]){true, q->wanted[1], q->wanted[2]}, 3, q->dx);
    of_running(q);
}

ASSAY_OP_IR(BatchNormalization) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
