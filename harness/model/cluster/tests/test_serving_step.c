#include <math.h>

#include "harness/base/random.h"
#include "harness/model/cluster/tests/serving.h"

TestSuite(serving_step, .init = find_source);

static struct assay_error err;

static double sum(const struct assay_serving_price *p)
{
    double ns = 0;
    for (int i = 0; i < ASSAY_SERVING_PARTS; i++)
        ns += p->work_ns[i] + p->floor_ns[i];
    return ns;
}

static struct assay_serving_price price(const struct served *s, const struct assay_serving_plan *p, const struct assay_serving_work *w)
{
    struct assay_serving_model *m = NULL;
    struct assay_serving_price  out = {.work_ns = {NAN}, .floor_ns = {NAN}};
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_serving_model_new(&s->decoder, &s->fabric, &s->k, p, &m, &err), "%s", err.message);
    cr_assert(!assay_price_serving_step(m, w, &out, &err), "%s", err.message);
    assay_serving_model_free(m);
    return out;
}

static const struct assay_serving_work decode = {.sequences = 32, .cached_tokens = 32 * 2000}, prompt = {.prompts = 2, .prompt_tokens = 4096};

Test(serving_step, reads_the_weights_once_a_step)
{
    struct served             s = served_on("dgx-h100", "llama-3.1-8b");
    struct assay_serving_plan p = plan_of(1, 1, 1);
    struct assay_serving_work w = {.sequences = 1, .cached_tokens = 1};
    double bytes = assay_serving_weight_bytes(&s.decoder, &p) - s.decoder.vocab * s.decoder.hidden * 2; /* the embedding is looked up */
    double least_ns = bytes / s.fabric.chip.field[ASSAY_DEVICE_BANDWIDTH] * 1e9, ns = price(&s, &p, &w).work_ns[ASSAY_SERVING_PRODUCTS];
    cr_expect(ns > least_ns && ns < 1.35 * least_ns, "%g ms, memory alone takes %g", ns / 1e6, least_ns / 1e6);
    cr_expect_float_eq(bytes, 2 * (8030261248.0 - 128256.0 * 4096), 1e6);
}

Test(serving_step, has_links_only_where_there_are_ranks)
{
    struct served             s = served_on("dgx-h100", "qwen3-32b");
    struct assay_serving_plan one = plan_of(1, 1, 1), eight = plan_of(8, 1, 1);
    cr_expect_eq(price(&s, &one, &decode).work_ns[ASSAY_SERVING_LINKS], 0);
    cr_expect_eq(price(&s, &one, &decode).floor_ns[ASSAY_SERVING_LINKS], 0);
    struct assay_serving_price a = price(&s, &one, &decode), b = price(&s, &eight, &decode);
    cr_expect_gt(b.work_ns[ASSAY_SERVING_LINKS], 0);
    cr_expect_lt(b.work_ns[ASSAY_SERVING_PRODUCTS], a.work_ns[ASSAY_SERVING_PRODUCTS] / 6);
    cr_expect_lt(b.work_ns[ASSAY_SERVING_ATTENTION], a.work_ns[ASSAY_SERVING_ATTENTION] / 6);
}

/* dgx-a100 adds nothing up in switches: two rings a layer of each row, and the last's logits gathered. */
Test(serving_step, sends_over_links_what_its_exchanges_are, .timeout = 20)
{
    struct served              s = served_on("dgx-a100", "llama-2-70b");
    struct assay_serving_plan  p = plan_of(8, 1, 1);
    struct assay_serving_price one = price(&s, &p, &decode);
    double                     rows = 2 * 80 * 2 * 7 / 8.0 * (32 * 8192 * 2), logits = 7 / 8.0 * (32 * 32000 * 2);
    cr_expect_float_eq(one.link[0].bytes, rows + logits, 1, "%.0f, not %.0f", one.link[0].bytes, rows + logits);
    cr_expect_float_eq(one.link[0].ns, one.work_ns[ASSAY_SERVING_LINKS] + one.floor_ns[ASSAY_SERVING_LINKS], 1);
    cr_expect_eq(one.link[1].bytes, 0);
    p.pp = 2; /* two halves of the sequences, each through all layers; their rows once to the other stage, on another tier */
    one = price(&s, &p, &decode);
    cr_expect_float_eq(one.link[0].bytes, (rows + logits) / 2, 1);
    cr_expect_float_eq(one.link[1].bytes, 16 * 8192 * 2, 1);
}

Test(serving_step, of_experts_sends_tokens_only_between_groups)
{
    struct served             s = served_on("dgx-h100", "qwen3-235b-a22b");
    struct assay_serving_plan one = plan_of(8, 1, 8), groups = plan_of(1, 8, 8);
    cr_expect_gt(price(&s, &one, &decode).work_ns[ASSAY_SERVING_EXPERTS], 0);
    /* Eight groups with as many sequences each have eight times the tokens, and no reduction of attention's. */
    cr_expect_gt(price(&s, &groups, &decode).work_ns[ASSAY_SERVING_EXPERTS], price(&s, &one, &decode).work_ns[ASSAY_SERVING_EXPERTS]);
    cr_expect_lt(price(&s, &groups, &decode).floor_ns[ASSAY_SERVING_LINKS], 2 * price(&s, &one, &decode).floor_ns[ASSAY_SERVING_LINKS]);
}

Test(serving_step, gives_the_same_price_again_whatever_was_asked_between)
{
    struct served               s = served_on("dgx-h100", "qwen3-32b");
    struct assay_serving_plan   p = plan_of(4, 1, 1);
    struct assay_serving_model *m = NULL;
    struct assay_serving_price  a, b;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_serving_model_new(&s.decoder, &s.fabric, &s.k, &p, &m, &err));
    cr_assert(!assay_price_serving_step(m, &decode, &a, &err));
    struct assay_serving_work same_place = {.sequences = 32 + 512, .cached_tokens = 1000};
    cr_assert(!assay_price_serving_step(m, &same_place, &b, &err));
    cr_expect_gt(sum(&b), sum(&a));
    cr_assert(!assay_price_serving_step(m, &decode, &b, &err));
    cr_expect_eq(sum(&a), sum(&b));
    assay_serving_model_free(m);
}

/* What must never slow a step down: bandwidth, peak, links. And what must: sequences, tokens before them, prompts. */
Test(serving_step, is_never_slower_with_more_and_never_faster_for_more, .timeout = 20)
{
    static const enum assay_device_field better[] = {ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_PEAK_BF16, ASSAY_DEVICE_SCALE_UP};
    static const char *const             models[] = {"llama-3.1-8b", "qwen3-235b-a22b", "deepseek-v3"};
    struct assay_random                  random;
    assay_random_init(&random, 7);
    for (int i = 0; i < 60; i++) {
        struct served             s = served_on("dgx-h100", models[i % 3]);
        double                    tp = exp2(floor(4 * assay_random_unit(&random)));
        struct assay_serving_plan p = i % 3 ? plan_of(tp, 8 / tp, 8) : plan_of(tp, 1, 1);
        struct assay_serving_work w = {.sequences = 1 + floor(100 * assay_random_unit(&random)), .prompts = i % 2, .prompt_tokens = i % 2 * 2000};
        w.cached_tokens = w.sequences * floor(1 + 8000 * assay_random_unit(&random));
        struct assay_serving_price before = price(&s, &p, &w);
        for (size_t b = 0; b < sizeof better / sizeof *better; b++) {
            struct served faster = s;
            faster.fabric.chip.field[better[b]] *= 1.3;
            if (better[b] == ASSAY_DEVICE_SCALE_UP)
                faster.fabric.tier[0].link *= 1.3;
            struct assay_serving_price after = price(&faster, &p, &w);
            cr_expect_leq(sum(&after), sum(&before) * (1 + 1e-9), "%s %d: %g > %g", assay_device_fields[better[b]].key, i, sum(&after), sum(&before));
        }
        struct assay_serving_work longer = w;
        longer.cached_tokens *= 1.5;
        struct assay_serving_price after = price(&s, &p, &longer);
        cr_expect_geq(sum(&after), sum(&before));
    }
}

Test(serving_step, stages_hold_a_part_of_the_weights_and_of_the_caches)
{
    struct served             s = served_on("dgx-h100", "llama-3.1-70b");
    struct assay_serving_plan p = plan_of(2, 1, 1), q = p;
    q.pp = 4;
    cr_expect_float_eq(assay_serving_token_bytes(&s.decoder, &p), 80 * 2 * 4 * 128 * 2, 1e-6); /* four of eight heads, keys and values, 16 bits */
    cr_expect_float_eq(assay_serving_token_bytes(&s.decoder, &q), assay_serving_token_bytes(&s.decoder, &p) / 4, 1e-6);
    cr_expect_lt(assay_serving_weight_bytes(&s.decoder, &q), assay_serving_weight_bytes(&s.decoder, &p) / 3);
    cr_expect_eq(assay_serving_plan_ranks(&q), 8);
    p.cache_bytes = 1;
    cr_expect_float_eq(assay_serving_token_bytes(&s.decoder, &p), 80 * 2 * 4 * 128, 1e-6);
    cr_expect_gt(sum(&(struct assay_serving_price[]){price(&s, &q, &prompt)}[0]), 0);
}

/* A latent of 512 and a turned part of 64 in 61 layers, once for all 128 heads: each of the ranks that share them has it whole. */
Test(serving_step, a_latent_cache_is_whole_on_every_rank_of_a_layer)
{
    struct served             s = served_on("dgx-h100", "deepseek-v3");
    struct assay_serving_plan p = plan_of(8, 1, 1), q = plan_of(1, 1, 1);
    cr_expect_float_eq(assay_serving_token_bytes(&s.decoder, &q), 61 * (512 + 64) * 2, 1e-6);
    cr_expect_float_eq(assay_serving_token_bytes(&s.decoder, &p), assay_serving_token_bytes(&s.decoder, &q), 1e-6);
}

Test(serving_step, refuses_plans_that_cannot_be)
{
    struct served dense = served_on("dgx-h100", "qwen3-32b"), moe = served_on("dgx-h100", "qwen3-235b-a22b");
    static const struct {
        bool        moe;
        double      tp, dp, pp, moe_tp, moe_ep;
        const char *says;
    } bad[] = {{false, 7, 1, 1, 1, 1, "tp 7 does not divide the 64 heads"}, {false, 0, 1, 1, 1, 1, "tp is 0"}, {false, 1, 1, 65, 1, 1, "pp 65 stages"},
               {false, 1, 0.5, 1, 1, 1, "dp is 0.5"},                       {true, 4, 1, 1, 2, 1, "are not the 4 ranks"}, {true, 3, 1, 1, 1, 3, "tp 3 does"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct assay_serving_plan p = plan_of(1, 1, 1);
        p.tp = bad[i].tp, p.dp = bad[i].dp, p.pp = bad[i].pp, p.moe_tp = bad[i].moe_tp, p.moe_ep = bad[i].moe_ep;
        err = (struct assay_error){.code = ASSAY_OK};
        cr_expect_eq(assay_serving_plan_check(&p, bad[i].moe ? &moe.decoder : &dense.decoder, &err), ASSAY_CONFIG, "%zu", i);
        cr_expect(strstr(err.message, bad[i].says), "%s", err.message);
    }
    struct assay_serving_plan good = plan_of(4, 2, 8);
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect(!assay_serving_plan_check(&good, &moe.decoder, &err), "%s", err.message);
}
