#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/random.h"
#include "harness/base/tests/source.h"
#include "harness/model/cluster/step.h"
#include "harness/model/cluster/tests/megatron.h"

#include "assay/banned.h"

static struct assay_error        err;
static struct assay_coefficients coefficients;

static void set_up(void)
{
    find_source();
    struct assay_fitted *fitted = calloc(1, sizeof *fitted);
    cr_assert_eq(assay_fitted_read(NULL, fitted, &err), ASSAY_OK, "%s", err.message);
    coefficients = assay_fitted_for(fitted, "NVIDIA");
    free(fitted);
}
TestSuite(step, .init = set_up, .timeout = 60);

static struct assay_fabric fabric_of(const char *name, int64_t devices, uint64_t draw)
{
    struct assay_system    *s = NULL;
    struct assay_described *d = NULL;
    struct assay_fabric     f;
    cr_assert_eq(assay_system_find(name, &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_described_find(s->device, &d, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_resize(s, devices, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_fabric_of(s, d, &coefficients, draw, &f, &err), ASSAY_OK, "%s", err.message);
    assay_described_free(d);
    assay_system_free(s);
    return f;
}

static struct assay_step_price price_of(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_train_plan *p, bool exact)
{
    struct assay_step_model *m = NULL;
    struct assay_step_price  price;
    cr_assert_eq(assay_step_model_new(d, f, &coefficients, &m, &err), ASSAY_OK);
    cr_assert_eq(assay_price_step(m, p, exact, &price, &err), ASSAY_OK, "%s", err.message);
    assay_step_model_free(m);
    return price;
}

static const struct assay_framework *framework(const char *name)
{
    const struct assay_framework *found = NULL;
    cr_assert_eq(assay_framework_find(name, &found, &err), ASSAY_OK, "%s", err.message);
    return found;
}

/* The framework's factors are of another program's runs on the same chip: none of these eight had a part in them. */
Test(step, megatrons_eight_iteration_times_are_met_within_eight_percent)
{
    for (size_t i = 0; i < MEGATRON; i++)
        for (int selective = 0; selective < 2; selective++) {
            struct assay_decoder_numbers d = megatron_decoder(&megatron[i]);
            struct assay_train_plan      p = megatron_plan(&megatron[i], selective);
            struct assay_fabric          f = fabric_of("dgx-a100", p.tp * p.pp, 0);
            double measured_s = selective ? megatron[i].selective_s : megatron[i].full_s;
            p.framework = framework("pytorch-2023");
            struct assay_step_price price = price_of(&d, &f, &p, true);
            cr_expect_leq(fabs(price.ns * 1e-9 / measured_s - 1), 0.08, "%s, %s: %.2f s, measured %.2f s, %+.1f %%", megatron[i].name,
                          assay_recompute_names[p.recompute], price.ns * 1e-9, measured_s, 100 * (price.ns * 1e-9 / measured_s - 1));
        }
}

Test(step, its_parts_add_up_to_it)
{
    struct assay_decoder_numbers d = megatron_decoder(&megatron[1]);
    struct assay_train_plan      p = megatron_plan(&megatron[1], true);
    struct assay_fabric          f = fabric_of("dgx-a100", 64, 0);
    struct assay_step_price      price = price_of(&d, &f, &p, true);
    double                       sum = 0;
    for (int i = 0; i < ASSAY_STEP_PARTS; i++) {
        cr_expect_geq(price.part_ns[i], -1e-6 * price.ns, "%s is %g", assay_step_part_names[i], price.part_ns[i]);
        sum += price.part_ns[i];
    }
    cr_expect_float_eq(sum, price.ns, 1e-9 * price.ns);
}

/* Runs of 2025 on H100 in 8-bit floats (NVIDIA-NeMo/Megatron-Bridge:docs/performance-summary-archive.md), tokens a second and device. */
Test(step, llama_runs_of_megatron_bridge_are_met_within_twelve_percent)
{
    static const struct {
        double  layers, hidden, ffn, tokens_per_s;
        int64_t devices, pp, cp, chunks, batch;
    } runs[] = {{80, 8192, 28672, 1639, 64, 8, 1, 5, 256}, {126, 16384, 53248, 322, 1024, 8, 2, 8, 1536}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct assay_decoder_numbers d = {.layers = runs[i].layers, .hidden = runs[i].hidden, .ffn = runs[i].ffn, .heads = runs[i].hidden / 128,
                                          .kv_heads = 8, .head_dim = 128, .vocab = 128256, .gated = true};
        struct assay_train_plan p = {.tp = i ? 8 : 4, .cp = runs[i].cp, .pp = runs[i].pp, .ep = 1, .chunks = runs[i].chunks, .micro_batch = 1,
                                     .seq = 8192, .zero = 1, .sequence_parallel = true, .overlap = true, .schedule = ASSAY_PIPELINE_1F1B,
                                     .recompute = ASSAY_RECOMPUTE_NONE, .attention = ASSAY_ATTENTION_FUSED, .moments = ASSAY_MOMENTS_F32,
                                     .compute = ASSAY_F8E4M3, .gradient_bytes = 4};
        p.dp = runs[i].devices / p.tp / p.cp / p.pp;
        p.micro_batches = runs[i].batch / p.dp;
        struct assay_fabric     f = fabric_of("dgx-h100", runs[i].devices, 0);
        struct assay_step_price price = price_of(&d, &f, &p, true);
        double                  each = price.tokens / (price.ns * 1e-9) / (double)runs[i].devices;
        cr_expect_leq(fabs(each / runs[i].tokens_per_s - 1), 0.12, "%.0f layers: %.0f tokens/s, measured %.0f", d.layers, each, runs[i].tokens_per_s);
    }
}

/* MLPerf Training 3.1, closed, NVIDIA and its Eos (gpt3 on H100; minutes to the target). Which plans were run is not in the results: tp 4,
 * pp 8 in 6 chunks is taken for all, batches as near to 2048 as it divides, and the same tokens to the target at each size. */
Test(step, gpt_3_scales_on_h100_as_in_mlperf_within_twelve_percent)
{
    static const struct {
        int64_t devices;
        double  minutes;
    } runs[] = {{512, 58.3019}, {768, 40.6264}, {4096, 8.5745}, {6144, 6.0274}, {8192, 4.8658}, {10240, 4.0703}, {10752, 3.9172}};
    struct assay_decoder_numbers d = megatron_decoder(&megatron[1]);
    double                       smallest_ns = 0;
    d.dropout = false;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct assay_train_plan p = {.tp = 4, .cp = 1, .pp = 8, .dp = runs[i].devices / 32, .ep = 1, .chunks = 6, .micro_batch = 1, .seq = 2048,
                                     .zero = 1, .overlap = true, .sequence_parallel = true, .schedule = ASSAY_PIPELINE_1F1B,
                                     .recompute = ASSAY_RECOMPUTE_NONE, .attention = ASSAY_ATTENTION_FUSED, .moments = ASSAY_MOMENTS_F32,
                                     .compute = ASSAY_F8E4M3, .gradient_bytes = 4};
        p.micro_batches = 8 * (int64_t)fmax(1, rint(2048.0 / (double)p.dp / 8));
        struct assay_fabric     f = fabric_of("dgx-h100", runs[i].devices, 0);
        struct assay_step_price price = price_of(&d, &f, &p, true);
        double                  token_ns = price.ns / price.tokens;
        smallest_ns = i ? smallest_ns : token_ns;
        double faster = smallest_ns / token_ns, measured = runs[0].minutes / runs[i].minutes;
        cr_expect_leq(fabs(faster / measured - 1), 0.12, "%lld devices: %.2f times as fast as 512, measured %.2f", (long long)runs[i].devices,
                      faster, measured);
    }
}

/* ---- links ----------------------------------------------------------------------------------------------------------- */

/* tp 8 is a server of dgx-h100, its first tier; dp 2 and the stages lie beyond. All by hand, of a plan without overlap. */
Test(step, what_each_tier_carries_is_what_the_plan_sends)
{
    const struct assay_decoder_numbers d = {.layers = 4, .hidden = 1024, .ffn = 4096, .heads = 8, .kv_heads = 8, .head_dim = 128, .vocab = 1000, .gated = true};
    struct assay_train_plan p = {.tp = 8, .cp = 1, .dp = 2, .pp = 2, .ep = 1, .chunks = 1, .micro_batch = 1, .micro_batches = 4, .seq = 2048,
                                 .zero = 1, .sequence_parallel = true, .schedule = ASSAY_PIPELINE_1F1B, .recompute = ASSAY_RECOMPUTE_NONE,
                                 .attention = ASSAY_ATTENTION_FUSED, .moments = ASSAY_MOMENTS_F32, .compute = ASSAY_BF16, .gradient_bytes = 4};
    const double rows = 2048 * 1024 * 2.0, layer = 1024 * 1024 * 4 + 3 * 1024 * 4096 + 2 * 1024; /* bytes between layers; a layer's weights */
    struct assay_fabric     f = fabric_of("dgx-h100", 32, 0);
    struct assay_step_price price = price_of(&d, &f, &p, false);
    /* 4 micro-batches, 2 layers; before and behind attention and the feed-forward, there and back: 8 exchanges of 7/8 of the rows */
    cr_expect_float_eq(price.link[0].bytes, 4 * 2 * 8 * 7 / 8.0 * rows, 1, "%.17g", price.link[0].bytes);
    /* a rank's eighth of the rows to the next stage, or back, for each micro-batch; half of its gradients, and half of its weights */
    double ends = 1000 * 1024 + 1024, own = (2 * layer + ends) / 8, least = (2 * layer + ends - 2 * 1024) / 8;
    double beyond = price.link[1].bytes - 4 * rows / 8;
    cr_expect(beyond > 0.5 * (4 + 2) * least * 0.999 && beyond < 0.5 * (4 + 2) * own * 1.001, "%.9g, of %.9g", beyond, 0.5 * 6 * own);
    p.recompute = ASSAY_RECOMPUTE_FULL; /* the way there once more */
    cr_expect_float_eq(price_of(&d, &f, &p, false).link[0].bytes, 1.5 * price.link[0].bytes, 1);
    p.recompute = ASSAY_RECOMPUTE_NONE;
    p.zero = 0; /* reduced in one go: of gradients two halves, of weights none */
    beyond = price_of(&d, &f, &p, false).link[1].bytes - 4 * rows / 8;
    cr_expect(beyond > 4 * least * 0.999 && beyond < 4 * own * 1.001, "%.9g, of %.9g", beyond, 4 * own);
}

/* ---- on systems that are drawn ------------------------------------------------------------------------------------- */

static double log_uniform(struct assay_random *r, double low, double high)
{
    return low * pow(high / low, assay_random_unit(r));
}

static struct assay_fabric drawn(struct assay_random *r)
{
    static const char *const names[] = {"dgx-a100", "dgx-h100", "dgx-h200", "dgx-b200"};
    struct assay_fabric      f = fabric_of(names[assay_random_below(r, 4)], 512, 0);
    f.chip.field[ASSAY_DEVICE_POWER] = 700;
    for (size_t i = 0; i < f.n_tiers; i++) {
        f.tier[i].link = log_uniform(r, 5e9, 2e12);
        f.tier[i].latency_ns = log_uniform(r, 300, 30000);
        f.tier[i].efficiency = 0.5 + 0.5 * assay_random_unit(r);
        f.tier[i].oversubscription = 1 + 3 * assay_random_unit(r);
        f.tier[i].reduces = assay_random_below(r, 2) == 0;
        f.tier[i].topology = i ? ASSAY_TOPOLOGY_FAT_TREE : (enum assay_topology)(1 + assay_random_below(r, 2) * 3);
    }
    f.chip.field[ASSAY_DEVICE_SCALE_UP] = f.tier[0].link;
    f.chip.field[ASSAY_DEVICE_IN_NETWORK_REDUCE] = f.tier[0].reduces;
    f.field[ASSAY_SYSTEM_FAILURES] = log_uniform(r, 1e-3, 10);
    f.field[ASSAY_SYSTEM_RESTART] = log_uniform(r, 10, 5000);
    f.field[ASSAY_SYSTEM_CHECKPOINT] = log_uniform(r, 1e7, 1e10);
    return f;
}

static struct assay_train_plan drawn_plan(struct assay_random *r)
{
    struct assay_train_plan p = {.tp = 1 << assay_random_below(r, 4), .cp = 1 << assay_random_below(r, 3), .pp = 1 << assay_random_below(r, 4),
                                 .chunks = 1, .micro_batch = 1 << assay_random_below(r, 2), .seq = 4096, .schedule = ASSAY_PIPELINE_1F1B,
                                 .recompute = (enum assay_recompute)(1 + assay_random_below(r, 3)), .attention = ASSAY_ATTENTION_FUSED,
                                 .moments = ASSAY_MOMENTS_F32, .compute = ASSAY_BF16, .gradient_bytes = 4};
    p.dp = 512 / p.tp / p.cp / p.pp;
    p.micro_batches = p.pp * (int64_t)(1 + assay_random_below(r, 8));
    p.ep = 1 << assay_random_below(r, 5);
    p.zero = (int)assay_random_below(r, 4);
    p.sequence_parallel = p.tp > 1 && assay_random_below(r, 2);
    p.overlap = assay_random_below(r, 2);
    p.chunks = p.pp > 1 ? 1 + (int64_t)assay_random_below(r, 2) : 1;
    return p;
}

static const struct assay_decoder_numbers mixture = {.layers = 32, .hidden = 4096, .ffn = 14336, .heads = 32, .kv_heads = 8, .head_dim = 128,
                                                     .vocab = 32000, .gated = true, .experts = 64, .top_k = 4, .expert_ffn = 2048, .first_moe = 1};

static double kept_ns(const struct assay_fabric *f, const struct assay_train_plan *p)
{
    struct assay_step_price price = price_of(&mixture, f, p, true);
    return price.ns / price.goodput.share;
}

Test(step, no_link_is_busy_for_longer_than_the_step_or_beyond_its_rate)
{
    struct assay_random r;
    assay_random_init(&r, 77);
    for (int round = 0; round < 150; round++) {
        struct assay_fabric     f = drawn(&r);
        struct assay_train_plan p = drawn_plan(&r);
        struct assay_step_price price = price_of(&mixture, &f, &p, true);
        double                  sum_ns = 0;
        for (size_t i = 0; i < f.n_tiers; i++) {
            const struct assay_link_use *l = &price.link[i];
            cr_expect_leq(l->ns, price.ns * (1 + 1e-9), "round %d, tier %zu is busy for %g of %g ns", round, i, l->ns, price.ns);
            cr_expect_leq(l->bytes, f.tier[i].link * l->ns * 1e-9 * (1 + 1e-9), "round %d, tier %zu: %g bytes in %g ns, %g B/s", round, i, l->bytes, l->ns,
                          f.tier[i].link);
            sum_ns += l->ns;
        }
        if (!p.overlap) { /* then all that is under way is waited for */
            double waited = price.part_ns[ASSAY_STEP_TENSOR] + price.part_ns[ASSAY_STEP_EXPERT] + price.part_ns[ASSAY_STEP_CONTEXT] +
                            price.part_ns[ASSAY_STEP_GATHER] + price.part_ns[ASSAY_STEP_DATA];
            cr_expect_geq(sum_ns, waited * (1 - 1e-9), "round %d: %g ns on links, %g waited for", round, sum_ns, waited);
        }
    }
}

Test(step, a_faster_link_is_never_slower)
{
    struct assay_random r;
    assay_random_init(&r, 31);
    for (int round = 0; round < 150; round++) {
        struct assay_fabric     f = drawn(&r), faster = f;
        struct assay_train_plan p = drawn_plan(&r);
        size_t                  tier = assay_random_below(&r, f.n_tiers);
        double                  by = log_uniform(&r, 1.01, 10);
        faster.tier[tier].link *= by;
        faster.chip.field[ASSAY_DEVICE_SCALE_UP] = faster.tier[0].link;
        cr_expect_leq(kept_ns(&faster, &p), kept_ns(&f, &p) * (1 + 1e-9), "tier %zu %.2f times as fast, round %d", tier, by, round);
    }
}

Test(step, fewer_failures_and_shorter_restarts_never_cost)
{
    struct assay_random r;
    assay_random_init(&r, 32);
    for (int round = 0; round < 100; round++) {
        struct assay_fabric     f = drawn(&r), better = f;
        struct assay_train_plan p = drawn_plan(&r);
        better.field[ASSAY_SYSTEM_FAILURES] *= assay_random_unit(&r);
        better.field[ASSAY_SYSTEM_RESTART] *= assay_random_unit(&r);
        better.field[ASSAY_SYSTEM_CHECKPOINT] *= 1 + assay_random_unit(&r);
        cr_expect_leq(kept_ns(&better, &p), kept_ns(&f, &p) * (1 + 1e-9), "round %d", round);
    }
}

Test(step, faster_memory_is_never_slower)
{
    struct assay_random r;
    assay_random_init(&r, 33);
    for (int round = 0; round < 100; round++) {
        struct assay_fabric     f = drawn(&r), faster = f;
        struct assay_train_plan p = drawn_plan(&r);
        faster.chip.field[ASSAY_DEVICE_BANDWIDTH] *= log_uniform(&r, 1.01, 4);
        cr_expect_leq(kept_ns(&faster, &p), kept_ns(&f, &p) * (1 + 1e-9), "round %d", round);
    }
}

/* Where all stages are alike the closed form and the events are the same; else they are near. */
Test(step, the_closed_form_stays_near_the_events)
{
    struct assay_random r;
    assay_random_init(&r, 34);
    for (int round = 0; round < 100; round++) {
        struct assay_fabric     f = drawn(&r);
        struct assay_train_plan p = drawn_plan(&r);
        double exact = price_of(&mixture, &f, &p, true).ns, about = price_of(&mixture, &f, &p, false).ns;
        cr_expect_leq(fabs(about / exact - 1), 0.15, "round %d: %g s by the form, %g s by events: pp %lld chunks %lld m %lld", round, about * 1e-9,
                      exact * 1e-9, (long long)p.pp, (long long)p.chunks, (long long)p.micro_batches);
    }
}

Test(step, a_hundred_thousand_devices_are_priced_like_eight)
{
    struct assay_decoder_numbers d = megatron_decoder(&megatron[3]);
    struct assay_train_plan      p = megatron_plan(&megatron[3], true);
    struct assay_fabric          f = fabric_of("dgx-h100", 131072, 0);
    p.dp = 131072 / 8 / 64;
    p.zero = 1;
    p.overlap = true;
    struct assay_step_price price = price_of(&d, &f, &p, true);
    cr_expect(price.ns > 0 && price.goodput.share > 0 && price.goodput.share < 1, "%g s, goodput %g", price.ns * 1e-9, price.goodput.share);
}
