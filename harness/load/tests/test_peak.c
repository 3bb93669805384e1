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
    cr_expect(strstr(room, "3 looks: 40/s invalid, 10/s invalid, 2.5/s invalid"), "%s", room);
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
