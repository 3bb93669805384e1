#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/judge/expression.h"

static struct assay_expression parse(const char *text)
{
    struct assay_expression e = {.n = 0};
    struct assay_error      err = {0};
    cr_assert_eq(assay_expression_parse(text, &e, &err), ASSAY_OK, "%s: %s", text, err.message);
    return e;
}

static const char *refusal(const char *text)
{
    static struct assay_error err;
    struct assay_expression   e;
    memset(&err, 0, sizeof err);
    cr_assert_neq(assay_expression_parse(text, &e, &err), ASSAY_OK, "%s", text);
    return err.message;
}

Test(expression, takes_direction_from_the_table_of_metrics)
{
    cr_expect_eq(parse("latency_ns").better, ASSAY_BETTER_LOWER);
    cr_expect_eq(parse("items_per_s").better, ASSAY_BETTER_HIGHER);
    cr_expect_eq(parse("items_per_s / energy_joules").better, ASSAY_BETTER_HIGHER);
    cr_expect_eq(parse("energy_joules*latency_ns").better, ASSAY_BETTER_LOWER);
    cr_expect(strstr(refusal("items_per_s * latency_ns"), "no direction"));
    cr_expect(strstr(refusal("ceiling_flops_per_s"), "neither more nor less is better"));
}

Test(expression, refuses_what_is_no_product_of_metrics)
{
    static const char *const wrong[] = {"",
                                        " ",
                                        "latency",
                                        "latency_ns +first_ns",
                                        "latency_ns /",
                                        "/latency_ns",
                                        "1/latency_ns",
                                        "latency_ns latency_ns",
                                        "(latency_ns)",
                                        "latency_ns*latency_ns*latency_ns*latency_ns*latency_ns"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect(*refusal(wrong[i]));
}

Test(expression, knows_when_units_are_mixed)
{
    static const struct {
        char   expression[40], unit[12];
        double si; /* 0: mixed */
    } rows[] = {
        {"latency_ns", "ms", 1e-3},
        {"latency_ns", "1/s", 0},
        {"flops_per_s", "Tflop/s", 1e12},
        {"bytes_per_s", "TB/s", 1e12},
        {"bytes_per_s", "Tflop/s", 0},
        {"bytes_per_s", "GiB/s", 1073741824.0},
        {"items_per_s", "1/s", 1},
        {"items_per_s", "flop/s", 0},
        {"peak_share", "%", 0.01},
        {"resident_peak_bytes", "GiB", 1073741824.0},
        {"resident_peak_bytes", "GB/s", 0},
        {"energy_joules", "W", 0},
        {"flops_per_s / energy_joules", "Gflop/J", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_expression e = parse(rows[i].expression);
        struct assay_error      err = {0};
        double                  si = 0;
        enum assay_code         code = assay_expression_unit(&e, rows[i].unit, &si, &err);
        cr_expect_eq(code == ASSAY_OK, rows[i].si > 0, "%s in %s: %s", rows[i].expression, rows[i].unit, err.message);
        cr_expect(code != ASSAY_OK || si == rows[i].si);
        cr_expect(code == ASSAY_OK || strstr(err.message, "units are mixed"), "%s", err.message);
    }
}

Test(expression, every_metric_has_a_unit_that_policies_know)
{
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
        struct assay_expression e;
        struct assay_error      err = {0};
        enum assay_code         code = assay_expression_parse(assay_metric_row((enum assay_metric)m)->name, &e, &err);
        cr_expect_neq(code, ASSAY_INTERNAL, "%s", err.message);
    }
}

Test(expression, values_are_in_si_units_and_a_missing_factor_is_named)
{
    struct assay_record    *r = calloc(1, sizeof *r);
    struct assay_expression e = parse("latency_ns * energy_joules");
    enum assay_metric       lacks = ASSAY_METRIC_COUNT;
    double                  value;
    r->metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){.has_value = true, .value = 2e6};
    cr_expect(!assay_expression_value(&e, r, &value, &lacks) && lacks == ASSAY_METRIC_energy_joules);
    r->metric[ASSAY_METRIC_energy_joules] = (struct assay_metric_value){.has_value = true, .value = 5};
    cr_assert(assay_expression_value(&e, r, &value, &lacks));
    cr_expect(fabs(value - 0.01) < 1e-15, "%g", value);
    free(r);
}

Test(expression, the_range_of_a_quotient_exchanges_the_ends_and_has_no_point_where_a_factor_has_none)
{
    struct assay_summary_row *row = calloc(1, sizeof *row);
    struct assay_expression   e = parse("items_per_s / energy_joules");
    row->metric[ASSAY_METRIC_items_per_s] =
        (struct assay_estimate){.has_value = true, .has_interval = true, .value = 100, .low = 80, .high = 120, .level = 0.8};
    row->metric[ASSAY_METRIC_energy_joules] =
        (struct assay_estimate){.has_interval = true, .low = 2, .high = 4, .level = 0.8, .why = "only a range"};
    struct assay_estimate out = assay_expression_range(&e, row);
    cr_expect(!out.has_value && out.has_interval);
    cr_expect(out.low == 20 && out.high == 60 && out.level == 0.8, "%g %g", out.low, out.high);
    cr_expect_str_eq(out.why, "only a range");
    free(row);
}

Test(expression, what_is_quoted_in_a_message_is_of_one_line)
{
    struct assay_expression e;
    struct assay_error      err = {.code = ASSAY_OK};
    double                  si;
    cr_expect_eq(assay_expression_parse("latency\ns", &e, &err), ASSAY_CONFIG);
    cr_expect(*err.message && !strchr(err.message, '\n'), "%s", err.message);
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert_eq(assay_expression_parse("latency_ns", &e, &err), ASSAY_OK);
    cr_expect_eq(assay_expression_unit(&e, "m\ns", &si, &err), ASSAY_CONFIG);
    cr_expect(*err.message && !strchr(err.message, '\n'), "%s", err.message);
}
