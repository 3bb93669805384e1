#include "suites/weights/checkpoint.h"

#include <math.h>

#include "suites/weights/tests/folder.h"

#include "assay/banned.h"

static struct assay_error       err;
static struct assay_graph      *g;
static struct assay_checkpoint *c;

static void set_up(void)
{
    folder_make();
    g = assay_graph_new("test");
}

static void tear_down(void)
{
    assay_graph_free(g);
    folder_remove();
}

TestSuite(checkpoint, .init = set_up, .fini = tear_down, .timeout = 60);

static int32_t param(const char *name, enum assay_dtype dtype, int32_t rank, int64_t a, int64_t b, int64_t d)
{
    return assay_graph_param(g, name, dtype, rank, (int64_t[]){a, b, d}, ASSAY_FILL_SIGNED);
}

static void open_it(void)
{
    cr_assert_eq(assay_checkpoint_open(folder, g, &c, &err), ASSAY_OK, "%s", err.message);
}

static void fill(int32_t value, void *to)
{
    cr_assert_eq(assay_checkpoint_fill(c, value, to, &err), ASSAY_OK, "%s", err.message);
}

#define MODEL(...) folder_write("model.safetensors", (struct made[]){__VA_ARGS__, {NULL}})

static void expect_refused(const char *said)
{
    cr_expect_eq(assay_checkpoint_open(folder, g, &c, &err), ASSAY_DATA, "not refused: %s", said);
    cr_expect_str_eq(err.message, said);
}

static void expect_bad_content(const char *said)
{
    open_it();
    cr_expect_eq(assay_checkpoint_check(c, &err), ASSAY_DATA, "not refused: %s", said);
    cr_expect_str_eq(err.message, said);
    assay_checkpoint_close(c);
}

static const char *said(void)
{
    static char       sentence[256];
    struct assay_text text = ASSAY_TEXT(sentence);
    *sentence = 0;
    assay_checkpoint_say(c, &text);
    return sentence;
}

Test(checkpoint, fills_a_param_from_the_tensor_of_its_name)
{
    int32_t w = param("w", ASSAY_F32, 2, 2, 3, 0);
    float   x[6];
    MODEL({"w", ASSAY_F32, 2, {2, 3}, 1, 0.5});
    open_it();
    cr_expect_eq(assay_checkpoint_check(c, &err), ASSAY_OK, "%s", err.message);
    fill(w, x);
    for (int i = 0; i < 6; i++)
        cr_expect_eq(x[i], 1 + 0.5 * i);
    cr_expect_str_eq(said(), "");
    assay_checkpoint_close(c);
}

Test(checkpoint, widens_exactly_and_narrows_to_nearest_and_says_so)
{
    static const enum assay_dtype narrow[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F8E4M3, ASSAY_F8E5M2};
    int32_t w = param("w", ASSAY_F32, 1, 5, 0, 0), n = param("n", ASSAY_BF16, 1, 5, 0, 0);
    for (size_t k = 0; k < 4; k++) {
        float          x[5];
        unsigned short bits[5];
        MODEL({"w", narrow[k], 1, {5}, 0.5, 0.25}, {"n", ASSAY_F32, 1, {5}, 1.00390625, 0.0078125});
        open_it();
        fill(w, x);
        for (int i = 0; i < 5; i++)
            cr_expect_eq(x[i], 0.5 + 0.25 * i, "%zu", k);
        fill(n, bits);
        for (int i = 0; i < 5; i++) {
            double was = 1.00390625 + 0.0078125 * i, now;
            assay_to_double(ASSAY_BF16, &bits[i], 1, &now);
            cr_expect_eq(now, assay_round_to(ASSAY_BF16, was));
            cr_expect(now != was && fabs(now - was) <= 0x1p-8 * was);
        }
        cr_expect_str_eq(said(), "1 param is rounded to bf16");
        assay_checkpoint_close(c);
    }
}

Test(checkpoint, quantizes_to_int8_with_a_scale_a_row)
{
    int32_t     w = param("w", ASSAY_I8, 2, 3, 4, 0), s = param("w_scale", ASSAY_F32, 1, 3, 0, 0);
    signed char q[12];
    float       scale[3];
    MODEL({"w", ASSAY_F32, 2, {3, 4}, -6, 1}); /* rows -6..-3, -2..1, 2..5 */
    open_it();
    fill(w, q);
    fill(s, scale);
    cr_expect(scale[0] == (float)(6.0 / 127) && scale[1] == (float)(2.0 / 127) && scale[2] == (float)(5.0 / 127));
    for (int i = 0; i < 12; i++)
        cr_expect(fabs((double)q[i] * (double)scale[i / 4] - (i - 6)) <= (double)scale[i / 4] * 0.5000001, "%d: %d", i, q[i]);
    cr_expect(q[0] == -127 && q[4] == -127 && q[11] == 127);
    cr_expect_str_eq(said(), "1 param is quantized to i8 with a scale a row");
    assay_checkpoint_close(c);
}

Test(checkpoint, gives_a_row_of_zeros_scale_and_numbers_zero)
{
    int32_t     w = param("w", ASSAY_I8, 2, 1, 4, 0), s = param("w_scale", ASSAY_F32, 1, 1, 0, 0);
    signed char q[4] = {1, 1, 1, 1};
    float       scale = 1;
    MODEL({"w", ASSAY_BF16, 2, {1, 4}, 0, 0});
    open_it();
    fill(w, q);
    fill(s, &scale);
    cr_expect(scale == 0 && !q[0] && !q[1] && !q[2] && !q[3]);
    assay_checkpoint_close(c);
}

Test(checkpoint, takes_int8_that_the_file_has_with_its_scales)
{
    int32_t     w = param("w", ASSAY_I8, 2, 2, 2, 0), s = param("w_scale", ASSAY_F32, 1, 2, 0, 0);
    signed char q[4];
    float       scale[2];
    MODEL({"w", ASSAY_I8, 2, {2, 2}, 3, 1}, {"w_scale", ASSAY_F32, 1, {2}, 0.5, 0.25});
    open_it();
    fill(w, q);
    fill(s, scale);
    cr_expect(q[0] == 3 && q[3] == 6 && scale[0] == 0.5f && scale[1] == 0.75f);
    assay_checkpoint_close(c);
}

/* Two experts' [out = 70, in = 65] as [2, 65, 70]: more than one tile in both directions, neither whole. */
static void check_stacked(const char *first, const char *second)
{
    static float x[2 * 65 * 70];
    int32_t      w = param("model.layers.1.mlp.experts.gate_proj.weight", ASSAY_F32, 3, 2, 65, 70);
    MODEL({first, ASSAY_F32, 2, {70, 65}, 0, 1}, {second, ASSAY_F32, 2, {70, 65}, 10000, 1});
    open_it();
    fill(w, x);
    for (int e = 0; e < 2; e++)
        for (int i = 0; i < 65; i++)
            for (int o = 0; o < 70; o++)
                cr_assert_eq(x[(e * 65 + i) * 70 + o], 10000 * e + o * 65 + i);
    assay_checkpoint_close(c);
}

Test(checkpoint, stacks_and_transposes_experts)
{
    check_stacked("model.layers.1.mlp.experts.0.gate_proj.weight", "model.layers.1.mlp.experts.1.gate_proj.weight");
}

Test(checkpoint, knows_the_experts_of_mixtral)
{
    check_stacked("model.layers.1.block_sparse_moe.experts.0.w1.weight", "model.layers.1.block_sparse_moe.experts.1.w1.weight");
}

Test(checkpoint, tells_mixtrals_three_matrices_and_gate_apart)
{
    static const char *const names[4] = {"m.mlp.experts.gate_proj.weight", "m.mlp.experts.up_proj.weight",
                                         "m.mlp.experts.down_proj.weight", "m.mlp.gate.weight"};
    int32_t w[4];
    for (int i = 0; i < 4; i++)
        w[i] = param(names[i], ASSAY_F32, i < 3 ? 3 : 2, 1, 1, 1);
    MODEL({"m.block_sparse_moe.experts.0.w1.weight", ASSAY_F32, 2, {1, 1}, 1, 0},
          {"m.block_sparse_moe.experts.0.w3.weight", ASSAY_F32, 2, {1, 1}, 2, 0},
          {"m.block_sparse_moe.experts.0.w2.weight", ASSAY_F32, 2, {1, 1}, 3, 0},
          {"m.block_sparse_moe.gate.weight", ASSAY_F32, 2, {1, 1}, 4, 0});
    open_it();
    for (int i = 0; i < 4; i++) {
        float x = 0;
        fill(w[i], &x);
        cr_expect_eq(x, i + 1, "%s", names[i]);
    }
    assay_checkpoint_close(c);
}

Test(checkpoint, quantizes_stacked_experts_with_a_scale_an_expert)
{
    int32_t w = param("x.experts.up_proj.weight", ASSAY_I8, 3, 2, 1, 2),
            s = param("x.experts.up_proj.weight_scale", ASSAY_F32, 1, 2, 0, 0);
    signed char q[4];
    float       scale[2];
    MODEL({"x.experts.0.up_proj.weight", ASSAY_F32, 2, {2, 1}, 1, 1},
          {"x.experts.1.up_proj.weight", ASSAY_F32, 2, {2, 1}, -8, 4});
    open_it();
    fill(w, q);
    fill(s, scale);
    cr_expect(scale[0] == (float)(2.0 / 127) && scale[1] == (float)(8.0 / 127));
    cr_expect(q[1] == 127 && q[2] == -127);
    cr_expect(abs(q[0] - 63) <= 1 && abs(q[3] + 63) <= 1, "%d %d", q[0], q[3]);
    assay_checkpoint_close(c);
}

Test(checkpoint, takes_ernies_bias_of_the_choice_by_its_own_name_and_shape)
{
    int32_t b = param("model.layers.1.mlp.gate.e_score_correction_bias", ASSAY_F32, 1, 4, 0, 0);
    float   x[4];
    MODEL({"model.layers.1.mlp.moe_statics.e_score_correction_bias", ASSAY_F32, 2, {1, 4}, 5, 1});
    open_it();
    fill(b, x);
    cr_expect(x[0] == 5 && x[3] == 8);
    assay_checkpoint_close(c);
}

Test(checkpoint, adds_or_takes_off_the_prefix_of_names)
{
    int32_t a = param("model.a", ASSAY_F32, 1, 1, 0, 0), b = param("b", ASSAY_F32, 1, 1, 0, 0);
    float   x[2] = {0, 0};
    MODEL({"a", ASSAY_F32, 1, {1}, 3, 0}, {"model.b", ASSAY_F32, 1, {1}, 4, 0});
    open_it();
    fill(a, &x[0]);
    fill(b, &x[1]);
    cr_expect(x[0] == 3 && x[1] == 4);
    assay_checkpoint_close(c);
}

Test(checkpoint, takes_the_embedding_for_an_output_matrix_that_is_missing)
{
    int32_t e = param("model.embed_tokens.weight", ASSAY_F32, 2, 2, 1, 0), o = param("lm_head.weight", ASSAY_F32, 2, 2, 1, 0);
    float   x[2], y[2];
    MODEL({"model.embed_tokens.weight", ASSAY_F32, 2, {2, 1}, 3, 1});
    open_it();
    fill(e, x);
    fill(o, y);
    cr_expect(x[0] == 3 && y[0] == 3 && y[1] == 4);
    assay_checkpoint_close(c);
}

Test(checkpoint, leaves_a_tied_output_matrix_only_if_it_is_the_embedding)
{
    (void)param("model.embed_tokens.weight", ASSAY_F32, 2, 2, 1, 0);
    MODEL({"model.embed_tokens.weight", ASSAY_F32, 2, {2, 1}, 3, 1}, {"lm_head.weight", ASSAY_F32, 2, {2, 1}, 3, 1});
    open_it();
    cr_expect_eq(assay_checkpoint_check(c, &err), ASSAY_OK, "%s", err.message);
    assay_checkpoint_close(c);
    MODEL({"model.embed_tokens.weight", ASSAY_F32, 2, {2, 1}, 3, 1}, {"lm_head.weight", ASSAY_F32, 2, {2, 1}, 3, 2});
    expect_bad_content(
        "model.safetensors: tensor 'lm_head.weight' is not 'model.embed_tokens.weight', to which the model's output is tied");
}

Test(checkpoint, leaves_buffers_that_hold_no_weights)
{
    (void)param("w", ASSAY_F32, 1, 1, 0, 0);
    MODEL({"w", ASSAY_F32, 1, {1}, 1, 0}, {"model.layers.0.self_attn.rotary_emb.inv_freq", ASSAY_F32, 1, {4}, 1, 0},
          {"bn1.num_batches_tracked", ASSAY_I64, 0, {0}, 1, 0});
    open_it();
    assay_checkpoint_close(c);
}

Test(checkpoint, refuses_a_missing_tensor)
{
    (void)param("w", ASSAY_F32, 2, 2, 3, 0);
    MODEL({"rotary_emb.inv_freq", ASSAY_F32, 1, {1}, 1, 0});
    expect_refused("model.safetensors: no tensor for 'w', which is f32[2,3]");
}

Test(checkpoint, refuses_an_expert_that_is_missing_or_one_too_many)
{
    (void)param("x.experts.up_proj.weight", ASSAY_F32, 3, 2, 1, 1);
    MODEL({"x.experts.0.up_proj.weight", ASSAY_F32, 2, {1, 1}, 1, 0});
    expect_refused("model.safetensors: no tensor 'x.experts.1.up_proj.weight'; expert 0 has one");
    MODEL({"x.experts.0.up_proj.weight", ASSAY_F32, 2, {1, 1}, 1, 0}, {"x.experts.1.up_proj.weight", ASSAY_F32, 2, {1, 1}, 1, 0},
          {"x.experts.2.up_proj.weight", ASSAY_F32, 2, {1, 1}, 1, 0});
    expect_refused("model.safetensors: the model has no use for tensor 'x.experts.2.up_proj.weight'");
}

Test(checkpoint, refuses_a_tensor_that_no_param_uses)
{
    (void)param("w", ASSAY_F32, 1, 1, 0, 0);
    MODEL({"w", ASSAY_F32, 1, {1}, 1, 0}, {"v", ASSAY_F32, 1, {1}, 1, 0});
    expect_refused("model.safetensors: the model has no use for tensor 'v'");
    MODEL({"w", ASSAY_F32, 1, {1}, 1, 0}, {"lm_head.weight", ASSAY_F32, 1, {1}, 1, 0});
    expect_refused("model.safetensors: the model has no use for tensor 'lm_head.weight'");
}

Test(checkpoint, refuses_another_shape)
{
    (void)param("w", ASSAY_F32, 2, 2, 3, 0);
    MODEL({"w", ASSAY_F32, 2, {3, 2}, 1, 0});
    expect_refused("model.safetensors: tensor 'w' is f32[3,2], the model has f32[2,3]");
    MODEL({"w", ASSAY_F32, 3, {1, 2, 3}, 1, 0});
    expect_refused("model.safetensors: tensor 'w' is f32[1,2,3], the model has f32[2,3]");
}

Test(checkpoint, refuses_experts_that_lie_the_other_way_round)
{
    (void)param("x.experts.up_proj.weight", ASSAY_F32, 3, 1, 2, 3);
    MODEL({"x.experts.0.up_proj.weight", ASSAY_F32, 2, {2, 3}, 1, 0});
    expect_refused("model.safetensors: tensor 'x.experts.0.up_proj.weight' is f32[2,3], one expert of f32[1,2,3]");
}

Test(checkpoint, refuses_types_that_do_not_become_the_params)
{
    (void)param("w", ASSAY_F32, 1, 2, 0, 0);
    MODEL({"w", ASSAY_I32, 1, {2}, 1, 0});
    expect_refused("model.safetensors: tensor 'w' is i32[2], which does not become f32[2]");
    (void)param("q", ASSAY_I8, 1, 2, 0, 0); /* without scales */
    MODEL({"w", ASSAY_F32, 1, {2}, 1, 0}, {"q", ASSAY_F32, 1, {2}, 1, 0});
    expect_refused("model.safetensors: tensor 'q' is f32[2], which does not become i8[2]");
}

Test(checkpoint, refuses_scales_that_the_file_has_for_weights_it_has_as_floats)
{
    (void)param("w", ASSAY_I8, 2, 1, 2, 0), (void)param("w_scale", ASSAY_F32, 1, 1, 0, 0);
    MODEL({"w", ASSAY_F8E4M3, 2, {1, 2}, 1, 0}, {"w_scale", ASSAY_F32, 1, {1}, 1, 0});
    expect_refused("model.safetensors: the model has no use for tensor 'w_scale'");
}

Test(checkpoint, refuses_two_tensors_for_one_param_and_two_params_for_one_tensor)
{
    (void)param("m.mlp.experts.up_proj.weight", ASSAY_F32, 3, 1, 1, 1);
    MODEL({"m.mlp.experts.0.up_proj.weight", ASSAY_F32, 2, {1, 1}, 1, 0},
          {"m.block_sparse_moe.experts.0.w3.weight", ASSAY_F32, 2, {1, 1}, 1, 0});
    expect_refused("model.safetensors: 'm.mlp.experts.up_proj.weight' may be tensor 'm.mlp.experts.*.up_proj.weight' or "
                   "'m.block_sparse_moe.experts.*.w3.weight'");
    assay_graph_free(g);
    g = assay_graph_new("other");
    (void)param("a", ASSAY_F32, 1, 1, 0, 0), (void)param("model.a", ASSAY_F32, 1, 1, 0, 0);
    MODEL({"a", ASSAY_F32, 1, {1}, 1, 0});
    expect_refused("model.safetensors: tensor 'a' would fill 'a' and 'model.a'");
}

Test(checkpoint, refuses_NaN_and_infinity_wherever_they_are)
{
    (void)param("w", ASSAY_F32, 1, 200001, 0, 0);
    /* half a step beyond the largest at (3.40282357e38 - 3.4e38) / 1.5e30 */
    MODEL({"w", ASSAY_F32, 1, {200001}, 3.4e38, 1.5e30});
    expect_bad_content("model.safetensors: tensor 'w' holds inf at element 188238");
    MODEL({"w", ASSAY_BF16, 1, {200001}, 0, INFINITY}); /* 0 * inf is NaN */
    expect_bad_content("model.safetensors: tensor 'w' holds nan at element 0");
    MODEL({"w", ASSAY_F32, 1, {200001}, INFINITY, 0});
    expect_bad_content("model.safetensors: tensor 'w' holds inf at element 0");
}

Test(checkpoint, refuses_numbers_that_the_storage_cannot_hold)
{
    (void)param("w", ASSAY_F16, 1, 3, 0, 0);
    MODEL({"w", ASSAY_F32, 1, {3}, 65000, 515});
    expect_bad_content("model.safetensors: tensor 'w' holds 66030 at element 2, too large for f16"); /* 65515 rounds to 65504 */
}
