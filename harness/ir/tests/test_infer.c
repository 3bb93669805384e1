/* Shape inference of every op, by tables derived by hand from the ONNX definitions. */
#include <criterion/criterion.h>

#include "harness/ir/infer.h"
#include "harness/ir/tests/sketch.h"

struct shape_case {
    const char *op, *inputs, *attrs, *outputs;
};

static size_t outputs_of(const char *expected)
{
    size_t n = 1;
    for (const char *p = expected; *p; p++)
        n += *p == ' ';
    return n;
}

static void check_shapes(const struct shape_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct shape_case *c = &cases[i];
        char got[400];
        struct assay_text text = ASSAY_TEXT(got);
        struct assay_error err;
        size_t n_outputs = outputs_of(c->outputs);
        struct assay_graph *g = sketch(c->op, c->inputs, c->attrs, n_outputs);
        sketch_shapes(g, n_outputs, &text);
        cr_expect_str_eq(got, c->outputs, "%s(%s; %s): expected %s, got %s", c->op, c->inputs, c->attrs, c->outputs,
                         got);
        cr_expect_eq(assay_graph_finish(g, &err), ASSAY_OK);
        assay_graph_free(g);
    }
}
#define CHECK_SHAPES(cases) check_shapes((cases), sizeof(cases) / sizeof *(cases))

Test(infer, products_have_the_shapes_of_numpy)
{
    static const struct shape_case cases[] = {
        {"MatMul", "f32[2,3] f32[3,4]", "", "f32[2,4]"},
        {"MatMul", "f64[3] f64[3,4]", "", "f64[4]"},
        {"MatMul", "bf16[2,3] bf16[3]", "", "bf16[2]"},
        {"MatMul", "f16[3] f16[3]", "", "f16[]"},
        {"MatMul", "i32[5,2,3] i32[3,4]", "", "i32[5,2,4]"},
        {"MatMul", "i64[2,3] i64[5,3,4]", "", "i64[5,2,4]"},
        {"MatMul", "f32[7,1,2,3] f32[5,3,4]", "", "f32[7,5,2,4]"},
        {"MatMul", "f32[3] f32[5,6,3,4]", "", "f32[5,6,4]"},
        {"MatMul", "f32[5,6,2,3] f32[3]", "", "f32[5,6,2]"},
        {"MatMul", "f32[2,0] f32[0,4]", "", "f32[2,4]"},
        {"MatMul", "f32[0,3] f32[3,4]", "", "f32[0,4]"},
        {"MatMul", "f32[1,1,1,1,1,1,2,3] f32[9,8,7,6,5,4,3,2]", "", "f32[9,8,7,6,5,4,2,2]"},
        {"MatMulInteger", "u8[2,3] i8[3,4]", "", "i32[2,4]"},
        {"MatMulInteger", "i8[5,2,3] u8[3,4] i8[5,2,1] u8[4]", "", "i32[5,2,4]"},
        {"MatMulInteger", "i8[2,3] i8[3,4] i8[2] i8[1,4]", "", "i32[2,4]"},
        {"MatMulInteger", "u8[3] u8[5,3,4] u8[] u8[5,1,4]", "", "i32[5,4]"},
        {"MatMulInteger", "u8[2,3] u8[3] - u8[1]", "", "i32[2]"},
        {"Gemm", "f32[2,3] f32[3,4]", "", "f32[2,4]"},
        {"Gemm", "f32[3,2] f32[3,4]", "transA=1", "f32[2,4]"},
        {"Gemm", "f32[2,3] f32[4,3]", "transB=1", "f32[2,4]"},
        {"Gemm", "f32[3,2] f32[4,3] f32[4]", "transA=1 transB=1 alpha=0.5", "f32[2,4]"},
        {"Gemm", "f32[2,3] f32[3,4] f32[2,1]", "beta=2.0", "f32[2,4]"},
        {"Gemm", "f32[2,3] f32[3,4] f32[]", "", "f32[2,4]"},
        {"Gemm", "f32[2,3] f32[3,4] -", "", "f32[2,4]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, convolutions_have_the_shapes_of_onnx)
{
    static const struct shape_case cases[] = {
        {"Conv", "f32[1,3,224,224] f32[64,3,7,7]", "strides=[2,2] pads=[3,3,3,3]", "f32[1,64,112,112]"},
        {"Conv", "f32[8,64,56,56] f32[64,64,3,3] f32[64]", "pads=[1,1,1,1]", "f32[8,64,56,56]"},
        {"Conv", "f32[1,1,5,5] f32[1,1,3,3]", "", "f32[1,1,3,3]"},
        {"Conv", "f32[1,1,5,5] f32[1,1,3,3]", "auto_pad=VALID strides=[2,2]", "f32[1,1,2,2]"},
        {"Conv", "f32[1,1,7,5] f32[1,1,3,3]", "pads=[1,0,1,0] strides=[2,2]", "f32[1,1,4,2]"},
        {"Conv", "f32[1,1,7,5] f32[1,1,3,3]", "pads=[0,1,1,2]", "f32[1,1,6,6]"},
        {"Conv", "f32[1,1,6,6] f32[1,1,3,3]", "auto_pad=SAME_UPPER strides=[2,2]", "f32[1,1,3,3]"},
        {"Conv", "f32[1,1,5,6] f32[1,1,4,4]", "auto_pad=SAME_LOWER", "f32[1,1,5,6]"},
        {"Conv", "f32[1,1,7,7] f32[1,1,3,3]", "dilations=[2,3]", "f32[1,1,3,1]"},
        {"Conv", "f32[1,32,8,8] f32[32,1,3,3]", "group=32", "f32[1,32,6,6]"},
        {"Conv", "f16[2,6,8] f16[4,3,5]", "group=2", "f16[2,4,4]"},
        {"Conv", "bf16[1,2,4,5,6] bf16[3,2,2,2,2]", "kernel_shape=[2,2,2]", "bf16[1,3,3,4,5]"},
        {"Conv", "f32[0,3,8,8] f32[4,3,1,1]", "", "f32[0,4,8,8]"},
        {"Conv", "f32[1,1,3] f32[1,1,1]", "strides=[5]", "f32[1,1,1]"},
        {"Conv", "f32[1,1,0] f32[1,1,3]", "auto_pad=SAME_UPPER", "f32[1,1,0]"},
        {"Conv", "f32[1,1,0] f32[1,1,3]", "pads=[2,2]", "f32[1,1,2]"},
        {"assay.ConvInputGrad", "f32[8,64,28,28] f32[64,32,3,3]", "strides=[2,2] pads=[1,1,1,1] group=2 input_shape=[8,64,56,56]",
         "f32[8,64,56,56]"},
        {"assay.ConvInputGrad", "f16[1,4,3] f16[4,2,2]", "strides=[2] input_shape=[1,2,7]", "f16[1,2,7]"},
        {"assay.ConvWeightGrad", "f32[8,64,28,28] f32[8,64,56,56]", "strides=[2,2] pads=[1,1,1,1] group=2 kernel_shape=[3,3]",
         "f32[64,32,3,3]"},
        {"assay.ConvWeightGrad", "f32[0,4,3] f32[0,2,7]", "strides=[2] kernel_shape=[2]", "f32[4,2,2]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, attention_has_the_shapes_of_onnx)
{
    static const struct shape_case cases[] = {
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,32]", "", "f32[2,8,10,32]"},
        {"Attention", "f32[2,8,10,64] f32[2,2,12,64] f32[2,2,12,64]", "is_causal=1", "f32[2,8,10,64]"},
        {"Attention", "f32[2,10,512] f32[2,12,128] f32[2,12,64]", "q_num_heads=8 kv_num_heads=2", "f32[2,10,256]"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,32] f32[10,12]", "", "f32[2,8,10,32]"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,32] bool[2,1,1,12]", "", "f32[2,8,10,32]"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,32] bool[10,7]", "", "f32[2,8,10,32]"},
        {"Attention", "f16[1,4,1,64] f16[1,4,1,64] f16[1,4,1,64] - f16[1,4,99,64] f16[1,4,99,64]", "is_causal=1",
         "f16[1,4,1,64] f16[1,4,100,64] f16[1,4,100,64]"},
        {"Attention", "f32[1,3,8] f32[1,2,4] f32[1,2,6] f32[3,7] f32[1,1,5,4] f32[1,1,5,6]",
         "q_num_heads=2 kv_num_heads=1", "f32[1,3,12] f32[1,1,7,4] f32[1,1,7,6] f32[1,2,3,7]"},
        {"Attention", "f32[2,8,0,64] f32[2,8,12,64] f32[2,8,12,32]", "", "f32[2,8,0,32]"},
        {"Attention", "bf16[1,2,3,4] bf16[1,2,3,4] f32[1,2,3,4]", "softcap=30.0 qk_matmul_output_mode=3",
         "bf16[1,2,3,4] bf16[1,2,3,4] f32[1,2,3,4] bf16[1,2,3,3]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, norms_and_reductions_fold_their_axes)
{
    static const struct shape_case cases[] = {
        {"Softmax", "f32[2,3,4]", "", "f32[2,3,4]"},
        {"Softmax", "f32[2,3,4]", "axis=0", "f32[2,3,4]"},
        {"Softmax", "f32[2,0]", "axis=-2", "f32[2,0]"},
        {"LayerNormalization", "f32[2,3,4] f32[4] f32[4]", "", "f32[2,3,4]"},
        {"LayerNormalization", "f16[2,3,4] f16[3,4]", "axis=1", "f16[2,3,4] f32[2,1,1] f32[2,1,1]"},
        {"LayerNormalization", "f64[2,3,4] f64[1] f64[2,1,1]", "axis=-2 stash_type=16",
         "f64[2,3,4] bf16[2,1,1] bf16[2,1,1]"},
        {"RMSNormalization", "f16[2,3,4] f32[4]", "", "f32[2,3,4]"},
        {"RMSNormalization", "f32[2,3,4] f32[3,4]", "axis=-2 epsilon=0.001", "f32[2,3,4]"},
        {"ReduceSum", "f32[2,3,4]", "", "f32[1,1,1]"},
        {"ReduceSum", "f32[2,3,4]", "keepdims=0", "f32[]"},
        {"ReduceSum", "i64[2,3,4] i64{1}", "", "i64[2,1,4]"},
        {"ReduceMean", "f32[2,3,4] i64{-1,0}", "keepdims=0", "f32[3]"},
        {"ReduceMax", "u8[2,3,4] i64{}", "noop_with_empty_axes=1", "u8[2,3,4]"},
        {"ReduceMin", "bool[2,3,4] i64{}", "", "bool[1,1,1]"},
        {"ReduceMax", "f32[2,0,4] i64{1}", "keepdims=0", "f32[2,4]"},
        {"ReduceMean", "f32[2,0,4] i64{2}", "", "f32[2,0,1]"},
        {"ReduceSum", "f32[]", "", "f32[]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, pools_have_the_shapes_of_onnx)
{
    static const struct shape_case cases[] = {
        {"MaxPool", "f32[1,64,112,112]", "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]", "f32[1,64,56,56]"},
        {"MaxPool", "u8[1,1,5,5]", "kernel_shape=[2,2] strides=[2,2]", "u8[1,1,2,2]"},
        {"MaxPool", "f16[1,1,5,5]", "kernel_shape=[2,2] strides=[2,2] ceil_mode=1", "f16[1,1,3,3]"},
        /* 5 and pads 1, 1 by 2 with stride 3: 1 + ceil(5 / 3) = 3 windows, but the third would begin at 6 - 1 = 5 */
        {"MaxPool", "f32[1,1,5]", "kernel_shape=[2] strides=[3] pads=[1,1] ceil_mode=1", "f32[1,1,2]"},
        {"MaxPool", "f32[1,1,6]", "kernel_shape=[2] strides=[3] pads=[1,1] ceil_mode=1", "f32[1,1,3]"},
        {"MaxPool", "f32[1,1,7,7]", "kernel_shape=[3,3] dilations=[2,3]", "f32[1,1,3,1]"},
        {"MaxPool", "f32[1,1,6,6]", "kernel_shape=[3,3] strides=[2,2] auto_pad=SAME_UPPER", "f32[1,1,3,3]"},
        {"MaxPool", "f32[0,3,4,5,6]", "kernel_shape=[2,2,2]", "f32[0,3,3,4,5]"},
        {"AveragePool", "f32[2,3,8,8]", "kernel_shape=[2,2] strides=[2,2]", "f32[2,3,4,4]"},
        {"AveragePool", "f32[2,3,8]", "kernel_shape=[3] pads=[2,2] count_include_pad=1", "f32[2,3,10]"},
        {"GlobalAveragePool", "f32[2,2048,7,7]", "", "f32[2,2048,1,1]"},
        {"GlobalAveragePool", "bf16[0,3,4]", "", "bf16[0,3,1]"},
        {"assay.MaxPoolGrad", "f32[1,2,2,2] f32[1,2,5,5]", "kernel_shape=[2,2] strides=[2,2]", "f32[1,2,5,5]"},
        {"assay.AveragePoolGrad", "f32[1,2,3,3]", "kernel_shape=[2,2] strides=[2,2] ceil_mode=1 input_shape=[1,2,5,5]",
         "f32[1,2,5,5]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, batch_and_group_norms_keep_the_shape)
{
    static const struct shape_case cases[] = {
        {"BatchNormalization", "f32[2,3,4,5] f32[3] f32[3] f32[3] f32[3]", "", "f32[2,3,4,5]"},
        {"BatchNormalization", "f16[2,3] f32[3] f32[3] f64[3] f64[3]", "training_mode=1", "f16[2,3] f64[3] f64[3]"},
        {"BatchNormalization", "f32[7] f32[1] f32[1] f32[1] f32[1]", "training_mode=1", "f32[7] f32[1] f32[1]"},
        {"BatchNormalization", "f32[0,3,4] f32[3] f32[3] f32[3] f32[3]", "", "f32[0,3,4]"},
        {"assay.BatchNormalizationGrad", "f16[2,3,4] f16[2,3,4] f32[3]", "", "f16[2,3,4] f32[3] f32[3]"},
        {"GroupNormalization", "f32[2,6,4] f32[6] f32[6]", "num_groups=3", "f32[2,6,4]"},
        {"assay.GroupNormalizationGrad", "f32[2,6] f32[2,6] f32[6]", "num_groups=2", "f32[2,6] f32[6] f32[6]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, element_wise_operands_broadcast)
{
    static const struct shape_case cases[] = {
        {"Add", "f32[2,3] f32[2,3]", "", "f32[2,3]"},
        {"Sub", "f32[2,3] f32[3]", "", "f32[2,3]"},
        {"Mul", "i8[2,1] i8[1,3]", "", "i8[2,3]"},
        {"Div", "f32[] f32[4,5]", "", "f32[4,5]"},
        {"Max", "u8[8,1,6,1] u8[7,1,5]", "", "u8[8,7,6,5]"},
        {"Min", "i32[0,3] i32[1,3]", "", "i32[0,3]"},
        {"Add", "f64[1] f64[0]", "", "f64[0]"},
        {"Add", "bf16[] bf16[]", "", "bf16[]"},
        {"Neg", "i32[2]", "", "i32[2]"},
        {"Abs", "u8[2]", "", "u8[2]"},
        {"Relu", "i8[2,2]", "", "i8[2,2]"},
        {"Sqrt", "f32[2]", "", "f32[2]"},
        {"Exp", "f16[2]", "", "f16[2]"},
        {"Log", "bf16[2]", "", "bf16[2]"},
        {"Erf", "f64[2]", "", "f64[2]"},
        {"Tanh", "f32[2]", "", "f32[2]"},
        {"Sigmoid", "f32[2]", "", "f32[2]"},
        {"Gelu", "f32[2]", "approximate=tanh", "f32[2]"},
        {"Swish", "f32[2]", "alpha=1.702", "f32[2]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, moving_and_naming_keep_the_elements)
{
    static const struct shape_case cases[] = {
        {"Transpose", "f32[2,3,4]", "", "f32[4,3,2]"},
        {"Transpose", "i4[2,3,4]", "perm=[1,2,0]", "i4[3,4,2]"},
        {"Transpose", "f32[]", "", "f32[]"},
        {"Reshape", "f32[2,3,4] i64{4,-1}", "", "f32[4,6]"},
        {"Reshape", "f32[2,3,4] i64{0,0,2,2}", "", "f32[2,3,2,2]"},
        {"Reshape", "f32[0,3] i64{3,0}", "allowzero=1", "f32[3,0]"},
        {"Reshape", "f32[0,3] i64{0,-1,1}", "",
         "refused: Reshape 'y': input 0 'in0' f32[0,3] and input 1 'in1' i64[3]: "
         "no length for -1 fits 0 elements by 0"},
        {"Reshape", "f32[1,1] i64{}", "", "f32[]"},
        {"Reshape", "f32[] i64{-1}", "", "f32[1]"},
        {"Reshape", "f8e4m3[6] i64{-1,3}", "", "f8e4m3[2,3]"},
        {"assay.Copy", "f4e2m1[5]", "", "f4e2m1[5]"},
        {"Resize", "f32[1,2,3,4] - - i64{1,2,6,12}", "", "f32[1,2,6,12]"},
        {"Resize", "u8[3,4] - - i64{8}", "axes=[-1] coordinate_transformation_mode=asymmetric nearest_mode=floor", "u8[3,8]"},
        {"assay.ResizeGrad", "f32[1,2,6,12]", "factors=[1,2,2,3]", "f32[1,1,3,4]"},
        {"Pad", "f32[2,3] i64{1,0,2,4}", "", "f32[5,7]"},
        {"Pad", "i64[2,3] i64{-1,5} i64[1]{7} i64{1}", "", "i64[2,7]"},
        {"Pad", "f32[2,3] i64{0,-3,0,0}", "", "f32[2,0]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[400];
        struct assay_text text = ASSAY_TEXT(got);
        struct assay_graph *g = sketch(cases[i].op, cases[i].inputs, cases[i].attrs, 1);
        sketch_shapes(g, 1, &text);
        cr_expect_str_eq(got, cases[i].outputs, "%s(%s; %s): expected %s, got %s", cases[i].op, cases[i].inputs,
                         cases[i].attrs, cases[i].outputs, got);
        assay_graph_free(g);
    }
}

/* ---- refusals: `outputs` is what the sentence must hold ------------------------------------------------ */

static void check_refusals(const struct shape_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct shape_case *c = &cases[i];
        struct assay_error err = {0};
        struct assay_graph *g = sketch(c->op, c->inputs, c->attrs, 1);
        cr_expect_eq(assay_graph_finish(g, &err), ASSAY_CONFIG, "%s(%s; %s) was not refused", c->op, c->inputs,
                     c->attrs);
        cr_expect(strstr(err.message, c->outputs), "%s(%s; %s): '%s' is not in '%s'", c->op, c->inputs, c->attrs,
                  c->outputs, err.message);
        cr_expect(strstr(err.message, "'y'"), "%s names no node", err.message);
        cr_expect_eq(g->n_nodes, 0);
        assay_graph_free(g);
    }
}
#define CHECK_REFUSALS(cases) check_refusals((cases), sizeof(cases) / sizeof *(cases))

Test(infer, wrong_products_are_refused_with_both_shapes)
{
    static const struct shape_case cases[] = {
        {"MatMul", "f32[2,3] f32[4,5]", "",
         "MatMul 'y': input 0 'in0' f32[2,3] and input 1 'in1' f32[4,5]: the inner lengths 3 and 4 differ"},
        {"MatMul", "f32[2,2,3] f32[3,3,4]", "",
         "f32[2,2,3] and input 1 'in1' f32[3,3,4]: the axes before the last two"},
        {"MatMul", "f32[] f32[3,4]", "", "input 0 'in0' f32[]: the rank must be in 1..8"},
        {"MatMul", "f32[3,4] f32[]", "", "input 1 'in1' f32[]: the rank must be in 1..8"},
        {"MatMul", "f32[2,3] f16[3,4]", "", "f32[2,3] and input 1 'in1' f16[3,4]: the types must be equal"},
        {"MatMul", "i8[2,3] i8[3,4]", "", "i8[2,3]: the type must be one of f64 f32 bf16 f16 i64 i32"},
        {"MatMul", "f32[3] f32[4]", "", "the inner lengths 3 and 4 differ"},
        {"MatMulInteger", "i32[2,3] i8[3,4]", "", "i32[2,3]: the type must be one of i8 u8"},
        {"MatMulInteger", "u8[2,3] i8[4,4]", "", "the inner lengths 3 and 4 differ"},
        {"MatMulInteger", "u8[2,3] i8[3,4] i8[]", "", "the types must be equal"},
        {"MatMulInteger", "u8[2,3] i8[3,4] u8[3]", "", "a zero point is one number, or one for every row"},
        {"MatMulInteger", "u8[5,2,3] i8[3,4] u8[2]", "", "a zero point is one number, or one for every row"},
        {"MatMulInteger", "u8[2,3] i8[3,4] - i8[3]", "", "a zero point is one number, or one for every column"},
        {"MatMulInteger", "u8[2,3] i8[3,4] - i8[4,1]", "", "a zero point is one number, or one for every column"},
        {"MatMul", "f32[576460752303423488,1] f32[1,64]", "",
         "output 'y' f32[576460752303423488,64] has more than 2^62"},
        {"Gemm", "f32[2,3] f32[4,3]", "", "the inner lengths 3 and 4 differ (transA 0, transB 0)"},
        {"Gemm", "f32[2,3] f32[3,4]", "transA=1", "the inner lengths 2 and 3 differ (transA 1, transB 0)"},
        {"Gemm", "f32[1,2,3] f32[3,4]", "", "f32[1,2,3]: the rank must be 2"},
        {"Gemm", "f32[2,3] f32[3,4] f32[2]", "", "input 2 'in2' f32[2]: it does not stretch to [2,4]"},
        {"Gemm", "f32[2,3] f32[3,4] f32[1,2,4]", "", "f32[1,2,4]: it does not stretch to [2,4]"},
        {"Gemm", "f32[2,3] f32[3,4]", "transB=2", "transB must be in 0..1, got 2"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, wrong_convolutions_are_refused)
{
    static const struct shape_case cases[] = {
        {"Conv", "f32[1,3] f32[4,3]", "", "f32[1,3]: the rank must be in 3..5"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3]", "", "f32[1,3,8,8] and input 1 'in1' f32[4,3,3]: the ranks must be equal"},
        {"Conv", "f32[1,3,8,8] f32[4,2,3,3]", "", "3 channels in 1 groups do not meet 2 in a kernel"},
        {"Conv", "f32[1,3,8,8] f32[4,1,3,3]", "group=2", "3 channels in 2 groups"},
        {"Conv", "f32[1,4,8,8] f32[5,2,3,3]", "group=2", "5 kernels do not divide into 2 groups"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "group=0", "group must be positive, got 0"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3] f32[3]", "", "input 2 'in2' f32[3]: the bias must be [4]"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel_shape=[3,5]", "kernel_shape says 5 for its axis 3"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "strides=[1]", "strides has 1 numbers, not 2"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "strides=[0,1]", "strides holds 0"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "dilations=[1,-1]", "dilations holds -1"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "pads=[0,0,0,-1]", "pads holds -1"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "pads=[1,1]", "pads has 2 numbers, not 4"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "auto_pad=SAME", "auto_pad must be NOTSET, SAME_UPPER"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "auto_pad=VALID pads=[0,0,0,0]", "VALID and pads exclude each other"},
        {"Conv", "f32[1,3,8,8] f32[4,3,9,3]", "", "a window of 9 does not fit axis 2, 8 long with its pads"},
        {"Conv", "f32[1,3,8,8] f32[4,3,3,3]", "dilations=[1,4]", "a window of 9 does not fit axis 3"},
        {"Conv", "f32[1,3,8,8] f32[4,3,0,3]", "", "a kernel's lengths are in 1.."},
        {"Conv", "i32[1,3,8,8] i32[4,3,3,3]", "", "the type must be one of f64 f32 bf16 f16"},
        {"assay.ConvInputGrad", "f32[1,4,6,6] f32[4,3,3,3]", "input_shape=[1,3,8,9]", "windows over the input give [1,4,6,7]"},
        {"assay.ConvInputGrad", "f32[1,4,6,6] f32[5,3,3,3]", "input_shape=[1,3,8,8]", "windows over the input give [1,5,6,6]"},
        {"assay.ConvInputGrad", "f32[1,4,6,6] f32[4,3,3,3]", "input_shape=[1,4,8,8]", "4 channels in 1 groups do not meet 3"},
        {"assay.ConvInputGrad", "f32[1,4,6,6] f32[4,3,3]", "input_shape=[1,3,8,8]", "the ranks must be equal"},
        {"assay.ConvInputGrad", "f32[1,4,6,6] f32[4,3,3,3]", "input_shape=[1,3,8]", "input_shape has 3 numbers, not 4"},
        {"assay.ConvInputGrad", "f32[1,4,6,6] f32[4,3,3,3]", "", "needs attribute 'input_shape'"},
        {"assay.ConvInputGrad", "f32[1,5,6,6] f32[5,1,3,3]", "group=2 input_shape=[1,2,8,8]",
         "5 kernels do not divide into 2 groups"},
        {"assay.ConvWeightGrad", "f32[1,4,6,6] f32[1,3,8,8]", "", "needs attribute 'kernel_shape'"},
        {"assay.ConvWeightGrad", "f32[1,4,6,6] f32[1,3,8,8]", "kernel_shape=[3,2]", "windows over the input give [1,4,6,7]"},
        {"assay.ConvWeightGrad", "f32[2,4,6,6] f32[1,3,8,8]", "kernel_shape=[3,3]", "windows over the input give [1,4,6,6]"},
        {"assay.ConvWeightGrad", "f32[1,4,6,6] f32[1,3,8,8]", "kernel_shape=[3,3] group=2", "3 channels in 2 groups"},
        {"assay.ConvWeightGrad", "f32[1,4,6,6] f64[1,3,8,8]", "kernel_shape=[3,3]", "the types must be equal"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, wrong_attention_is_refused)
{
    static const struct shape_case cases[] = {
        {"Attention", "f32[2,10,512] f32[2,12,512] f32[2,12,512]", "", "of rank 3 it needs q_num_heads"},
        {"Attention", "f32[2,10,512] f32[2,12,512] f32[2,12,512]", "q_num_heads=8", "of rank 3 it needs kv_num_heads"},
        {"Attention", "f32[2,10,512] f32[2,12,512] f32[2,12,512]", "q_num_heads=7 kv_num_heads=7",
         "its last axis does not divide into 7 heads (q_num_heads)"},
        {"Attention", "f32[2,8,10,64] f32[2,12,512] f32[2,12,512]", "kv_num_heads=8", "the ranks must be equal"},
        {"Attention", "f32[2,8,10,64] f32[3,8,12,64] f32[2,8,12,64]", "", "the batches differ"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,32] f32[2,8,12,64]", "", "heads 64 and 32 wide have no product"},
        {"Attention", "f32[2,8,10,64] f32[2,3,12,64] f32[2,3,12,64]", "", "8 query heads do not share 3 key heads"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,11,64]", "", "keys and values differ in heads or length"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,4,12,64]", "", "keys and values differ in heads or length"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64]", "q_num_heads=4", "q_num_heads says 4"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64] f32[10,13]", "",
         "input 3 'in3' f32[10,13]: it does not stretch to [2,8,10,12]"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64] f32[9,12]", "", "it does not stretch"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64] f16[10,12]", "",
         "a mask is bool or of the queries'"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64] - f32[2,8,5,64]", "", "come together"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64] - - f32[2,8,5,64]", "", "come together"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64] - f32[2,8,5,64] f32[2,8,6,64]", "",
         "the pasts differ in length"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64] - f32[2,8,5,32] f32[2,8,5,64]", "",
         "the past must be [2,8,P,64]"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64]", "softmax_precision=2",
         "softmax_precision must be"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64]", "qk_matmul_output_mode=4",
         "must be in 0..3, got 4"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64]", "softcap=-1.0", "softcap must not be negative"},
        {"Attention", "f32[2,8,10,64] f32[2,8,12,64] f32[2,8,12,64]", "scale=-1.0", "scale must be positive"},
        {"Attention", "f32[2,0,10,64] f32[2,0,12,64] f32[2,0,12,64]", "", "it has no heads"},
        {"Attention", "f32[10,64] f32[12,64] f32[12,64]", "", "f32[10,64]: the rank must be in 3..4"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, wrong_axes_types_and_shapes_are_refused)
{
    static const struct shape_case cases[] = {
        {"Softmax", "f32[2,3]", "axis=2", "f32[2,3]: axis 2 is not an axis of it"},
        {"Softmax", "f32[2,3]", "axis=-3", "axis -3 is not an axis of it"},
        {"Softmax", "f32[]", "", "axis -1 is not an axis of it"},
        {"Softmax", "i32[2]", "", "the type must be one of"},
        {"LayerNormalization", "f32[2,3,4] f32[3]", "",
         "f32[3] and input 0 'in0' f32[2,3,4]: the first does not stretch"},
        {"LayerNormalization", "f32[2,3,4] f32[4] f32[1,2,3,4]", "", "input 2 'in2' f32[1,2,3,4] and input 0"},
        {"LayerNormalization", "f32[2,3,4] f16[4]", "", "the types must be equal"},
        {"LayerNormalization", "f32[2,3,4] f32[4]", "stash_type=10", "stash_type must be 1 (f32) or 16 (bf16), got 10"},
        {"LayerNormalization", "f32[2,0] f32[1]", "", "nothing to normalise from axis 1 on"},
        {"RMSNormalization", "f32[2,3] f32[2]", "", "the first does not stretch to the second"},
        {"RMSNormalization", "f32[2,3] i32[3]", "", "input 1 'in1' i32[3]: the type must be one of"},
        {"ReduceSum", "f32[2,3] i64{2}", "", "axis 2 is not an axis of it"},
        {"ReduceSum", "f32[2,3] i64{1,-1}", "", "axis -1 is given twice"},
        {"ReduceSum", "f32[2,3] i64[1]", "", "input 1 'in1' i64[1]: it must be a const, since shapes are static"},
        {"ReduceSum", "f32[2,3]", "keepdims=2", "keepdims must be in 0..1, got 2"},
        {"ReduceMean", "f32[2,0]", "", "axis 1 is empty, and of nothing there is no mean"},
        {"ReduceMean", "bool[2]", "", "the type must be one of"},
        {"Add", "f32[2,3] f32[2]", "", "f32[2,3] and input 1 'in1' f32[2]: the shapes do not broadcast"},
        {"Add", "f32[0] f32[2]", "", "the shapes do not broadcast"},
        {"Add", "bool[2] bool[2]", "", "the type must be one of"},
        {"Mul", "f32[2] f64[2]", "", "the types must be equal"},
        {"Neg", "u8[2]", "", "the type must be one of"},
        {"Exp", "i32[2]", "", "the type must be one of f64 f32 bf16 f16"},
        {"Gelu", "f32[2]", "approximate=sigmoid", "approximate must be none or tanh, got 'sigmoid'"},
        {"Transpose", "f32[2,3]", "perm=[0]", "perm has 1 axes"},
        {"Transpose", "f32[2,3]", "perm=[0,0]", "perm is not a permutation of its axes: 0 at 1"},
        {"Transpose", "f32[2,3]", "perm=[0,2]", "perm is not a permutation of its axes: 2 at 1"},
        {"Reshape", "f32[2,3] i64{4}", "", "f32[2,3] and input 1 'in1' i64[1]: 6 elements do not become 4"},
        {"Reshape", "f32[2,3] i64{-1,-1}", "", "-1 may stand only once"},
        {"Reshape", "f32[2,3] i64{4,-1}", "", "no length for -1 fits 6 elements by 4"},
        {"Reshape", "f32[2,3] i64{-2}", "", "-2 is not a length"},
        {"Reshape", "f32[6] i64{6,0}", "", "there is no axis 1 for 0 to copy"},
        {"Reshape", "f32[0] i64{0,-1}", "allowzero=1", "0 and -1 do not go together with allowzero"},
        {"Reshape", "f32[6] i64{1,1,1,1,1,1,1,1,6}", "", "it has more than 8 numbers"},
        {"Reshape", "f32[6] i64{4611686018427387904,4611686018427387904}", "", "6 elements do not become"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, what_resize_and_pad_do_not_know_is_refused)
{
    static const struct shape_case cases[] = {
        {"Resize", "f32[2,3] - - i64{2,4}", "", "axis 1 would grow by 1.33333; only whole factors from 1 to 65536 are known"},
        {"Resize", "f32[2,4] - - i64{2,2}", "", "axis 1 would grow by 0.5"},
        {"Resize", "f32[2,4] - - i64{2,8}", "mode=linear", "only mode nearest with asymmetric and floor"},
        {"Resize", "f32[2,4] - - i64{2,8}", "nearest_mode=floor", "got nearest, half_pixel, floor"},
        {"Resize", "f32[2,4] - - i64{2,8}", "coordinate_transformation_mode=align_corners", "got nearest, align_corners"},
        {"Resize", "f32[2,4] - - i64{2,8}", "antialias=1", "antialias must be in 0..0, got 1"},
        {"Resize", "f32[2,4] - - i64{2,8}", "keep_aspect_ratio_policy=not_larger", "only keep_aspect_ratio_policy stretch"},
        {"Resize", "f32[2,4] f32[4] - i64{2,8}", "", "a region of interest is not known"},
        {"Resize", "f32[2,4]", "", "it needs scales or sizes, and not both"},
        {"Resize", "f32[2,4] - f32[2]", "", "it must be a const vector of f32"},
        {"Resize", "f32[2,4] - - i64{8}", "", "1 numbers for 2 axes"},
        {"Resize", "f32[2,4] - - i64{8,8}", "axes=[1,-1]", "axes holds -1, no axis of it or one named twice"},
        {"assay.ResizeGrad", "f32[2,5]", "factors=[1,2]", "axis 1 does not divide into blocks of 2"},
        {"assay.ResizeGrad", "f32[2,5]", "factors=[1]", "factors has 1 numbers, not 2"},
        {"assay.ResizeGrad", "f32[2,5]", "factors=[1,0]", "does not divide into blocks of 0"},
        {"Pad", "f32[2,3] i64{1,1,1,1}", "mode=reflect", "only mode constant is known, got 'reflect'"},
        {"Pad", "f32[2,3] i64{1,1}", "", "2 pads for 2 axes"},
        {"Pad", "f32[2,3] i64[4]", "", "it must be a const, since shapes are static"},
        {"Pad", "f32[2,3] i64{0,-2,0,-2}", "", "axis 1 cannot get -2 before and -2 behind"},
        {"Pad", "f32[2,3] i64{0,-4,0,9}", "", "axis 1 cannot get -4 before and 9 behind"},
        {"Pad", "f32[2,3] i64{0,1,0,1} f32[1]", "", "it must be a const of one number"},
        {"Pad", "f32[2,3] i64{0,1,0,1} i64{1}", "", "the types must be equal"},
        {"Pad", "f32[2,3] i64{1,1,1,1} - i64{0,-2}", "", "-2 is no axis of the first, or is given twice"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, resize_takes_scales_as_well_as_sizes)
{
    static const float whole[] = {1, 3}, half[] = {1, 1.5f};
    for (int i = 0; i < 2; i++) {
        struct assay_graph *g = assay_graph_new("g");
        int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){2, 4}, ASSAY_FILL_SIGNED);
        int32_t scales = assay_graph_const(g, "scales", ASSAY_F32, 1, (int64_t[]){2}, i ? half : whole);
        int32_t y = assay_graph_op(g, "Resize", "y", (int32_t[]){x, ASSAY_NO_VALUE, scales}, 3, NULL);
        if (i) {
            cr_expect(strstr(g->first_error.message, "axis 1 would grow by 1.5"), "%s", g->first_error.message);
        } else {
            cr_expect_eq(assay_graph_value(g, y)->dims[1], 12);
            cr_expect_eq(assay_node_attr(&g->nodes[0], "factors")->list[1], 3);
        }
        assay_graph_free(g);
    }
}

Test(infer, wrong_pools_are_refused)
{
    static const struct shape_case cases[] = {
        {"MaxPool", "f32[1,1,5,5]", "", "needs attribute 'kernel_shape'"},
        {"MaxPool", "f32[1,1]", "kernel_shape=[2]", "the rank must be in 3..5"},
        {"MaxPool", "i32[1,1,5]", "kernel_shape=[2]", "the type must be one of f64 f32 bf16 f16 i8 u8"},
        {"MaxPool", "f32[1,1,5,5]", "kernel_shape=[2]", "kernel_shape has 1 numbers, not 2"},
        {"MaxPool", "f32[1,1,5,5]", "kernel_shape=[2,0]", "kernel_shape holds 0"},
        {"MaxPool", "f32[1,1,5]", "kernel_shape=[6]", "a window of 6 does not fit axis 2, 5 long with its pads"},
        {"MaxPool", "f32[1,1,5]", "kernel_shape=[2] pads=[2,0]", "window 0 along axis 2 sees nothing but padding"},
        {"MaxPool", "f32[1,1,4]", "kernel_shape=[2] pads=[0,2] strides=[2]", "window 2 along axis 2 sees nothing but padding"},
        {"MaxPool", "f32[1,1,1]", "kernel_shape=[2] dilations=[3] pads=[2,2]", "window 0 along axis 2 sees nothing"},
        {"MaxPool", "f32[1,1,5]", "kernel_shape=[2] ceil_mode=2", "ceil_mode must be in 0..1"},
        {"MaxPool", "f32[1,1,5]", "kernel_shape=[2] storage_order=1", "has no attribute 'storage_order'"},
        {"AveragePool", "i8[1,1,5]", "kernel_shape=[2]", "the type must be one of f64 f32 bf16 f16"},
        {"AveragePool", "f32[1,1,5]", "kernel_shape=[2] count_include_pad=-1", "count_include_pad must be in 0..1"},
        {"GlobalAveragePool", "f32[1,1]", "", "the rank must be in 3..8"},
        {"GlobalAveragePool", "f32[1,1,4,0]", "", "axis 3 is empty, and of nothing there is no mean"},
        {"assay.MaxPoolGrad", "f32[1,2,2,2] f32[1,2,5,6]", "kernel_shape=[2,2] strides=[2,2]",
         "input 0 'in0' f32[1,2,2,2]: windows over the input give [1,2,2,3]"},
        {"assay.MaxPoolGrad", "f32[1,2,2,2] f32[1,2,5]", "kernel_shape=[2,2]", "the ranks must be equal"},
        {"assay.MaxPoolGrad", "f32[1,2,4] f16[1,2,5]", "kernel_shape=[2]", "the types must be equal"},
        {"assay.AveragePoolGrad", "f32[1,2,2,2]", "kernel_shape=[2,2] input_shape=[1,3,3,3]", "give [1,3,2,2]"},
        {"assay.AveragePoolGrad", "f32[1,2,2,2]", "kernel_shape=[2,2] input_shape=[1,2,3]", "input_shape has 3 numbers, not 4"},
        {"assay.AveragePoolGrad", "f32[1,2,2,2]", "kernel_shape=[2,2] input_shape=[1,2,-3,3]", "input_shape holds -3"},
        {"assay.AveragePoolGrad", "f32[1,2,2,2]", "kernel_shape=[2,2]", "needs attribute 'input_shape'"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, wrong_batch_and_group_norms_are_refused)
{
    static const struct shape_case cases[] = {
        {"BatchNormalization", "f32[2,3,4] f32[3] f32[4] f32[3] f32[3]", "",
         "input 0 'in0' f32[2,3,4] and input 2 'in2' f32[4]: the second must be [3]"},
        {"BatchNormalization", "f32[2,3,4] f32[3] f16[3] f32[3] f32[3]", "", "the types must be equal"},
        {"BatchNormalization", "f32[2,3,4] f32[3] f32[3] f32[3] f64[3]", "", "the types must be equal"},
        {"BatchNormalization", "i32[2,3,4] f32[3] f32[3] f32[3] f32[3]", "", "the type must be one of"},
        {"BatchNormalization", "f32[0,3] f32[3] f32[3] f32[3] f32[3]", "training_mode=1", "nothing to take statistics of"},
        {"BatchNormalization", "f32[] f32[3] f32[3] f32[3] f32[3]", "", "the rank must be in 1..8"},
        {"BatchNormalization", "f32[2,3] f32[3] f32[3] f32[3] f32[3]", "training_mode=2", "training_mode must be in 0..1"},
        {"assay.BatchNormalizationGrad", "f32[2,3] f32[2,4] f32[4]", "", "the shapes must be equal"},
        {"assay.BatchNormalizationGrad", "f32[2,3] f32[2,3] f32[2]", "", "the second must be [3]"},
        {"assay.BatchNormalizationGrad", "f32[2,3] f64[2,3] f32[3]", "", "the types must be equal"},
        {"GroupNormalization", "f32[2,6,4] f32[6] f32[6]", "num_groups=4", "its channels do not divide into 4 groups"},
        {"GroupNormalization", "f32[2,6,4] f32[6] f32[6]", "num_groups=0", "its channels do not divide into 0 groups"},
        {"GroupNormalization", "f32[2,6,4] f32[6] f32[6]", "", "needs attribute 'num_groups'"},
        {"GroupNormalization", "f32[2,6,4] f32[6] f32[3]", "num_groups=3", "the second must be [6]"},
        {"GroupNormalization", "f32[2,6,0] f32[6] f32[6]", "num_groups=3", "nothing to take statistics of"},
        {"GroupNormalization", "f32[6] f32[6] f32[6]", "num_groups=3", "the rank must be in 2..8"},
        {"assay.GroupNormalizationGrad", "f32[2,6] f32[3,6] f32[6]", "num_groups=2", "the shapes must be equal"},
        {"assay.GroupNormalizationGrad", "f32[2,6] f32[2,6] f32[6]", "num_groups=5", "do not divide into 5 groups"},
    };
    CHECK_REFUSALS(cases);
    struct assay_graph *g = sketch("BatchNormalization", "f32[2,3] f32[3] f32[3] f32[3] f32[3]", "", 2);
    cr_expect(strstr(g->first_error.message, "running statistics are outputs of training_mode only"));
    assay_graph_free(g);
}

/* ---- what inference leaves in the node ----------------------------------------------------------------- */

static void expect_list(const struct assay_node *node, const char *name, size_t n, const int64_t *list)
{
    const struct assay_attr *attr = assay_node_attr(node, name);
    cr_assert(attr && attr->type == ASSAY_ATTR_I64S && attr->n == n, "%s", name);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(attr->list[i], list[i], "%s[%zu] is %lld", name, i, (long long)attr->list[i]);
}

Test(infer, same_padding_puts_the_odd_one_at_the_end_or_the_beginning)
{
    /* 6 by 3 with stride 2: o = 3, pads 2*2 + 3 - 6 = 1. 5 by 4 with stride 1: 4 + 4 - 5 = 3. */
    struct assay_graph *g = sketch("Conv", "f32[1,1,6,5] f32[1,1,3,4]", "auto_pad=SAME_UPPER strides=[2,1]", 1);
    cr_assert_eq(g->n_nodes, 1);
    expect_list(&g->nodes[0], "pads", 4, (int64_t[]){0, 1, 1, 2});
    expect_list(&g->nodes[0], "dilations", 2, (int64_t[]){1, 1});
    expect_list(&g->nodes[0], "kernel_shape", 2, (int64_t[]){3, 4});
    cr_expect_str_eq(assay_node_text(&g->nodes[0], "auto_pad", ""), "NOTSET");
    assay_graph_free(g);
    g = sketch("Conv", "f32[1,1,6,5] f32[1,1,3,4]", "auto_pad=SAME_LOWER strides=[2,1]", 1);
    cr_assert_eq(g->n_nodes, 1);
    expect_list(&g->nodes[0], "pads", 4, (int64_t[]){1, 2, 0, 1});
    assay_graph_free(g);
    /* A kernel narrower than the stride needs no pad, and never a negative one. */
    g = sketch("Conv", "f32[1,1,6] f32[1,1,1]", "auto_pad=SAME_UPPER strides=[3]", 1);
    cr_assert_eq(g->n_nodes, 1);
    expect_list(&g->nodes[0], "pads", 2, (int64_t[]){0, 0});
    cr_expect_eq(assay_graph_value(g, g->nodes[0].outputs[0])->dims[2], 2);
    assay_graph_free(g);
}

Test(infer, attributes_are_left_resolved_for_readers)
{
    struct assay_graph *g = sketch("Softmax", "f32[2,3,4]", "axis=-2", 1);
    cr_expect_eq(assay_node_i64(&g->nodes[0], "axis", -9), 1);
    assay_graph_free(g);
    g = sketch("Transpose", "f32[2,3,4]", "", 1);
    expect_list(&g->nodes[0], "perm", 3, (int64_t[]){2, 1, 0});
    assay_graph_free(g);
    g = sketch("Attention", "f32[2,8,10,64] f32[2,2,12,64] f32[2,2,12,32]", "", 1);
    cr_expect_eq(assay_node_i64(&g->nodes[0], "q_num_heads", 0), 8);
    cr_expect_eq(assay_node_i64(&g->nodes[0], "kv_num_heads", 0), 2);
    cr_expect_eq(assay_node_f64(&g->nodes[0], "scale", 0), 0.125);
    cr_expect_null(assay_node_attr(&g->nodes[0], "softmax_precision"));
    assay_graph_free(g);
    g = sketch("Attention", "f32[2,8,10,64] f32[2,2,12,64] f32[2,2,12,32]", "scale=0.5", 1);
    cr_expect_eq(assay_node_f64(&g->nodes[0], "scale", 0), 0.5);
    assay_graph_free(g);
}

Test(infer, reduced_axes_can_be_asked_of_a_built_node)
{
    static const struct {
        const char *inputs, *attrs, *folded;
    } cases[] = {
        {"f32[2,3,4]", "", "1110"},
        {"f32[2,3,4] i64{-1}", "", "0010"},
        {"f32[2,3,4] i64{0,2}", "", "1010"},
        {"f32[2,3,4] i64{}", "noop_with_empty_axes=1", "0000"},
        {"f32[2,3,4]", "noop_with_empty_axes=1", "0000"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        bool folded[ASSAY_MAX_RANK];
        struct assay_graph *g = sketch("ReduceSum", cases[c].inputs, cases[c].attrs, 1);
        assay_reduce_axes(g, &g->nodes[0], folded);
        for (int i = 0; i < 4; i++)
            cr_expect_eq(folded[i], cases[c].folded[i] == '1', "case %zu axis %d", c, i);
        assay_graph_free(g);
    }
}

/* ---- moving, choosing, converting, mixtures of experts --------------------------------------------------- */

Test(infer, parts_and_indices_have_the_shapes_of_onnx)
{
    static const struct shape_case cases[] = {
        {"Concat", "f32[2,3] f32[2,1] f32[2,0]", "axis=1", "f32[2,4]"},
        {"Concat", "i4[2,3] i4[5,3]", "axis=-2", "i4[7,3]"},
        {"Split", "f32[2,5] i64{2,0,3}", "axis=1", "f32[2,2] f32[2,0] f32[2,3]"},
        {"Split", "f32[7]", "num_outputs=3", "f32[3] f32[3] f32[1]"},
        {"Split", "f32[2]", "num_outputs=4", "f32[1] f32[1] f32[0] f32[0]"},
        {"Split", "bf16[2,6] i64{1,2,3}", "axis=-1", "bf16[2,1]"},
        {"Slice", "f32[4,5] i64{1,-1} i64{3,-6} i64{0,1} i64{1,-2}", "", "f32[2,3]"},
        {"Slice", "f32[4,5] i64{-3} i64{9223372036854775807}", "", "f32[3,5]"},
        {"Slice", "f32[5] i64{9} i64{-9} i64{0} i64{-1}", "", "f32[5]"},
        {"Slice", "f32[5] i64{-1} i64{-9223372036854775807} i64{0} i64{-9223372036854775807}", "", "f32[1]"},
        {"Slice", "f32[5] i64{3} i64{2}", "", "f32[0]"},
        {"Slice", "f32[0] i64{-1} i64{-9} i64{0} i64{-1}", "", "f32[0]"},
        {"assay.SliceGrad", "f32[2,2]", "input_shape=[4,5] starts=[1,4] steps=[2,-3]", "f32[4,5]"},
        {"Squeeze", "f32[1,2,1,3] i64{-2}", "", "f32[1,2,3]"},
        {"Squeeze", "f32[1,2,1,3]", "", "f32[2,3]"},
        {"Squeeze", "f32[1] i64{}", "", "f32[1]"},
        {"Unsqueeze", "f32[2,3] i64{-1,0}", "", "f32[1,2,3,1]"},
        {"Flatten", "f32[2,3,4]", "", "f32[2,12]"},
        {"Flatten", "f32[2,3,4]", "axis=-1", "f32[6,4]"},
        {"Flatten", "f32[2,3,4]", "axis=3", "f32[24,1]"},
        {"Flatten", "f32[]", "axis=0", "f32[1,1]"},
        {"Identity", "u4[3]", "", "u4[3]"},
        {"Gather", "f32[4,3] i64[2,5]", "", "f32[2,5,3]"},
        {"Gather", "bf16[4,3,2] i32[]", "axis=-2", "bf16[4,2]"},
        {"assay.GatherGrad", "f32[2,5,3] i64[2,5]", "input_shape=[4,3]", "f32[4,3]"},
        {"assay.GatherGrad", "f32[4,2] i32[]", "axis=1 input_shape=[4,3,2]", "f32[4,3,2]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, wrong_parts_and_indices_are_refused)
{
    static const struct shape_case cases[] = {
        {"Concat", "f32[2,3] f32[3,3]", "axis=1", "f32[2,3] and input 1 'in1' f32[3,3]: they differ in more than axis 1"},
        {"Concat", "f32[2,3] f32[2,3,1]", "axis=1", "they differ in more than axis 1"},
        {"Concat", "f32[2,3] f16[2,3]", "axis=1", "the types must be equal"},
        {"Concat", "f32[2,3] - f32[2,3]", "axis=1", "input 1 is absent"},
        {"Split", "f32[2,5]", "axis=1", "either input 1 or num_outputs says how it is cut"},
        {"Split", "f32[2,5] i64{5}", "axis=1 num_outputs=1", "either input 1 or num_outputs"},
        {"Split", "f32[2,5] i64{2,2}", "axis=1", "pieces of 4 together, not 5"},
        {"Split", "f32[2,5] i64{2,4}", "axis=1", "a piece of 4 where 3 are left"},
        {"Split", "f32[2,5]", "num_outputs=33", "num_outputs must be in 1..32, got 33"},
        {"Slice", "f32[4] i64{1} i64{2} i64{0} i64{0}", "", "a step of zero"},
        {"Slice", "f32[4] i64{1} i64{2} i64{1}", "", "an axis that is sliced is not one of it"},
        {"Slice", "f32[4,4] i64{1,1} i64{2,2} i64{0,-2}", "", "an axis is sliced twice"},
        {"Slice", "f32[4] i64{1,1} i64{2,2}", "", "it has fewer axes than are sliced"},
        {"Slice", "f32[4] i64{1} i64{2,3}", "", "1 and 2 numbers"},
        {"Slice", "f32[4] i64[1] i64{2}", "", "it must be a const, since shapes are static"},
        {"assay.SliceGrad", "f32[2,2]", "input_shape=[4,5] starts=[1,4] steps=[3,-3]", "axis 0 from 1 by 3 leaves an axis of 4"},
        {"assay.SliceGrad", "f32[2]", "input_shape=[4] starts=[3] steps=[9223372036854775807]", "leaves an axis of 4"},
        {"assay.SliceGrad", "f32[2]", "input_shape=[4,5] starts=[1,4] steps=[3,-3]", "need a number for each axis"},
        {"assay.SliceGrad", "f32[2]", "input_shape=[-4] starts=[1] steps=[1]", "input_shape holds -4"},
        {"Squeeze", "f32[1,2] i64{1}", "", "axis 1 is not of length 1"},
        {"Squeeze", "f32[1,2] i64{2}", "", "axis 2 is not one of 2"},
        {"Unsqueeze", "f32[2] i64{0,-3}", "", "axis -3 is given twice"},
        {"Unsqueeze", "f32[1,1,1,1,1,1,1] i64{0,1}", "", "more than 8 axes"},
        {"Flatten", "f32[2,3]", "axis=3", "axis 3 is not before, in or behind it"},
        {"Gather", "f32[] i64[2]", "", "f32[]: the rank must be in 1..8"},
        {"Gather", "f32[3] f32[2]", "", "input 1 'in1' f32[2]: the type must be one of i64 i32"},
        {"Gather", "f32[3] i64[2]", "axis=1", "axis 1 is not an axis of it"},
        {"Gather", "f32[1,1,1,1,1] i64[1,1,1,1,1]", "", "more than 8 axes"},
        {"assay.GatherGrad", "f32[2,5,4] i64[2,5]", "input_shape=[4,3]", "not what Gather makes of input_shape"},
        {"assay.GatherGrad", "f32[2,3] i64[2]", "axis=2 input_shape=[4,3]", "not what Gather makes of input_shape"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, choices_and_conversions_have_the_shapes_of_onnx)
{
    static const struct shape_case cases[] = {
        {"Cast", "f32[2,3]", "to=16", "bf16[2,3]"},
        {"Cast", "i64[2]", "to=17 saturate=0", "f8e4m3[2]"},
        {"Cast", "f8e8m0[2]", "to=1", "f32[2]"},
        {"Cast", "f32[3]", "to=22", "i4[3]"},
        {"Where", "bool[2,1] f32[3,1,4] f32[]", "", "f32[3,2,4]"},
        {"Where", "bool[5,1,1] i4[2] i4[3,1]", "", "i4[5,3,2]"},
        {"Equal", "bool[2,3] bool[3]", "", "bool[2,3]"},
        {"Less", "f16[2,1] f16[3]", "", "bool[2,3]"},
        {"Greater", "i64[2] i64[]", "", "bool[2]"},
        {"GreaterOrEqual", "u8[2] u8[2]", "", "bool[2]"},
        {"LessOrEqual", "f64[0] f64[1]", "", "bool[0]"},
        {"Not", "bool[2]", "", "bool[2]"},
        {"And", "bool[2,1] bool[3]", "", "bool[2,3]"},
        {"Reciprocal", "f32[2]", "", "f32[2]"},
        {"Pow", "f16[2,1] i64[3]", "", "f16[2,3]"},
        {"Clip", "i8[2,3] - i8[]", "", "i8[2,3]"},
        {"Sin", "bf16[2]", "", "bf16[2]"},
        {"Cos", "f64[2]", "", "f64[2]"},
        {"TopK", "f32[2,5,3] i64{2}", "axis=1", "f32[2,2,3] i64[2,2,3]"},
        {"TopK", "i64[5] i64{0}", "largest=0", "i64[0]"},
        {"assay.TopKGrad", "f32[2,3] i64[2,3]", "length=9", "f32[2,9]"},
        {"ArgMax", "f32[2,5,3]", "", "i64[1,5,3]"},
        {"ArgMax", "i8[2,5]", "axis=-1 keepdims=0", "i64[2]"},
        {"assay.ReduceExtremeGrad", "f32[2,1,3] f32[2,5,3]", "axes=[1]", "f32[2,5,3]"},
        {"assay.ReduceExtremeGrad", "f32[5] f32[2,5,3]", "axes=[2,0] keepdims=0", "f32[2,5,3]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, wrong_choices_and_conversions_are_refused)
{
    static const struct shape_case cases[] = {
        {"Cast", "f32[2]", "to=24", "no cast to ONNX's type 24 here"},
        {"Cast", "f32[2]", "to=8", "no cast to ONNX's type 8 here"},
        {"Cast", "f32[2]", "to=1 saturate=2", "saturate must be in 0..1, got 2"},
        {"Where", "f32[2] f32[2] f32[2]", "", "input 0 'in0' f32[2]: the type must be one of bool"},
        {"Where", "bool[2] f32[2] f16[2]", "", "the types must be equal"},
        {"Where", "bool[2] f32[2] f32[3]", "", "input 1 'in1' f32[2] and input 2 'in2' f32[3]: the shapes do not broadcast"},
        {"Where", "bool[2] f32[3] f32[3]", "", "input 0 'in0' bool[2]: it does not broadcast with the choices"},
        {"Less", "bool[2] bool[2]", "", "the type must be one of"},
        {"Equal", "f32[2] f64[2]", "", "the types must be equal"},
        {"Not", "u8[2]", "", "the type must be one of bool"},
        {"And", "i32[2] i32[2]", "", "the type must be one of bool"},
        {"Pow", "f32[2] f32[3]", "", "the shapes do not broadcast"},
        {"Pow", "i8[2] i8[2]", "", "i8[2]: the type must be one of"},
        {"Clip", "f32[2] f32[1]", "", "input 1 'in1' f32[1]: the rank must be 0"},
        {"Clip", "f32[2] - f64[]", "", "the types must be equal"},
        {"Sin", "i32[2]", "", "the type must be one of f64 f32 bf16 f16"},
        {"TopK", "f32[2,5] i64{6}", "", "k must be one number in 0..5"},
        {"TopK", "f32[2,5] i64{1,2}", "", "it has more than 1 numbers"},
        {"TopK", "f32[2,5] i64{1}", "sorted=0", "sorted must be in 1..1, got 0"},
        {"TopK", "f32[2,5] i64[1]", "", "it must be a const"},
        {"assay.TopKGrad", "f32[2,3] i64[2,3]", "length=2", "3 along an axis of length 2"},
        {"assay.TopKGrad", "f32[2,3] i64[2]", "length=9", "the shapes must be equal"},
        {"ArgMax", "f32[0,2]", "", "axis 0 is empty"},
        {"assay.ReduceExtremeGrad", "f32[2,3] f32[2,5,3]", "axes=[1]", "the first is not the second reduced"},
        {"assay.ReduceExtremeGrad", "f32[2,1,3] f32[2,5,3]", "axes=[3]", "axes must be axes of it, from 0, each once"},
    };
    CHECK_REFUSALS(cases);
}

Test(infer, quantization_tables_and_experts_have_their_shapes)
{
    static const struct shape_case cases[] = {
        {"QuantizeLinear", "f32[2,3] f32[]", "", "u8[2,3]"},
        {"QuantizeLinear", "f16[2,3] f16[3] i8[3]", "", "i8[2,3]"},
        {"QuantizeLinear", "f32[2,5] f32[2,3]", "block_size=2 output_dtype=22", "i4[2,5]"},
        {"QuantizeLinear", "f32[2,3] f32[2]", "axis=-2 output_dtype=17", "f8e4m3[2,3]"},
        {"DequantizeLinear", "i8[2,3] f32[]", "", "f32[2,3]"},
        {"DequantizeLinear", "u4[2,3] bf16[3] u4[3]", "", "bf16[2,3]"},
        {"DequantizeLinear", "i4[5,2] f16[2,2] i4[2,2]", "axis=0 block_size=3 output_dtype=1", "f32[5,2]"},
        {"DequantizeLinear", "f4e2m1[2,64] f8e8m0[2,2]", "block_size=32 output_dtype=16", "bf16[2,64]"},
        {"assay.EmbeddingBag", "f32[9,4] i64[7] i32[3]", "mode=mean", "f32[3,4]"},
        {"assay.EmbeddingBagGrad", "f32[3,4] i64[7] i32[3]", "rows=9", "f32[9,4]"},
        {"assay.MoeRoute", "f32[5,8] f32[8]", "k=2 scoring=sigmoid", "f32[5,2] i32[5,2]"},
        {"assay.MoeRouteGrad", "f32[5,2] f32[5,8] i32[5,2]", "normalize=0", "f32[5,8]"},
        {"assay.MoePermute", "bf16[5,4] i32[5,2]", "num_experts=8", "bf16[10,4] i32[8] i32[10]"},
        {"assay.MoeCombine", "f32[10,4] f32[5,2] i32[10]", "", "f32[5,4]"},
        {"assay.MoeCombineGrad", "f32[5,4] f32[10,4] f32[5,2] i32[10]", "", "f32[10,4] f32[5,2]"},
        {"assay.GroupedMatMul", "f32[10,4] f32[8,4,6] i32[8]", "", "f32[10,6]"},
        {"assay.GroupedMatMul", "f16[10,4] f16[8,6,4] i64[8]", "transB=1", "f16[10,6]"},
        {"assay.GroupedMatMulWeightGrad", "f32[10,4] f32[10,6] i32[8]", "", "f32[8,4,6]"},
    };
    CHECK_SHAPES(cases);
}

Test(infer, wrong_quantization_tables_and_experts_are_refused)
{
    static const struct shape_case cases[] = {
        {"QuantizeLinear", "f32[2,3] f32[2]", "", "f32[2,3] and input 1 'in1' f32[2]: neither one scale nor one for each place along axis 1"},
        {"QuantizeLinear", "f32[2,3] f32[]", "output_dtype=1", "output_dtype 1 is not one to quantize to"},
        {"QuantizeLinear", "f32[2,3] f32[] i8[]", "output_dtype=2", "output_dtype 2 is not one to quantize to"},
        {"QuantizeLinear", "f32[2,3] f32[]", "precision=10", "precision must be the scale's type, got 10"},
        {"QuantizeLinear", "f32[2,3] f32[3] u8[]", "", "scale and zero point need one shape"},
        {"QuantizeLinear", "f32[2,3] f32[]", "block_size=2", "blocks need a scale each"},
        {"QuantizeLinear", "f32[2,3] f32[3]", "axis=2", "axis 2 is not an axis of it"},
        {"DequantizeLinear", "i8[2,5] f32[2,2]", "block_size=2", "not a scale for each block of 2 along axis 1"},
        {"DequantizeLinear", "i8[2,5] f32[2,3]", "block_size=-2", "block_size must not be negative, got -2"},
        {"DequantizeLinear", "f32[2] f32[]", "", "input 0 'in0' f32[2]: the type must be one of"},
        {"DequantizeLinear", "i8[2] f32[] u8[]", "", "the types must be equal"},
        {"DequantizeLinear", "i8[2] f8e8m0[]", "", "output_dtype must be a float's number"},
        {"assay.EmbeddingBag", "f32[9,4] i64[7] i32[3]", "mode=max", "mode must be sum or mean, got 'max'"},
        {"assay.EmbeddingBag", "f32[9] i64[7] i32[3]", "", "the rank must be 2"},
        {"assay.EmbeddingBag", "f32[9,4] f32[7] i32[3]", "", "the type must be one of i64 i32"},
        {"assay.EmbeddingBagGrad", "f32[2,4] i64[7] i32[3]", "rows=9", "2 and 3 bags"},
        {"assay.EmbeddingBagGrad", "f32[3,4] i64[7] i32[3]", "rows=-1", "rows must not be negative, got -1"},
        {"assay.MoeRoute", "f32[5,8]", "k=9", "k must be in 1..8, got 9"},
        {"assay.MoeRoute", "f32[5,8] f32[5]", "k=2", "the bias must be [8]"},
        {"assay.MoeRoute", "f32[5,8]", "k=2 scoring=relu", "scoring must be softmax or sigmoid, got 'relu'"},
        {"assay.MoeRouteGrad", "f32[5,2] f32[5,8] i32[5,3]", "", "the shapes must be equal"},
        {"assay.MoeRouteGrad", "f32[5,2] f32[4,8] i32[5,2]", "", "not weights of its tokens"},
        {"assay.MoePermute", "f32[5,4] i32[4,2]", "num_experts=8", "5 and 4 tokens"},
        {"assay.MoePermute", "f32[5,4] i32[5,2]", "num_experts=0", "num_experts must be in 1..2147483647, got 0"},
        {"assay.MoeCombine", "f32[9,4] f32[5,2] i32[9]", "", "9 rows, 10 weights"},
        {"assay.MoeCombine", "f32[10,4] f32[5,2] i32[9]", "", "10 rows, 9 slots"},
        {"assay.MoeCombineGrad", "f32[4,4] f32[10,4] f32[5,2] i32[10]", "", "not what MoeCombine makes of them"},
        {"assay.MoeCombineGrad", "f32[5,4] f32[10,4] f32[5,2] i32[9]", "", "rows, weights and slots differ in number"},
        {"assay.GroupedMatMul", "f32[10,4] f32[8,5,6] i32[8]", "", "the inner lengths 4 and 5 differ"},
        {"assay.GroupedMatMul", "f32[10,4] f32[8,4,6] i32[7]", "", "8 matrices, 7 counts"},
        {"assay.GroupedMatMulWeightGrad", "f32[10,4] f32[9,6] i32[8]", "", "10 and 9 rows"},
    };
    CHECK_REFUSALS(cases);
}
