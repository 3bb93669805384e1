#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/tests/source.h"
#include "harness/model/cluster/search.h"

#include "assay/banned.h"

static struct assay_error        err;
static struct assay_coefficients coefficients;

static void set_up(void)
{
    find_source();
    coefficients = assay_coefficients_begin();
}
TestSuite(search, .init = set_up, .timeout = 60);

static struct assay_fabric fabric_of(const char *name, int64_t devices)
{
    struct assay_system    *s = NULL;
    struct assay_described *d = NULL;
    struct assay_fabric     f;
    cr_assert_eq(assay_system_find(name, &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_described_find(s->device, &d, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_resize(s, devices, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_fabric_of(s, d, &coefficients, 0, &f, &err), ASSAY_OK, "%s", err.message);
    assay_described_free(d);
    assay_system_free(s);
    return f;
}

static const struct assay_decoder_numbers dense = {.layers = 32, .hidden = 4096, .ffn = 14336, .heads = 32, .kv_heads = 8, .head_dim = 128,
                                                   .vocab = 128256, .gated = true};
static const struct assay_decoder_numbers huge = {.layers = 64, .hidden = 8192, .ffn = 28672, .heads = 64, .kv_heads = 8, .head_dim = 128,
                                                  .vocab = 103424, .gated = true, .experts = 512, .top_k = 8, .shared = 1, .expert_ffn = 3072, .first_moe = 3};

static struct assay_search_space space_of(int64_t devices, int64_t batch)
{
    return (struct assay_search_space){.devices = devices, .batch = batch, .seq = 4096, .compute = ASSAY_BF16, .attention = ASSAY_ATTENTION_FUSED,
                                       .moments = ASSAY_MOMENTS_F32, .gradient_bytes = 4, .framework = &assay_frameworks[0]};
}

static struct assay_search *searched(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_search_space *space)
{
    struct assay_search *s = calloc(1, sizeof *s);
    cr_assert_not_null(s);
    cr_assert_eq(assay_search_plans(d, f, &coefficients, space, s, &err), ASSAY_OK, "%s", err.message);
    return s;
}

Test(search, the_best_plans_fit_are_in_order_and_are_followed_event_by_event)
{
    struct assay_fabric       f = fabric_of("dgx-h100", 64);
    struct assay_search_space space = space_of(64, 128);
    struct assay_search      *s = searched(&dense, &f, &space);
    cr_assert_gt(s->n_best, 1);
    for (size_t i = 0; i < s->n_best; i++) {
        cr_expect_leq(s->best[i].footprint.total_bytes, f.chip.field[ASSAY_DEVICE_MEMORY]);
        cr_expect(s->best[i].price.exact);
        cr_expect(i == 0 || s->best[i].kept_ns >= s->best[i - 1].kept_ns);
        cr_expect_eq(assay_train_plan_check(&s->best[i].plan, &dense, 64, &err), ASSAY_OK, "%s", err.message);
    }
    free(s);
}

Test(search, no_plan_of_the_frontier_is_beaten_by_another_in_time_and_memory)
{
    struct assay_fabric       f = fabric_of("dgx-h100", 64);
    struct assay_search_space space = space_of(64, 128);
    struct assay_search      *s = searched(&dense, &f, &space);
    cr_assert_gt(s->n_frontier, 2);
    for (size_t i = 0; i < s->n_frontier; i++)
        for (size_t j = 0; j < s->n_frontier; j++)
            cr_expect(i == j || s->frontier[i].kept_ns < s->frontier[j].kept_ns ||
                      s->frontier[i].footprint.total_bytes < s->frontier[j].footprint.total_bytes, "%zu, %zu", i, j);
    free(s);
}

Test(search, more_memory_is_never_slower)
{
    struct assay_search_space space = space_of(64, 64);
    double                    before = INFINITY;
    for (double gb = 20; gb <= 320; gb *= 2) {
        struct assay_fabric f = fabric_of("dgx-h100", 64);
        f.chip.field[ASSAY_DEVICE_MEMORY] = gb * 1e9;
        struct assay_search *s = searched(&dense, &f, &space);
        double               best = s->n_frontier ? s->frontier[s->n_frontier - 1].kept_ns : INFINITY;
        cr_expect_leq(best, before, "%.0f GB: %g s", gb, best * 1e-9);
        before = best;
        free(s);
    }
    cr_expect(isfinite(before));
}

Test(search, where_nothing_fits_the_nearest_plan_says_what_would)
{
    struct assay_fabric       f = fabric_of("dgx-a100", 64);
    struct assay_search_space space = space_of(64, 64);
    char                      text[800];
    struct assay_text         out = ASSAY_TEXT(text);
    struct assay_search      *s = searched(&huge, &f, &space);
    cr_expect_eq(s->n_best, 0);
    cr_expect_gt(s->short_of_memory, 100);
    assay_footprint_explain(&huge, &s->nearest.plan, f.chip.field[ASSAY_DEVICE_MEMORY], &out);
    cr_expect(strstr(text, "too many"), "%s", text);
    free(s);
}

Test(search, the_model_of_2_4_trillion_finds_its_plan_on_512_devices_among_a_hundred_thousand)
{
    struct assay_fabric       f = fabric_of("tianchi512", 512);
    struct assay_search_space space = space_of(512, 2048);
    space.offload = true;
    struct assay_search *s = searched(&huge, &f, &space);
    cr_expect_geq(s->priced + s->short_of_memory, 100000, "%lld priced, %lld do not fit", (long long)s->priced, (long long)s->short_of_memory);
    cr_expect_gt(s->n_best, 0);
    free(s);
}

Test(search, a_batch_that_no_plan_divides_is_refused_with_a_reason)
{
    struct assay_fabric       f = fabric_of("dgx-h100", 64);
    struct assay_search_space space = space_of(64, 0);
    struct assay_search      *s = calloc(1, sizeof *s);
    cr_expect_eq(assay_search_plans(&dense, &f, &coefficients, &space, s, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "no plan divides"), "%s", err.message);
    free(s);
}
