#include "harness/load/peak.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "assay/banned.h"

/* A device whose highest valid rate is known; between it and `invalid_from` nothing can be settled. */
static double   holds, invalid_from;
static uint32_t asked;
static double   last_qps;

static enum assay_code look(void *self, const struct assay_peak_asked *a, struct assay_peak_look *out, struct assay_error *err)
{
    (void)self;
    if (asked == 12)
        return ASSAY_FAIL(err, ASSAY_DEVICE, "broken");
    cr_expect_eq(a->look, asked++);
    cr_expect(a->level > 0 && a->level * ASSAY_PEAK_LOOKS <= ASSAY_PEAK_LEVEL * 1.0001, "each has its share");
    cr_expect(pow(0.99, (double)a->queries) < a->level, "enough queries to settle something");
    cr_expect_eq(a->effort, a->qps == last_qps ? 4 : 1, "the same rate again is looked at longer");
    last_qps = a->qps;
    *out = (struct assay_peak_look){.qps = a->qps, .n = a->queries,
                                    .verdict = a->qps <= holds ? ASSAY_SETTLED_VALID : a->qps >= invalid_from
                                        ? ASSAY_SETTLED_INVALID : ASSAY_UNDECIDED};
    return ASSAY_OK;
}

static struct assay_peak find(double capacity, double valid_to, double invalid)
{
    struct assay_peak_search how = {.capacity_qps = capacity, .percentile = 0.99, .look = look};
    struct assay_peak        peak;
    struct assay_error       err = {0};
    holds = valid_to;
    invalid_from = invalid;
    asked = 0;
    last_qps = 0;
    cr_assert_eq(assay_peak_find(&how, &peak, &err), ASSAY_OK);
    cr_expect_eq(peak.n, asked);
    return peak;
}

Test(peak, lies_between_the_highest_valid_and_the_lowest_invalid_rate)
{
    struct assay_peak p = find(100, 83, 84);
    cr_expect(p.low_qps <= 83 && p.low_qps > 83 / 1.07, "%g", p.low_qps);
    cr_expect(p.high_qps >= 84 && p.high_qps < 84 * 1.07, "%g", p.high_qps);
}

Test(peak, undecided_rates_stop_the_ascent_and_the_other_end_is_looked_for_above)
{
    struct assay_peak p = find(100, 70, 110);
    cr_expect(p.low_qps <= 70 && p.low_qps > 60, "%g", p.low_qps);
    cr_expect(p.high_qps >= 110, "%g", p.high_qps);
}

Test(peak, of_a_device_much_slower_than_it_seemed_is_found_further_down)
{
    struct assay_peak p = find(100, 12, 13);
    cr_expect(p.low_qps > 9 && p.low_qps <= 12, "%g", p.low_qps);
}

Test(peak, is_none_where_nothing_is_valid)
{
    struct assay_peak p = find(100, 0.001, 0.002);
    char              room[200];
    struct assay_text text = ASSAY_TEXT(room);
    cr_expect(p.low_qps == 0 && p.n == 3);
    assay_peak_say(&p, &text);
    cr_expect(strstr(room, "3 looks: 40/s invalid; 10/s invalid; 2.5/s invalid"), "%s", room);
}

Test(peak, is_not_looked_for_below_what_is_of_interest)
{
    struct assay_peak_search how = {.capacity_qps = 100, .percentile = 0.99, .floor_qps = 60, .look = look};
    struct assay_peak        peak;
    struct assay_error       err = {0};
    holds = 59;
    invalid_from = 60;
    asked = 0;
    cr_assert_eq(assay_peak_find(&how, &peak, &err), ASSAY_OK);
    cr_expect(peak.n == 1 && peak.low_qps == 0 && peak.look[0].qps == 60);
    how.capacity_qps = 300; /* whose first look is above what holds: it goes back to what is of interest, and not below */
    holds = 61;
    invalid_from = 62;
    asked = 0;
    cr_assert_eq(assay_peak_find(&how, &peak, &err), ASSAY_OK);
    cr_expect(peak.look[0].qps == 120 && peak.look[1].qps == 60 && peak.low_qps == 60);
    how.capacity_qps = 100;
    holds = 90;
    invalid_from = 91;
    asked = 0;
    last_qps = 0;
    cr_assert_eq(assay_peak_find(&how, &peak, &err), ASSAY_OK);
    cr_expect(peak.look[0].qps == 60 && peak.low_qps > 90 / 1.07 && peak.low_qps <= 90);
}

/* What is undecided because latencies hang together: the first look's n and phi, and the effort of the second. */
static struct { double phi; uint64_t n; uint32_t effort; } correlated;
static enum assay_code look_correlated(void *self, const struct assay_peak_asked *a, struct assay_peak_look *out, struct assay_error *err)
{
    (void)self, (void)err;
    correlated.effort = a->effort;
    *out = (struct assay_peak_look){.qps = a->qps, .n = correlated.n * a->effort, .phi = correlated.phi,
                                    .verdict = a->effort > 1 ? ASSAY_SETTLED_INVALID : ASSAY_UNDECIDED};
    return ASSAY_OK;
}

static uint32_t second_effort_at(double percentile, double phi, uint64_t n, double qps)
{
    struct assay_peak_search how = {.capacity_qps = 1, .floor_qps = qps, .percentile = percentile, .look = look_correlated};
    struct assay_peak        peak;
    struct assay_error       err = {0};
    correlated.phi = phi;
    correlated.n = n;
    cr_assert_eq(assay_peak_find(&how, &peak, &err), ASSAY_OK);
    cr_expect_eq(peak.n, 2);
    return correlated.effort;
}

static uint32_t second_effort(double phi, uint64_t n, double qps)
{
    return second_effort_at(0.99, phi, n, qps);
}

/* At p99 and 0.01 / 16 none over the limit of 734 independent ones settles it; twice that is asked for. */
Test(peak, second_look_is_as_long_as_latencies_that_hang_together_ask_for)
{
    cr_expect_eq(second_effort(1, 2000, 1e6), 4);
    cr_expect_eq(second_effort(5.4, 2000, 1e6), 4, "7,930 of 8,000");
    cr_expect_eq(second_effort(5.5, 2000, 1e6), 8, "8,076 of 8,000");
    cr_expect_eq(second_effort(1000, 2000, 1e6), 16, "and no longer");
    cr_expect_eq(second_effort(1000, 2000, 1601), 16, "32,000 of 1,601 a second take just less than 20 s");
    cr_expect_eq(second_effort(1000, 2000, 1600), 8, "32,000 of 1,600 a second do not");
    cr_expect_eq(second_effort(1000, 2000, 800), 4);
    cr_expect_eq(second_effort_at(0.5, 39.9, 2000, 1e6), 4, "200 independent ones: 7,980 of 8,000");
    cr_expect_eq(second_effort_at(0.5, 40.1, 2000, 1e6), 8, "8,020 of 8,000");
}

Test(peak, failure_of_a_look_ends_the_search)
{
    struct assay_peak_search how = {.capacity_qps = 1, .percentile = 0.99, .look = look};
    struct assay_peak        peak;
    struct assay_error       err = {0};
    asked = 12;
    cr_expect_eq(assay_peak_find(&how, &peak, &err), ASSAY_DEVICE);
    cr_expect(strstr(err.frame[0], "looking at"));
}

Test(peak, rates_only_ascend_within_a_ladder)
{
    struct assay_peak p = find(100, 83, 84);
    for (uint32_t i = 1; i < p.n; i++)
        cr_expect(p.look[i].qps > p.look[i - 1].qps || p.look[i - 1].verdict != ASSAY_SETTLED_VALID);
}

Test(peak, is_run_once_more_at_the_highest_valid_rate_with_three_times_its_queries)
{
    struct assay_scenario s = {.min_queries = 100};
    struct assay_peak     p = {.low_qps = 50, .n = 3, .look = {{.qps = 40, .n = 1000}, {.qps = 50, .n = 700}, {.qps = 60, .n = 5000}}};
    assay_peak_take(&p, &s);
    cr_expect(s.qps == 50 && s.min_queries == 2100);
    s.min_queries = 3000;
    assay_peak_take(&p, &s);
    cr_expect_eq(s.min_queries, 3000u, "never fewer than were asked for");
    p.low_qps = 0;
    s.min_queries = 1;
    assay_peak_take(&p, &s);
    cr_expect(s.qps == 40 && s.min_queries == 3000, "none was valid: the first that was looked at");
}
