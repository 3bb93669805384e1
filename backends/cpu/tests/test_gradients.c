/* Gradients of element-wise ops, softmax and the norms, judged by the reference. */
#include "backends/cpu/tests/judged.h"

#include "assay/banned.h"

static const struct judged pairs[] = {
    {"Sign", "f32[8209]", "", 1, 0, 0},
    {"Sign", "f32[0]", "", 1, 0, 0},
    {"assay.ReluGrad", "f32[1] f32[1]", "", 1, 0, 0},
    {"assay.ReluGrad", "f32[33,257] f32[33,257]", "", 1, 0, 0},
    {"assay.TanhGrad", "f32[33,257] f32[33,257]", "", 1, 0, 0},
    {"assay.TanhGrad", "f32[] f32[]", "", 1, 0, 0},
    {"assay.SigmoidGrad", "f32[33,257] f32[33,257]", "", 1, 0, 0},
    {"assay.GeluGrad", "f32[33,257] f32[33,257]", "", 1, 0, 0},
    {"assay.GeluGrad", "f32[100003] f32[100003]", "", 1, 18, 0},
    {"assay.GeluGrad", "f32[33,257] f32[33,257]", "approximate=tanh", 1, 0, 0},
    {"assay.GeluGrad", "f32[100003] f32[100003]", "approximate=tanh", 1, 18, 0},
    {"assay.SwishGrad", "f32[33,257] f32[33,257]", "", 1, 0, 0},
    {"assay.SwishGrad", "f32[100003] f32[100003]", "alpha=1.5", 1, 90, 0},
    {"assay.SwishGrad", "f32[0,7] f32[0,7]", "", 1, 0, 0},
};

Test(gradients, of_elements_are_done_to_the_last_of_them, .timeout = 120)
{
    judge_all(pairs, sizeof pairs / sizeof *pairs);
}

static const struct judged rows[] = {
    {"LogSoftmax", "f32[1]", "", 1, 0, 0},
    {"LogSoftmax", "f32[33,257]", "", 1, 30, 0},
    {"LogSoftmax", "f32[33,257]", "axis=0", 1, 30, 0},
    {"LogSoftmax", "f32[3,17,5]", "axis=1", 1, 0, 0},
    {"LogSoftmax", "f32[70001]", "", 1, 0, 0},
    {"LogSoftmax", "f32[0,5]", "", 1, 0, 0},
    {"LogSoftmax", "f32[5,0]", "", 1, 0, 0},
    {"assay.SoftmaxGrad", "f32[1] f32[1]", "", 1, 0, 0},
    {"assay.SoftmaxGrad", "f32[7,1] f32[7,1]", "", 1, 0, 0},
    {"assay.SoftmaxGrad", "f32[33,257] f32[33,257]", "", 1, 0, 0},
    {"assay.SoftmaxGrad", "f32[33,257] f32[33,257]", "axis=0", 1, 0, 0},
    {"assay.SoftmaxGrad", "f32[2,64,1031] f32[2,64,1031]", "axis=1", 1, 0, 0},
    {"assay.SoftmaxGrad", "f32[0,5] f32[0,5]", "", 1, 0, 0},
    {"assay.SoftmaxGrad", "f32[5,0] f32[5,0]", "", 1, 0, 0},
    {"assay.LogSoftmaxGrad", "f32[33,257] f32[33,257]", "", 1, 3, 0},
    {"assay.LogSoftmaxGrad", "f32[2,64,37] f32[2,64,37]", "axis=1", 1, 3, 0},
    {"assay.LogSoftmaxGrad", "f32[1,1] f32[1,1]", "", 1, 0, 0},
    {"assay.LayerNormalizationGrad", "f32[1,1] f32[1,1] f32[1]", "", 3, 0, 0},
    {"assay.LayerNormalizationGrad", "f32[33,257] f32[33,257] f32[257]", "epsilon=0.001", 3, 0, 0},
    {"assay.LayerNormalizationGrad", "f32[500,96] f32[500,96] f32[96]", "", 3, 0, 0},
    {"assay.LayerNormalizationGrad", "f32[7,4,16] f32[7,4,16] f32[4,16]", "axis=1", 2, 0, 0},
    {"assay.LayerNormalizationGrad", "f32[3,5000] f32[3,5000] f32[5000]", "", 1, 0, 0},
    {"assay.LayerNormalizationGrad", "f32[0,5] f32[0,5] f32[5]", "", 3, 0, 0},
    {"assay.RMSNormalizationGrad", "f32[33,257] f32[33,257] f32[257]", "epsilon=0.001", 2, 0, 0},
    {"assay.RMSNormalizationGrad", "f32[500,96] f32[500,96] f32[96]", "", 2, 0, 0},
    {"assay.RMSNormalizationGrad", "f32[1,7] f32[1,7] f32[1,7]", "", 1, 0, 0},
    {"assay.RMSNormalizationGrad", "f32[6] f32[6] f32[6]", "axis=0", 2, 0, 0},
};

Test(gradients, along_rows_and_columns_stay_within_their_bounds, .timeout = 120)
{
    judge_all(rows, sizeof rows / sizeof *rows);
}

Test(gradients, a_scale_that_is_not_one_whole_row_is_refused, .timeout = 10)
{
    judge_refusal("assay.RMSNormalizationGrad", "f32[4,4] f32[4,4] f32[4,1]", "", 2, "whole");
    judge_refusal("assay.SoftmaxGrad", "f64[4] f64[4]", "", 1, "only f32");
}
