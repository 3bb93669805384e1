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

static const struct decomposition table[] = {
    {"assay.BatchNormalizationGrad", "f[3,4,5] f[3,4,5] f[4]", "epsilon=0.01", 3, batch_normalization},
    {"assay.BatchNormalizationGrad", "f[4,2,3,5] f[4,2,3,5] f[2]", "", 3, batch_normalization},
    {"assay.GroupNormalizationGrad", "f[2,6,3] f[2,6,3] f[6]", "num_groups=3", 3, group_normalization},
    {"assay.GroupNormalizationGrad", "f[3,4,2,3] f[3,4,2,3] f[4]", "num_groups=1 epsilon=0.1", 3, group_normalization},
};

Test(convolutional_gradients, are_what_core_ops_make_of_their_definitions)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        check_decomposition(&table[i], ASSAY_F64);
        check_decomposition(&table[i], ASSAY_F32);
    }
}
