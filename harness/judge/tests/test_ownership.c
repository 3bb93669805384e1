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
static struct assay_bid     bids[8];

static void rank(const char *text)
{
    struct assay_error err;
    s = scratch_new();
    cr_assert_eq(policy_of(&s, text, &policy, &err), ASSAY_OK, "%s %s", err.message, err.hint);
    for (size_t i = 0; i < policy.n_offers; i++) {
        bids[i] = (struct assay_bid){.offer = &policy.offers[i]};
        cr_assert(assay_cost_is_known(&policy, bids[i].offer));
    }
    cr_assert_eq(assay_cost_rank(&policy, bids, policy.n_offers, &costing, &err), ASSAY_OK);
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
    cr_expect(fabs(c->kilowatts.middle - watts * 1.2 / 1000) < 1e-9);
    cr_expect(fabs(c->middle - (12 * 50 + 2 * 1100 + kwh * 0.5 + 50)) < 1e-6, "%.6f", c->middle);
    cr_expect(fabs(c->low - (12 * 50 + 2 * 900 + kwh * 0.4 + 50)) < 1e-6 &&
              fabs(c->high - (12 * 50 + 2 * 1300 + kwh * 2 + 50)) < 1e-6);
    cr_expect(fabs(c->per_million.middle - c->middle / (100 * 5 * 8766.0 * 3600) * 1e6) < 1e-9);
    done();
}

/* Is b the cheaper one of the two by a policy whose input has this value? The policy is written anew and everything computed again. */
static bool decides_for_b(const struct assay_cost_flip *f, double value)
{
    struct assay_policy p = policy;
    struct assay_offer  o[2] = {*costing.costs[f->a].offer, *costing.costs[f->b].offer};
    struct assay_range  to = {value, value, value}, *common[] = {&p.costs.host_price, &p.costs.network_price, &p.costs.power_price_per_kwh,
                                                                &p.costs.pue,        &p.costs.years,         &p.costs.staff_per_year,
                                                                &p.costs.load_share};
    if (f->of < 0)
        *common[f->input] = to;
    else {
        struct assay_offer *own = &o[f->of == (int)f->b];
        *(f->input == ASSAY_COST_PRICE ? &own->price : f->input == ASSAY_COST_POWER ? &own->power_watts : &own->at_promise_per_s) = to;
    }
    struct assay_bid     two[] = {{.offer = &o[0]}, {.offer = &o[1]}};
    struct assay_costing again;
    struct assay_error   err = {0};
    cr_assert_eq(assay_cost_rank(&p, two, 2, &again, &err), ASSAY_OK);
    bool b = again.costs[0].offer == &o[1];
    assay_costing_release(&again);
    return b;
}

/* With demand that grows, the years decide how many devices are bought, in steps: a flip is where the order of an edited policy is. */
Test(ownership, a_decision_flips_exactly_where_its_sensitivity_says)
{
    static const char demands[][40] = {"\"growth_per_year\":0,", "\"growth_per_year\":0.4,"};
    bool              inputs[ASSAY_COST_FLIPPABLE] = {false};
    for (size_t d = 0; d < 2; d++) {
        static const char whole[] =
            TEXT(OFFER("frugal", "9000", "200", "10") "," OFFER("cheap", "2000", "800", "9") "," OFFER("middling", "5000", "500", "[6,7,8]"));
        static const char demand[] = "\"demand\":{";
        const char       *rest = strstr(whole, demand) + strlen(demand);
        char              room[6000];
        struct assay_text text = ASSAY_TEXT(room);
        assay_text_add(&text, "%.*s%s%s", (int)(rest - whole), whole, demands[d], rest);
        rank(room);
        for (size_t i = 0; i < costing.n_flips; i++) {
            const struct assay_cost_flip *f = &costing.flips[i];
            double before = f->value * (f->rising ? 1 - 1e-9 : 1 + 1e-9), after = f->value * (f->rising ? 1 + 1e-9 : 1 - 1e-9);
            cr_expect(!decides_for_b(f, before) && decides_for_b(f, after), "demand %zu flip %zu: input %d of %d at %.9g", d, i, f->input,
                      f->of, f->value);
            inputs[f->input] = true;
        }
        done();
    }
    cr_expect(inputs[ASSAY_COST_PRICE] && inputs[ASSAY_COST_POWER] && inputs[ASSAY_COST_PROMISE] && inputs[ASSAY_COST_POWER_PRICE] &&
              inputs[ASSAY_COST_YEARS]);
}

Test(ownership, draws_hold_what_throughput_may_be_and_the_weight_of_the_price)
{
    /* the same but for a throughput that may be half as much: it is bought for that, and mostly better than that */
    rank(TEXT(OFFER("sure", "[1000,1000,1000]", "1", "10") "," OFFER("wide", "[800,800,800]", "1", "[5,10,10]")));
    cr_expect_str_eq(costing.costs[0].offer->device, "sure");
    cr_expect(!costing.beats[1], "by its upper end the other may be cheaper");
    cr_expect(costing.costs[1].first_high > 0.02 && costing.costs[1].first_high < 0.9, "%g", costing.costs[1].first_high);
    done();
    /* points: the dear one is worth 20 more; the price has 10 of 100 points, or 90 */
    rank(POLICY(COSTS "\"price_points\":[10,50,90],\"all_points\":100,\"offers\":[" OFFER("dear", "2000", "300", "10") ","
                    OFFER("cheap", "500", "300", "10") "],", RULE("a", "mandatory", FIGURE)));
    bids[0].points_low = bids[0].points_high = 50;
    bids[1].points_low = bids[1].points_high = 30;
    assay_costing_release(&costing);
    struct assay_error err = {0};
    cr_assert_eq(assay_cost_rank(&policy, bids, 2, &costing, &err), ASSAY_OK);
    for (size_t i = 0; i < 2; i++)
        cr_expect(costing.costs[i].best_low == 0 && costing.costs[i].best_high == 1, "the weight decides: %g to %g", costing.costs[i].best_low,
                  costing.costs[i].best_high);
    cr_expect(costing.costs[0].first_low == 1, "the cheap one costs least whatever the weight");
    done();
}

/* With one factor for all that a model was asked about, two modelled candidates err together and the better one wins more often. */
Test(ownership, modelled_candidates_err_together)
{
    double wins[2];
    for (int modelled = 0; modelled < 2; modelled++) {
        rank(TEXT(OFFER("a", "1000", "300", "[0.5,1,2]") "," OFFER("b", "1000", "300", "[0.45,0.9,1.8]")));
        for (size_t i = 0; i < 2; i++)
            policy.offers[i].promise_evidence = modelled ? ASSAY_EVIDENCE_MODELLED : 0;
        assay_costing_release(&costing);
        struct assay_error err = {0};
        cr_assert_eq(assay_cost_rank(&policy, bids, 2, &costing, &err), ASSAY_OK);
        wins[modelled] = (costing.costs[0].first_low + costing.costs[0].first_high) / 2;
        done();
    }
    cr_expect(wins[1] > wins[0] + 0.02, "%g alone, %g together", wins[0], wins[1]);
}

Test(ownership, without_prices_a_relation_of_prices_is_known)
{
    double ratio, offset;
    rank(TEXT(OFFER("a", "1000", "300", "10") "," OFFER("b", "1000", "900", "20")));
    assay_price_parity(&policy, &policy.offers[0], &policy.offers[1], &ratio, &offset);
    struct assay_policy p = policy;
    struct assay_offer  a = policy.offers[0], b = policy.offers[1];
    b.price = (struct assay_range){777, 777, 777};
    double price = ratio * 777 + offset;
    a.price = (struct assay_range){price, price, price};
    cr_expect(fabs(assay_ownership_of(&p, &a).middle - assay_ownership_of(&p, &b).middle) < 1e-6);
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
