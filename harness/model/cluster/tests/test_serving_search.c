#include <math.h>

#include "harness/model/cluster/serving_search.h"
#include "harness/model/cluster/tests/serving.h"

TestSuite(serving_search, .init = find_source);

static struct assay_error          err;
static struct assay_serving_search found;

static struct assay_serving_space space_of(double devices, double ttft_ms, double tpot_ms)
{
    const struct assay_serving_format wide = {.compute = ASSAY_BF16, .bytes = 2};
    return (struct assay_serving_space){.devices = devices, .prompt_tokens = 2048, .output_tokens = 256, .ttft_ns = ttft_ms * 1e6, .tpot_ns = tpot_ms * 1e6,
                                        .products = wide, .experts = wide, .cache_bytes = 2, .model = "m", .server = "vllm"};
}

static void search(const struct served *s, const struct assay_serving_space *space)
{
    const char *how;
    err = (struct assay_error){.code = ASSAY_OK};
    const struct assay_serving_numbers n = assay_serving_numbers_of(&s->serving, "vllm", "", &how);
    cr_assert(!assay_serving_search(&s->decoder, &s->fabric, &s->k, &n, space, &found, &err), "%s", err.message);
}

Test(serving_search, gives_ways_that_keep_the_limits_and_fit_the_best_first)
{
    struct served              s = served_on("dgx-h100", "llama-3.1-70b");
    struct assay_serving_space space = space_of(32, 2000, 40);
    search(&s, &space);
    cr_assert_gt(found.n_best, 2);
    cr_expect_gt(found.too_slow, 0);
    cr_expect_gt(found.short_of_memory, 0);
    for (size_t i = 0; i < found.n_best; i++) {
        const struct assay_serving_choice *c = &found.best[i];
        cr_expect(c->ttft_ns <= 2000e6 * (1 + 1e-9) && c->tpot_ns <= 40e6 * (1 + 1e-9));
        cr_expect(i == 0 || c->goodput_s <= found.best[i - 1].goodput_s);
        cr_expect_leq(c->replica.weight_bytes + c->replica.cache_bytes, 80e9);
        cr_expect_eq(fmod(32, assay_serving_plan_ranks(&c->replica.plan)), 0);
        cr_expect(c->followed == (c->way == ASSAY_SERVING_SHARED));
    }
    for (size_t i = 1; i < found.n_frontier; i++)
        cr_expect(found.frontier[i].goodput_s > found.frontier[i - 1].goodput_s && found.frontier[i].tpot_ns > found.frontier[i - 1].tpot_ns);
}

Test(serving_search, gives_more_the_more_patient_users_are_and_nothing_to_those_who_cannot_be_served)
{
    struct served s = served_on("dgx-h100", "llama-3.1-70b");
    double        before = 0;
    for (double tpot_ms = 20; tpot_ms <= 160; tpot_ms *= 2) {
        struct assay_serving_space space = space_of(16, 4000, tpot_ms);
        search(&s, &space);
        double now = found.n_best ? found.best[0].goodput_s : 0;
        cr_expect_geq(now, before * 0.97, "%g ms", tpot_ms); /* a best that is followed may be other than closed forms had it */
        before = now;
    }
    cr_expect_gt(before, 0);
    struct assay_serving_space none = space_of(16, 4000, 1);
    search(&s, &none);
    cr_expect_eq(found.n_best, 0);
    cr_expect_gt(found.nearest.tpot_ns, 1e6);
}

/* More bandwidth, faster links, more memory: never less. */
Test(serving_search, gives_no_less_on_a_better_cluster, .timeout = 20)
{
    struct served              s = served_on("dgx-h100", "qwen3-235b-a22b");
    struct assay_serving_space space = space_of(16, 3000, 60);
    search(&s, &space);
    struct assay_serving_search first = found;
    cr_assert_gt(first.n_best, 0);
    for (int what = 0; what < 3; what++) {
        struct served better = s;
        if (what == 0)
            better.fabric.chip.field[ASSAY_DEVICE_BANDWIDTH] *= 1.3;
        else if (what == 1)
            better.fabric.chip.field[ASSAY_DEVICE_MEMORY] *= 1.3;
        else {
            better.fabric.chip.field[ASSAY_DEVICE_SCALE_UP] *= 1.3;
            for (size_t t = 0; t < better.fabric.n_tiers; t++)
                better.fabric.tier[t].link *= 1.3;
        }
        struct assay_serving_choice before = first.best[0], after = first.best[0];
        const char                 *how;
        const struct assay_serving_numbers n = assay_serving_numbers_of(&s.serving, "vllm", "", &how);
        assay_serving_choice_on(&s.decoder, &s.fabric, &s.k, &n, &space, &before);
        assay_serving_choice_on(&s.decoder, &better.fabric, &s.k, &n, &space, &after);
        cr_expect_geq(after.goodput_s, before.goodput_s * (1 - 1e-9), "%d: the same way", what);
        search(&better, &space);
        cr_expect_geq(found.best[0].goodput_s, first.best[0].goodput_s * 0.97, "%d: the best way", what);
    }
}

/* Either kind has whole replicas on the devices that there are, and neither gives more than it can. */
Test(serving_search, divides_devices_between_prompts_and_further_tokens_in_whole_replicas)
{
    struct served              s = served_on("dgx-h100", "qwen3-235b-a22b");
    struct assay_serving_space space = space_of(32, 1500, 20);
    bool                       any = false;
    search(&s, &space);
    for (size_t i = 0; i < found.n_frontier; i++) {
        const struct assay_serving_choice *c = &found.frontier[i];
        if (c->way != ASSAY_SERVING_SPLIT)
            continue;
        any = true;
        double prompts = c->prompt_share * 32 / assay_serving_plan_ranks(&c->prompts.plan), rest = 32 - c->prompt_share * 32;
        cr_expect_float_eq(prompts, rint(prompts), 1e-9);
        cr_expect_geq(rest, assay_serving_plan_ranks(&c->replica.plan));
        cr_expect_leq(c->goodput_s, c->prompt_share * c->prompts.per_device_s * (1 + 1e-9));
        cr_expect_leq(c->goodput_s, rest / 32 * c->replica.per_device_s * (1 + 1e-9));
        cr_expect_gt(c->transfer_ns, 0);
    }
    cr_expect(any);
}

Test(serving_search, says_what_the_least_needs_where_nothing_has_room)
{
    struct served              s = served_on("dgx-h100", "llama-3.1-405b");
    struct assay_serving_space space = space_of(4, 1e6, 1e6);
    search(&s, &space);
    cr_expect(found.n_best == 0 && found.priced == 0);
    cr_expect(found.least_bytes > 200e9 && found.least_bytes < 230e9, "%g", found.least_bytes); /* 811 GB over four */
}

Test(serving_search, refuses_lengths_and_limits_that_cannot_be)
{
    struct served                      s = served_on("dgx-h100", "llama-3.1-8b");
    const struct assay_serving_numbers n = assay_serving_numbers_begin();
    struct assay_serving_space         one = space_of(8, 1, 1), zero = space_of(8, 0, 1);
    one.output_tokens = 1;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect_eq(assay_serving_search(&s.decoder, &s.fabric, &s.k, &n, &one, &found, &err), ASSAY_CONFIG);
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect_eq(assay_serving_search(&s.decoder, &s.fabric, &s.k, &n, &zero, &found, &err), ASSAY_CONFIG);
}
