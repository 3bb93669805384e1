/* The gradient ops of convolutional nets against the same functions built of core ops. */
#include "reference/tests/decompose.h"

/* mean and 1 / sqrt(variance + epsilon) over `axes` of x; x becomes (x - mean) * inverse. */
static int32_t normalize(struct assay_graph *g, const struct assay_node *node, int32_t *x, const int64_t *axes, size_t n)
{
    double  epsilon = (double)(float)assay_node_f64(node, "epsilon", 1e-5);
    int32_t mean = core_list(g, "ReduceMean", *x, axes, n), centred = core2(g, "Sub", *x, mean);
    int32_t variance = core_list(g, "ReduceMean", core2(g, "Mul", centred, centred), axes, n);
    int32_t deviation = core1(g, "Sqrt", core2(g, "Add", variance, number(g, *x, epsilon)));
    *x = core2(g, "Div", centred, deviation);
    return deviation;
}

/* dy - mean(dy) - x' mean(dy x'), over the deviation. */
static int32_t project(struct assay_graph *g, int32_t dy, int32_t normal, int32_t deviation, const int64_t *axes, size_t n)
{
    int32_t along = core_list(g, "ReduceMean", core2(g, "Mul", dy, normal), axes, n);
    int32_t left = core2(g, "Sub", core2(g, "Sub", dy, core_list(g, "ReduceMean", dy, axes, n)), core2(g, "Mul", normal, along));
    return core2(g, "Div", left, deviation);
}

/* X [n, c, s] or [n, c, h, w]. */
static void batch_normalization(struct assay_graph *g, const struct assay_node *node, int32_t *out)
{
    int32_t dy = node->inputs[0], x = node->inputs[1], scale = node->inputs[2];
    int32_t rank = assay_graph_value(g, x)->rank;
    int64_t c = assay_graph_value(g, x)->dims[1], axes[] = {0, 2, 3}, column[] = {c, 1, 1};
    size_t  n = (size_t)rank - 1;
    int32_t deviation = normalize(g, node, &x, axes, n);
    out[0] = core2(g, "Mul", project(g, dy, x, deviation, axes, n), core_list(g, "Reshape", scale, column, n));
    out[1] = core_list(g, "Reshape", core_list(g, "ReduceSum", core2(g, "Mul", dy, x), axes, n), LIST(c));
    out[2] = core_list(g, "Reshape", core_list(g, "ReduceSum", dy, axes, n), LIST(c));
}

static void group_normalization(struct assay_graph *g, const struct assay_node *node, int32_t *out)
{
    struct assay_value v = *assay_graph_value(g, node->inputs[1]);
    int64_t groups = assay_node_i64(node, "num_groups", 1), c = v.dims[1], s = 1;
    for (int32_t i = 2; i < v.rank; i++)
        s *= v.dims[i];
    const int64_t grouped[] = {v.dims[0], groups, c / groups, s}, flat[] = {v.dims[0], c, s};
    int32_t dy = core_list(g, "Reshape", node->inputs[0], flat, 3), x = core_list(g, "Reshape", node->inputs[1], grouped, 4);
    int32_t deviation = normalize(g, node, &x, LIST(2, 3));
    int32_t scaled = core2(g, "Mul", dy, core_list(g, "Reshape", node->inputs[2], LIST(c, 1)));
    int32_t dx = project(g, core_list(g, "Reshape", scaled, grouped, 4), x, deviation, LIST(2, 3));
    out[0] = core_list(g, "Reshape", dx, v.dims, (size_t)v.rank);
    int32_t products = core2(g, "Mul", dy, core_list(g, "Reshape", x, flat, 3));
    out[1] = core_list(g, "Reshape", core_list(g, "ReduceSum", products, LIST(0, 2)), LIST(c));
    out[2] = core_list(g, "Reshape", core_list(g, "ReduceSum", dy, LIST(0, 2)), LIST(c));
}

/* ---- windows over two axes, by matrices of zeros and ones -------------------------------------------------------- */

enum { MOST = 4096 };
struct windows {
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pads[4];
    int64_t inputs, outputs, taps;
};

static struct windows windows_of(const struct assay_node *node, const int64_t *in, const int64_t *out, const int64_t *kernel)
{
    struct windows w;
    for (int d = 0; d < 2; d++) {
        w.in[d] = in[d + 2];
        w.out[d] = out[d + 2];
        w.kernel[d] = kernel ? kernel[d] : assay_node_attr(node, "kernel_shape")->list[d];
        w.stride[d] = assay_node_attr(node, "strides")->list[d];
        w.dilation[d] = assay_node_attr(node, "dilations")->list[d];
        w.pads[d] = assay_node_attr(node, "pads")->list[d];
        w.pads[d + 2] = assay_node_attr(node, "pads")->list[d + 2];
    }
    w.inputs = w.in[0] * w.in[1];
    w.outputs = w.out[0] * w.out[1];
    w.taps = w.kernel[0] * w.kernel[1];
    return w;
}

/* What tap (ky, kx) sees from (oy, ox): an index, -1 in the pads, -2 beyond them. */
static int64_t seen(const struct windows *w, int64_t output, int64_t tap)
{
    int64_t y = output / w->out[1] * w->stride[0] + tap / w->kernel[1] * w->dilation[0] - w->pads[0];
    int64_t x = output % w->out[1] * w->stride[1] + tap % w->kernel[1] * w->dilation[1] - w->pads[1];
    if (y >= w->in[0] + w->pads[2] || x >= w->in[1] + w->pads[3])
        return -2;
    return y < 0 || x < 0 || y >= w->in[0] || x >= w->in[1] ? -1 : y * w->in[1] + x;
}

/* [outputs, inputs] (or transposed): 1 where the tap sees. */
static int32_t selection(struct assay_graph *g, int32_t like, const struct windows *w, int64_t tap, bool transposed)
{
    double  m[MOST] = {0};
    int64_t dims[] = {transposed ? w->inputs : w->outputs, transposed ? w->outputs : w->inputs};
    cr_assert(w->inputs * w->outputs <= MOST);
    for (int64_t o = 0; o < w->outputs; o++)
        if (seen(w, o, tap) >= 0)
            m[transposed ? seen(w, o, tap) * w->outputs + o : o * w->inputs + seen(w, o, tap)] = 1;
    return numbers(g, like, m, 2, dims);
}

static int32_t planes(struct assay_graph *g, int32_t x, int64_t each)
{
    const struct assay_value *v = assay_graph_value(g, x);
    return core_list(g, "Reshape", x, LIST(v->dims[0] * v->dims[1], each));
}

static void average_pool(struct assay_graph *g, const struct assay_node *node, int32_t *out)
{
    const int64_t *in = assay_node_attr(node, "input_shape")->list;
    struct windows w = windows_of(node, in, assay_graph_value(g, node->inputs[0])->dims, NULL);
    bool   padded = assay_node_i64(node, "count_include_pad", 0);
    double m[MOST] = {0};
    for (int64_t o = 0; o < w.outputs; o++) {
        double count = 0;
        for (int64_t t = 0; t < w.taps; t++)
            count += seen(&w, o, t) >= (padded ? -1 : 0);
        for (int64_t t = 0; t < w.taps; t++)
            if (seen(&w, o, t) >= 0)
                m[o * w.inputs + seen(&w, o, t)] = 1 / count;
    }
    int32_t dy = planes(g, node->inputs[0], w.outputs);
    out[0] = core_list(g, "Reshape", core2(g, "MatMul", dy, numbers(g, dy, m, 2, (int64_t[]){w.outputs, w.inputs})), in, 4);
}

/* Of a window without equal elements: dy times 1 - min(1, (greatest - x) * much), which is 1 for the greatest, else 0. */
static void max_pool(struct assay_graph *g, const struct assay_node *node, int32_t *out)
{
    struct assay_value v = *assay_graph_value(g, node->inputs[1]);
    struct windows w = windows_of(node, v.dims, assay_graph_value(g, node->inputs[0])->dims, NULL);
    int32_t dy = planes(g, node->inputs[0], w.outputs), x = planes(g, node->inputs[1], w.inputs), tap[16];
    int32_t greatest = ASSAY_NO_VALUE, sum = ASSAY_NO_VALUE;
    cr_assert(w.taps <= 16);
    for (int64_t t = 0; t < w.taps; t++) {
        double far[MOST] = {0};
        for (int64_t o = 0; o < w.outputs; o++)
            far[o] = seen(&w, o, t) >= 0 ? 0 : -100;
        tap[t] = core2(g, "Add", core2(g, "MatMul", x, selection(g, x, &w, t, true)), numbers(g, x, far, 1, &w.outputs));
        greatest = t ? core2(g, "Max", greatest, tap[t]) : tap[0];
    }
    for (int64_t t = 0; t < w.taps; t++) {
        int32_t less = core2(g, "Mul", core2(g, "Sub", greatest, tap[t]), number(g, x, 1e30));
        int32_t is = core2(g, "Sub", number(g, x, 1), core2(g, "Min", number(g, x, 1), less));
        int32_t share = core2(g, "MatMul", core2(g, "Mul", dy, is), selection(g, x, &w, t, false));
        sum = t ? core2(g, "Add", sum, share) : share;
    }
    out[0] = core_list(g, "Reshape", sum, v.dims, 4);
}

/* ---- convolutions: a product for each tap ------------------------------------------------------------------------ */

struct convolution {
    struct windows w;
    int64_t n, groups, c, m; /* channels and filters of a group */
};

static struct convolution convolution_of(const struct assay_graph *g, const struct assay_node *node, const int64_t *x,
                                         const int64_t *kernel)
{
    const int64_t *dy = assay_graph_value(g, node->inputs[0])->dims;
    struct convolution s = {.w = windows_of(node, x, dy, kernel), .n = x[0], .groups = assay_node_i64(node, "group", 1)};
    s.c = x[1] / s.groups;
    s.m = dy[1] / s.groups;
    return s;
}

/* 1 at `tap` of a row (or column) of all taps. */
static int32_t unit(struct assay_graph *g, int32_t like, int64_t taps, int64_t tap, bool column)
{
    double one[64] = {0};
    cr_assert(taps <= 64);
    one[tap] = 1;
    return numbers(g, like, one, 2, column ? (int64_t[]){taps, 1} : (int64_t[]){1, taps});
}

static void input_grad(struct assay_graph *g, const struct assay_node *node, int32_t *out)
{
    const int64_t *x = assay_node_attr(node, "input_shape")->list;
    struct convolution s = convolution_of(g, node, x, assay_graph_value(g, node->inputs[1])->dims + 2);
    int32_t dy = core_list(g, "Reshape", node->inputs[0], LIST(s.n, s.groups, s.m, s.w.outputs)), sum = ASSAY_NO_VALUE;
    int32_t w = core_list(g, "Reshape", node->inputs[1], LIST(s.groups, s.m, s.c, s.w.taps));
    struct assay_attr perm[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .list = {0, 2, 1}, .n = 3}, ASSAY_ATTR_END};
    for (int64_t t = 0; t < s.w.taps; t++) {
        int32_t tap = core_list(g, "Reshape", core2(g, "MatMul", w, unit(g, w, s.w.taps, t, true)), LIST(s.groups, s.m, s.c));
        int32_t spread = core2(g, "MatMul", dy, selection(g, dy, &s.w, t, false));
        int32_t share = core2(g, "MatMul", core(g, "Transpose", &tap, 1, perm), spread);
        sum = t ? core2(g, "Add", sum, share) : share;
    }
    out[0] = core_list(g, "Reshape", sum, x, 4);
}

static void weight_grad(struct assay_graph *g, const struct assay_node *node, int32_t *out)
{
    const int64_t *dims = assay_graph_value(g, node->inputs[1])->dims;
    struct convolution s = convolution_of(g, node, dims, NULL);
    int32_t dy = core_list(g, "Reshape", node->inputs[0], LIST(s.n, s.groups, s.m, s.w.outputs)), sum = ASSAY_NO_VALUE;
    int32_t x = core_list(g, "Reshape", node->inputs[1], LIST(s.n, s.groups, s.c, s.w.inputs));
    struct assay_attr perm[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .list = {0, 1, 3, 2}, .n = 4}, ASSAY_ATTR_END};
    for (int64_t t = 0; t < s.w.taps; t++) {
        int32_t seen_by = core2(g, "MatMul", x, selection(g, x, &s.w, t, true));
        int32_t products = core2(g, "MatMul", dy, core(g, "Transpose", &seen_by, 1, perm));
        int32_t tap = core_list(g, "Reshape", core_list(g, "ReduceSum", products, LIST(0)), LIST(s.groups, s.m, s.c, 1));
        int32_t share = core2(g, "Mul", tap, unit(g, x, s.w.taps, t, false));
        sum = t ? core2(g, "Add", sum, share) : share;
    }
    out[0] = core_list(g, "Reshape", sum, LIST(s.groups * s.m, s.c, s.w.kernel[0], s.w.kernel[1]));
}

/* ---- repetition: a sum over the axes of the blocks --------------------------------------------------------------- */

static void resize_grad(struct assay_graph *g, const struct assay_node *node, int32_t *out)
{
    struct assay_value dy = *assay_graph_value(g, node->inputs[0]), dx = *assay_graph_value(g, node->outputs[0]);
    const int64_t *factors = assay_node_attr(node, "factors")->list;
    int64_t dims[ASSAY_MAX_RANK], axes[ASSAY_MAX_RANK];
    for (int32_t i = 0; i < dy.rank; i++) {
        dims[2 * i] = dy.dims[i] / factors[i];
        dims[2 * i + 1] = factors[i];
        axes[i] = 2 * i + 1;
    }
    int32_t blocks = core_list(g, "Reshape", node->inputs[0], dims, 2 * (size_t)dy.rank);
    out[0] = core_list(g, "Reshape", core_list(g, "ReduceSum", blocks, axes, (size_t)dy.rank), dx.dims, (size_t)dx.rank);
}

static const struct decomposition table[] = {
    {"assay.ResizeGrad", "f[1,2,4,9]", "factors=[1,2,2,3]", 1, resize_grad, false},
    {"assay.ResizeGrad", "f[3,8]", "factors=[1,4]", 1, resize_grad, false},
    {"assay.ConvInputGrad", "f[2,3,4,4] f[3,2,3,3]", "pads=[1,1,1,1] input_shape=[2,2,4,4]", 1, input_grad, false},
    {"assay.ConvInputGrad", "f[1,6,3,2] f[6,2,3,2]",
     "group=2 strides=[2,3] dilations=[1,2] pads=[0,2,2,0] input_shape=[1,4,5,5]", 1, input_grad, false},
    {"assay.ConvInputGrad", "f[2,3,3,3] f[3,1,1,1]", "group=3 strides=[2,2] input_shape=[2,3,6,5]", 1, input_grad, false},
    {"assay.ConvWeightGrad", "f[2,3,4,4] f[2,2,4,4]", "pads=[1,1,1,1] kernel_shape=[3,3]", 1, weight_grad, false},
    {"assay.ConvWeightGrad", "f[3,6,3,2] f[3,4,5,5]",
     "group=2 strides=[2,3] dilations=[1,2] pads=[0,2,2,0] kernel_shape=[3,2]", 1, weight_grad, false},
    {"assay.ConvWeightGrad", "f[1,3,3,3] f[1,3,6,5]", "group=3 strides=[2,2] kernel_shape=[1,1]", 1, weight_grad, false},
    {"assay.AveragePoolGrad", "f[2,3,3,3]", "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1] input_shape=[2,3,5,6]", 1,
     average_pool, false},
    {"assay.AveragePoolGrad", "f[1,2,5,3]",
     "kernel_shape=[3,2] strides=[1,2] pads=[1,0,1,1] count_include_pad=1 input_shape=[1,2,5,5]", 1, average_pool, false},
    {"assay.AveragePoolGrad", "f[1,2,2,3]",
     "kernel_shape=[3,2] strides=[2,2] pads=[0,0,0,1] ceil_mode=1 count_include_pad=1 input_shape=[1,2,4,5]", 1, average_pool,
         false},
    {"assay.MaxPoolGrad", "f[2,2,3,3] f[2,2,5,6]", "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]", 1, max_pool, true},
    {"assay.MaxPoolGrad", "f[1,3,4,3] f[1,3,4,7]", "kernel_shape=[2,3] dilations=[1,2] pads=[0,0,1,0]", 1, max_pool, true},
    {"assay.MaxPoolGrad", "f[1,1,2,3] f[1,1,4,5]", "kernel_shape=[3,2] strides=[2,2] ceil_mode=1", 1, max_pool, true},
    {"assay.BatchNormalizationGrad", "f[3,4,5] f[3,4,5] f[4]", "epsilon=0.01", 3, batch_normalization, false},
    {"assay.BatchNormalizationGrad", "f[4,2,3,5] f[4,2,3,5] f[2]", "", 3, batch_normalization, false},
    {"assay.GroupNormalizationGrad", "f[2,6,3] f[2,6,3] f[6]", "num_groups=3", 3, group_normalization, false},
    {"assay.GroupNormalizationGrad", "f[3,4,2,3] f[3,4,2,3] f[4]", "num_groups=1 epsilon=0.1", 3, group_normalization, false},
};

Test(convolutional_gradients, are_what_core_ops_make_of_their_definitions)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        check_decomposition(&table[i], ASSAY_F64);
        check_decomposition(&table[i], ASSAY_F32);
    }
}
