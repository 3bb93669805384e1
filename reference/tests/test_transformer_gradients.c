/* The gradient ops of transformers, each against the same function made of core ops. */
#include "reference/tests/decomposed.h"

typedef const struct assay_gradient *query;

static int32_t in(query q, uint32_t i)
{
    return q->node->inputs[i];
}

static int32_t mul(query q, int32_t a, int32_t b)
{
    return assay_gradient_binary(q, "Mul", a, b);
}

static int32_t add(query q, int32_t a, int32_t b)
{
    return assay_gradient_binary(q, "Add", a, b);
}

static int32_t minus(query q, int32_t a, int32_t b)
{
    return assay_gradient_binary(q, "Sub", a, b);
}

static int32_t divide(query q, int32_t a, int32_t b)
{
    return assay_gradient_binary(q, "Div", a, b);
}

static int32_t times(query q, int32_t a, double number)
{
    return mul(q, a, assay_gradient_number(q, a, number));
}

static int32_t plus(query q, int32_t a, double number)
{
    return add(q, a, assay_gradient_number(q, a, number));
}

/* number - a */
static int32_t from(query q, double number, int32_t a)
{
    return minus(q, assay_gradient_number(q, a, number), a);
}

static int32_t over(query q, const char *op, int32_t x, int32_t begin, int32_t end)
{
    int64_t axes[ASSAY_MAX_RANK];
    for (int32_t i = begin; i < end; i++)
        axes[i - begin] = i;
    return assay_gradient_binary(q, op, x, assay_gradient_i64s(q, (size_t)(end - begin), axes));
}

/* ---- element-wise ---------------------------------------------------------------------------------------------- */

static void relu_grad(query q, int32_t *out)
{
    int32_t zero = assay_gradient_number(q, in(q, 1), 0);
    out[0] = mul(q, in(q, 0), assay_gradient_binary(q, "Max", assay_gradient_unary(q, "Sign", in(q, 1)), zero));
}

static void tanh_grad(query q, int32_t *out)
{
    out[0] = mul(q, in(q, 0), from(q, 1, mul(q, in(q, 1), in(q, 1))));
}

static void sigmoid_grad(query q, int32_t *out)
{
    out[0] = mul(q, mul(q, in(q, 0), in(q, 1)), from(q, 1, in(q, 1)));
}

static void gelu_grad(query q, int32_t *out)
{
    int32_t x = in(q, 1), square = mul(q, x, x), slope;
    if (!strcmp(assay_node_text(q->node, "approximate", "none"), "none")) {
        int32_t both = plus(q, assay_gradient_unary(q, "Erf", times(q, x, sqrt(0.5))), 1);
        int32_t density = times(q, assay_gradient_unary(q, "Exp", times(q, square, -0.5)), 1 / sqrt(2 * acos(-1)));
        slope = add(q, times(q, both, 0.5), mul(q, x, density));
    } else {
        int32_t u = times(q, mul(q, x, plus(q, times(q, square, 0.044715), 1)), sqrt(2 / acos(-1)));
        int32_t t = assay_gradient_unary(q, "Tanh", u);
        int32_t steep = times(q, plus(q, times(q, square, 3 * 0.044715), 1), sqrt(2 / acos(-1)));
        slope = times(q, add(q, plus(q, t, 1), mul(q, mul(q, x, from(q, 1, mul(q, t, t))), steep)), 0.5);
    }
    out[0] = mul(q, in(q, 0), slope);
}

static void swish_grad(query q, int32_t *out)
{
    int32_t z = times(q, in(q, 1), assay_node_f64(q->node, "alpha", 1));
    int32_t s = assay_gradient_unary(q, "Sigmoid", z);
    out[0] = mul(q, in(q, 0), mul(q, s, plus(q, mul(q, z, from(q, 1, s)), 1)));
}

/* ---- along an axis --------------------------------------------------------------------------------------------- */

static void softmax_grad(query q, int32_t *out)
{
    int32_t axis = (int32_t)assay_node_i64(q->node, "axis", -1);
    out[0] = mul(q, in(q, 1), minus(q, in(q, 0), over(q, "ReduceSum", mul(q, in(q, 0), in(q, 1)), axis, axis + 1)));
}

static void log_softmax_grad(query q, int32_t *out)
{
    int32_t axis = (int32_t)assay_node_i64(q->node, "axis", -1);
    int32_t sum = over(q, "ReduceSum", in(q, 0), axis, axis + 1);
    out[0] = minus(q, in(q, 0), mul(q, assay_gradient_unary(q, "Exp", in(q, 1)), sum));
}

static void norm_grad(query q, int32_t *out, bool centred)
{
    int32_t dy = in(q, 0), x = in(q, 1), scale = in(q, 2), axis = (int32_t)assay_node_i64(q->node, "axis", -1);
    int32_t rank = assay_graph_value(q->graph, x)->rank;
    double epsilon = (double)(float)assay_node_f64(q->node, "epsilon", 1e-5);
    if (centred)
        x = minus(q, x, over(q, "ReduceMean", x, axis, rank));
    int32_t root = assay_gradient_unary(q, "Sqrt", plus(q, over(q, "ReduceMean", mul(q, x, x), axis, rank), epsilon));
    int32_t h = divide(q, x, root), g = mul(q, dy, scale);
    int32_t rest = minus(q, g, mul(q, h, over(q, "ReduceMean", mul(q, g, h), axis, rank)));
    if (centred)
        rest = minus(q, rest, over(q, "ReduceMean", g, axis, rank));
    out[0] = divide(q, rest, root);
    out[1] = assay_gradient_sum_to(q, mul(q, dy, h), scale);
    out[2] = assay_gradient_sum_to(q, dy, scale);
}

static void layer_grad(query q, int32_t *out)
{
    norm_grad(q, out, true);
}

static void rms_grad(query q, int32_t *out)
{
    norm_grad(q, out, false);
    out[2] = ASSAY_NO_VALUE;
}

static const struct decomposition table[] = {
    {"assay.ReluGrad", relu_grad},
    {"assay.TanhGrad", tanh_grad},
    {"assay.SigmoidGrad", sigmoid_grad},
    {"assay.GeluGrad", gelu_grad},
    {"assay.SwishGrad", swish_grad},
    {"assay.SoftmaxGrad", softmax_grad},
    {"assay.LogSoftmaxGrad", log_softmax_grad},
    {"assay.LayerNormalizationGrad", layer_grad},
    {"assay.RMSNormalizationGrad", rms_grad},
};

Test(transformer_gradients, are_what_core_ops_make_of_them, .timeout = 60)
{
    check_decompositions(table, sizeof table / sizeof *table);
}
