/* Resize by whole factors, its gradient and Pad within the reference's bounds. */
#include "backends/cpu/tests/judge.h"

#include "assay/banned.h"

static const struct judged table[] = {
    {"Resize", "f32[2,3,7,9] - - i64{2,3,14,18}", "", 1, -1, 1, 0},
    {"Resize", "f32[2,3,7,9] - - i64{4,3,21,45}", "", 1, -1, 1, 0},
    {"Resize", "f32[1,64,31,33] - - i64{62,33}", "axes=[2,3]", 1, -1, 1, 0},
    {"Resize", "f32[5] - - i64{5}", "", 1, -1, 1, 0},
    {"Resize", "f32[0,3] - - i64{0,6}", "", 1, -1, 1, 0},
    {"Resize", "f32[] - - i64{}", "", 1, -1, 1, 0},
    {"assay.ResizeGrad", "f32[2,3,14,18]", "factors=[1,1,2,2]", 1, -1, 1, 0},
    {"assay.ResizeGrad", "f32[4,3,21,45]", "factors=[2,1,3,5]", 1, -1, 1, 0},
    {"assay.ResizeGrad", "f32[1,64,62,33]", "factors=[1,1,2,1]", 1, -1, 1, 0},
    {"assay.ResizeGrad", "f32[0,6]", "factors=[1,2]", 1, -1, 1, 0},
    {"assay.ResizeGrad", "f32[]", "factors=[]", 1, -1, 1, 0},
    {"Pad", "f32[2,3,7,9] i64{0,0,1,2,0,0,3,4}", "", 1, -1, 1, 0},
    {"Pad", "f32[2,3,7,9] i64{1,-1,0,-2,0,2,-3,4}", "", 1, -1, 1, 0},
    {"Pad", "f32[2,5] i64{-2,3} - i64{1}", "", 1, -1, 1, 0},
    {"Pad", "f32[2,5] i64{-5,3} - i64{1}", "", 1, -1, 1, 0},
    {"Pad", "f32[2,0] i64{1,2,0,3}", "", 1, -1, 1, 0},
    {"Pad", "f32[2,3] i64{-2,0,0,0}", "", 1, -1, 1, 0},
    {"Pad", "f32[] i64{}", "", 1, -1, 1, 0},
    {"Pad", "f32[1,50,60,70] i64{0,0,1,1,0,0,1,1}", "", 1, -1, 1, 0},
};

Test(rows, resize_and_pad_stay_within_the_references_bounds, .timeout = 60)
{
    judge_all(table, sizeof table / sizeof *table);
}

Test(rows, pad_puts_the_number_that_it_is_given, .timeout = 20)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct device       d;
    struct data         data;
    const float         seven = 7;
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED);
    int32_t in[] = {x, assay_graph_i64s(g, "pads", 2, (int64_t[]){1, 2}), assay_graph_const(g, "seven", ASSAY_F32, 0, NULL,
        &seven)};
    int32_t y = assay_graph_op(g, "Pad", "y", in, 3, NULL);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=1"));
    data_new(g, &data);
    device_run(&d, g, &data, false, "threads=1");
    const float *got = floats(&data, y), *given = floats(&data, x);
    cr_expect(got[0] == 7 && got[1] == given[0] && got[2] == given[1] && got[3] == 7 && got[4] == 7);
    data_free(&data);
    device_close(&d);
    assay_graph_free(g);
}
