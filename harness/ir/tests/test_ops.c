/* The op table, and costs derived by hand. */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "harness/ir/tests/sketch.h"

Test(ops, rows_are_found_by_the_names_that_plug_ins_see)
{
    size_t n;
    const struct assay_op_row *rows = assay_op_rows(&n);
    cr_assert_geq(n, 31);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s%s%s", rows[i].domain, rows[i].domain[0] ? "." : "", rows[i].name);
        cr_expect_eq(assay_op_find(name), &rows[i], "%s", name);
        cr_expect_eq(assay_op_index(&rows[i]), i);
        cr_expect(rows[i].ir->infer, "%s", name);
    }
    cr_expect_null(assay_op_find("Copy"));
    cr_expect_null(assay_op_find("assay.MatMul"));
    cr_expect_null(assay_op_find(".MatMul"));
    cr_expect_null(assay_op_find("Mat"));
    cr_expect_null(assay_op_find(""));
}

static struct assay_cost cost_of(const char *op, const char *inputs, const char *attrs)
{
    struct assay_graph *g = sketch(op, inputs, attrs, 1);
    struct assay_cost cost = {0};
    cr_expect_eq(g->n_nodes, 1, "%s(%s; %s): %s", op, inputs, attrs, g->first_error.message);
    if (g->n_nodes)
        cost = assay_node_cost(g, &g->nodes[0]);
    assay_graph_free(g);
    return cost;
}

Test(ops, costs_are_those_of_the_definitions)
{
    static const struct {
        const char *op, *inputs, *attrs;
        uint64_t flops, transcendentals;
    } cases[] = {
        {"MatMul", "f32[2,3] f32[3,4]", "", 48, 0},
        {"MatMul", "f32[7,2,3] f32[3,4]", "", 336, 0},
        {"MatMul", "f32[3] f32[3]", "", 6, 0},
        {"MatMul", "f32[2,0] f32[0,4]", "", 0, 0},
        {"MatMulInteger", "u8[2,3] i8[3,4]", "", 48, 0},
        {"MatMulInteger", "u8[2,3] i8[3,4] u8[2] i8[]", "", 48 + 6 + 12, 0},
        {"Gemm", "f32[3,2] f32[3,4]", "transA=1", 48, 0},
        {"Gemm", "f32[2,3] f32[3,4] f32[4]", "", 48 + 8, 0},
        {"Gemm", "f32[2,3] f32[3,4] f32[4]", "alpha=2.0 beta=2.0", 48 + 24, 0},
        /* ResNet-50's first convolution: 64 * 112 * 112 * 3 * 7 * 7 = 118,013,952 multiply-adds */
        {"Conv", "f32[1,3,224,224] f32[64,3,7,7]", "strides=[2,2] pads=[3,3,3,3]", 2 * UINT64_C(118013952), 0},
        {"Conv", "f32[1,3,224,224] f32[64,3,7,7] f32[64]", "strides=[2,2] pads=[3,3,3,3]",
         2 * UINT64_C(118013952) + 64 * 112 * 112, 0},
        {"Conv", "f32[1,32,8,8] f32[32,1,3,3]", "group=32", 2 * 9 * 32 * 36, 0},
        /* 2 heads, 3 queries, 4 keys: 24 pairs, 6 rows; 2 (5 + 7) + 1 a pair, then 3 a pair less one a row */
        {"Attention", "f32[1,2,3,5] f32[1,2,4,5] f32[1,2,4,7]", "", 24 * 25 + 24 * 3 - 6, 24 + 6},
        /* causal: 1 + 2 + 3 pairs a head */
        {"Attention", "f32[1,2,3,5] f32[1,2,4,5] f32[1,2,4,7]", "is_causal=1", 12 * 25 + 12 * 3 - 6, 12 + 6},
        /* fewer keys than queries: 1 + 2 + 2 + 2 */
        {"Attention", "f32[1,1,4,5] f32[1,1,2,5] f32[1,1,2,7]", "is_causal=1", 7 * 25 + 7 * 3 - 4, 7 + 4},
        /* with 10 before: 11 + 12 */
        {"Attention", "f32[1,1,2,5] f32[1,1,2,5] f32[1,1,2,7] - f32[1,1,10,5] f32[1,1,10,7]", "is_causal=1",
         23 * 25 + 23 * 3 - 2, 23 + 2},
        {"Attention", "f32[1,2,3,5] f32[1,2,4,5] f32[1,2,4,7] f32[3,4]", "softcap=9.0", 24 * 28 + 24 * 3 - 6, 48 + 6},
        {"Attention", "f32[1,2,3,5] f32[1,2,4,5] f32[1,2,4,7] bool[3,4]", "", 24 * 25 + 24 * 3 - 6, 24 + 6},
        {"Attention", "f32[1,3,10] f32[1,4,5] f32[1,4,7]", "q_num_heads=2 kv_num_heads=1", 24 * 25 + 24 * 3 - 6,
         24 + 6},
        /* a pair: 2 (5 + 7) + 1, softmax 3, D 2, dS' 2, the scale 1, dQ and dK 10 each if wanted, dV 14; less 2 a row */
        {"assay.AttentionGrad", "f32[1,2,3,7] f32[1,2,3,5] f32[1,2,4,5] f32[1,2,4,7]", "", 24 * (25 + 8 + 10) - 12, 24 + 6},
        {"assay.AttentionGrad", "f32[1,2,3,7] f32[1,2,3,5] f32[1,2,4,5] f32[1,2,4,7]", "is_causal=1 softcap=1.0",
         12 * (25 + 8 + 10 + 5) - 12, 24 + 6},
        {"Attention", "f32[1,2,3,5] f32[1,2,4,5] f32[1,2,4,7] - - - i64[1]", "", 24 * 25 + 24 * 3 - 6, 24 + 6},
        /* 2 heads; 3 tokens behind 1 see 2 + 3 + 4, one behind 4 sees 5: 14 pairs a head; of 5 rows 4 belong to somebody, the cost
           counts all */
        {"assay.PagedAttention", "f32[5,8] f32[5,4] f32[5,4] f32[6,2,4] f32[6,2,4] i32[3,3]{5,0,0,0,0,0,3,1,4} i32{0,3,3,4} i32{1,0,4}",
         "q_num_heads=2 kv_num_heads=1", 28 * 17 + 28 * 3 - 10, 28 + 10},
        /* the same pairs; keys 4 wide, of which 3 are values */
        {"assay.PagedAttention", "f32[5,8] f32[5,4] - f32[6,2,4] - i32[3,3]{5,0,0,0,0,0,3,1,4} i32{0,3,3,4} i32{1,0,4}",
         "q_num_heads=2 kv_num_heads=1 v_head_size=3", 28 * 15 + 28 * 3 - 10, 28 + 10},
        /* numbers that no execution takes: a past below 0 counts as none, starts that fall as no tokens, and their difference may
           leave 64 bits: 2^64 tokens behind 0 are more pairs than can be counted */
        {"assay.PagedAttention", "f32[1,4] f32[1,4] f32[1,4] f32[6,2,4] f32[6,2,4] i64[1,3] i64{0,1} i64{-9}", "q_num_heads=1 kv_num_heads=1",
         1 * 17 + 1 * 3 - 1, 1 + 1},
        {"assay.PagedAttention", "f32[1,4] f32[1,4] f32[1,4] f32[6,2,4] f32[6,2,4] i64[1,3] i64{5,0} i64{7}", "q_num_heads=1 kv_num_heads=1", 0, 0},
        {"assay.PagedAttention", "f32[1,4] f32[1,4] f32[1,4] f32[6,2,4] f32[6,2,4] i64[1,3] i64{9223372036854775807,-9223372036854775807} i64{7}",
         "q_num_heads=1 kv_num_heads=1", 0, 0},
        {"assay.PagedAttention", "f32[1,4] f32[1,4] f32[1,4] f32[6,2,4] f32[6,2,4] i64[1,3] i64{-9223372036854775807,9223372036854775807} i64{0}",
         "q_num_heads=1 kv_num_heads=1", UINT64_MAX, UINT64_MAX},
        {"Softmax", "f32[2,5]", "", 2 * 14, 2 * 6},
        {"Softmax", "f32[2,5]", "axis=0", 5 * 5, 5 * 3},
        {"Softmax", "f32[2,0]", "", 0, 0},
        {"LayerNormalization", "f32[3,10] f32[10]", "", 3 * 59, 12},
        {"LayerNormalization", "f32[3,2,5] f32[2,5] f32[5]", "axis=1", 3 * 69, 12},
        {"RMSNormalization", "f32[3,10] f32[10]", "", 3 * 40, 9},
        {"SoftmaxCrossEntropyLoss", "f32[4,5] i64[4]", "reduction=none", 4 * 11, 4 * 6},
        {"SoftmaxCrossEntropyLoss", "f32[4,5] i64[4]", "", 4 * 11 + 3, 4 * 6 + 1},
        {"SoftmaxCrossEntropyLoss", "f32[2,5,2] i64[2,2] f32[5]", "", 4 * 12 + 3 + 3, 4 * 6 + 1},
        {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[4,5] i64[4]", "reduction=sum", 4 * 15, 4 * 6},
        {"assay.SoftmaxCrossEntropyGrad", "f32[] f32[4,5] i64[4] f32[5]", "", 4 * 16 + 3, 4 * 6 + 1},
        {"ReduceSumSquare", "f32[4,5] i64{1}", "", 20 + 16, 0},
        {"ReduceL2", "f32[4,5] i64{1}", "", 20 + 16, 4},
        {"ReduceSum", "f32[4,5] i64{1}", "", 16, 0},
        {"ReduceMean", "f32[4,5] i64{1}", "", 16, 4},
        {"ReduceMax", "f32[4,5] i64{1}", "", 0, 0},
        {"ReduceMin", "f32[4,5] i64{1}", "", 0, 0},
        {"Add", "f32[4,1] f32[5]", "", 20, 0},
        {"Sub", "f32[4] f32[4]", "", 4, 0},
        {"Mul", "f32[4] f32[4]", "", 4, 0},
        {"Div", "f32[4] f32[4]", "", 0, 4},
        {"Max", "f32[4] f32[4]", "", 0, 0},
        {"Min", "f32[4] f32[4]", "", 0, 0},
        {"Neg", "f32[4]", "", 0, 0},
        {"Abs", "f32[4]", "", 0, 0},
        {"Sqrt", "f32[4]", "", 0, 4},
        {"Exp", "f32[4]", "", 0, 4},
        {"Log", "f32[4]", "", 0, 4},
        {"Erf", "f32[4]", "", 0, 4},
        {"Tanh", "f32[4]", "", 0, 4},
        {"Sigmoid", "f32[4]", "", 4, 8},
        {"Relu", "f32[4]", "", 0, 0},
        {"Gelu", "f32[4]", "", 16, 4},
        {"Gelu", "f32[4]", "approximate=tanh", 32, 4},
        {"Swish", "f32[4]", "", 4, 8},
        {"Swish", "f32[4]", "alpha=2.0", 8, 8},
        {"Sign", "f32[4]", "", 0, 0},
        {"assay.ReluGrad", "f32[4] f32[4]", "", 0, 0},
        {"assay.TanhGrad", "f32[4] f32[4]", "", 12, 0},
        {"assay.SigmoidGrad", "f32[4] f32[4]", "", 12, 0},
        {"assay.GeluGrad", "f32[4] f32[4]", "", 36, 8},
        {"assay.GeluGrad", "f32[4] f32[4]", "approximate=tanh", 64, 4},
        {"assay.SwishGrad", "f32[4] f32[4]", "", 24, 8},
        {"assay.SwishGrad", "f32[4] f32[4]", "alpha=2.0", 28, 8},
        {"LogSoftmax", "f32[2,5]", "", 2 * 14, 2 * 6},
        {"LogSoftmax", "f32[2,0]", "", 0, 0},
        {"assay.SoftmaxGrad", "f32[2,5] f32[2,5]", "", 2 * 19, 0},
        {"assay.LogSoftmaxGrad", "f32[2,5] f32[2,5]", "axis=0", 5 * 5, 5 * 2},
        {"assay.LayerNormalizationGrad", "f32[3,10] f32[3,10] f32[10]", "", 3 * 127, 18},
        {"assay.RMSNormalizationGrad", "f32[3,10] f32[3,10] f32[10]", "", 3 * 89, 12},
        {"RotaryEmbedding", "f32[2,3,5,8] f32[2,5,4] f32[2,5,4]", "", 30 * 24, 0},
        {"RotaryEmbedding", "f32[2,5,24] f32[9,2] f32[9,2] i64[2,5]", "num_heads=3 rotary_embedding_dim=4", 30 * 12, 0},
        {"TensorScatter", "f32[2,5,8] f32[2,1,8] i64[2]", "", 0, 0},
        {"assay.TensorScatterGrad", "f32[2,5,8] i64[2]", "length=1", 0, 0},
        {"assay.Sgd", "f32[] f32[5] f32[5]", "", 10, 0},
        {"assay.Sgd", "f32[] f32[5] f32[5] f32[5] f32[]", "weight_decay=0.1 momentum=0.9", 35, 0},
        {"assay.LambApply", "f32[] f32[5] f32[5] f32[] f32[]", "", 11, 1},
        {"Transpose", "f32[4,5]", "", 0, 0},
        {"Reshape", "f32[4,5] i64{20}", "", 0, 0},
        {"assay.Copy", "f32[4,5]", "", 0, 0},
        {"assay.ConvInputGrad", "f32[2,4,6,6] f32[4,3,3,3]", "input_shape=[2,3,8,8]", 2 * 27 * 2 * 4 * 36, 0},
        {"assay.ConvWeightGrad", "f32[2,4,6,6] f32[2,6,8,8]", "kernel_shape=[3,3] group=2", 2 * 27 * 2 * 4 * 36, 0},
        {"Resize", "f32[2,4] - - i64{2,8}", "", 0, 0},
        {"assay.ResizeGrad", "f32[2,8]", "factors=[1,2]", 8, 0},
        {"Pad", "f32[2,4] i64{0,1,0,1}", "", 0, 0},
        {"MaxPool", "f32[1,2,4,4]", "kernel_shape=[2,2] strides=[2,2]", 0, 0},
        {"assay.MaxPoolGrad", "f32[1,2,2,2] f32[1,2,4,4]", "kernel_shape=[2,2] strides=[2,2]", 8, 0},
        {"AveragePool", "f32[1,2,4,4]", "kernel_shape=[2,2] strides=[2,2]", 8 * 4, 0},
        {"assay.AveragePoolGrad", "f32[1,2,2,2]", "kernel_shape=[2,2] strides=[2,2] input_shape=[1,2,4,4]", 8 * 5, 0},
        {"GlobalAveragePool", "f32[2,3,4,5]", "", 120, 0},
        /* 3 channels of 40 */
        {"BatchNormalization", "f32[2,3,4,5] f32[3] f32[3] f32[3] f32[3]", "", 3 * 120 + 2 * 3, 2 * 3},
        {"BatchNormalization", "f32[2,3,4,5] f32[3] f32[3] f32[3] f32[3]", "training_mode=1", 3 * 240, 4 * 3},
        {"assay.BatchNormalizationGrad", "f32[2,3,4,5] f32[2,3,4,5] f32[3]", "", 3 * 440, 6 * 3},
        /* 6 groups of 10, 6 channels of 10 */
        {"GroupNormalization", "f32[2,6,5] f32[6] f32[6]", "num_groups=3", 6 * 69, 4 * 6},
        {"assay.GroupNormalizationGrad", "f32[2,6,5] f32[2,6,5] f32[6]", "num_groups=3", 6 * 137 + 2 * 6 * 9, 6 * 6},
        {"Concat", "f32[4,5] f32[4,1]", "axis=1", 0, 0},
        {"assay.SliceGrad", "f32[2]", "input_shape=[4] starts=[1] steps=[2]", 0, 0},
        {"Gather", "f32[4,5] i64[3]", "", 0, 0},
        {"assay.GatherGrad", "f32[3,5] i64[3]", "input_shape=[4,5]", 15, 0},
        {"Cast", "f32[4]", "to=16", 0, 0},
        {"Where", "bool[4] f32[4] f32[4]", "", 0, 0},
        {"Less", "f32[4] f32[4]", "", 0, 0},
        {"Reciprocal", "f32[4]", "", 0, 4},
        {"Pow", "f32[4,1] f32[5]", "", 0, 20},
        {"Clip", "f32[4]", "", 0, 0},
        {"Sin", "f32[4]", "", 0, 4},
        {"Cos", "f32[4]", "", 0, 4},
        {"TopK", "f32[4] i64{2}", "", 0, 0},
        {"ArgMax", "f32[4]", "", 0, 0},
        {"assay.ReduceExtremeGrad", "f32[4,1] f32[4,5]", "axes=[1]", 0, 4},
        {"QuantizeLinear", "f32[4,5] f32[]", "", 0, 20},
        {"QuantizeLinear", "f32[4,5] f32[] u8[]", "", 20, 20},
        {"DequantizeLinear", "i8[4,5] f32[]", "", 20, 0},
        {"DequantizeLinear", "i8[4,5] f32[] i8[]", "", 40, 0},
        {"assay.EmbeddingBag", "f32[9,4] i64[7] i64[3]", "", 28, 0},
        {"assay.EmbeddingBag", "f32[9,4] i64[7] i64[3]", "mode=mean", 28, 12},
        {"assay.EmbeddingBagGrad", "f32[3,4] i64[7] i64[3]", "rows=9 mode=mean", 28, 12},
        /* 8 experts: softmax 23 and 9, a bias 8; 2 chosen: 1 addition, 2 products, a division; 2 products by scale */
        {"assay.MoeRoute", "f32[5,8]", "k=2 normalize=0", 5 * (23 + 2), 5 * 9},
        {"assay.MoeRoute", "f32[5,8] f32[8]", "k=2", 5 * (23 + 8 + 3 + 2), 5 * 10},
        {"assay.MoeRoute", "f32[5,8]", "k=2 scoring=sigmoid", 5 * (8 + 3 + 2), 5 * 17},
        /* scores; ds 5 * 2 - 1 and a division, or 2; the softmax's 2 * 2 - 1 + 2 * 8, the sigmoid's 3 * 2 */
        {"assay.MoeRouteGrad", "f32[5,2] f32[5,8] i32[5,2]", "", 5 * (23 + 9 + 19), 5 * 10},
        {"assay.MoeRouteGrad", "f32[5,2] f32[5,8] i32[5,2]", "scoring=sigmoid normalize=0", 5 * (8 + 2 + 6), 5 * 16},
        {"assay.MoePermute", "f32[5,4] i32[5,2]", "num_experts=8", 0, 0},
        {"assay.MoeCombine", "f32[10,4] f32[5,2] i32[10]", "", 40 + 20, 0},
        {"assay.MoeCombineGrad", "f32[5,4] f32[10,4] f32[5,2] i32[10]", "", 40, 0},
        {"assay.GroupedMatMul", "f32[10,4] f32[8,4,6] i32[8]", "", 480, 0},
        {"assay.GroupedMatMulWeightGrad", "f32[10,4] f32[10,6] i32[8]", "", 480, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assay_cost cost = cost_of(cases[i].op, cases[i].inputs, cases[i].attrs);
        cr_expect_eq(cost.flops, cases[i].flops, "%s(%s; %s): %" PRIu64 " flops, expected %" PRIu64, cases[i].op,
                     cases[i].inputs, cases[i].attrs, cost.flops, cases[i].flops);
        cr_expect_eq(cost.transcendentals, cases[i].transcendentals, "%s(%s; %s): %" PRIu64 " transcendentals",
                     cases[i].op, cases[i].inputs, cases[i].attrs, cost.transcendentals);
        cr_expect_eq(cost.size, sizeof cost);
    }
}

Test(ops, bytes_count_each_distinct_value_once)
{
    struct assay_cost cost = cost_of("MatMul", "f32[2,3] f32[3,4]", "");
    cr_expect_eq(cost.read_bytes, 24 + 48);
    cr_expect_eq(cost.written_bytes, 32);
    cost = cost_of("assay.Copy", "f4e2m1[5]", "");
    cr_expect_eq(cost.read_bytes, 3);
    cr_expect_eq(cost.written_bytes, 3);

    struct assay_graph *g = assay_graph_new("square");
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, 1, (int64_t[]){10}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_op(g, "Mul", "b", (int32_t[]){a, a}, 2, NULL);
    cr_assert_neq(b, ASSAY_NO_VALUE);
    cr_expect_eq(assay_node_cost(g, &g->nodes[0]).read_bytes, 40);
    assay_graph_free(g);
}

Test(ops, a_graph_moves_at_least_its_inputs_and_outputs_once)
{
    struct assay_error err;
    struct assay_graph *g = assay_graph_new("chain");
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 1, (int64_t[]){10}, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "w", ASSAY_F32, 1, (int64_t[]){1}, ASSAY_FILL_SIGNED);
    assay_graph_input(g, "unread", ASSAY_F32, 1, (int64_t[]){1000}, ASSAY_FILL_SIGNED);
    int32_t a = assay_graph_op(g, "Mul", "a", (int32_t[]){x, w}, 2, NULL);
    int32_t b = assay_graph_op(g, "Exp", "b", (int32_t[]){a}, 1, NULL);
    int32_t c = assay_graph_op(g, "Add", "c", (int32_t[]){b, w}, 2, NULL);
    assay_graph_output(g, c);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    struct assay_cost cost = assay_graph_cost(g);
    cr_expect_eq(cost.flops, 20);
    cr_expect_eq(cost.transcendentals, 10);
    cr_expect_eq(cost.read_bytes, 44);
    cr_expect_eq(cost.written_bytes, 40);
    assay_graph_free(g);
}

/* 2 sequences of 3 tokens behind 10 on average, by the rules that fill starts and past; 2 heads of 4, keys and values of 8 bytes a token. */
Test(ops, a_paged_cache_that_is_taken_over_is_read_where_it_is_seen_and_written_where_it_is_new)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("paged");
    const char *const   names[] = {"y", "keys_after", "values_after"};
    int64_t             cache[3] = {100, 16, 4}, table[2] = {2, 50}, three = 3, two = 2;
    int32_t             in[8], out[3];
    in[0] = assay_graph_input(g, "q", ASSAY_F32, 2, (int64_t[]){6, 8}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "k", ASSAY_F32, 2, (int64_t[]){6, 4}, ASSAY_FILL_SIGNED);
    in[2] = assay_graph_input(g, "v", ASSAY_F32, 2, (int64_t[]){6, 4}, ASSAY_FILL_SIGNED);
    in[3] = assay_graph_state(g, "keys", ASSAY_BF16, 3, cache, ASSAY_FILL_SIGNED);
    in[4] = assay_graph_state(g, "values", ASSAY_BF16, 3, cache, ASSAY_FILL_SIGNED);
    in[5] = assay_graph_control(g, "table", ASSAY_I32, 2, table, (struct assay_fill){ASSAY_FILL_DISTINCT, 0, 99});
    in[6] = assay_graph_control(g, "starts", ASSAY_I32, 1, &three, (struct assay_fill){ASSAY_FILL_RAGGED, 0, 6});
    in[7] = assay_graph_control(g, "past", ASSAY_I32, 1, &two, (struct assay_fill){ASSAY_FILL_INTEGERS, 5, 15});
    assay_graph_op_outputs(g, "assay.PagedAttention", names, 3, in, 8,
                           (struct assay_attr[]){ASSAY_ATTR_INT("q_num_heads", 2), ASSAY_ATTR_INT("kv_num_heads", 1), ASSAY_ATTR_END}, out);
    for (int i = 0; i < 3; i++)
        assay_graph_output(g, out[i]);
    cr_assert(!g->first_error.code, "%s", g->first_error.message);
    cr_expect_eq(assay_node_cost(g, &g->nodes[0]).written_bytes, 6 * 8 * 4 + 2 * 100 * 16 * 8, "not taken over: all of it");
    assay_graph_alias(g, out[1], in[3]);
    assay_graph_alias(g, out[2], in[4]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    struct assay_cost cost = assay_graph_cost(g);
    uint64_t          pairs = 2 * 2 * (3 * 10 + 1 + 2 + 3); /* heads, sequences */
    cr_expect_eq(cost.read_bytes, 6 * 16 * 4 + 2 * (2 * 10 * 8) + 4 * (100 + 3 + 2));
    cr_expect_eq(cost.written_bytes, 6 * 8 * 4 + 2 * 6 * 8);
    cr_expect_eq(cost.flops, pairs * (2 * 8 + 1 + 3) - 12);
    cr_expect_eq(cost.transcendentals, pairs + 12);
    assay_graph_free(g);
}

/* Of one cache of 576 numbers a token, 512 of them values: what is seen is read once, whatever the number of heads. */
Test(ops, a_latent_cache_is_read_once_for_keys_and_values_of_all_heads)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("latent");
    const char *const   names[] = {"y", "keys_after"};
    int64_t             cache[3] = {100, 16, 576}, table[2] = {2, 50}, three = 3, two = 2, heads = 8;
    int32_t             in[8], out[2];
    in[0] = assay_graph_input(g, "q", ASSAY_F32, 2, (int64_t[]){2, heads * 576}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "k", ASSAY_F32, 2, (int64_t[]){2, 576}, ASSAY_FILL_SIGNED);
    in[3] = assay_graph_state(g, "latents", ASSAY_BF16, 3, cache, ASSAY_FILL_SIGNED);
    in[2] = in[4] = ASSAY_NO_VALUE;
    in[5] = assay_graph_control(g, "table", ASSAY_I32, 2, table, (struct assay_fill){ASSAY_FILL_DISTINCT, 0, 99});
    in[6] = assay_graph_control(g, "starts", ASSAY_I32, 1, &three, (struct assay_fill){ASSAY_FILL_RAGGED, 0, 2});
    in[7] = assay_graph_control(g, "past", ASSAY_I32, 1, &two, (struct assay_fill){ASSAY_FILL_CONSTANT, 10, 0});
    assay_graph_op_outputs(g, "assay.PagedAttention", names, 2, in, 8,
                           (struct assay_attr[]){ASSAY_ATTR_INT("q_num_heads", heads), ASSAY_ATTR_INT("kv_num_heads", 1),
                                                 ASSAY_ATTR_INT("v_head_size", 512), ASSAY_ATTR_END}, out);
    assay_graph_output(g, out[0]);
    assay_graph_output(g, out[1]);
    assay_graph_alias(g, out[1], in[3]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    struct assay_cost cost = assay_graph_cost(g);
    uint64_t          pairs = (uint64_t)heads * 2 * 11;
    cr_expect_eq(cost.read_bytes, (uint64_t)(2 * heads * 576 * 4 + 2 * 576 * 4 + 2 * 10 * 576 * 2 + 4 * (100 + 3 + 2)));
    cr_expect_eq(cost.written_bytes, (uint64_t)(2 * heads * 512 * 4 + 2 * 576 * 2));
    cr_expect_eq(cost.flops, pairs * (2 * (576 + 512) + 1 + 3) - 2 * (uint64_t)heads);
    assay_graph_free(g);
}

Test(ops, counts_beyond_64_bits_stay_at_the_end)
{
    struct assay_cost cost = cost_of("MatMul", "f32[536870912,1073741824] f32[1073741824,536870912]", "");
    cr_expect_eq(cost.flops, UINT64_MAX, "2 * 2^58 * 2^30 flops do not fit");
    cr_expect_eq(assay_count_multiply(UINT64_C(1) << 32, UINT64_C(1) << 32), UINT64_MAX);
    cr_expect_eq(assay_count_multiply(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1), UINT64_MAX - UINT32_MAX);
    assay_cost_flops(&cost, 1, 5);
    cr_expect_eq(cost.flops, UINT64_MAX);
}

Test(ops, of_a_group_the_sums_and_the_message_are_counted)
{
    static const struct {
        const char *op, *inputs, *attrs;
        uint64_t flops, payload_bytes;
    } cases[] = {
        {"assay.AllReduce", "f32[2,3]", "ranks=[0,1,2,3]", 18, 24},
        {"assay.AllReduce", "f32[2,3]", "ranks=[0,1,2,3] reduce=max", 0, 24},
        {"assay.AllReduce", "f32[2,3]", "ranks=[5]", 0, 0},
        {"assay.AllGather", "f32[2,3]", "ranks=[0,1,2,3]", 0, 96},
        {"assay.ReduceScatter", "f32[4,3]", "ranks=[0,1,2,3]", 9, 48},
        {"assay.AllToAll", "f32[4,3]", "ranks=[0,1,2,3]", 0, 48},
        {"assay.Replicate", "f32[4,3]", "ranks=[0,1,2,3]", 0, 0},
        {"assay.Send", "f32[4,3]", "ranks=[0,1]", 0, 48},
        {"assay.Send", "f32[4,3]", "ranks=[0]", 0, 0},
        {"assay.Receive", "f32[]", "ranks=[0,1] shape=[2,5]", 0, 40},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assay_cost cost = cost_of(cases[i].op, cases[i].inputs, cases[i].attrs);
        cr_expect_eq(cost.flops, cases[i].flops, "%s %s: %" PRIu64, cases[i].op, cases[i].attrs, cost.flops);
        cr_expect_eq(cost.payload_bytes, cases[i].payload_bytes, "%s %s: %" PRIu64, cases[i].op, cases[i].attrs, cost.payload_bytes);
    }
    cr_expect_eq(cost_of("Add", "f32[4] f32[4]", "").payload_bytes, 0u);
}
