#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "harness/model/cluster/footprint.h"
#include "harness/model/cluster/tests/megatron.h"

#include "assay/banned.h"

TestSuite(footprint, .timeout = 60);

static void expect_near(const char *what, const char *name, double got, double published, double share)
{
    cr_expect_leq(fabs(got / published - 1), share, "%s of %s: %.4g, published %.4g", what, name, got, published);
}

/* A stage in the middle: the published figure leaves embeddings out. */
Test(footprint, weights_gradients_and_optimizer_are_what_megatron_published)
{
    for (size_t i = 0; i < MEGATRON; i++) {
        struct assay_decoder_numbers d = megatron_decoder(&megatron[i]);
        struct assay_train_plan      p = megatron_plan(&megatron[i], true);
        struct assay_footprint       f;
        assay_footprint_of(&d, &p, p.pp / 2, &f);
        double state = f.bytes[ASSAY_FOOTPRINT_WEIGHTS] + f.bytes[ASSAY_FOOTPRINT_GRADIENTS] + f.bytes[ASSAY_FOOTPRINT_MASTER] + f.bytes[ASSAY_FOOTPRINT_MOMENTS];
        expect_near("state", megatron[i].name, state / 0x1p30, megatron[i].parameters_gib, 0.05);
    }
}

Test(footprint, activations_are_what_megatron_published)
{
    for (size_t i = 0; i < MEGATRON; i++) {
        struct assay_decoder_numbers d = megatron_decoder(&megatron[i]);
        struct assay_train_plan      none = megatron_plan(&megatron[i], false), selective = megatron_plan(&megatron[i], true);
        struct assay_footprint       f;
        none.recompute = ASSAY_RECOMPUTE_NONE;
        assay_footprint_of(&d, &none, 0, &f);
        expect_near("activations", megatron[i].name, f.bytes[ASSAY_FOOTPRINT_ACTIVATIONS] / 0x1p30, megatron[i].none_gib, 0.05);
        assay_footprint_of(&d, &selective, 0, &f);
        expect_near("activations, selective", megatron[i].name, f.bytes[ASSAY_FOOTPRINT_ACTIVATIONS] / 0x1p30, megatron[i].selective_gib, 0.05);
    }
}

/* Figure 7: percent of what tensor parallelism alone keeps. */
Test(footprint, each_way_to_keep_less_keeps_the_published_share)
{
    static const struct {
        double sequence, selective, both, full;
    } published[] = {{66.84, 49.42, 16.18, 7.64}, {62.04, 56.53, 18.49, 8.71}, {58.31, 62.04, 20.27, 9.42}, {58.31, 62.04, 20.27, 9.42}};
    for (size_t i = 0; i < MEGATRON; i++) {
        struct assay_decoder_numbers d = megatron_decoder(&megatron[i]);
        struct assay_train_plan      p = megatron_plan(&megatron[i], false);
        p.recompute = ASSAY_RECOMPUTE_NONE;
        double none = assay_layer_activation_bytes(&d, &p, false) / 100;
        p.sequence_parallel = true;
        expect_near("sequence parallelism", megatron[i].name, assay_layer_activation_bytes(&d, &p, false) / none, published[i].sequence, 0.02);
        p.recompute = ASSAY_RECOMPUTE_SELECTIVE;
        expect_near("both", megatron[i].name, assay_layer_activation_bytes(&d, &p, false) / none, published[i].both, 0.02);
        p.sequence_parallel = false;
        double selective = 100 - assay_layer_activation_bytes(&d, &p, false) / none;
        expect_near("what selective recomputation saves", megatron[i].name, selective, 100 - (published[i].both + 100 - published[i].sequence), 0.02);
        p.recompute = ASSAY_RECOMPUTE_FULL;
        expect_near("full recomputation", megatron[i].name, assay_layer_activation_bytes(&d, &p, false) / none, published[i].full, 0.02);
    }
}

Test(footprint, splitting_more_never_needs_more)
{
    struct assay_random random;
    assay_random_init(&random, 11);
    for (int round = 0; round < 300; round++) {
        const struct megatron       *m = &megatron[assay_random_below(&random, MEGATRON)];
        struct assay_decoder_numbers d = megatron_decoder(m);
        struct assay_train_plan      p = megatron_plan(m, round & 1), less;
        struct assay_footprint       before, after;
        p.dp = 1 << assay_random_below(&random, 6);
        p.zero = (int)assay_random_below(&random, 3);
        less = p;
        less.zero++;
        for (int64_t stage = 0; stage < p.pp; stage += p.pp / 8 + 1) {
            assay_footprint_of(&d, &p, stage, &before);
            assay_footprint_of(&d, &less, stage, &after);
            double kept = after.total_bytes - after.bytes[ASSAY_FOOTPRINT_GATHERED];
            cr_expect_leq(kept, before.total_bytes * (1 + 1e-12), "zero %d of %s", less.zero, m->name);
        }
    }
}

Test(footprint, what_does_not_fit_is_told_by_how_much_in_which_groups_and_what_would_help)
{
    struct assay_decoder_numbers d = megatron_decoder(&megatron[1]);
    struct assay_train_plan      p = megatron_plan(&megatron[1], false);
    char                         text[800];
    struct assay_text            out = ASSAY_TEXT(text);
    p.recompute = ASSAY_RECOMPUTE_NONE;
    assay_footprint_explain(&d, &p, 80e9, &out);
    cr_expect(strstr(text, "too many: activations"), "%s", text);
    cr_expect(strstr(text, "would fit with selective recomputation and sequence parallelism"), "%s", text);
    out = ASSAY_TEXT(text);
    assay_footprint_explain(&d, &p, 8e9, &out);
    cr_expect(strstr(text, "nothing short of more devices"), "%s", text);
}

Test(footprint, the_announced_model_of_2_4_trillion_needs_what_arithmetic_says)
{
    struct assay_decoder_numbers d = {.layers = 64, .hidden = 8192, .ffn = 28672, .heads = 64, .kv_heads = 8, .head_dim = 128,
                                      .vocab = 103424, .gated = true, .experts = 512, .top_k = 8, .shared = 1, .expert_ffn = 3072, .first_moe = 3};
    double                       n = assay_decoder_parameters(&d);
    cr_expect(n > 2.3e12 && n < 2.5e12, "%.4g", n);
    cr_expect_lt(assay_decoder_active_parameters(&d) / n, 0.03);
    cr_expect(16 * n > 37e12 && 18 * n < 44e12, "%.4g bytes of training state", 16 * n);
}

Test(footprint, plans_that_do_not_multiply_or_divide_are_refused_in_one_line)
{
    struct assay_decoder_numbers d = megatron_decoder(&megatron[1]);
    struct assay_train_plan      p = megatron_plan(&megatron[1], true);
    struct assay_error           err = {.code = ASSAY_OK};
    cr_expect_eq(assay_train_plan_check(&p, &d, 64, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_train_plan_check(&p, &d, 65, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "tp 8 x cp 1 x dp 1 x pp 8 is not the 65 devices");
    p.tp = 64, p.pp = 1;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect_eq(assay_train_plan_check(&p, &d, 64, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "tp 64 does not divide the 96 heads");
}
