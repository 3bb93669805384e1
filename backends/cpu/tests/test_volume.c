/* Convolutions and pools over three spatial axes, within the reference's bounds. */
#include "backends/cpu/tests/judge.h"

#include "assay/banned.h"

static const struct judged convolutions[] = {
    {"Conv", "f32[1,1,1,1,1] f32[1,1,1,1,1]", "", 1, -1, 1, 0},
    {"Conv", "f32[2,3,5,7,6] f32[4,3,3,3,3] f32[4]", "pads=[1,1,1,1,1,1]", 1, -1, 1, 0},
    {"Conv", "f32[1,5,4,9,11] f32[17,5,2,3,2]", "strides=[1,2,1] pads=[1,0,1,0,2,0]", 1, -1, 1, 0},
    {"Conv", "f32[2,4,7,13,17] f32[6,2,3,3,3] f32[6]", "group=2 strides=[1,2,3] dilations=[2,2,1] pads=[0,2,1,1,2,1]", 1, -1, 1, 0},
    {"Conv", "f32[1,6,4,8,8] f32[6,1,3,3,3]", "group=6 pads=[1,1,1,1,1,1]", 1, -1, 1, 0},
    {"Conv", "f32[1,2,3,6,6] f32[3,2,3,5,5]", "pads=[2,4,4,2,4,4]", 1, -1, 1, 0}, /* more padding than input on a side */
    {"Conv", "f32[1,70,6,20,33] f32[9,70,3,3,3]", "", 1, -1, 1, 0},
    {"assay.ConvInputGrad", "f32[2,4,5,7,6] f32[4,3,3,3,3]", "pads=[1,1,1,1,1,1] input_shape=[2,3,5,7,6]", 1, -1, 1, 0},
    {"assay.ConvInputGrad", "f32[1,17,5,5,11] f32[17,5,2,3,2]", "strides=[1,2,1] pads=[1,0,1,1,2,0] input_shape=[1,5,4,9,11]", 1, -1, 1, 0},
    {"assay.ConvInputGrad", "f32[2,6,3,7,6] f32[6,2,3,3,3]",
     "group=2 strides=[2,2,3] dilations=[1,2,1] pads=[1,2,1,0,2,1] input_shape=[2,4,7,13,17]", 1, -1, 1, 0},
    {"assay.ConvInputGrad", "f32[1,3,2,4,4] f32[3,130,1,1,1]", "strides=[2,2,2] input_shape=[1,130,4,8,8]", 1, -1, 1, 0},
    {"assay.ConvWeightGrad", "f32[2,4,5,7,6] f32[2,3,5,7,6]", "pads=[1,1,1,1,1,1] kernel_shape=[3,3,3]", 1, -1, 1, 0},
    {"assay.ConvWeightGrad", "f32[1,17,5,5,11] f32[1,5,4,9,11]", "strides=[1,2,1] pads=[1,0,1,1,2,0] kernel_shape=[2,3,2]", 1, -1, 1, 0},
    {"assay.ConvWeightGrad", "f32[2,6,3,7,6] f32[2,4,7,13,17]",
     "group=2 strides=[2,2,3] dilations=[1,2,1] pads=[1,2,1,0,2,1] kernel_shape=[3,3,3]", 1, -1, 1, 0},
};

Test(volume, convolutions_and_their_gradients_stay_within_the_references_bounds, .timeout = 120)
{
    judge_all(convolutions, sizeof convolutions / sizeof *convolutions);
}

#define PLAIN "kernel_shape=[2,3,3] strides=[1,2,2] pads=[1,1,1,0,1,1]"
#define FAR "kernel_shape=[2,1,5] strides=[1,3,1] dilations=[2,1,3] pads=[0,0,5,1,0,0]"
#define LAST "kernel_shape=[2,3,2] strides=[2,2,3] ceil_mode=1 pads=[0,0,1,1,1,0]"
static const struct judged pools[] = {
    {"MaxPool", "f32[1,1,1,1,1]", "kernel_shape=[1,1,1]", 1, -1, 1, 0},
    {"MaxPool", "f32[2,3,4,23,17]", PLAIN, 1, -1, 1, 0},
    {"MaxPool", "f32[1,2,5,19,25]", FAR, 1, -1, 1, 0},
    {"MaxPool", "f32[1,2,5,10,15]", LAST, 1, -1, 1, 0},
    {"MaxPool", "f32[0,3,5,5,5]", "kernel_shape=[2,2,2]", 1, -1, 1, 0},
    {"assay.MaxPoolGrad", "f32[2,3,4,12,9] f32[2,3,4,23,17]", PLAIN, 1, -1, 1, 0},
    {"assay.MaxPoolGrad", "f32[2,3,4,12,9] f32[2,3,4,23,17]", PLAIN, 1, -1, 1, 0.5f},
    {"assay.MaxPoolGrad", "f32[1,2,4,7,18] f32[1,2,5,19,25]", FAR, 1, -1, 1, 0.25f},
    {"AveragePool", "f32[2,3,4,23,17]", PLAIN, 1, -1, 1, 0},
    {"AveragePool", "f32[2,3,4,23,17]", PLAIN " count_include_pad=1", 1, -1, 1, 0},
    {"AveragePool", "f32[1,2,5,10,15]", LAST " count_include_pad=1", 1, -1, 1, 0},
    {"AveragePool", "f32[1,2,5,10,15]", LAST, 1, -1, 1, 0},
    {"assay.AveragePoolGrad", "f32[2,3,4,12,9]", PLAIN " input_shape=[2,3,4,23,17]", 1, -1, 1, 0},
    {"assay.AveragePoolGrad", "f32[2,3,4,12,9]", PLAIN " count_include_pad=1 input_shape=[2,3,4,23,17]", 1, -1, 1, 0},
};

Test(volume, pools_and_their_gradients_stay_within_the_references_bounds, .timeout = 120)
{
    judge_all(pools, sizeof pools / sizeof *pools);
}

/* A convolution takes in the normalization of known numbers, the sum and the activation that follow it. */
static struct assay_graph *fused(int32_t *y)
{
    static const float  scale[] = {1.5f, -0.5f, 2, 1}, shift[] = {0.25f, 0, -1, 3}, mean[] = {0, 0.5f, -2, 1}, variance[] = {1, 4, 0.25f, 2};
    static float        weights[4 * 3 * 2 * 3 * 3];
    struct assay_graph *g = assay_graph_new("fused");
    struct assay_attr   pads[] = {{.name = "pads", .type = ASSAY_ATTR_I64S, .list = {1, 1, 1, 0, 1, 1}, .n = 6}, ASSAY_ATTR_END};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = (float)((double)(i * 7919 % 1009) / 504.5 - 1);
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 5, (int64_t[]){2, 3, 4, 6, 5}, ASSAY_FILL_SIGNED);
    int32_t added = assay_graph_input(g, "added", ASSAY_F32, 5, (int64_t[]){2, 4, 4, 6, 5}, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_const(g, "w", ASSAY_F32, 5, (int64_t[]){4, 3, 2, 3, 3}, weights), by[5] = {0};
    const float *const numbers[] = {scale, shift, mean, variance};
    by[0] = assay_graph_op(g, "Conv", "conv", (int32_t[]){x, w}, 2, pads);
    for (int i = 0; i < 4; i++) {
        static const char *const names[] = {"scale", "shift", "mean", "variance"};
        by[i + 1] = assay_graph_const(g, names[i], ASSAY_F32, 1, (int64_t[]){4}, numbers[i]);
    }
    int32_t normal = assay_graph_op(g, "BatchNormalization", "normal", by, 5, NULL);
    int32_t sum = assay_graph_op(g, "Add", "sum", (int32_t[]){normal, added}, 2, NULL);
    *y = assay_graph_op(g, "Relu", "y", &sum, 1, NULL);
    assay_graph_output(g, *y);
    return g;
}

Test(volume, a_convolution_takes_in_what_follows_it, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct assay_error      err = {0};
        struct device           d;
        struct data             data;
        struct assay_reference *r;
        const void             *bound[MAX_VALUES] = {NULL};
        int32_t                 y;
        struct judged           what = {"Conv", "and what follows it", "", 1, -1, 1, 0};
        if (!device_open(&d, every_device[i]))
            continue;
        struct assay_graph *g = fused(&y);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        data_new(g, &data);
        for (uint32_t v = 0; v < g->n_values; v++)
            bound[v] = data.at[v];
        device_run(&d, g, &data, true, every_device[i]);
        cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK, "%s", err.message);
        compare_output(g, r, &data, y, &what, every_device[i]);
        assay_reference_free(r);
        data_free(&data);
        assay_graph_free(g);
        device_close(&d);
    }
}
