/* Softmax and the norms against their definitions in double. */
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

struct shape {
    int32_t rank, axis;
    int64_t dims[4];
};
static const struct shape shapes[] = {
    {1, 0, {1}},          {1, 0, {5}},         {1, -1, {70001}},       {2, 1, {7, 1}},       {2, -1, {33, 257}},
    {2, 0, {33, 257}},    {3, 1, {3, 17, 5}},  {3, 1, {2, 64, 1031}},  {4, 1, {2, 3, 4, 5}}, {2, 1, {0, 5}},
    {2, 0, {100, 300}},   {2, 1, {500, 768}},  {4, -2, {2, 3, 40, 16}},
};

static void spread(struct data *data, int32_t x, size_t n)
{
    for (size_t i = 0; i < n; i++) /* beyond where exp alone overflows, and far from zero mean */
        ((float *)data->at[x])[i] = 60.0f + 80.0f * floats(data, x)[i];
}

static void check_softmax(struct device *d, const struct shape *s, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct assay_attr   attrs[] = {ASSAY_ATTR_INT("axis", s->axis), ASSAY_ATTR_END};
    struct data         data;
    int32_t axis = s->axis < 0 ? s->axis + s->rank : s->axis;
    size_t  n = (size_t)s->dims[axis], inner = 1, wrong = 0;
    for (int32_t i = axis + 1; i < s->rank; i++)
        inner *= (size_t)s->dims[i];
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, s->rank, s->dims, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "Softmax", "y", &x, 1, attrs);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    spread(&data, x, assay_graph_value(g, x)->elements);
    device_run(d, g, &data, false, what);
    for (size_t r = 0; r < assay_graph_value(g, x)->elements / n; r++) {
        const float *from = floats(&data, x) + r / inner * n * inner + r % inner;
        const float *to = floats(&data, y) + r / inner * n * inner + r % inner;
        double       top = -INFINITY, sum = 0;
        for (size_t i = 0; i < n; i++)
            top = fmax(top, (double)from[i * inner]);
        for (size_t i = 0; i < n; i++)
            sum += exp((double)from[i * inner] - top);
        for (size_t i = 0; i < n; i++) {
            double difference = (double)from[i * inner] - top, want = exp(difference) / sum;
            wrong += !(fabs((double)to[i * inner] - want) <= (12 + fabs(difference)) * 0x1p-23 * want + 0x1p-126);
        }
    }
    cr_expect_eq(wrong, 0, "%s: softmax %td: %zu elements wrong", what, s - shapes, wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(normalization, softmax_along_any_axis_neither_overflows_nor_leaves_its_bounds, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
            check_softmax(&d, &shapes[j], every_device[i]);
        device_close(&d);
    }
}

static bool row_is_right(const struct data *data, const int32_t *in, const int32_t *out, size_t row, size_t n, bool layer)
{
    const float *x = floats(data, in[0]) + row * n, *y = floats(data, out[0]) + row * n;
    double       mean = 0, square = 0, largest = 0;
    bool         ok = true;
    for (size_t i = 0; i < n && layer; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        square += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
        largest = fmax(largest, fabs((double)x[i]));
    }
    double inverse = 1 / sqrt(square + (double)(float)1e-3);
    for (size_t i = 0; i < n; i++) {
        double scale = (double)floats(data, in[1])[i], bias = layer ? (double)floats(data, in[2])[i] : 0;
        double want = ((double)x[i] - mean) * inverse * scale + bias;
        double bound = 0x1p-24 * ((32 + sqrt((double)n)) * largest * inverse * fabs(scale) + 4 * fabs(bias)) + 0x1p-126;
        ok = ok && fabs((double)y[i] - want) <= bound;
    }
    if (layer) {
        ok = ok && fabs((double)floats(data, out[1])[row] - mean) <= 0x1p-24 * (16 + sqrt((double)n)) * largest;
        ok = ok && fabs((double)floats(data, out[2])[row] - inverse) <= 0x1p-20 * inverse;
    }
    return ok;
}

static void check_norm(struct device *d, const struct shape *s, bool layer, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct assay_attr   attrs[] = {ASSAY_ATTR_INT("axis", s->axis), ASSAY_ATTR_FLOAT("epsilon", 1e-3), ASSAY_ATTR_END};
    static const char *const names[] = {"y", "mean", "inverse"};
    struct data data;
    int32_t     axis = s->axis < 0 ? s->axis + s->rank : s->axis, out[3] = {0};
    size_t      n = 1, wrong = 0;
    for (int32_t i = axis; i < s->rank; i++)
        n *= (size_t)s->dims[i];
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, s->rank, s->dims, ASSAY_FILL_SIGNED);
    int32_t scale = assay_graph_param(g, "scale", ASSAY_F32, s->rank - axis, s->dims + axis, ASSAY_FILL_SIGNED);
    int32_t bias = layer ? assay_graph_param(g, "bias", ASSAY_F32, s->rank - axis, s->dims + axis, ASSAY_FILL_SIGNED) : ASSAY_NO_VALUE;
    int32_t in[] = {x, scale, bias};
    assay_graph_op_outputs(g, layer ? "LayerNormalization" : "RMSNormalization", names, layer ? 3 : 1, in, layer ? 3 : 2, attrs, out);
    for (int i = 0; i < (layer ? 3 : 1); i++)
        assay_graph_output(g, out[i]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    spread(&data, x, assay_graph_value(g, x)->elements);
    device_run(d, g, &data, true, what);
    for (size_t r = 0; r < assay_graph_value(g, x)->elements / n; r++)
        wrong += !row_is_right(&data, in, out, r, n, layer);
    cr_expect_eq(wrong, 0, "%s: norm %td (layer %d): %zu rows wrong", what, s - shapes, layer, wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(normalization, norms_of_rows_far_from_zero_do_not_cancel, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++) {
            check_norm(&d, &shapes[j], true, every_device[i]);
            check_norm(&d, &shapes[j], false, every_device[i]);
        }
        device_close(&d);
    }
}

Test(normalization, a_scale_that_is_not_one_whole_row_is_refused, .timeout = 10)
{
    struct device       d;
    struct assay_error  err = {0};
    char                why[300];
    struct assay_text   why_not = ASSAY_TEXT(why);
    struct assay_graph *g = assay_graph_new("g");
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){4, 4}, ASSAY_FILL_SIGNED);
    int32_t scale = assay_graph_input(g, "scale", ASSAY_F32, 2, (int64_t[]){4, 1}, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "LayerNormalization", "y", (int32_t[]){x, scale}, 2, NULL);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=1"));
    cr_expect(!d.backend->accepts(d.session, g, 0, &why_not));
    cr_expect(strstr(why, "'scale' of f32[4,1]"), "%s", why);
    device_close(&d);
    assay_graph_free(g);
}
