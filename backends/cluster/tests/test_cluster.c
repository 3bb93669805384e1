#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/base/tests/source.h"
#include "harness/model/cluster/modelled_system.h"
#include "harness/model/cluster/search.h"
#include "harness/plan/plan.h"
#include "harness/run/tests/device.h"
#include "suites/blocks/decoder_numbers.h"

#include "assay/banned.h"

TestSuite(cluster, .init = find_source, .timeout = 120);

static struct assay_graph *graph_of(const char *name)
{
    struct assay_case   c = {.params = NULL};
    struct assay_graph *g = NULL;
    struct assay_error  err = {.code = ASSAY_OK};
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_case_graph(&c, &g, &err), ASSAY_OK, "%s", err.message);
    assay_case_release(&c);
    return g;
}

static void open_step(struct device *d, const char *rest, const char *name)
{
    device_open(d, "cluster", rest);
    d->g = graph_of(name);
    DEVICE_OK(d, device_compile(d, &d->p));
}

static void close_step(struct device *d)
{
    d->opened.backend->discard(d->opened.session, d->p);
    assay_graph_free(d->g);
    assay_backend_close(&d->opened);
}

/* The step on a draw, in ns. */
static double step_on(struct device *d, uint64_t draw)
{
    const struct assay_backend *b = d->opened.backend;
    struct assay_launch         l = {.size = sizeof l, .program = d->p, .binding_stride = sizeof(struct assay_binding)};
    struct assay_event         *e = NULL;
    struct assay_span           span = {.size = sizeof span};
    size_t                      done = 1;
    DEVICE_OK(d, b->draw(d->opened.session, draw, &d->err));
    DEVICE_OK(d, b->execute(d->opened.session, &l, &e, &d->err));
    DEVICE_OK(d, b->poll(d->opened.session, &e, 1, 0, &done, &span, &d->err));
    b->forget(d->opened.session, e);
    return (double)(span.end_ns - span.begin_ns);
}

static double level(struct device *d, const char *name)
{
    struct assay_counter_row rows[64];
    size_t                   n = 0;
    memset(rows, 0, sizeof rows);
    DEVICE_OK(d, d->opened.backend->counters(d->opened.session, rows, sizeof *rows, 64, &n, &d->err));
    for (size_t i = 0; i < n && i < 64; i++)
        if (!strcmp(rows[i].name, name))
            return rows[i].value;
    return NAN;
}

static const char gpt3[] = "decoder.train/model=gpt-3-175b,batch=1536,tokens=2048";

/* What the search says of the same system and decoder is what the back end's clock says: it is handed a graph, not a name. */
Test(cluster, prices_the_plan_that_the_search_finds)
{
    struct device                d;
    struct assay_modelled_system on = {.system = NULL};
    struct assay_decoder_numbers decoder;
    struct assay_error           err = {.code = ASSAY_OK};
    struct assay_search         *search = calloc(1, sizeof *search);
    cr_assert_eq(assay_modelled_system_open("dgx-h100", "", "", 0, &on, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_decoder_numbers_find("gpt-3-175b", &decoder, &err), ASSAY_OK, "%s", err.message);
    struct assay_search_space space = {.devices = on.system->devices, .batch = 1536, .seq = 2048, .compute = ASSAY_BF16,
                                       .attention = ASSAY_ATTENTION_FUSED, .moments = ASSAY_MOMENTS_F32, .gradient_bytes = 4, .imbalance = 1.1,
                                       .framework = &assay_frameworks[0]};
    cr_assert_eq(assay_search_plans(&decoder, &on.fabric, &on.k, &space, search, &err), ASSAY_OK, "%s", err.message);
    open_step(&d, ":dgx-h100", gpt3);
    cr_expect_float_eq(step_on(&d, 0), search->best[0].price.ns, 1);
    cr_expect_eq(level(&d, "plan_tp"), (double)search->best[0].plan.tp);
    cr_expect_eq(level(&d, "plan_micro_batches"), (double)search->best[0].plan.micro_batches);
    close_step(&d);
    assay_modelled_system_release(&on);
    free(search);
}

Test(cluster, parts_add_up_to_the_step_on_every_draw)
{
    static const char *const parts[] = {"step_compute", "step_recompute", "step_tensor", "step_expert", "step_context", "step_gather", "step_bubble",
                                        "step_data", "step_optimizer", "step_stragglers"};
    struct device            d;
    open_step(&d, ":tianchi512", "decoder.train/model=deepseek-v3,batch=512,tokens=4096");
    for (uint64_t draw = 0; draw < 20; draw++) {
        double ns = step_on(&d, draw), sum = 0;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            sum += level(&d, parts[i]);
        cr_expect_float_eq(sum, ns, 1e-6 * ns + 1, "draw %llu: %.9g, %.9g", (unsigned long long)draw, sum, ns);
        double share = level(&d, "goodput");
        cr_expect(share > 0 && share < 1, "%g", share);
    }
    close_step(&d);
}

/* dgx-h100: what goes over a link in a step is the plan's, whatever the draw; times are the cluster's. */
Test(cluster, links_of_each_tier_carry_the_same_on_every_draw_and_no_more_than_they_can)
{
    static const char *const tiers[] = {"link_scale-up_", "link_scale-out_"};
    struct device            d;
    open_step(&d, ":dgx-h100", gpt3);
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        double sent = NAN, fastest = 0, slowest = INFINITY;
        for (uint64_t draw = 0; draw < 20; draw++) {
            double ns = step_on(&d, draw);
            char   name[48];
#define LINK(what) ((void)snprintf(name, sizeof name, "%s%s", tiers[i], what), level(&d, name))
            double bytes = LINK("sent"), busy = LINK("busy"), share = LINK("busy_share"), rate = LINK("rate"), of_link = LINK("rate_share");
            sent = draw ? sent : bytes;
            cr_expect(bytes > 0 && bytes == sent, "%sdraw %d: %g", tiers[i], (int)draw, bytes);
            cr_expect_float_eq(share, busy / ns, 1e-6);
            cr_expect(share > 0 && share < 1, "%s%g", tiers[i], share);
            cr_expect(of_link > 0.3 && of_link <= 1, "%s%g", tiers[i], of_link);
            fastest = fmax(fastest, rate);
            slowest = fmin(slowest, rate);
        }
        double link = i ? 50e9 : 450e9; /* NDR InfiniBand; NVLink 4, a direction */
        cr_expect(fastest <= link && slowest > 0.3 * link, "%s%g to %g B/s", tiers[i], slowest, fastest);
    }
#undef LINK
    close_step(&d);
}

Test(cluster, a_draw_repeats_and_nought_is_the_middle_again)
{
    struct device d;
    open_step(&d, ":tianchi256", gpt3);
    double middle = step_on(&d, 0), other = step_on(&d, 7);
    cr_expect_neq(middle, other);
    cr_expect_eq(step_on(&d, 7), other);
    cr_expect_eq(step_on(&d, 0), middle);
    close_step(&d);
}

/* The band of kernels is wide where none of a chip was measured; its end alone would be 96 % of the peak. */
Test(cluster, no_draw_reaches_more_of_the_peak_than_any_training_has)
{
    static const char *const systems[] = {":tianchi512", ":dgx-h100"};
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        struct device d;
        double        most = 0, least = 1;
        open_step(&d, systems[i], gpt3);
        for (uint64_t draw = 1; draw <= 60; draw++) {
            double ns = step_on(&d, draw), share = level(&d, "model_flops_share"), sum = level(&d, "step_compute") + level(&d, "step_recompute");
            cr_expect(share <= ASSAY_STEP_MOST_UTILISATION * (1 + 1e-9), "%s, draw %d: %g", systems[i], (int)draw, share);
            cr_expect(sum <= ns, "%s, draw %d: parts are stretched with the step", systems[i], (int)draw);
            most = fmax(most, share);
            least = fmin(least, share);
        }
        cr_expect(least < 0.6 * ASSAY_STEP_MOST_UTILISATION || i, "%s: from %g on", systems[i], least);
        cr_expect(most > 0.9 * ASSAY_STEP_MOST_UTILISATION || i, "%s: up to %g", systems[i], most);
        close_step(&d);
    }
}

static struct assay_certainty certainty_of(struct device *d)
{
    struct assay_certainty c = {.size = sizeof c, .has_point = 1};
    d->opened.backend->certainty(d->opened.session, d->p, &c);
    return c;
}

Test(cluster, a_system_of_ranges_has_no_point_and_the_lowest_grade)
{
    struct device d;
    open_step(&d, ":tianchi512", gpt3);
    struct assay_certainty c = certainty_of(&d);
    cr_expect(!c.has_point && *c.why_no_point);
    cr_expect_str_eq(c.grade, "D");
    double sum = 0;
    for (int i = 0; i < ASSAY_INFLUENCES; i++) {
        sum += c.influences[i].share;
        cr_expect(i == 0 || c.influences[i - 1].share >= c.influences[i].share);
    }
    cr_expect(sum > 0.5 && sum <= 1 + 1e-9, "%g", sum);
    close_step(&d);
    open_step(&d, ":dgx-h100", gpt3);
    c = certainty_of(&d);
    cr_expect(c.has_point && strcmp(c.grade, "D") < 0, "%s", c.grade);
    close_step(&d);
}

/* On draws, which take all numbers at the same quantiles on both systems: one with twice the devices is never slower. */
Test(cluster, more_devices_are_never_slower)
{
    struct device few, many;
    open_step(&few, ":dgx-h100,devices=256", gpt3);
    open_step(&many, ":dgx-h100,devices=512", gpt3);
    for (uint64_t draw = 0; draw < 10; draw++)
        cr_expect_lt(step_on(&many, draw), step_on(&few, draw), "draw %llu", (unsigned long long)draw);
    close_step(&few);
    close_step(&many);
}

/* ---- serving --------------------------------------------------------------------------------------------------------- */

enum { SEQUENCES = 64 };
struct controls {
    int32_t starts[SEQUENCES + 1], past[SEQUENCES];
};

/* n sequences with so many new tokens each behind so many. */
static struct controls alike(int n, int32_t fresh, int32_t past)
{
    struct controls c = {.starts = {0}};
    for (int i = 0; i < SEQUENCES; i++) {
        c.starts[i + 1] = c.starts[i] + (i < n ? fresh : 0);
        c.past[i] = i < n ? past : 0;
    }
    return c;
}

static double served_on(struct device *d, const struct controls *c, uint64_t rows)
{
    const struct assay_backend *b = d->opened.backend;
    struct assay_binding        bound[2] = {{.value = 0}};
    struct assay_launch         l = {.size = sizeof l, .program = d->p, .bindings = bound, .n_bindings = 2, .binding_stride = sizeof *bound};
    struct assay_event         *e = NULL;
    struct assay_span           span = {.size = sizeof span};
    size_t                      done = 1;
    for (uint32_t v = 0; v < d->g->n_values; v++) {
        if (!strcmp(d->g->values[v].name, "starts"))
            bound[0] = (struct assay_binding){.value = v, .host = (void *)(uintptr_t)c->starts, .valid_rows = ASSAY_ALL_ROWS};
        if (!strcmp(d->g->values[v].name, "past"))
            bound[1] = (struct assay_binding){.value = v, .host = (void *)(uintptr_t)c->past, .valid_rows = rows};
    }
    DEVICE_OK(d, b->execute(d->opened.session, &l, &e, &d->err));
    DEVICE_OK(d, b->poll(d->opened.session, &e, 1, 0, &done, &span, &d->err));
    b->forget(d->opened.session, e);
    return (double)(span.end_ns - span.begin_ns);
}

static const char served[] = "decoder.serve/model=ernie-4.5-300b-a47b,batch=64,packed=512,tokens=2048,weights=bf16,cache=bf16";

Test(cluster, a_served_step_costs_what_its_control_inputs_say)
{
    struct device   d;
    struct controls shortest = alike(64, 1, 10), longest = alike(64, 1, 2000), few = alike(8, 1, 2000), prompts = alike(64, 8, 0);
    open_step(&d, ":dgx-h100,devices=64", served);
    cr_expect_lt(served_on(&d, &shortest, 64), served_on(&d, &longest, 64), "longer caches are read longer");
    cr_expect_lt(served_on(&d, &few, 8), served_on(&d, &longest, 64), "few sequences are less work for the busiest");
    cr_expect_lt(served_on(&d, &shortest, 64), served_on(&d, &prompts, 64));
    cr_expect_eq(served_on(&d, &longest, 8), served_on(&d, &few, 8), "rows that are padding do not count");
    cr_expect_eq(served_on(&d, &longest, 0), 1, "an empty step takes nothing");
    close_step(&d);
}

/* Weights and the share of caches are within a device's memory by the split that is found; one that is too small is told. */
Test(cluster, a_decoder_is_served_by_the_fewest_devices_that_hold_it)
{
    struct device   d;
    struct controls some = alike(4, 1, 100);
    open_step(&d, ":dgx-h100", served);
    (void)served_on(&d, &some, 4);
    double tp = level(&d, "plan_tp"), pp = level(&d, "plan_pp"), held = level(&d, "memory_weights") + level(&d, "memory_caches");
    cr_expect(held <= 0.9 * level(&d, "memory_capacity") && level(&d, "replicas") == floor(1024 / (tp * pp)), "%g %g %g", tp, pp, held);
    close_step(&d);
    open_step(&d, ":dgx-h100,tp=16,pp=4", served);
    (void)served_on(&d, &some, 4);
    cr_expect(level(&d, "plan_tp") == 16 && level(&d, "plan_pp") == 4);
    close_step(&d);
}

Test(cluster, a_part_of_a_system_serves_as_one_of_so_many_devices)
{
    struct device   part, small;
    struct controls some = alike(64, 1, 100);
    open_step(&part, ":dgx-h100,share=0.25", served);
    open_step(&small, ":dgx-h100,devices=256", served);
    cr_expect_eq(served_on(&part, &some, 64), served_on(&small, &some, 64));
    cr_expect(level(&part, "devices") == 256 && level(&part, "replicas") == level(&small, "replicas"));
    cr_expect_gt(level(&part, "handover_rate"), level(&part, "plan_tp") * level(&part, "plan_pp") * 10e9, "each rank has a rail of 50 GB/s");
    close_step(&part);
    close_step(&small);
}

/* Power of all devices, hosts and network at their full for as long as the step takes. */
Test(cluster, a_served_step_takes_the_power_of_the_whole)
{
    struct device   d;
    struct controls some = alike(64, 1, 100);
    open_step(&d, ":dgx-h100,devices=64", served);
    (void)served_on(&d, &some, 64);
    double before = level(&d, "energy"), ns = served_on(&d, &some, 64), watts = (level(&d, "energy") - before) / (ns * 1e-9);
    cr_expect(watts > 64 * 700 && watts < 64 * 2500, "%g W of 64 devices", watts);
    close_step(&d);
}

Test(cluster, a_draw_of_a_served_step_repeats)
{
    struct device   d;
    struct controls c = alike(64, 1, 1000);
    double          ns[4];
    open_step(&d, ":tianchi512", served);
    for (int i = 0; i < 4; i++) {
        DEVICE_OK(&d, d.opened.backend->draw(d.opened.session, (uint64_t[]){0, 7, 7, 0}[i], &d.err));
        ns[i] = served_on(&d, &c, 64);
    }
    cr_expect(ns[0] == ns[3] && ns[1] == ns[2] && ns[0] != ns[1]);
    struct assay_certainty certain = certainty_of(&d);
    cr_expect(!certain.has_point && !strcmp(certain.grade, "D"));
    close_step(&d);
}

/* A server has a program for each size of a step; what is told of links is of all steps of the draw, whichever ran last. */
Test(cluster, links_of_served_steps_are_those_of_all_programs_of_a_draw)
{
    struct device         d;
    struct controls       few = alike(8, 1, 100), prompts = alike(64, 8, 0);
    struct assay_program *first, *second = NULL;
    open_step(&d, ":dgx-h100,devices=64", served);
    first = d.p;
    DEVICE_OK(&d, device_compile(&d, &second));
    (void)served_on(&d, &few, 64);
    double of_few = level(&d, "link_scale-up_sent");
    DEVICE_OK(&d, d.opened.backend->draw(d.opened.session, 1, &d.err));
    DEVICE_OK(&d, d.opened.backend->draw(d.opened.session, 0, &d.err));
    d.p = second;
    (void)served_on(&d, &prompts, 64);
    double of_both = level(&d, "link_scale-up_sent"), of_prompts = 2 * of_both - of_few;
    d.p = first;
    (void)served_on(&d, &few, 64);
    cr_expect(of_few > 0 && of_prompts > 2 * of_few, "%g of few, %g of both", of_few, of_both);
    cr_expect_float_eq(level(&d, "link_scale-up_sent"), (2 * of_few + of_prompts) / 3, 1e-6 * of_prompts);
    DEVICE_OK(&d, d.opened.backend->draw(d.opened.session, 1, &d.err));
    (void)served_on(&d, &few, 64);
    cr_expect_float_eq(level(&d, "link_scale-up_sent"), of_few, 1e-6 * of_few, "another draw begins anew");
    d.opened.backend->discard(d.opened.session, second);
    close_step(&d);
}

static void expect_refused(const char *rest, const char *name, enum assay_code code, const char *why)
{
    struct device d;
    device_open(&d, "cluster", rest);
    d.g = graph_of(name);
    cr_expect_eq(device_compile(&d, &d.p), code, "%s", d.err.message);
    cr_expect(strstr(d.err.message, why), "%s", d.err.message);
    assay_graph_free(d.g);
    assay_backend_close(&d.opened);
}

Test(cluster, what_cannot_be_spread_says_why)
{
    expect_refused(":kunlun-32", "decoder.train/model=ernie-5-class-2.4t,batch=32,tokens=4096", ASSAY_UNSUPPORTED, "plans none fits");
    expect_refused(":dgx-h100", "gemm/m=8,n=8,k=8", ASSAY_UNSUPPORTED, "no decoder");
    expect_refused(":dgx-h100", "decoder.score/model=tiny-dense,batch=2,tokens=16", ASSAY_UNSUPPORTED, "trains nothing");
    expect_refused(":mi300x-node,tp=1,pp=1", served, ASSAY_UNSUPPORTED, "no split fits");
    expect_refused(":dgx-h100,tp=7", served, ASSAY_CONFIG, "tp 7 does not divide");
    expect_refused(":dgx-h100,moment_bits=9", gpt3, ASSAY_CONFIG, "32, 16 or 8 bits");
    expect_refused(":dgx-h100,framework=nobodys", gpt3, ASSAY_CONFIG, "nobodys");
}
