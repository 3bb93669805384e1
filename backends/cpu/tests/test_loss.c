/* The loss of a classifier, its gradient, and sums of squares, judged by the reference. */
#include "backends/cpu/tests/judged.h"

#include "assay/banned.h"

static const struct judged losses[] = {
    {"SoftmaxCrossEntropyLoss", "f32[1,1] i64[1]", "", 2, 0, 1},
    {"SoftmaxCrossEntropyLoss", "f32[33,257] i64[33]", "", 1, 20, 257},
    {"SoftmaxCrossEntropyLoss", "f32[33,257] i32[33]", "reduction=sum", 2, 20, 257},
    {"SoftmaxCrossEntropyLoss", "f32[333,31] i32[333]", "reduction=none ignore_index=3", 1, 0, 31},
    {"SoftmaxCrossEntropyLoss", "f32[333,5] i64[333]", "ignore_index=4", 2, 0, 5},
    {"SoftmaxCrossEntropyLoss", "f32[3,7,301] i64[3,301]", "ignore_index=4", 1, 0, 7},
    {"SoftmaxCrossEntropyLoss", "f32[3,7,4,5] i32[3,4,5]", "reduction=none", 2, 0, 7},
    {"SoftmaxCrossEntropyLoss", "f32[0,7] i32[0]", "reduction=none", 2, 0, 7},
    {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[1,1] i64[1]", "", 1, 0, 1},
    {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[33,257] i64[33]", "", 1, 20, 257},
    {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[33,257] i32[33]", "reduction=sum", 1, 20, 257},
    {"assay.SoftmaxCrossEntropyGrad", "f32[333] f32[333,31] i32[333]", "reduction=none ignore_index=3", 1, 0, 31},
    {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[3,7,301] i64[3,301]", "ignore_index=4", 1, 0, 7},
    {"assay.SoftmaxCrossEntropyGrad", "f32[3,4,5] f32[3,7,4,5] i32[3,4,5]", "reduction=none ignore_index=0", 1, 0, 7},
};

Test(loss, of_labels_stays_within_its_bounds, .timeout = 60)
{
    judge_all(losses, sizeof losses / sizeof *losses);
}

static const struct judged weighted[] = {
    {"SoftmaxCrossEntropyLoss", "f32[33,257] i64[33] f32[257]", "", 1, 20, 257},
    {"SoftmaxCrossEntropyLoss", "f32[33,257] i32[33] f32[257]", "reduction=sum", 2, 20, 257},
    {"SoftmaxCrossEntropyLoss", "f32[333,31] i32[333] f32[31]", "reduction=none ignore_index=3", 1, 0, 31},
    {"SoftmaxCrossEntropyLoss", "f32[3,7,301] i64[3,301] f32[7]", "ignore_index=4", 2, 0, 7},
    {"SoftmaxCrossEntropyLoss", "f32[3,7,4,5] i32[3,4,5] f32[7]", "reduction=none", 1, 0, 7},
    {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[33,257] i64[33] f32[257]", "", 1, 20, 257},
    {"assay.SoftmaxCrossEntropyGrad", "f32[333] f32[333,31] i32[333] f32[31]", "reduction=none ignore_index=3", 1, 0, 31},
    {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[3,7,301] i64[3,301] f32[7]", "ignore_index=4", 1, 0, 7},
};

Test(loss, of_labels_whose_classes_have_weights_stays_within_its_bounds, .timeout = 60)
{
    judge_all(weighted, sizeof weighted / sizeof *weighted);
}

static const struct judged squares[] = {
    {"ReduceSumSquare", "f32[]", "", 1, 0, 0},
    {"ReduceSumSquare", "f32[100003]", "", 1, 0, 0},
    {"ReduceSumSquare", "f32[33,257] i64{0}", "", 1, 0, 0},
    {"ReduceSumSquare", "f32[3,17,40,5] i64{0,2}", "keepdims=0", 1, 0, 0},
    {"ReduceL2", "f32[33,257] i64{1}", "", 1, 0, 0},
    {"ReduceL2", "f32[70001,3] i64{0}", "", 1, 0, 0},
    {"ReduceL2", "f32[0,3]", "", 1, 0, 0},
};

Test(loss, sums_of_squares_and_their_roots_stay_within_their_bounds, .timeout = 60)
{
    judge_all(squares, sizeof squares / sizeof *squares);
}
