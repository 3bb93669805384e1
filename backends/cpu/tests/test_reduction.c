/* Reductions over every set of axes of several shapes. */
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

static const char *const ops[] = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"};

struct shape {
    int32_t rank;
    int64_t dims[4];
};
static const struct shape shapes[] = {{1, {1}},           {1, {5}},          {1, {70001}},        {2, {3, 5}},       {2, {17, 1030}},
                                      {2, {1030, 3}},     {2, {40000, 2}},   {3, {4, 5, 6}},      {3, {2, 3000, 37}}, {4, {3, 4, 5, 7}},
                                      {4, {2, 1, 19, 23}}, {3, {300, 5, 40}}};

/* Result index of element e when the axes in `mask` are reduced. */
static size_t result_of(const struct shape *s, unsigned mask, size_t e)
{
    size_t index = 0, stride = 1;
    for (int32_t d = s->rank - 1; d >= 0; d--) {
        size_t at = e % (size_t)s->dims[d];
        e /= (size_t)s->dims[d];
        if (mask >> d & 1)
            continue;
        index += at * stride;
        stride *= (size_t)s->dims[d];
    }
    return index;
}

static void expect_right(const struct shape *s, size_t op, unsigned mask, const float *x, size_t n, const float *y, size_t outputs,
                         const char *what)
{
    double *want = calloc(outputs, sizeof *want), *magnitude = calloc(outputs, sizeof *magnitude);
    size_t  wrong = 0, each = n / outputs;
    for (size_t i = 0; op > 1 && i < outputs; i++)
        want[i] = op == 2 ? -INFINITY : INFINITY;
    for (size_t e = 0; e < n; e++) {
        size_t r = result_of(s, mask, e);
        want[r] = op < 2 ? want[r] + (double)x[e] : op == 2 ? fmax(want[r], (double)x[e]) : fmin(want[r], (double)x[e]);
        magnitude[r] += fabs((double)x[e]);
    }
    for (size_t i = 0; i < outputs; i++) {
        double divisor = op == 1 ? (double)each : 1.0;
        /* long sums are sums of short ones: far fewer roundings than terms meet any one element */
        wrong += op < 2 ? !close_to(y[i], want[i] / divisor, magnitude[i] / divisor, 8 * sqrt((double)each)) : (double)y[i] != want[i];
    }
    cr_expect_eq(wrong, 0, "%s: %s of shape %td over mask %u: %zu of %zu wrong", what, ops[op], s - shapes, mask, wrong, outputs);
    free(want);
    free(magnitude);
}

static void check(struct device *d, const struct shape *s, size_t op, unsigned mask, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct assay_attr   attrs[] = {ASSAY_ATTR_INT("keepdims", mask % 2), ASSAY_ATTR_END};
    int64_t axes[4];
    size_t  n = 0;
    struct data data;
    for (int32_t i = 0; i < s->rank; i++)
        if (mask >> i & 1)
            axes[n++] = i % 2 ? i : i - s->rank; /* counted from either end */
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, s->rank, s->dims, ASSAY_FILL_SIGNED);
    int32_t a = n ? assay_graph_i64s(g, "axes", n, axes) : ASSAY_NO_VALUE;
    int32_t y = assay_graph_op(g, ops[op], "y", (int32_t[]){x, a}, n ? 2 : 1, attrs);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    device_run(d, g, &data, false, what);
    expect_right(s, op, n ? mask : 15, floats(&data, x), assay_graph_value(g, x)->elements, floats(&data, y),
                 assay_graph_value(g, y)->elements, what);
    data_free(&data);
    assay_graph_free(g);
}

Test(reduction, every_set_of_axes_gives_what_plain_loops_give, .timeout = 120)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
            for (unsigned mask = 0; mask < 1u << shapes[j].rank; mask++)
                for (size_t op = 0; op < 4; op++)
                    check(&d, &shapes[j], op, mask, every_device[i]);
        device_close(&d);
    }
}

Test(reduction, a_number_that_is_none_reaches_the_result, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++)
        for (size_t op = 0; op < 4; op++) {
            struct device       d;
            struct assay_error  err = {0};
            struct data         data;
            struct assay_graph *g = assay_graph_new("g");
            if (!device_open(&d, every_device[i])) {
                assay_graph_free(g);
                continue;
            }
            int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){3, 301}, ASSAY_FILL_SIGNED);
            int32_t rows = assay_graph_op(g, ops[op], "rows", (int32_t[]){x, assay_graph_i64s(g, "one", 1, (int64_t[]){1})}, 2, NULL);
            int32_t columns = assay_graph_op(g, ops[op], "columns", (int32_t[]){x, assay_graph_i64s(g, "zero", 1, (int64_t[]){0})}, 2, NULL);
            assay_graph_output(g, rows);
            assay_graph_output(g, columns);
            cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
            data_new(g, &data);
            ((float *)data.at[x])[301 + 7] = NAN;
            device_run(&d, g, &data, false, every_device[i]);
            for (int k = 0; k < 301; k++)
                cr_expect_eq(!!isnan(floats(&data, columns)[k]), k == 7, "%s %s column %d", every_device[i], ops[op], k);
            cr_expect(!isnan(floats(&data, rows)[0]) && isnan(floats(&data, rows)[1]) && !isnan(floats(&data, rows)[2]));
            data_free(&data);
            assay_graph_free(g);
            device_close(&d);
        }
}
