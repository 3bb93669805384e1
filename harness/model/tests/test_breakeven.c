#include "harness/model/breakeven.h"

#include <math.h>

#include "harness/model/tests/described.h"

#include "assay/banned.h"

static struct assay_error err;
static struct assay_described *device, *rival;
static struct assay_graph *g;
static struct assay_contest *c;
static struct assay_fitted fitted;

static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert_eq(assay_fitted_read(NULL, &fitted, &err), ASSAY_OK, "%s", err.message);
}
static void tear_down(void)
{
    assay_contest_free(c);
    assay_graph_free(g);
    assay_described_free(device);
    assay_described_free(rival);
}
TestSuite(breakeven, .init = set_up, .fini = tear_down, .timeout = 60);

/* One product of rows x 8192 by 8192 x 8192 in bf16: few rows are limited by memory, many by work. */
static void meet(const char *a, const char *b, int64_t rows)
{
    int32_t in[2], out;
    tear_down();
    c = NULL;
    g = assay_graph_new("product");
    in[0] = assay_graph_input(g, "a", ASSAY_BF16, 2, (int64_t[]){rows, 8192}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "b", ASSAY_BF16, 2, (int64_t[]){8192, 8192}, ASSAY_FILL_SIGNED);
    out = assay_graph_op(g, "MatMul", "y", in, 2, NULL);
    assay_graph_output(g, out);
    cr_assert(!assay_graph_finish(g, &err) && !assay_described_find(a, &device, &err) &&
                  !assay_described_find(b, &rival, &err),
              "%s", err.message);
    cr_assert_eq(assay_contest_new(g, device, rival, 0, &fitted, &c, &err), ASSAY_OK, "%s", err.message);
}

/* The chance after the device's field has been set to that value for sure. */
static double chance_with(enum assay_device_field field, double value)
{
    struct assay_contest *other = NULL;
    double chance = NAN;
    struct assay_quantity kept = device->fields[field];
    device->fields[field].value = device->fields[field].low = device->fields[field].high = value;
    cr_assert_eq(assay_contest_new(g, device, rival, 0, &fitted, &other, &err), ASSAY_OK, "%s", err.message);
    chance = assay_contest_chance(other);
    assay_contest_free(other);
    device->fields[field] = kept;
    return chance;
}

Test(breakeven, a_device_that_gets_the_number_asked_for_has_the_chance_that_was_promised)
{
    struct assay_need need;
    meet("m100", "h200-sxm", 4096);
    assay_contest_need(c, ASSAY_DEVICE_PEAK_BF16, &need);
    cr_assert(need.even_is == ASSAY_NEED_VALUE && need.sure_is == ASSAY_NEED_VALUE && need.sure > need.even, "%g %g",
              need.even, need.sure);
    cr_expect(fabs(chance_with(ASSAY_DEVICE_PEAK_BF16, need.even) - 0.5) < 0.03, "%g",
              chance_with(ASSAY_DEVICE_PEAK_BF16, need.even));
    cr_expect(fabs(chance_with(ASSAY_DEVICE_PEAK_BF16, need.sure) - 0.9) < 0.03, "%g",
              chance_with(ASSAY_DEVICE_PEAK_BF16, need.sure));
    cr_expect(assay_contest_chance(c) < 0.5);
}

Test(breakeven, a_device_against_itself_is_even_at_what_it_has)
{
    struct assay_need need;
    meet("h200-sxm", "h200-sxm", 4096);
    cr_expect(fabs(assay_contest_chance(c) - 0.5) < 0.12, "%g", assay_contest_chance(c));
    assay_contest_need(c, ASSAY_DEVICE_PEAK_BF16, &need);
    cr_expect(fabs(log(need.even / device->fields[ASSAY_DEVICE_PEAK_BF16].value)) < 0.1, "%g", need.even);
    assay_contest_need(c, ASSAY_DEVICE_PRICE, &need);
    cr_expect(fabs(log(need.even / (need.is_ratio ? 1 : rival->fields[ASSAY_DEVICE_PRICE].value))) < 0.1, "%g",
              need.even);
    assay_contest_need(c, ASSAY_DEVICE_POWER, &need);
    cr_expect(need.at_most && fabs(log(need.even / 700)) < 0.15 && need.sure < need.even, "%g", need.even);
}

Test(breakeven, a_number_that_others_limit_is_said_to_suffice_at_no_value)
{
    struct assay_need need;
    meet("a100-sxm-80gb", "b200-sxm", 16384);
    assay_contest_need(c, ASSAY_DEVICE_BANDWIDTH, &need);
    cr_expect(!need.moves || (need.sure_is == ASSAY_NEED_NEVER && strstr(need.limit, "matrix")), "%s", need.limit);
    assay_contest_need(c, ASSAY_DEVICE_SCALE_UP, &need);
    cr_expect(!need.moves && !*need.why_not, "no link is used");
    assay_contest_need(c, ASSAY_DEVICE_PEAK_F4, &need);
    cr_expect(strstr(need.why_not, "not supported"), "'%s'", need.why_not);
}

Test(breakeven, a_limit_on_the_time_is_kept_with_the_number_asked_for)
{
    struct assay_contest *limited = NULL;
    struct assay_need need;
    meet("m100", "h200-sxm", 4096);
    double limit_ns = assay_contest_device(c)->p10_ns;
    cr_assert_eq(assay_contest_new(g, device, NULL, limit_ns, &fitted, &limited, &err), ASSAY_OK, "%s", err.message);
    cr_expect(fabs(assay_contest_chance(limited) - 0.1) < 0.02, "by what the tenth percentile is: %g",
              assay_contest_chance(limited));
    assay_contest_need(limited, ASSAY_DEVICE_PEAK_BF16, &need);
    cr_expect(need.even_is == ASSAY_NEED_VALUE && need.even > device->fields[ASSAY_DEVICE_PEAK_BF16].low);
    assay_contest_need(limited, ASSAY_DEVICE_PRICE, &need);
    cr_expect(*need.why_not && !need.moves);
    assay_contest_free(limited);
}

Test(breakeven, more_bandwidth_never_asks_for_more_peak)
{
    double even[3], sure[3];
    meet("m100", "ascend-910c", 64);
    enum assay_device_field peak = assay_contest_peak(c);
    cr_assert_eq(peak, ASSAY_DEVICE_PEAK_BF16);
    for (size_t i = 0; i < 3; i++)
        assay_contest_trade(c, peak, (double[]){1e12, 3e12, 9e12}[i], &even[i], &sure[i]);
    cr_expect(even[0] >= even[1] && even[1] >= even[2] && sure[0] >= sure[1] && sure[1] >= sure[2]);
    cr_expect(isinf(even[0]) && isfinite(even[2]), "%g %g", even[0], even[2]);
}

Test(breakeven, a_device_without_the_format_is_refused_with_the_field)
{
    tear_down();
    c = NULL;
    g = assay_graph_new("product");
    int32_t in[2] = {assay_graph_input(g, "a", ASSAY_F64, 2, (int64_t[]){64, 64}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "b", ASSAY_F64, 2, (int64_t[]){64, 64}, ASSAY_FILL_SIGNED)};
    int32_t out = assay_graph_op(g, "MatMul", "y", in, 2, NULL);
    assay_graph_output(g, out);
    cr_assert(!assay_graph_finish(g, &err) && !assay_described_find("m100", &device, &err) &&
              !assay_described_find("h200", &rival, &err));
    cr_expect_eq(assay_contest_new(g, device, rival, 0, &fitted, &c, &err), ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "peak_f64_flops_per_s") && strstr(err.frame[err.nframes - 1], "m100"), "%s",
              err.message);
}
