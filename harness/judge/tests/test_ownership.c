#include <criterion/criterion.h>
#include <math.h>

#include "harness/judge/ownership.h"
#include "harness/judge/tests/candidates.h"

#define HOURS "[100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100,100]"
#define COSTS                                                                                                                                     \
    "\"demand\":{\"unit\":\"token\",\"per_s_by_hour\":" HOURS                                                                                     \
    "},\"costs\":{\"currency\":\"CNY\",\"tax_included\":true,\"includes\":\"all\","                                                               \
    "\"prices_valid_until\":\"2027-01-01\",\"host_price\":[800,1000,1200],\"devices_per_host\":8,\"hosts_per_rack\":4,\"host_power_watts\":1000," \
    "\"network_price_per_host\":100,\"power_price_per_kwh\":[0.4,0.5,2],\"pue\":1.2,\"years\":5,\"staff_per_year\":10},"
#define OFFER(name, price, watts, rate)                                                                                          \
    "{\"device\":\"" name "\",\"price\":" price ",\"power_watts\":" watts ",\"at_promise_per_s\":" rate                          \
    ",\"at_promise_source\":\"test\"}"
#define TEXT(offers) POLICY(COSTS "\"offers\":[" offers "],", RULE("a", "mandatory", FIGURE))

static struct scratch       s;
static struct assay_policy  policy;
static struct assay_costing costing;

static void rank(const char *text)
{
    const struct assay_offer *offers[8];
    struct assay_error        err;
    s = scratch_new();
    cr_assert_eq(policy_of(&s, text, &policy, &err), ASSAY_OK, "%s %s", err.message, err.hint);
    for (size_t i = 0; i < policy.n_offers; i++) {
        offers[i] = &policy.offers[i];
        cr_assert(assay_cost_is_known(&policy, offers[i]));
    }
    cr_assert_eq(assay_cost_rank(&policy, offers, policy.n_offers, &costing, &err), ASSAY_OK);
}

static void done(void)
{
    assay_costing_release(&costing);
    assay_policy_release(&policy);
    scratch_remove(&s);
}

Test(ownership, is_the_sum_that_a_hand_gives)
{
    rank(TEXT(OFFER("a", "50", "300", "[9,10,11]")));
    const struct assay_ownership *c = &costing.costs[0];
    /* 100 a second at 9 a device are 12 devices, 2 hosts, 1 rack */
    cr_expect(c->devices == 12 && c->hosts == 2 && c->racks == 1);
    double watts = 12 * 300 + 2 * 1000, kwh = watts * 1.2 * 5 * 8766 / 1000;
    cr_expect(fabs(c->kilowatts - watts * 1.2 / 1000) < 1e-9);
    cr_expect(fabs(c->middle - (12 * 50 + 2 * 1100 + kwh * 0.5 + 50)) < 1e-6, "%.6f", c->middle);
    cr_expect(fabs(c->low - (12 * 50 + 2 * 900 + kwh * 0.4 + 50)) < 1e-6 &&
              fabs(c->high - (12 * 50 + 2 * 1300 + kwh * 2 + 50)) < 1e-6);
    cr_expect(fabs(c->per_million - c->middle / (100 * 5 * 8766.0 * 3600) * 1e6) < 1e-9);
    done();
}

Test(ownership, a_decision_flips_exactly_where_its_sensitivity_says)
{
    size_t seen = 0;
    rank(TEXT(
        OFFER("frugal", "9000", "200", "10") "," OFFER("cheap", "2000", "800", "9") "," OFFER("middling", "5000", "500", "7")));
    for (size_t i = 0; i < costing.n_flips; i++) {
        const struct assay_cost_flip *f = &costing.flips[i];
        double                        sign[2];
        for (int side = 0; side < 2; side++) {
            double in_a[ASSAY_COST_INPUTS], in_b[ASSAY_COST_INPUTS], value = f->value * (side ? 1 + 1e-9 : 1 - 1e-9);
            assay_cost_middle(&policy, costing.costs[f->a].offer, in_a);
            assay_cost_middle(&policy, costing.costs[f->b].offer, in_b);
            if (f->of < 0 || f->of == (int)f->a)
                in_a[f->input] = value;
            if (f->of < 0 || f->of == (int)f->b)
                in_b[f->input] = value;
            sign[side] = assay_cost_of(&policy, &costing.costs[f->b], in_b) - assay_cost_of(&policy, &costing.costs[f->a], in_a);
        }
        cr_expect(sign[0] * sign[1] < 0, "flip %zu at %.9g: %g and %g", i, f->value, sign[0], sign[1]);
        seen++;
    }
    cr_expect(seen >= 4, "%zu", seen);
    done();
}

Test(ownership, what_is_cheaper_under_every_assumption_always_comes_first)
{
    rank(TEXT(OFFER("dear", "[9000,9500,9900]", "300", "10") "," OFFER("good", "[900,1000,1100]", "300", "10")));
    cr_expect_str_eq(costing.costs[0].offer->device, "good");
    cr_expect(costing.beats[1] && !costing.beats[2]);
    cr_expect(costing.costs[0].first_low == 1 && costing.costs[1].first_high == 0);
    done();
}

Test(ownership, what_depends_on_assumptions_is_a_range_of_probabilities)
{
    rank(TEXT(OFFER("frugal", "[8000,9000,9500]", "200", "10") "," OFFER("cheap", "[1000,2000,2500]", "500", "10")));
    cr_expect(!costing.beats[1] && !costing.beats[2]);
    for (size_t i = 0; i < 2; i++)
        cr_expect(costing.costs[i].first_low < costing.costs[i].first_high, "%g %g", costing.costs[i].first_low,
                  costing.costs[i].first_high);
    cr_expect(fabs(costing.costs[0].first_low + costing.costs[1].first_high - 1) < 1e-9, "of two, one is first");
    done();
}

Test(ownership, is_not_computed_without_a_promise)
{
    struct assay_error err;
    s = scratch_new();
    cr_assert_eq(policy_of(&s, TEXT("{\"device\":\"a\",\"price\":1,\"power_watts\":1}"), &policy, &err), ASSAY_OK, "%s",
                 err.message);
    cr_expect(!assay_cost_is_known(&policy, &policy.offers[0]) && !assay_cost_is_known(&policy, NULL));
    assay_policy_release(&policy);
    scratch_remove(&s);
}

Test(ownership, a_withdrawal_that_changes_an_order_is_found)
{
    /* with the cheap one there, a's price costs it dearly; without it, not */
    const struct assay_standing reverses[] = {{40, 300}, {10, 150}, {0, 50}}, stays[] = {{40, 100}, {30, 110}, {20, 120}};
    size_t                      who[3];
    cr_assert(assay_rank_reverses(reverses, 3, 100, who));
    cr_expect_eq(who[0], 2u);
    cr_expect(who[1] == 0 && who[2] == 1);
    cr_expect(!assay_rank_reverses(stays, 3, 30, who));
}
