#include "simulate.h"

static struct seen seen;

struct shape {
    int64_t n, c, m, h, w, kh, kw, group, stride, dilation, pad_top, pad_left, pad_bottom, pad_right;
};

/* The taps of one output element side by side, by the definition. Returns how many. */
static size_t taps_of(const struct shape *s, const double *x, const double *w, int64_t oh, int64_t ow, int64_t index,
                      double *xs, double *ws)
{
    int64_t col = index % ow, row = index / ow % oh, filter = index / ow / oh % s->m, image = index / ow / oh / s->m;
    int64_t per = s->c / s->group, first = filter / (s->m / s->group) * per;
    size_t n = 0;
    for (int64_t c = 0; c < per; c++) {
        for (int64_t i = 0; i < s->kh; i++) {
            for (int64_t j = 0; j < s->kw; j++) {
                int64_t y = row * s->stride - s->pad_top + i * s->dilation,
                        z = col * s->stride - s->pad_left + j * s->dilation;
                if (y < 0 || y >= s->h || z < 0 || z >= s->w)
                    continue;
                xs[n] = x[((image * s->c + first + c) * s->h + y) * s->w + z];
                ws[n++] = w[((filter * per + c) * s->kh + i) * s->kw + j];
            }
        }
    }
    return n;
}

static void expect_fold(struct made *m, const double *value, const double *bound)
{
    struct assay_error err = {0};
    int64_t filters = m->out[0].dims[1], size = m->out[0].dims[2] * m->out[0].dims[3], n = m->out[0].dims[0] * size;
    double *weight = made_doubles(m, (size_t)filters), *v = made_doubles(m, (size_t)n), *e = made_doubles(m, (size_t)n);
    int64_t *index = assay_arena_take(&m->arena, (size_t)n, sizeof *index);
    for (int64_t f = 0; f < filters; f++)
        weight[f] = 2 * assay_random_unit(&m->random) - 1;
    for (int64_t i = 0; i < n; i++)
        index[i] = i;
    cr_assert_eq(assay_op_reference_Conv.fold(&m->call, 1, weight, (size_t)n, index, v, e, &err), ASSAY_OK);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0, bounds = 0;
        for (int64_t f = 0; f < filters; f++) {
            int64_t at = (i / size * filters + f) * size + i % size;
            sum += weight[f] * value[at];
            bounds += fabs(weight[f]) * bound[at];
        }
        cr_expect_float_eq(v[i], sum, 1e-12);
        cr_expect(e[i] >= bounds * (1 - 1e-6) && e[i] <= bounds * 1.001, "%g for %g", e[i], bounds);
    }
    cr_expect_eq(assay_op_reference_Conv.fold(&m->call, 0, weight, 0, index, v, e, &err), ASSAY_UNSUPPORTED);
}

/* Whole images were asked for; their elements alone, in no order, and without bounds, have the same bits. */
static void expect_elements(struct made *m, const double *value, const double *bound)
{
    struct assay_error err = {0};
    size_t n = m->out[0].elements;
    double *v = made_doubles(m, n), *e = made_doubles(m, n);
    int64_t *index = assay_arena_take(&m->arena, n, sizeof *index);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)(n - 1 - i);
    cr_assert_eq(assay_op_reference_Conv.at(&m->call, n, index, v, e, &err), ASSAY_OK);
    for (size_t i = 0; i < n; i++)
        cr_expect(v[i] == value[n - 1 - i] && e[i] == bound[n - 1 - i], "element %zu", n - 1 - i);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    m->call.values_only = true;
    cr_assert_eq(assay_op_reference_Conv.at(&m->call, n, index, v, e, &err), ASSAY_OK);
    cr_expect_arr_eq(v, value, n * sizeof *v);
}

static void try_conv(uint64_t seed, const struct shape *s, const char *auto_pad)
{
    struct made m;
    double *value, *bound, xs[512], ws[512];
    int64_t oh = (s->h + s->pad_top + s->pad_bottom - (s->kh - 1) * s->dilation - 1) / s->stride + 1;
    int64_t ow = (s->w + s->pad_left + s->pad_right - (s->kw - 1) * s->dilation - 1) / s->stride + 1;
    made_begin(&m, seed);
    double *x = made_input(&m, 0, ASSAY_F32, DIMS(s->n, s->c, s->h, s->w), 0.1, 1, 0);
    double *w = made_input(&m, 1, ASSAY_F32, DIMS(s->m, s->c / s->group, s->kh, s->kw), -0.2, 1, 0);
    double *b = made_input(&m, 2, ASSAY_F32, DIMS(s->m), -1, 1, 0);
    made_output(&m, 0, ASSAY_F32, DIMS(s->n, s->m, oh, ow));
    made_attr(&m, ASSAY_ATTR_INT("group", s->group));
    made_attr(&m,
              (struct assay_attr){.name = "strides", .type = ASSAY_ATTR_I64S, .list = {s->stride, s->stride}, .n = 2});
    made_attr(&m, (struct assay_attr){
                      .name = "dilations", .type = ASSAY_ATTR_I64S, .list = {s->dilation, s->dilation}, .n = 2});
    if (auto_pad)
        made_attr(&m, ASSAY_ATTR_STRING("auto_pad", auto_pad));
    else
        made_attr(&m, (struct assay_attr){.name = "pads",
                                          .type = ASSAY_ATTR_I64S,
                                          .list = {s->pad_top, s->pad_left, s->pad_bottom, s->pad_right},
                                          .n = 4});
    made_all(&m, &assay_op_reference_Conv, 0, &value, &bound);
    for (int64_t i = 0; i < (int64_t)m.out[0].elements; i++) {
        double bias = b[i / (oh * ow) % s->m];
        size_t n = taps_of(s, x, w, oh, ow, i, xs, ws);
        cr_assert_leq(fabs(value[i] - (double)(exact_dot(n, xs, 1, ws, 1) + bias)), 1e-13);
        for (int order = 0; order < N_ORDERS; order++)
            see(&seen, dot_f32(order, n, xs, 1, ws, 1) + (float)bias, value[i], bound[i]);
        see(&seen, value[i] + 2.1 * bound[i], value[i], bound[i]); /* a planted fault */
        cr_assert_geq(seen.above, 1);
        seen.above--;
        seen.n--;
    }
    expect_fold(&m, value, bound);
    expect_elements(&m, value, bound);
    made_end(&m);
}

Test(conv, direct_convolution_in_any_order_stays_within_the_bound)
{
    const struct shape shapes[] = {
        {2, 3, 4, 7, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1},
        {1, 4, 6, 8, 8, 3, 2, 2, 2, 1, 0, 1, 2, 0},
        {1, 6, 6, 5, 9, 3, 3, 6, 1, 2, 2, 2, 2, 2},
        {2, 8, 5, 4, 4, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        try_conv(i, &shapes[i], NULL);
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.02, "median %g", middle);
}

Test(conv, an_image_that_takes_several_tiles_is_no_different)
{
    try_conv(9, &(struct shape){1, 16, 7, 30, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1}, NULL);
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
}

Test(conv, automatic_padding_puts_the_odd_column_where_it_says)
{
    const struct shape lower = {1, 2, 2, 6, 6, 3, 3, 1, 2, 1, 1, 1, 0, 0},
                       upper = {1, 2, 2, 6, 6, 3, 3, 1, 2, 1, 0, 0, 1, 1};
    try_conv(1, &lower, "SAME_LOWER");
    try_conv(2, &upper, "SAME_UPPER");
    try_conv(3, &(struct shape){1, 2, 2, 6, 6, 3, 3, 1, 1, 1, 0, 0, 0, 0}, "VALID");
    cr_expect_eq(seen.above, 0);
}

Test(conv, one_and_three_axes_work_as_two_do)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 1);
    const double line[4] = {1, 2, 3, 4}, edge[2] = {1, -1};
    memcpy(made_input(&m, 0, ASSAY_F32, DIMS(1, 1, 4), 0, 1, 0), line, sizeof line);
    memcpy(made_input(&m, 1, ASSAY_F32, DIMS(1, 1, 2), 0, 1, 0), edge, sizeof edge);
    made_output(&m, 0, ASSAY_F32, DIMS(1, 1, 3));
    made_all(&m, &assay_op_reference_Conv, 0, &value, &bound);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(value[i], -1);
    made_end(&m);
    made_begin(&m, 1);
    double *x = made_input(&m, 0, ASSAY_F64, DIMS(1, 2, 2, 2, 2), -1, 1, 0),
           *w = made_input(&m, 1, ASSAY_F64, DIMS(1, 2, 2, 2, 2), -1, 1, 0);
    made_output(&m, 0, ASSAY_F64, DIMS(1, 1, 1, 1, 1));
    made_all(&m, &assay_op_reference_Conv, 0, &value, &bound);
    cr_expect_float_eq(value[0], (double)exact_dot(16, x, 1, w, 1), 1e-15);
    made_end(&m);
}
