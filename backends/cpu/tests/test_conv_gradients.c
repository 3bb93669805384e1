/* The two gradients of a convolution within the reference's bounds, through oneDNN and through our own. */
#include "backends/cpu/tests/judge.h"

#include "assay/banned.h"

#define INPUT(dy, w, attrs, x) {"assay.ConvInputGrad", "f32" dy " f32" w, attrs " input_shape=" x, 1, -1, 1, 0}
#define WEIGHT(dy, x, attrs, k) {"assay.ConvWeightGrad", "f32" dy " f32" x, attrs " kernel_shape=" k, 1, -1, 1, 0}
static const struct judged table[] = {
    INPUT("[1,1,1,1]", "[1,1,1,1]", "group=1", "[1,1,1,1]"),
    INPUT("[2,4,7,5]", "[4,3,3,3]", "pads=[1,1,1,1]", "[2,3,7,5]"),
    INPUT("[1,17,5,11]", "[17,5,3,2]", "strides=[2,1] pads=[0,1,2,0]", "[1,5,9,11]"),
    INPUT("[2,6,7,6]", "[6,2,3,3]", "group=2 strides=[2,3] dilations=[2,1] pads=[2,1,2,1]", "[2,4,13,17]"),
    INPUT("[1,6,8,8]", "[6,1,3,3]", "group=6 pads=[1,1,1,1]", "[1,6,8,8]"),
    INPUT("[1,20,17,18]", "[20,3,7,7]", "strides=[2,2] pads=[3,3,3,3]", "[1,3,33,35]"),
    INPUT("[3,9,5,6]", "[9,70,3,3]", "pads=[1,1,1,1]", "[3,70,5,6]"),
    INPUT("[1,40,4,31]", "[40,130,1,1]", "group=1", "[1,130,4,31]"),
    INPUT("[2,16,7,7]", "[16,8,1,1]", "strides=[2,2]", "[2,8,14,14]"),
    INPUT("[1,3,10,10]", "[3,2,5,5]", "pads=[4,4,4,4]", "[1,2,6,6]"),
    INPUT("[1,3,12,11]", "[3,2,1,2]", "pads=[3,2,3,4]", "[1,2,6,6]"), /* pads beyond the window */
    INPUT("[1,3,4,1]", "[3,2,2,3]", "strides=[5,1] dilations=[3,1]", "[1,2,20,3]"),
    INPUT("[1,64,28,28]", "[64,32,3,3]", "strides=[2,2] pads=[1,1,1,1]", "[1,32,56,56]"),
    INPUT("[2,5,14]", "[5,3,4]", "strides=[2] pads=[1,0]", "[2,3,29]"),
    WEIGHT("[1,1,1,1]", "[1,1,1,1]", "group=1", "[1,1]"),
    WEIGHT("[2,4,7,5]", "[2,3,7,5]", "pads=[1,1,1,1]", "[3,3]"),
    WEIGHT("[1,17,5,11]", "[1,5,9,11]", "strides=[2,1] pads=[0,1,2,0]", "[3,2]"),
    WEIGHT("[2,6,7,6]", "[2,4,13,17]", "group=2 strides=[2,3] dilations=[2,1] pads=[2,1,2,1]", "[3,3]"),
    WEIGHT("[1,6,8,8]", "[1,6,8,8]", "group=6 pads=[1,1,1,1]", "[3,3]"),
    WEIGHT("[1,20,17,18]", "[1,3,33,35]", "strides=[2,2] pads=[3,3,3,3]", "[7,7]"),
    WEIGHT("[3,9,5,6]", "[3,70,5,6]", "pads=[1,1,1,1]", "[3,3]"),
    WEIGHT("[1,40,4,31]", "[1,130,4,31]", "group=1", "[1,1]"),
    WEIGHT("[2,16,7,7]", "[2,8,14,14]", "strides=[2,2]", "[1,1]"),
    WEIGHT("[1,3,10,10]", "[1,2,6,6]", "pads=[4,4,4,4]", "[5,5]"),
    WEIGHT("[1,3,12,11]", "[1,2,6,6]", "pads=[3,2,3,4]", "[1,2]"),
    WEIGHT("[1,3,4,1]", "[1,2,20,3]", "strides=[5,1] dilations=[3,1]", "[2,3]"),
    WEIGHT("[2,64,28,28]", "[2,32,56,56]", "strides=[2,2] pads=[1,1,1,1]", "[3,3]"),
    WEIGHT("[2,5,14]", "[2,3,29]", "strides=[2] pads=[1,0]", "[4]"),
};

Test(conv_gradients, stay_within_the_references_bounds, .timeout = 240)
{
    judge_all(table, sizeof table / sizeof *table);
}

/* Weights that stay are turned round or packed when the program is made. */
Test(conv_gradients, weights_that_stay_are_prepared_once, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct assay_error      err = {0};
        struct device           d;
        struct data             data;
        struct assay_reference *r;
        const void             *bound[MAX_VALUES] = {NULL};
        struct assay_attr       attrs[] = {{.name = "pads", .type = ASSAY_ATTR_I64S, .list = {1, 1, 1, 1}, .n = 4},
                                           {.name = "input_shape", .type = ASSAY_ATTR_I64S, .list = {2, 3, 9, 9}, .n = 4},
                                               ASSAY_ATTR_END};
        struct assay_graph     *g = assay_graph_new("g");
        int32_t dy = assay_graph_input(g, "dy", ASSAY_F32, 4, (int64_t[]){2, 8, 9, 9}, ASSAY_FILL_SIGNED);
        int32_t w = assay_graph_param(g, "w", ASSAY_F32, 4, (int64_t[]){8, 3, 3, 3}, ASSAY_FILL_SIGNED);
        int32_t dx = assay_graph_op(g, "assay.ConvInputGrad", "dx", (int32_t[]){dy, w}, 2, attrs);
        struct judged what = {"assay.ConvInputGrad", "with fixed weights", "", 1, -1, 1, 0};
        assay_graph_output(g, dx);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        if (device_open(&d, every_device[i])) {
            data_new(g, &data);
            for (uint32_t v = 0; v < g->n_values; v++)
                bound[v] = data.at[v];
            device_run(&d, g, &data, true, every_device[i]);
            cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK, "%s", err.message);
            compare_output(g, r, &data, dx, &what, every_device[i]);
            assay_reference_free(r);
            data_free(&data);
            device_close(&d);
        }
        assay_graph_free(g);
    }
}
