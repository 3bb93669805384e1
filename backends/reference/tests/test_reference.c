#include <math.h>

#include "harness/run/tests/device.h"

#include "assay/banned.h"

/* Attributes, a const, a place and an output nobody wants have to come through the accessors. */
Test(reference, rebuilds_what_the_accessors_show, .timeout = 60)
{
    struct device d;
    struct assay_graph *g = assay_graph_new("rebuilt");
    const struct assay_attr turn[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .list = {1, 0}, .n = 2},
                                      ASSAY_ATTR_END};
    const struct assay_attr along[] = {ASSAY_ATTR_INT("axis", 0), ASSAY_ATTR_END};
    const float half = 0.5f;
    float x[6] = {0, 1, 2, 3, 4, 5}, y[6];
    int32_t in = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){2, 3}, ASSAY_FILL_SIGNED);
    int32_t scale = assay_graph_const(g, "half", ASSAY_F32, 0, NULL, &half);
    int32_t turned = assay_graph_op(g, "Transpose", "turned", &in, 1, turn);
    int32_t scaled = assay_graph_op(g, "Mul", "scaled", (int32_t[]){turned, scale}, 2, NULL);
    int32_t soft = assay_graph_op(g, "Softmax", "soft", &scaled, 1, along);
    int32_t out = assay_graph_op(g, "assay.Copy", "out", &soft, 1, NULL);
    assay_graph_place(g, out, ASSAY_PLACE_HOST_PINNED);
    assay_graph_output(g, out);
    device_open(&d, "reference", "");
    cr_expect_eq(d.opened.device.origin, ASSAY_ORIGIN_REFERENCE);
    device_load(&d, g);
    device_give(&d, in, x);
    (void)device_run(&d);
    device_take(&d, out, y);
    for (int row = 0; row < 3; row++)
        for (int column = 0; column < 2; column++) {
            double sum = 0;
            for (int i = 0; i < 3; i++)
                sum += exp(0.5 * x[column * 3 + i]);
            cr_expect_float_eq(y[row * 2 + column], exp(0.5 * x[column * 3 + row]) / sum, 1e-7);
        }
    cr_expect_eq(device_overrun(&d, out), 0);
    device_close(&d);
}

/* Lists of numbers, and the second of three outputs left out. */
Test(reference, keeps_attributes_and_outputs_that_nobody_wants, .timeout = 60)
{
    struct device d;
    struct assay_graph *g = assay_graph_new("pair");
    const struct assay_attr padded[] = {{.name = "pads", .type = ASSAY_ATTR_I64S, .list = {0, 1, 0, 0}, .n = 4},
                                        {.name = "strides", .type = ASSAY_ATTR_I64S, .list = {1, 2}, .n = 2},
                                        ASSAY_ATTR_END};
    const float x[6] = {1, 2, 3, 4, 5, 6}, ones[4] = {1, 1, 1, 1}, scale[2] = {1, 1};
    const float sums[2] = {1 + 4, 2 + 3 + 5 + 6};
    float y[2], deviation;
    int32_t in = assay_graph_input(g, "x", ASSAY_F32, 4, (int64_t[]){1, 1, 2, 3}, ASSAY_FILL_SIGNED);
    int32_t kernel = assay_graph_const(g, "ones", ASSAY_F32, 4, (int64_t[]){1, 1, 2, 2}, ones);
    int32_t gain = assay_graph_const(g, "gain", ASSAY_F32, 1, (int64_t[]){2}, scale);
    int32_t conv = assay_graph_op(g, "Conv", "sums", (int32_t[]){in, kernel}, 2, padded);
    int32_t out[3];
    assay_graph_op_outputs(g, "LayerNormalization", (const char *[]){"normal", NULL, "inverse"}, 3,
                           (int32_t[]){conv, gain}, 2, NULL, out);
    assay_graph_output(g, conv);
    assay_graph_output(g, out[0]);
    assay_graph_output(g, out[2]);
    device_open(&d, "reference", "");
    device_load(&d, g);
    device_give(&d, in, x);
    (void)device_run(&d);
    device_take(&d, conv, y);
    cr_expect_arr_eq(y, sums, sizeof y);
    device_take(&d, out[2], &deviation);
    cr_expect_float_eq(deviation, 1 / sqrt((sums[1] - sums[0]) * (sums[1] - sums[0]) / 4 + 1e-5), 1e-6);
    device_close(&d);
}

/* Both outputs read w; one takes its memory over. Nothing may be overwritten before all is computed. */
Test(reference, overwrites_only_when_all_outputs_are_computed, .timeout = 60)
{
    struct device d;
    struct assay_graph *g = assay_graph_new("update");
    const int64_t n[] = {4};
    float w[4] = {1, 2, 3, 4}, step[4] = {0.5f, 0.5f, 0.25f, 8}, twice[4], after[4];
    int32_t a = assay_graph_param(g, "w", ASSAY_F32, 1, n, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "step", ASSAY_F32, 1, n, ASSAY_FILL_SIGNED);
    int32_t sum = assay_graph_op(g, "Add", "twice", (int32_t[]){a, a}, 2, NULL);
    int32_t less = assay_graph_op(g, "Sub", "after", (int32_t[]){a, b}, 2, NULL);
    assay_graph_output(g, sum);
    assay_graph_output(g, less);
    assay_graph_alias(g, less, a);
    device_open(&d, "reference", "");
    device_load(&d, g);
    device_give(&d, a, w);
    device_give(&d, b, step);
    for (int round = 0; round < 2; round++) {
        (void)device_run(&d);
        device_take(&d, sum, twice);
        device_take(&d, a, after);
        for (int i = 0; i < 4; i++) {
            cr_expect_eq(twice[i], 2 * (w[i] - (float)round * step[i]));
            cr_expect_eq(after[i], w[i] - (float)(round + 1) * step[i]);
        }
    }
    device_close(&d);
}

Test(reference, refuses_what_is_not_bound_or_not_there, .timeout = 60)
{
    struct device d;
    struct assay_event *e = NULL;
    device_open(&d, "reference", "");
    device_load(&d, graph_binary("Add", 2, 2));
    cr_expect_eq(device_launch(&d, 1, &e), ASSAY_PROTOCOL);
    cr_expect_str_eq(d.err.message, "'b' is not bound");
    cr_expect_null(e);
    cr_expect_eq(d.opened.backend->upload(d.opened.session, d.buffer[0], 8, "12345678", UINT64_MAX, &d.err),
                 ASSAY_PROTOCOL);
    device_close(&d);
}
