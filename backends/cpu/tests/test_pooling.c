/* Pools and their gradients within the reference's bounds; where elements are equal, the first one gets the gradient. */
#include "backends/cpu/tests/judge.h"

#include "assay/banned.h"

#define RESNET "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]"
static const struct judged table[] = {
    {"MaxPool", "f32[2,3,23,37]", RESNET, 1, -1, 1, 0},
    {"MaxPool", "f32[1,1,1,1]", "kernel_shape=[1,1]", 1, -1, 1, 0},
    {"MaxPool", "f32[0,3,5,5]", "kernel_shape=[2,2]", 1, -1, 1, 0},
    {"MaxPool", "f32[2,5,14,14]", "kernel_shape=[2,2] strides=[2,2]", 1, -1, 1, 0},
    {"MaxPool", "f32[1,2,19,45]", "kernel_shape=[3,3] pads=[1,1,1,1]", 1, -1, 1, 0},
    {"MaxPool", "f32[1,2,19,45]", "kernel_shape=[2,5] strides=[3,1] dilations=[4,3] pads=[1,5,2,0]", 1, -1, 1, 0},
    {"MaxPool", "f32[1,2,10,33]", "kernel_shape=[3,2] strides=[2,3] ceil_mode=1 pads=[0,1,1,0]", 1, -1, 1, 0},
    {"MaxPool", "f32[3,4,77]", "kernel_shape=[5] strides=[4] pads=[2,2]", 1, -1, 1, 0},
    {"assay.MaxPoolGrad", "f32[2,3,12,19] f32[2,3,23,37]", RESNET, 1, -1, 1, 0},
    {"assay.MaxPoolGrad", "f32[2,3,12,19] f32[2,3,23,37]", RESNET, 1, -1, 1, 0.5f},
    {"assay.MaxPoolGrad", "f32[1,1,1,1] f32[1,1,1,1]", "kernel_shape=[1,1]", 1, -1, 1, 0},
    {"assay.MaxPoolGrad", "f32[0,3,4,4] f32[0,3,5,5]", "kernel_shape=[2,2]", 1, -1, 1, 0},
    {"assay.MaxPoolGrad", "f32[1,2,19,45] f32[1,2,19,45]", "kernel_shape=[3,3] pads=[1,1,1,1]", 1, -1, 1, 0.25f},
    {"assay.MaxPoolGrad", "f32[1,2,6,38] f32[1,2,19,45]", "kernel_shape=[2,5] strides=[3,1] dilations=[4,3] pads=[1,5,2,0]", 1,
     -1, 1, 0.25f},
    {"assay.MaxPoolGrad", "f32[1,2,5,12] f32[1,2,10,33]", "kernel_shape=[3,2] strides=[2,3] ceil_mode=1 pads=[0,1,1,0]", 1, -1,
     1, 0.5f},
    {"assay.MaxPoolGrad", "f32[3,4,20] f32[3,4,77]", "kernel_shape=[5] strides=[4] pads=[2,2]", 1, -1, 1, 0},
    {"AveragePool", "f32[2,3,23,37]", RESNET, 1, -1, 1, 0},
    {"AveragePool", "f32[2,3,23,37]", RESNET " count_include_pad=1", 1, -1, 1, 0},
    {"AveragePool", "f32[2,5,14,14]", "kernel_shape=[2,2] strides=[2,2]", 1, -1, 1, 0},
    {"AveragePool", "f32[1,7,7,7]", "kernel_shape=[7,7]", 1, -1, 1, 0},
    {"AveragePool", "f32[1,2,10,33]", "kernel_shape=[3,2] strides=[2,3] ceil_mode=1 count_include_pad=1 pads=[0,1,1,0]", 1, -1,
     1, 0},
    {"AveragePool", "f32[3,4,77]", "kernel_shape=[5] strides=[4] pads=[2,2]", 1, -1, 1, 0},
    {"assay.AveragePoolGrad", "f32[2,3,12,19]", RESNET " input_shape=[2,3,23,37]", 1, -1, 1, 0},
    {"assay.AveragePoolGrad", "f32[2,3,12,19]", RESNET " count_include_pad=1 input_shape=[2,3,23,37]", 1, -1, 1, 0},
    {"assay.AveragePoolGrad", "f32[2,5,7,7]", "kernel_shape=[2,2] strides=[2,2] input_shape=[2,5,14,14]", 1, -1, 1, 0},
    {"assay.AveragePoolGrad", "f32[1,2,5,12]",
     "kernel_shape=[3,2] strides=[2,3] ceil_mode=1 pads=[0,1,1,0] input_shape=[1,2,10,33]", 1, -1, 1, 0},
    {"assay.AveragePoolGrad", "f32[3,4,20]", "kernel_shape=[5] strides=[4] pads=[2,2] input_shape=[3,4,77]", 1, -1, 1, 0},
    {"GlobalAveragePool", "f32[2,5,7,7]", "", 1, -1, 1, 0},
    {"GlobalAveragePool", "f32[3,40,1]", "", 1, -1, 1, 0},
    {"GlobalAveragePool", "f32[0,40,3]", "", 1, -1, 1, 0},
    {"GlobalAveragePool", "f32[1,1,99,301]", "", 1, -1, 1, 0},
};

Test(pooling, pools_and_their_gradients_stay_within_the_references_bounds, .timeout = 120)
{
    judge_all(table, sizeof table / sizeof *table);
}


/* The greatest of nothing but infinities and of NaNs: padding is never taken for an element. */
Test(pooling, a_nan_wins_and_padding_never_gets_a_gradient, .timeout = 30)
{
    static const float x[] = {-INFINITY, -INFINITY, -INFINITY, 1, NAN, NAN, 2, 3};
    static const float want_y[] = {-INFINITY, -INFINITY, 1, NAN, NAN, NAN, NAN, 3}, want_dx[] = {2, 0, 0, 1, 3, 1, 0, 1};
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct assay_error  err = {0};
        struct device       d;
        struct data         data;
        struct assay_attr   attrs[] = {{.name = "kernel_shape", .type = ASSAY_ATTR_I64S, .list = {3}, .n = 1},
                                       {.name = "pads", .type = ASSAY_ATTR_I64S, .list = {1, 1}, .n = 2}, ASSAY_ATTR_END};
        const int64_t       dims[] = {1, 1, 8};
        struct assay_graph *g = assay_graph_new("g");
        int32_t v = assay_graph_input(g, "x", ASSAY_F32, 3, dims, ASSAY_FILL_SIGNED);
        int32_t dy = assay_graph_input(g, "dy", ASSAY_F32, 3, dims, ASSAY_FILL_SIGNED);
        int32_t y = assay_graph_op(g, "MaxPool", "y", &v, 1, attrs);
        int32_t dx = assay_graph_op(g, "assay.MaxPoolGrad", "dx", (int32_t[]){dy, v}, 2, attrs);
        assay_graph_output(g, y);
        assay_graph_output(g, dx);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        data_new(g, &data);
        memcpy(data.at[v], x, sizeof x);
        for (int k = 0; k < 8; k++)
            ((float *)data.at[dy])[k] = 1;
        if (device_open(&d, every_device[i])) {
            device_run(&d, g, &data, false, every_device[i]);
            for (int k = 0; k < 8; k++) {
                float got = floats(&data, y)[k];
                cr_expect(isnan(want_y[k]) ? isnan(got) : got == want_y[k], "%s: y[%d] is %g", every_device[i], k, (double)got);
                cr_expect_eq(floats(&data, dx)[k], want_dx[k], "%s: dx[%d] is %g", every_device[i], k, (double)floats(&data,
                    dx)[k]);
            }
            device_close(&d);
        }
        data_free(&data);
        assay_graph_free(g);
    }
}
