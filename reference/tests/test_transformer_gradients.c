/* The gradient ops of transformers, each against the same function made of core ops. */
#include "reference/tests/decomposed.h"
#include "reference/formats/formats.h"

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

/* ---- attention ------------------------------------------------------------------------------------------------- */

/* [B, Hkv, G, L, W]: heads apart, those of one key head together. */
static int32_t heads_apart(query q, int32_t x, int64_t kv_heads, int64_t heads)
{
    const struct assay_value *v = assay_graph_value(q->graph, x);
    int64_t b = v->dims[0], group = heads / kv_heads;
    if (v->rank == 4) {
        int64_t length = v->dims[2], width = v->dims[3];
        return assay_gradient_reshape(q, x, 5, (int64_t[]){b, kv_heads, group, length, width});
    }
    int64_t length = v->dims[1], width = v->dims[2] / heads;
    x = assay_gradient_reshape(q, x, 5, (int64_t[]){b, length, kv_heads, group, width});
    return assay_gradient_transpose(q, x, (int64_t[]){0, 2, 3, 1, 4});
}

static int32_t heads_back(query q, int32_t x, int32_t like)
{
    if (assay_graph_value(q->graph, like)->rank == 3)
        x = assay_gradient_transpose(q, x, (int64_t[]){0, 3, 1, 2, 4});
    return assay_gradient_shape_as(q, x, like);
}

static int32_t turned(query q, int32_t x)
{
    return assay_gradient_transpose(q, x, (int64_t[]){0, 1, 2, 4, 3});
}

static int32_t product(query q, int32_t a, int32_t b)
{
    return assay_gradient_binary(q, "MatMul", a, b);
}

/* What the samples' masks, consts of the scores' last two axes, say of each pair of a batch: added, or -1e4 where hidden. */
static int32_t masked_scores(query q, int32_t scores, uint32_t mask_at, uint32_t lengths_at)
{
    const struct assay_value v = *assay_graph_value(q->graph, scores);
    const struct assay_value *mask = q->node->n_inputs > mask_at ? assay_graph_value(q->graph, in(q, mask_at)) : NULL;
    const struct assay_value *lengths = q->node->n_inputs > lengths_at ? assay_graph_value(q->graph, in(q, lengths_at)) : NULL;
    int64_t rows = v.dims[3], columns = v.dims[4], all = v.dims[0] * rows * columns;
    double numbers[64], given[64];
    unsigned char bytes[64 * 8];
    cr_assert_leq(all, 64);
    if (mask && mask->dtype != ASSAY_BOOL)
        assay_to_double(mask->dtype, mask->data, (size_t)mask->elements, given);
    for (int64_t i = 0; i < all; i++) {
        int64_t row = i / columns % rows, column = i % columns, pair = i % (rows * columns);
        int64_t length = lengths ? ((const int64_t *)lengths->data)[i / rows / columns] : columns;
        int64_t last = lengths ? row + length - rows : row;
        bool hidden = column >= length || (assay_node_i64(q->node, "is_causal", 0) && column > last);
        if (mask && mask->dtype == ASSAY_BOOL)
            hidden |= !((const unsigned char *)mask->data)[pair];
        numbers[i] = hidden ? -1e4 : mask && mask->dtype != ASSAY_BOOL ? given[pair] : 0;
    }
    assay_from_double(v.dtype, numbers, (size_t)all, bytes);
    return add(q, scores, assay_graph_const(q->graph, "bias", v.dtype, 5, (int64_t[]){v.dims[0], 1, 1, rows, columns}, bytes));
}

static void attention(query q, int32_t *out)
{
    int64_t kv = assay_node_i64(q->node, "kv_num_heads", 1), heads = assay_node_i64(q->node, "q_num_heads", 1);
    int32_t x = times(q, heads_apart(q, in(q, 0), kv, heads), assay_node_f64(q->node, "scale", 1));
    int32_t scores = masked_scores(q, product(q, x, turned(q, heads_apart(q, in(q, 1), kv, kv))), 3, 6);
    out[0] = product(q, assay_gradient_unary(q, "Softmax", scores), heads_apart(q, in(q, 2), kv, kv));
    out[0] = heads_back(q, out[0], q->node->outputs[0]);
}

static void attention_grad(query q, int32_t *out)
{
    int64_t kv = assay_node_i64(q->node, "kv_num_heads", 1), heads = assay_node_i64(q->node, "q_num_heads", 1);
    double scale = assay_node_f64(q->node, "scale", 1), cap = assay_node_f64(q->node, "softcap", 0);
    int32_t dy = heads_apart(q, in(q, 0), kv, heads), x = times(q, heads_apart(q, in(q, 1), kv, heads), scale);
    int32_t k = heads_apart(q, in(q, 2), kv, kv), v = heads_apart(q, in(q, 3), kv, kv), slope = ASSAY_NO_VALUE;
    int32_t scores = product(q, x, turned(q, k));
    if (cap > 0) {
        int32_t t = assay_gradient_unary(q, "Tanh", times(q, scores, 1 / cap));
        scores = times(q, t, cap);
        slope = from(q, 1, mul(q, t, t));
    }
    int32_t p = assay_gradient_unary(q, "Softmax", masked_scores(q, scores, 4, 7)), dp = product(q, dy, turned(q, v));
    int32_t ds = mul(q, p, minus(q, dp, over(q, "ReduceSum", mul(q, p, dp), 4, 5)));
    if (cap > 0)
        ds = mul(q, ds, slope);
    out[0] = heads_back(q, times(q, product(q, ds, k), scale), in(q, 1));
    out[1] = heads_back(q, over(q, "ReduceSum", product(q, turned(q, ds), x), 2, 3), in(q, 2));
    out[2] = heads_back(q, over(q, "ReduceSum", product(q, turned(q, p), dy), 2, 3), in(q, 3));
}

/* ---- the loss of a classifier ---------------------------------------------------------------------------------- */

/* The samples' labels are consts; each element gets `weight` of its label at the label's class, 0 elsewhere and if ignored. */
static int32_t chosen(query q, uint32_t first, const double *weight, bool everywhere, double *total)
{
    const struct assay_value x = *assay_graph_value(q->graph, in(q, first));
    const struct assay_value *labels = assay_graph_value(q->graph, in(q, first + 1));
    int64_t classes = x.dims[1], inner = x.rank > 2 ? x.dims[2] : 1;
    double label[64], numbers[64];
    unsigned char bytes[64 * 8];
    assay_to_double(labels->dtype, labels->data, (size_t)labels->elements, label);
    *total = 0;
    for (int64_t i = 0; i < (int64_t)x.elements; i++) {
        int64_t row = i / (classes * inner) * inner + i % inner, at = i / inner % classes;
        bool ignored = assay_node_attr(q->node, "ignore_index") &&
            (int64_t)label[row] == assay_node_i64(q->node, "ignore_index", 0);
        double w = ignored ? 0 : weight ? weight[(int64_t)label[row]] : 1;
        *total += at == 0 ? w : 0;
        numbers[i] = everywhere || at == (int64_t)label[row] ? w : 0;
    }
    assay_from_double(x.dtype, numbers, (size_t)x.elements, bytes);
    return assay_graph_const(q->graph, everywhere ? "rows" : "labels", x.dtype, x.rank, x.dims, bytes);
}

static void cross_entropy_grad(query q, int32_t *out)
{
    const struct assay_value *weights = q->node->n_inputs > 3 ? assay_graph_value(q->graph, in(q, 3)) : NULL;
    const char *reduction = assay_node_text(q->node, "reduction", "mean");
    double weight[8], total;
    int32_t dloss = in(q, 0);
    if (weights)
        assay_to_double(weights->dtype, weights->data, (size_t)weights->elements, weight);
    int32_t all = chosen(q, 1, weights ? weight : NULL, true, &total), one = chosen(q, 1, weights ? weight : NULL, false, &total);
    int32_t p = assay_gradient_op(q, "Softmax", (int32_t[]){in(q, 1)}, 1,
                                  (struct assay_attr[]){ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END});
    if (!strcmp(reduction, "none"))
        dloss = assay_gradient_reshape(q, dloss, 3, (int64_t[]){2, 1, 2}); /* as the only such sample is */
    if (!strcmp(reduction, "mean"))
        dloss = times(q, dloss, 1 / total);
    out[0] = mul(q, minus(q, mul(q, p, all), one), dloss);
}

/* The loss itself, and log_prob. */
static void cross_entropy(query q, int32_t *out)
{
    const struct assay_value *weights = q->node->n_inputs > 2 ? assay_graph_value(q->graph, in(q, 2)) : NULL;
    const char *reduction = assay_node_text(q->node, "reduction", "mean");
    double weight[8], total;
    if (weights)
        assay_to_double(weights->dtype, weights->data, (size_t)weights->elements, weight);
    int32_t one = chosen(q, 0, weights ? weight : NULL, false, &total);
    struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END};
    int32_t p = assay_gradient_op(q, "Softmax", (int32_t[]){in(q, 0)}, 1, axis);
    out[1] = assay_gradient_unary(q, "Log", p);
    int32_t losses = assay_gradient_unary(q, "Neg", over(q, "ReduceSum", mul(q, out[1], one), 1, 2));
    if (strcmp(reduction, "none") != 0)
        losses = over(q, "ReduceSum", losses, 0, assay_graph_value(q->graph, losses)->rank);
    if (!strcmp(reduction, "mean"))
        losses = times(q, losses, 1 / total);
    out[0] = assay_gradient_shape_as(q, losses, q->node->outputs[0]);
}

static void sum_square(query q, int32_t *out)
{
    int32_t x = in(q, 0), square = mul(q, x, x);
    struct assay_attr keep[] = {ASSAY_ATTR_INT("keepdims", assay_node_i64(q->node, "keepdims", 1)), ASSAY_ATTR_END};
    int32_t axes = q->node->n_inputs > 1 ? in(q, 1) : ASSAY_NO_VALUE;
    out[0] = assay_gradient_op(q, "ReduceSum", (int32_t[]){square, axes}, 2, keep);
    if (!strcmp(q->node->op->name, "ReduceL2"))
        out[0] = assay_gradient_unary(q, "Sqrt", out[0]);
}

static void log_softmax(query q, int32_t *out)
{
    struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", assay_node_i64(q->node, "axis", -1)), ASSAY_ATTR_END};
    out[0] = assay_gradient_unary(q, "Log", assay_gradient_op(q, "Softmax", (int32_t[]){in(q, 0)}, 1, axis));
}

/* ---- caches ---------------------------------------------------------------------------------------------------- */

/* A product with a matrix of zeros and ones over all elements: row `to` takes element from[to], or nothing if it is below 0. */
static int32_t picked(query q, int32_t x, const char *name, int64_t n, const int64_t *from)
{
    const struct assay_value v = *assay_graph_value(q->graph, x);
    int64_t all = (int64_t)v.elements;
    double *numbers = calloc((size_t)(n * all), sizeof *numbers);
    unsigned char *bytes = calloc((size_t)(n * all), 8);
    for (int64_t i = 0; i < n; i++)
        if (from[i] >= 0)
            numbers[i * all + from[i]] = 1;
    assay_from_double(v.dtype, numbers, (size_t)(n * all), bytes);
    int32_t matrix = assay_graph_const(q->graph, name, v.dtype, 2, (int64_t[]){n, all}, bytes);
    free(bytes);
    free(numbers);
    return product(q, matrix, assay_gradient_reshape(q, x, 1, (int64_t[]){all}));
}

static void scatter_grad(query q, int32_t *out)
{
    const struct assay_value dy = *assay_graph_value(q->graph, in(q, 0));
    int64_t axis = assay_node_i64(q->node, "axis", 0), length = assay_node_i64(q->node, "length", 0), inner = 1;
    int64_t kept[128], back[128], cache = dy.dims[axis];
    for (int64_t i = axis + 1; i < dy.rank; i++)
        inner *= dy.dims[i];
    for (int64_t i = 0; i < (int64_t)dy.elements; i++)
        kept[i] = i;
    for (int64_t i = 0; i < (int64_t)dy.elements / cache * length; i++) {
        int64_t outer = i / inner / length, batch = outer * inner * cache / ((int64_t)dy.elements / dy.dims[0]);
        int64_t begin = q->node->n_inputs > 1 ? ((const int64_t *)assay_graph_value(q->graph, in(q, 1))->data)[batch] : 0;
        back[i] = (outer * cache + (begin + i / inner % length) % cache) * inner + i % inner;
        kept[back[i]] = -1;
    }
    out[0] = assay_gradient_shape_as(q, picked(q, in(q, 0), "kept", (int64_t)dy.elements, kept), q->node->outputs[0]);
    out[1] = assay_gradient_shape_as(q, picked(q, in(q, 0), "back", (int64_t)dy.elements / cache * length, back),
                                     q->node->outputs[1]);
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
    {"assay.AttentionGrad", attention_grad},
    {"assay.TensorScatterGrad", scatter_grad},
    {"assay.SoftmaxCrossEntropyGrad", cross_entropy_grad},
    {"SoftmaxCrossEntropyLoss", cross_entropy},
    {"LogSoftmax", log_softmax},
    {"ReduceSumSquare", sum_square},
    {"ReduceL2", sum_square},
};

Test(transformer_gradients, are_what_core_ops_make_of_them, .timeout = 60)
{
    check_decompositions(table, sizeof table / sizeof *table);
}

/* nonpad_kv_seqlen is a mask, and moves the causal one: the last query of a batch sees its last key. */
Test(transformer_gradients, attention_sees_no_padding_and_ends_at_the_last_key_that_is_none)
{
    static const struct decomposition by = {"Attention", attention};
    static const struct assay_sample padded[] = {
        {"Attention", "f[2,2,2,3] f[2,1,5,3] f[2,1,5,4] - - - i64{2,5}", "", 1, ASSAY_SAMPLE_SIGNED, ASSAY_SAMPLE_SMALL},
        {"Attention", "f[2,2,2,3] f[2,1,5,3] f[2,1,5,4] - - - i64{2,5}", "is_causal=1", 1, ASSAY_SAMPLE_SIGNED, ASSAY_SAMPLE_SMALL},
        {"Attention", "f[2,3,8] f[2,5,4] f[2,5,6] f[3,5]{0,-1,1,0,-2,1,0,0,1,1,2,0,1,0,1} - - i64{4,3}",
         "is_causal=1 q_num_heads=4 kv_num_heads=2", 1, ASSAY_SAMPLE_SIGNED, ASSAY_SAMPLE_SMALL},
    };
    for (size_t i = 0; i < sizeof padded / sizeof *padded; i++)
        check_decomposition(&padded[i], &by, ASSAY_F64);
}
