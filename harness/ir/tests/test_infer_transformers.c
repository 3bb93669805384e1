/* Shape inference of what transformers add: gradients, losses, caches, optimizers. Tables derived by hand. */
#include <criterion/criterion.h>

#include "harness/ir/tests/sketch.h"

struct line {
    const char *op, *inputs, *attrs, *expected; /* shapes of the outputs, or a part of the refusal */
};

static size_t outputs_of(const char *expected)
{
    size_t n = 1;
    for (const char *p = expected; *p; p++)
        n += *p == ' ';
    return n;
}

static void check_shapes(const struct line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char got[400];
        struct assay_text text = ASSAY_TEXT(got);
        struct assay_graph *g = sketch(lines[i].op, lines[i].inputs, lines[i].attrs, outputs_of(lines[i].expected));
        sketch_shapes(g, outputs_of(lines[i].expected), &text);
        cr_expect_str_eq(got, lines[i].expected, "%s(%s; %s): expected %s, got %s", lines[i].op, lines[i].inputs, lines[i].attrs,
                         lines[i].expected, got);
        assay_graph_free(g);
    }
}

static void check_refusals(const struct line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct assay_graph *g = sketch(lines[i].op, lines[i].inputs, lines[i].attrs, 1);
        cr_expect_neq(g->first_error.code, ASSAY_OK, "%s(%s; %s) is taken", lines[i].op, lines[i].inputs, lines[i].attrs);
        cr_expect(strstr(g->first_error.message, lines[i].expected), "%s(%s; %s): %s", lines[i].op, lines[i].inputs,
                  lines[i].attrs, g->first_error.message);
        assay_graph_free(g);
    }
}
#define CHECK(what, lines) check_##what((lines), sizeof(lines) / sizeof *(lines))

Test(infer_transformers, gradients_of_elements_and_rows)
{
    static const struct line good[] = {
        {"Sign", "i8[2,3]", "", "i8[2,3]"},
        {"assay.ReluGrad", "bf16[2,3] bf16[2,3]", "", "bf16[2,3]"},
        {"assay.GeluGrad", "f64[] f64[]", "approximate=tanh", "f64[]"},
        {"assay.SwishGrad", "f16[0,3] f16[0,3]", "alpha=2.0", "f16[0,3]"},
        {"LogSoftmax", "f32[2,3,4]", "axis=-3", "f32[2,3,4]"},
        {"assay.SoftmaxGrad", "f32[2,3] f32[2,3]", "axis=0", "f32[2,3]"},
        {"assay.LayerNormalizationGrad", "f16[2,3,4] f16[2,3,4] f16[3,1]", "axis=1", "f16[2,3,4] f16[3,1] f16[3,1]"},
        {"assay.RMSNormalizationGrad", "f32[2,4] f16[2,4] f32[4]", "", "f16[2,4] f32[4]"},
    };
    static const struct line bad[] = {
        {"Sign", "bool[2]", "", "the type must be one of"},
        {"assay.ReluGrad", "f32[2,3] f32[3]", "", "the shapes must be equal"},
        {"assay.TanhGrad", "f32[2] f64[2]", "", "the types must be equal"},
        {"assay.SigmoidGrad", "i32[2] i32[2]", "", "the type must be one of"},
        {"assay.GeluGrad", "f32[2] f32[2]", "approximate=fast", "approximate must be none or tanh, got 'fast'"},
        {"LogSoftmax", "f32[2,3]", "axis=2", "axis 2 is not an axis of it"},
        {"assay.SoftmaxGrad", "f32[] f32[]", "", "axis -1 is not an axis of it"},
        {"assay.LogSoftmaxGrad", "f32[2,3] f32[2,1]", "", "the shapes must be equal"},
        {"assay.LayerNormalizationGrad", "f32[2,3] f32[2,3] f32[2]", "", "does not stretch"},
        {"assay.LayerNormalizationGrad", "f32[2,3] f16[2,3] f32[3]", "", "the types must be equal"},
        {"assay.LayerNormalizationGrad", "f32[2,0] f32[2,0] f32[1]", "", "nothing to normalise from axis 1 on"},
        {"assay.RMSNormalizationGrad", "f16[2,3] f16[2,3] f32[3]", "", "the types must be equal"},
        {"assay.RMSNormalizationGrad", "f32[2,3] f32[3,2] f32[3]", "", "the shapes must be equal"},
    };
    CHECK(shapes, good);
    CHECK(refusals, bad);
}

Test(infer_transformers, attention_and_its_gradient)
{
    static const struct line good[] = {
        {"assay.AttentionGrad", "f32[2,4,3,5] f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5]", "",
         "f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5]"},
        {"assay.AttentionGrad", "f16[2,3,20] f16[2,3,28] f16[2,6,14] f16[2,6,10] bool[3,6]", "q_num_heads=4 kv_num_heads=2",
         "f16[2,3,28] f16[2,6,14] f16[2,6,10]"},
        {"Attention", "f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5] - - - i64[2]", "", "f32[2,4,3,5]"},
    };
    static const struct line bad[] = {
        {"assay.AttentionGrad", "f32[2,4,3,6] f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5]", "",
         "not of the shape of Attention's output"},
        {"assay.AttentionGrad", "f64[2,4,3,5] f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5]", "", "the types must be equal"},
        {"assay.AttentionGrad", "f32[2,4,3,5] f32[2,4,3,7] f32[2,3,6,7] f32[2,3,6,5]", "",
         "input 1 'in1' f32[2,4,3,7] and input 2 'in2' f32[2,3,6,7]: 4 query heads do not share 3 key heads evenly"},
        {"assay.AttentionGrad", "f32[2,4,3,5] f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5] f32[3,7]", "",
         "it does not stretch to [2,4,3,6]"},
        {"Attention", "f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5] - - - i64[3]", "", "nonpad_kv_seqlen must be i64[2]"},
        {"Attention", "f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5] - - - i32[2]", "", "nonpad_kv_seqlen must be i64[2]"},
        {"Attention", "f32[2,4,3,7] f32[2,2,6,7] f32[2,2,6,5] - f32[2,2,1,7] f32[2,2,1,5] i64[2]", "", "together with a past"},
    };
    CHECK(shapes, good);
    CHECK(refusals, bad);
}

Test(infer_transformers, paged_attention)
{
#define CACHES "f32[9,16,14] f32[9,16,10]"
    static const struct line good[] = {
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "f32[6,20] f32[9,16,14] f32[9,16,10]"},
        {"assay.PagedAttention", "f16[6,28] f16[6,14] f16[6,10] bf16[9,16,14] bf16[9,16,10] i64[0,0] i64[1] i64[0]", "q_num_heads=4 kv_num_heads=2 scale=2.0",
         "f16[6,20] bf16[9,16,14] bf16[9,16,10]"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] - f32[9,16,14] - i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2 v_head_size=5",
         "f32[6,20] f32[9,16,14]"},
    };
    static const struct line bad[] = {
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=4", "kv_num_heads"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=3 kv_num_heads=2",
         "3 query heads do not share 2 key heads evenly"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=8 kv_num_heads=2",
         "its last axis does not divide into 8 heads"},
        {"assay.PagedAttention", "f32[6,20] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "heads 5 and 7 wide have no product"},
        {"assay.PagedAttention", "f32[6,28] f32[5,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "the numbers of tokens differ"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] f32[9,16,14] f32[9,8,10] i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "the caches differ in blocks or in tokens a block"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] f32[9,16,14] f32[9,16,12] i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "the cache must be [blocks,tokens a block,10]"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] f32[9,16,14] f16[9,16,10] i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "the types must be equal"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[3] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "3 sequences have 4 starts"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[4]", "q_num_heads=4 kv_num_heads=2",
         "3 sequences have as many pasts"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i64[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "the types must be equal"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2 scale=-1.0",
         "scale must be positive"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] - f32[9,16,14] - i32[3,4] i32[4]", "q_num_heads=4 kv_num_heads=2 v_head_size=5",
         "input 7 is absent"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] - " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2 v_head_size=5",
         "v and value_cache come together or not at all"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] f32[9,16,14] - i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "v and value_cache come together or not at all"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] f32[6,10] " CACHES " i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2 v_head_size=5",
         "v_head_size is of values that are a part of the keys"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] - f32[9,16,14] - i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2",
         "v_head_size must say how much of a key is its value"},
        {"assay.PagedAttention", "f32[6,28] f32[6,14] - f32[9,16,14] - i32[3,4] i32[4] i32[3]", "q_num_heads=4 kv_num_heads=2 v_head_size=8",
         "v_head_size"},
    };
    CHECK(shapes, good);
    CHECK(refusals, bad);
}

Test(infer_transformers, losses_and_norms)
{
    static const struct line good[] = {
        {"SoftmaxCrossEntropyLoss", "f32[4,5] i64[4]", "", "f32[] f32[4,5]"},
        {"SoftmaxCrossEntropyLoss", "f16[4,5,2,3] i32[4,2,3] f16[5]", "reduction=none", "f16[4,2,3] f16[4,5,2,3]"},
        {"assay.SoftmaxCrossEntropyGrad", "f64[4,2] f64[4,5,2] i64[4,2]", "reduction=none", "f64[4,5,2]"},
        {"assay.SoftmaxCrossEntropyGrad", "f64[] f64[4,5,2] i64[4,2] f64[5]", "ignore_index=-1", "f64[4,5,2]"},
        {"ReduceSumSquare", "i32[4,5] i64{1}", "keepdims=0", "i32[4]"},
        {"ReduceL2", "bf16[4,5]", "", "bf16[1,1]"},
    };
    static const struct line bad[] = {
        {"SoftmaxCrossEntropyLoss", "f32[4] i64[4]", "", "the rank must be in 2..8"},
        {"SoftmaxCrossEntropyLoss", "f32[4,5] i64[5]", "", "without axis 1"},
        {"SoftmaxCrossEntropyLoss", "f32[4,5] f32[4]", "", "the type must be one of"},
        {"SoftmaxCrossEntropyLoss", "f32[4,5] i64[4] f32[4]", "", "a weight for each of 5 classes"},
        {"SoftmaxCrossEntropyLoss", "f32[4,5] i64[4]", "reduction=all", "reduction must be none, sum or mean, got 'all'"},
        {"assay.SoftmaxCrossEntropyGrad", "f32[4] f32[4,5] i64[4]", "", "not of the shape of the loss"},
        {"assay.SoftmaxCrossEntropyGrad", "f64[] f32[4,5] i64[4]", "", "the types must be equal"},
        {"ReduceL2", "i32[4,5]", "", "the type must be one of"},
        {"ReduceSumSquare", "u8[4,5]", "", "the type must be one of"},
    };
    CHECK(shapes, good);
    CHECK(refusals, bad);
}

Test(infer_transformers, positions_and_caches)
{
    static const struct line good[] = {
        {"RotaryEmbedding", "f16[2,3,5,8] f16[2,5,4] f16[2,5,4]", "", "f16[2,3,5,8]"},
        {"RotaryEmbedding", "f32[2,5,24] f32[9,2] f32[9,2] i64[2,5]", "num_heads=3 rotary_embedding_dim=4", "f32[2,5,24]"},
        {"TensorScatter", "i8[2,5,8] i8[2,1,8] i64[2]", "", "i8[2,5,8]"},
        {"TensorScatter", "f32[2,5,8] f32[2,5,3]", "axis=2 mode=circular", "f32[2,5,8]"},
        {"assay.TensorScatterGrad", "f32[2,5,8] i64[2]", "length=3", "f32[2,5,8] f32[2,3,8]"},
    };
    static const struct line bad[] = {
        {"RotaryEmbedding", "f32[2,5,24] f32[2,5,4] f32[2,5,4]", "", "must divide into num_heads, got 0"},
        {"RotaryEmbedding", "f32[2,3,5,8] f32[2,5,4] f32[2,5,4]", "num_heads=4", "num_heads says 4"},
        {"RotaryEmbedding", "f32[2,3,5,7] f32[2,5,3] f32[2,5,3]", "", "7 of a head's 7 numbers do not turn in pairs"},
        {"RotaryEmbedding", "f32[2,3,5,8] f32[9,4] f32[9,4]", "", "without position_ids it must be [2,5,4]"},
        {"RotaryEmbedding", "f32[2,3,5,8] f32[9,3] f32[9,4] i64[2,5]", "", "with position_ids it must be [P,4]"},
        {"RotaryEmbedding", "f32[2,3,5,8] f32[9,4] f32[8,4] i64[2,5]", "", "the shapes must be equal"},
        {"RotaryEmbedding", "f32[2,3,5,8] f32[9,4] f32[9,4] i32[2,5]", "", "position_ids must be i64[2,5]"},
        {"TensorScatter", "f32[2,5,8] f32[2,6,8]", "", "at most as long along axis 1"},
        {"TensorScatter", "f32[2,5,8] f32[2,1,8]", "axis=0", "axis 0 is that of the batch"},
        {"TensorScatter", "f32[2,5,8] f16[2,1,8]", "", "the types must be equal"},
        {"TensorScatter", "f32[2,5,8] f32[2,1,8]", "mode=ring", "mode must be linear or circular, got 'ring'"},
        {"TensorScatter", "f32[2,5,8] f32[2,1,8] i64[3]", "", "write_indices must be i64[2]"},
        {"assay.TensorScatterGrad", "f32[2,5,8]", "length=6", "length"},
    };
    CHECK(shapes, good);
    CHECK(refusals, bad);
}

Test(infer_transformers, optimizers)
{
    static const struct line good[] = {
        {"assay.Sgd", "f32[] bf16[2,3] bf16[2,3] f32[2,3]", "momentum=0.9", "bf16[2,3] f32[2,3]"},
        {"assay.Sgd", "f32[] f32[2,3] f32[2,3] - f32[]", "", "f32[2,3]"},
        {"assay.AdamW", "f32[] i64[] f16[5] f16[5] f32[5] f32[5]", "", "f16[5] f32[5] f32[5]"},
        {"assay.LambUpdate", "i64[] f32[5] f32[5] f32[5] f32[5] f32[]", "", "f32[5] f32[5] f32[5]"},
        {"assay.LambApply", "f32[] f32[5] f32[5] f32[] f32[]", "", "f32[5]"},
    };
    static const struct line bad[] = {
        {"assay.Sgd", "f32[1] f32[2] f32[2]", "", "it must be one number, without axes"},
        {"assay.Sgd", "f32[] f32[2] f32[3]", "", "the shapes must be equal"},
        {"assay.Sgd", "f32[] f32[2] f32[2]", "momentum=0.9", "momentum needs M, where it is kept"},
        {"assay.Sgd", "f32[] f32[2] f32[2] f32[2]", "momentum=1.0", "momentum must be in [0,1), got 1"},
        {"assay.LambApply", "f32[] f32[2] f32[2] f32[1] f32[]", "", "it must be one number, without axes"},
        {"assay.LambApply", "i64[] f32[2] f32[2] f32[] f32[]", "", "the type must be one of"},
    };
    CHECK(shapes, good);
    CHECK(refusals, bad);
}

/* These have three outputs, always: refusals are asked with all of them. */
Test(infer_transformers, adams_numbers_are_checked)
{
    static const struct line bad[] = {
        {"assay.AdamW", "f32[] i32[] f32[5] f32[5] f32[5] f32[5]", "", "the type must be one of"},
        {"assay.AdamW", "f32[] i64[] f32[5] f32[5] f32[4] f32[5]", "", "the shapes must be equal"},
        {"assay.AdamW", "f32[] i64[] f32[5] f32[5] f32[5] f32[5]", "beta2=1.0", "beta2 must be in [0,1), got 1"},
        {"assay.LambUpdate", "i64[] f32[5] f32[5] f32[5] f32[5]", "weight_decay=-0.5",
         "weight_decay must be in [0,1e+30), got -0.5"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct assay_graph *g = sketch(bad[i].op, bad[i].inputs, bad[i].attrs, 3);
        cr_expect(strstr(g->first_error.message, bad[i].expected), "%s(%s; %s): %s", bad[i].op, bad[i].inputs, bad[i].attrs,
                  g->first_error.message);
        assay_graph_free(g);
    }
    struct assay_graph *g = sketch("assay.AdamW", "f32[] i64[] f32[5] f32[5] f32[5] f32[5] f32[]", "weight_decay=0.1", 3);
    struct assay_cost cost = assay_node_cost(g, &g->nodes[0]);
    cr_expect_eq(cost.flops, 5 * (10 + 2 + 1 + 2));
    cr_expect_eq(cost.transcendentals, 5 * 2 + 4);
    assay_graph_free(g);
}

Test(infer_transformers, ops_between_ranks)
{
    static const struct line good[] = {
        {"assay.AllReduce", "bf16[2,3]", "ranks=[3,1]", "bf16[2,3]"},
        {"assay.AllReduce", "i64[]", "ranks=[0,1] reduce=max", "i64[]"},
        {"assay.AllGather", "u8[2,3]", "ranks=[4,5,6] axis=-1", "u8[2,9]"},
        {"assay.AllGather", "f32[0,3]", "ranks=[4,5,6]", "f32[0,3]"},
        {"assay.ReduceScatter", "f32[2,9]", "ranks=[4,5,6] axis=1", "f32[2,3]"},
        {"assay.ReduceScatter", "f32[3]", "ranks=[0,1,2]", "f32[1]"},
        {"assay.AllToAll", "i8[4,3]", "ranks=[0,1]", "i8[4,3]"},
        {"assay.AllToAll", "f32[4,3]", "ranks=[0,1] concat_axis=1", "f32[2,6]"},
        {"assay.AllToAll", "f32[4,6]", "ranks=[0,1,2] split_axis=-1 concat_axis=0", "f32[12,2]"},
        {"assay.Replicate", "bool[2]", "ranks=[0,1]", "bool[2]"},
        {"assay.Send", "f16[2]", "ranks=[0,7]", "f16[]"},
        {"assay.Send", "i32[2]", "ranks=[0,7]", "f32[]"},
        {"assay.Receive", "f32[]", "ranks=[0,7] shape=[2,3]", "f32[2,3]"},
        {"assay.Receive", "f32[]", "ranks=[0,7] shape=[2] dtype=7", "i64[2]"},
    };
    static const struct line bad[] = {
        {"assay.AllReduce", "bool[2]", "ranks=[0]", "the type must be one of"},
        {"assay.AllReduce", "f32[2]", "ranks=[0] reduce=min", "reduce must be sum or max, got 'min'"},
        {"assay.AllReduce", "f32[2]", "ranks=[]", "ranks lists 0 of them; there are 1 to 32"},
        {"assay.AllReduce", "f32[2]", "ranks=[0,-1]", "ranks has -1, which is no rank"},
        {"assay.AllReduce", "f32[2]", "ranks=[2,0,2]", "ranks has 2 twice"},
        {"assay.AllGather", "f32[2]", "ranks=[0,1] axis=1", "axis 1 is not an axis of it"},
        {"assay.ReduceScatter", "f32[2,3]", "ranks=[0,1] axis=1", "axis 1 does not divide by 2 ranks"},
        {"assay.ReduceScatter", "u8[2]", "ranks=[0,1]", "the type must be one of"},
        {"assay.AllToAll", "f32[2,3]", "ranks=[0,1] split_axis=1", "axis 1 does not divide by 2 ranks"},
        {"assay.AllToAll", "f32[2,3]", "ranks=[0,1] concat_axis=2", "axis 2 is not an axis of it"},
        {"assay.Send", "f32[2]", "ranks=[0,1,2]", "ranks lists 3 of them; there are 1 to 2"},
        {"assay.Receive", "f32[1]", "ranks=[0,1] shape=[2]", "rank"},
        {"assay.Receive", "i32[]", "ranks=[0,1] shape=[2]", "the type must be one of"},
        {"assay.Receive", "f32[]", "ranks=[0,1] shape=[-2]", "shape"},
        {"assay.Receive", "f32[]", "ranks=[0,1] shape=[2] dtype=99", "dtype 99 is no type that there is here"},
    };
    CHECK(shapes, good);
    CHECK(refusals, bad);
}
