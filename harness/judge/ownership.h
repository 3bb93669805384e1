/* Cost of ownership of what the policy's demand takes, candidate by candidate, and what their order rests on.
 *
 *     n      = ceil(peak (1 + spares) / q)           devices; q: lower end of the throughput at the promise of one
 *                                                    peak: highest hour of the day times (1 + growth)^years, years in the middle
 *     hosts  = ceil(n / devices per host)               racks = ceil(hosts / hosts per rack)
 *                                                    ceil after rounding to nine digits behind the point: what is 3 but for the
 *                                                    roundings of a product is 3
 *     C      = (n price + hosts (host price + network)) (1 + tax) + staff years
 *              + (n W + hosts W_host) pue load years 8766 h / 1000 kWh price
 *
 * tax is 0 where prices include it. n is what is bought, so it stays while years pass; for that n, C is linear in each input by
 * itself, and rises with each, so it is least and most at the ends of the ranges, and a difference of two costs is extreme at
 * their corners. Dominance holds under every assumption: the one bought for the lower end of its throughput at its dearest, the
 * other for the upper end of its own at its cheapest, at each corner of what is common.
 *
 * Of a system of many devices price and W are a device's share of the whole, hosts and network with it: hosts is 0. Where W is what the
 * system draws from the grid, pue is 1.
 *
 * Per million of the demand's unit: C over what is served in the years; per training run: C times the share of the years that a
 * run takes on all devices; per watt: throughput at the promise over the power of the device. Each with its ends; without a middle
 * where throughput or power has none.
 *
 * A flip is the value of one input, all else in the middle, at which two candidates change places: the nearest one within a factor
 * of 16. It is found on C as a policy with that value gives it, n included, by bisection, so that the policy edited to either side
 * of it decides differently.
 *
 * Rank probability: two loops. The outer one takes points in the box of what is assumed and common to all candidates (host and
 * network prices, power price, PUE, years, staff, load, points of the price), uniformly. The inner one draws each candidate's own
 * price and power, triangular over its range, and its throughput, log-triangular around its middle or log-uniform without one; of
 * modelled candidates half of the variance of that is one factor shared by all, as one model errs. n follows. Printed are the
 * least and the greatest share of inner draws in which a candidate costs least, or has the most points, over the outer points,
 * with the Monte Carlo error of one share. Nothing of offline throughput enters. */
#ifndef ASSAY_JUDGE_OWNERSHIP_H
#define ASSAY_JUDGE_OWNERSHIP_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "harness/judge/policy.h"

#define ASSAY_HOURS_A_YEAR 8766.0

enum assay_cost_input {
    ASSAY_COST_HOST_PRICE, ASSAY_COST_NETWORK, ASSAY_COST_POWER_PRICE, ASSAY_COST_PUE, ASSAY_COST_YEARS, ASSAY_COST_STAFF, ASSAY_COST_LOAD,
    ASSAY_COST_COMMON, /* so many are shared; those that follow are a candidate's own */
    ASSAY_COST_PRICE = ASSAY_COST_COMMON, ASSAY_COST_POWER, ASSAY_COST_INPUTS,
    ASSAY_COST_PROMISE = ASSAY_COST_INPUTS, /* not an input of C but of n */
    ASSAY_COST_FLIPPABLE
};

/* Who is ranked: terms, and the points of its rules. */
struct assay_bid {
    const struct assay_offer *offer;
    double                    points_low, points_high;
};

struct assay_ownership {
    const struct assay_offer *offer;
    size_t             bid; /* which of those ranked */
    bool               has_middle, has_power, has_cost;
    double             devices, hosts, racks; /* for the lower end of the throughput; hosts and racks are 0 of a system */
    double             systems;               /* that hold so many devices; 0: what is offered is no system */
    struct assay_range kilowatts;             /* with PUE; has_power */
    double             low, middle, high;     /* of ownership; has_cost */
    struct assay_range per_million, per_run, per_watt; /* all 0: not asked, or not known */
    double             first_low, first_high, error;   /* share of draws in which it costs least; Monte Carlo error of one share */
    double             best_low, best_high;            /* in which it has the most points */
};

/* All others in the middle, candidates `a` (cheaper) and `b` change places when `input` (of `of`; -1: common) comes to this value.
 * It is the first value at which they have. */
struct assay_cost_flip {
    size_t                a, b;
    enum assay_cost_input input;
    int                   of;
    double                value;
    bool                  in_range, rising; /* rising: it changes as the input grows from what is assumed to the value */
};

struct assay_costing {
    struct assay_ownership *costs; /* cheapest in the middle first */
    size_t                  n;
    bool                   *beats; /* n x n: row under every assumption cheaper than column */
    struct assay_cost_flip *flips;
    size_t                  n_flips;
};

/* Has the policy what it takes for this offer: to say what is needed, and what it costs? */
bool assay_need_is_known(const struct assay_policy *policy, const struct assay_offer *offer);
bool assay_cost_is_known(const struct assay_policy *policy, const struct assay_offer *offer);
/* What is needed and, where that is known, what it costs, without the order. The need must be known. */
struct assay_ownership assay_ownership_of(const struct assay_policy *policy, const struct assay_offer *offer);
/* C with the inputs given. */
double assay_cost_of(const struct assay_policy *policy, const struct assay_ownership *cost, const double input[ASSAY_COST_INPUTS]);
/* Of bids[n], all of whose costs are known. Free with assay_costing_release. */
enum assay_code assay_cost_rank(const struct assay_policy *policy, const struct assay_bid *bids, size_t n, struct assay_costing *out,
                                struct assay_error *err);
void            assay_costing_release(struct assay_costing *costing);
/* Inputs in the middle of their ranges, for this candidate. */
void assay_cost_middle(const struct assay_policy *policy, const struct assay_offer *offer, double input[ASSAY_COST_INPUTS]);

/* Where prices are not known: a and b cost the same when a device of a costs ratio times one of b, plus offset. Their needs and
 * power must be known. */
void assay_price_parity(const struct assay_policy *policy, const struct assay_offer *a, const struct assay_offer *b, double *ratio,
                        double *offset);

/* The order in points: those of the rules and price_points times the least cost over one's own, so that everybody's hang on who
 * takes part. Is there one whose withdrawal makes two others change places? out: who withdraws, and the two. */
struct assay_standing {
    double points, cost;
};
bool assay_rank_reverses(const struct assay_standing *all, size_t n, double price_points, size_t out[3]);

#endif
