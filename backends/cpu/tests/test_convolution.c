/* Conv against its definition in double, through oneDNN and through our own. */
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

struct conv {
    int64_t n, c, h, w, m, kh, kw, group, stride[2], dilation[2], pads[4]; /* pads: top, left, bottom, right */
    bool    bias;
};
static const struct conv convs[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}, false},
    {2, 3, 7, 5, 4, 3, 3, 1, {1, 1}, {1, 1}, {1, 1, 1, 1}, true},
    {1, 5, 9, 11, 17, 3, 2, 1, {2, 1}, {1, 1}, {0, 1, 2, 0}, true},
    {2, 4, 13, 17, 6, 3, 3, 2, {2, 3}, {2, 1}, {2, 1, 2, 1}, false},
    {1, 6, 8, 8, 6, 3, 3, 6, {1, 1}, {1, 1}, {1, 1, 1, 1}, true},
    {1, 3, 33, 35, 20, 7, 7, 1, {2, 2}, {1, 1}, {3, 3, 3, 3}, false},
    {3, 70, 5, 6, 9, 3, 3, 1, {1, 1}, {1, 1}, {1, 1, 1, 1}, true},
    {1, 130, 4, 31, 40, 1, 1, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}, false},
    {2, 8, 14, 14, 16, 1, 1, 1, {2, 2}, {1, 1}, {0, 0, 0, 0}, true},
    {1, 2, 6, 6, 3, 5, 5, 1, {1, 1}, {1, 1}, {4, 4, 4, 4}, false},   /* more padding than input on a side */
    {1, 2, 20, 3, 3, 2, 3, 1, {5, 1}, {3, 1}, {0, 0, 0, 0}, false},  /* a stride that skips, a plane of one column */
    {1, 16, 40, 40, 64, 3, 3, 1, {1, 1}, {1, 1}, {1, 1, 1, 1}, true},
    {0, 2, 5, 5, 3, 3, 3, 1, {1, 1}, {1, 1}, {1, 1, 1, 1}, true},
};

static int64_t out_length(const struct conv *s, int axis)
{
    int64_t in = axis ? s->w : s->h, k = axis ? s->kw : s->kh;
    return (in + s->pads[axis] + s->pads[axis + 2] - (k - 1) * s->dilation[axis] - 1) / s->stride[axis] + 1;
}

static double element(const struct conv *s, const float *x, const float *w, int64_t n, int64_t m, int64_t oy, int64_t ox,
                      double *magnitude)
{
    int64_t each = s->c / s->group, group = m / (s->m / s->group);
    double  sum = 0;
    for (int64_t c = 0; c < each; c++)
        for (int64_t ky = 0; ky < s->kh; ky++)
            for (int64_t kx = 0; kx < s->kw; kx++) {
                int64_t y = oy * s->stride[0] + ky * s->dilation[0] - s->pads[0];
                int64_t z = ox * s->stride[1] + kx * s->dilation[1] - s->pads[1];
                if (y < 0 || y >= s->h || z < 0 || z >= s->w)
                    continue;
                double p = (double)x[((n * s->c + group * each + c) * s->h + y) * s->w + z] *
                           (double)w[((m * each + c) * s->kh + ky) * s->kw + kx];
                sum += p;
                *magnitude += fabs(p);
            }
    return sum;
}

static size_t count_wrong(const struct conv *s, const float *x, const float *w, const float *bias, const float *y)
{
    int64_t oh = out_length(s, 0), ow = out_length(s, 1);
    size_t  wrong = 0;
    for (int64_t e = 0; e < s->n * s->m * oh * ow; e++) {
        int64_t m = e / (oh * ow) % s->m;
        double  magnitude = s->bias ? fabs((double)bias[m]) : 0;
        double  want = (s->bias ? (double)bias[m] : 0) +
                      element(s, x, w, e / (oh * ow * s->m), m, e / ow % oh, e % ow, &magnitude);
        wrong += !close_to(y[e], want, magnitude, (double)(s->c / s->group * s->kh * s->kw));
    }
    return wrong;
}

static void check(struct device *d, const struct conv *s, bool fixed, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct assay_attr   attrs[] = {
        {.name = "strides", .type = ASSAY_ATTR_I64S, .list = {s->stride[0], s->stride[1]}, .n = 2},
        {.name = "dilations", .type = ASSAY_ATTR_I64S, .list = {s->dilation[0], s->dilation[1]}, .n = 2},
        {.name = "pads", .type = ASSAY_ATTR_I64S, .list = {s->pads[0], s->pads[1], s->pads[2], s->pads[3]}, .n = 4},
        ASSAY_ATTR_INT("group", s->group),
        ASSAY_ATTR_END,
    };
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 4, (int64_t[]){s->n, s->c, s->h, s->w}, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "w", ASSAY_F32, 4, (int64_t[]){s->m, s->c / s->group, s->kh, s->kw}, ASSAY_FILL_SIGNED);
    int32_t b = s->bias ? assay_graph_param(g, "b", ASSAY_F32, 1, &s->m, ASSAY_FILL_SIGNED) : ASSAY_NO_VALUE;
    int32_t y = assay_graph_op(g, "Conv", "y", (int32_t[]){x, w, b}, s->bias ? 3 : 2, attrs);
    struct data data;
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    if (s->n) {
        device_run(d, g, &data, fixed, what);
        size_t wrong = count_wrong(s, floats(&data, x), floats(&data, w), s->bias ? floats(&data, b) : NULL, floats(&data, y));
        cr_expect_eq(wrong, 0, "%s: conv %td, weights %s: %zu elements wrong", what, s - convs, fixed ? "fixed" : "free", wrong);
    } else {
        char              why[200];
        struct assay_text why_not = ASSAY_TEXT(why);
        cr_expect(!d->backend->accepts(d->session, g, 0, &why_not));
        cr_expect_str_eq(why, "Conv of an empty tensor");
    }
    data_free(&data);
    assay_graph_free(g);
}

Test(convolution, agrees_with_its_definition_on_every_device, .timeout = 120)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof convs / sizeof *convs; j++) {
            check(&d, &convs[j], true, every_device[i]);
            check(&d, &convs[j], false, every_device[i]);
        }
        device_close(&d);
    }
}

Test(convolution, over_one_axis_is_one_over_two, .timeout = 60)
{
    struct conv s = {2, 3, 1, 29, 5, 1, 4, 1, {1, 2}, {1, 1}, {0, 1, 0, 2}, false};
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device       d;
        struct data         data;
        struct assay_error  err = {0};
        struct assay_graph *g = assay_graph_new("g");
        struct assay_attr   attrs[] = {{.name = "strides", .type = ASSAY_ATTR_I64S, .list = {2}, .n = 1},
                                       {.name = "pads", .type = ASSAY_ATTR_I64S, .list = {1, 2}, .n = 2}, ASSAY_ATTR_END};
        int32_t x = assay_graph_input(g, "x", ASSAY_F32, 3, (int64_t[]){s.n, s.c, s.w}, ASSAY_FILL_SIGNED);
        int32_t w = assay_graph_param(g, "w", ASSAY_F32, 3, (int64_t[]){s.m, s.c, s.kw}, ASSAY_FILL_SIGNED);
        int32_t y = assay_graph_op(g, "Conv", "y", (int32_t[]){x, w}, 2, attrs);
        assay_graph_output(g, y);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        if (device_open(&d, every_device[i])) {
            data_new(g, &data);
            device_run(&d, g, &data, true, every_device[i]);
            cr_expect_eq(count_wrong(&s, floats(&data, x), floats(&data, w), NULL, floats(&data, y)), 0);
            data_free(&data);
            device_close(&d);
        }
        assay_graph_free(g);
    }
}
