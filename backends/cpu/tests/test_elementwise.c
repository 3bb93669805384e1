/* Element-wise ops through the plug-in: broadcasting, tails, every number of threads. */
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

struct shapes {
    int32_t a_rank, b_rank;
    int64_t a[5], b[5];
};
static const struct shapes shapes[] = {
    {0, 0, {0}, {0}},
    {1, 1, {1}, {1}},
    {1, 1, {37}, {37}},
    {2, 2, {300, 257}, {300, 257}},
    {2, 0, {13, 17}, {0}},
    {0, 2, {0}, {13, 17}},
    {2, 1, {13, 17}, {17}},
    {2, 2, {13, 17}, {13, 1}},
    {2, 2, {13, 1}, {1, 17}},
    {4, 3, {2, 8, 5, 7}, {8, 1, 1}},
    {4, 4, {1, 8, 1, 7}, {2, 1, 5, 1}},
    {5, 5, {2, 1, 3, 1, 5}, {1, 4, 3, 6, 1}},
    {2, 2, {0, 5}, {1, 5}},
    {3, 2, {3, 1, 20011}, {4, 1}},
    {2, 1, {3, 30011}, {30011}},
};
static const char *const binaries[] = {"Add", "Sub", "Mul", "Div", "Max", "Min"};

static double apply(size_t op, double a, double b)
{
    switch (op) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return a / b;
    case 4: return isnan(a) || a > b ? a : b;
    default: return isnan(a) || a < b ? a : b;
    }
}

static size_t source_index(const int64_t *dims, int32_t rank, const struct assay_value *out, size_t e)
{
    size_t index = 0, stride = 1;
    for (int32_t d = out->rank - 1, own = rank - 1; d >= 0; d--, own--) {
        size_t at = e % (size_t)out->dims[d];
        e /= (size_t)out->dims[d];
        if (own < 0)
            continue;
        index += dims[own] == 1 ? 0 : at * stride;
        stride *= (size_t)dims[own];
    }
    return index;
}

static void check_binary(struct device *d, const struct shapes *s, size_t op, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, s->a_rank, s->a, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "b", ASSAY_F32, s->b_rank, s->b, ASSAY_FILL_SIGNED);
    int32_t c = assay_graph_op(g, binaries[op], "c", (int32_t[]){a, b}, 2, NULL);
    struct data data;
    size_t      wrong = 0;
    assay_graph_output(g, c);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    const struct assay_value *out = assay_graph_value(g, c);
    data_new(g, &data);
    if (assay_graph_value(g, a)->elements)
        ((float *)data.at[a])[0] = NAN; /* must come through Max and Min as well */
    device_run(d, g, &data, false, what);
    for (size_t e = 0; e < out->elements; e++) {
        double x = (double)floats(&data, a)[source_index(s->a, s->a_rank, out, e)];
        double y = (double)floats(&data, b)[source_index(s->b, s->b_rank, out, e)];
        float  want = (float)apply(op, x, y), got = floats(&data, c)[e];
        wrong += !(got == want || (isnan(got) && isnan(want)));
    }
    cr_expect_eq(wrong, 0, "%s: %s of shapes %td: %zu elements wrong", what, binaries[op], s - shapes, wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(elementwise, two_operands_stretch_as_numpy_has_it_and_round_once, .timeout = 120)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
            for (size_t op = 0; op < 6; op++)
                check_binary(&d, &shapes[j], op, every_device[i]);
        device_close(&d);
    }
}

static const char *const unaries[] = {"Neg", "Abs", "Sqrt", "Exp", "Log", "Erf", "Tanh", "Sigmoid", "Relu", "Gelu", "Swish"};

static double apply_one(size_t op, double x)
{
    switch (op) {
    case 0: return -x;
    case 1: return fabs(x);
    case 2: return sqrt(x);
    case 3: return exp(x);
    case 4: return log(x);
    case 5: return erf(x);
    case 6: return tanh(x);
    case 7: return 1 / (1 + exp(-x));
    case 8: return x > 0 ? x : 0;
    case 9: return 0.5 * x * (1 + erf(x / sqrt(2)));
    default: return x / (1 + exp(-1.25 * x));
    }
}

static void check_unary(struct device *d, size_t op, int64_t n, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct assay_attr   attrs[] = {ASSAY_ATTR_FLOAT("alpha", 1.25), ASSAY_ATTR_END};
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, 1, &n, ASSAY_FILL_POSITIVE);
    int32_t c = assay_graph_op(g, unaries[op], "c", &a, 1, op == 10 ? attrs : NULL);
    struct data data;
    size_t      wrong = 0;
    assay_graph_output(g, c);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    for (int64_t i = 0; i < n; i++)
        ((float *)data.at[a])[i] = op == 2 || op == 4 ? fabsf(floats(&data, a)[i]) + 0.25f : 3 * floats(&data, a)[i];
    device_run(d, g, &data, false, what);
    for (int64_t i = 0; i < n; i++) {
        double want = apply_one(op, (double)floats(&data, a)[i]);
        wrong += !(fabs((double)floats(&data, c)[i] - want) <= 1e-6 * (fabs(want) + 0.125));
    }
    cr_expect_eq(wrong, 0, "%s: %s of %lld: %zu elements wrong", what, unaries[op], (long long)n, wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(elementwise, one_operand_is_done_to_its_last_element, .timeout = 120)
{
    static const int64_t lengths[] = {0, 1, 15, 16, 17, 8191, 100003};
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t op = 0; op < sizeof unaries / sizeof *unaries; op++)
            for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++)
                check_unary(&d, op, lengths[j], every_device[i]);
        device_close(&d);
    }
}
