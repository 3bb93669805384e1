#include "harness/judge/ownership.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"

#include "assay/banned.h"

#define OUTER 200
#define INNER 400
#define SEED 1u

static const struct assay_range *range_of(const struct assay_policy *p, const struct assay_offer *o, enum assay_cost_input input)
{
    const struct assay_costs *c = &p->costs;
    const struct assay_range *all[ASSAY_COST_INPUTS] = {
        [ASSAY_COST_HOST_PRICE] = &c->host_price,
        [ASSAY_COST_NETWORK] = &c->network_price,
        [ASSAY_COST_POWER_PRICE] = &c->power_price_per_kwh,
        [ASSAY_COST_PUE] = &c->pue,
        [ASSAY_COST_YEARS] = &c->years,
        [ASSAY_COST_STAFF] = &c->staff_per_year,
        [ASSAY_COST_LOAD] = &c->load_share,
        [ASSAY_COST_PRICE] = &o->price,
        [ASSAY_COST_POWER] = &o->power_watts,
    };
    return all[input];
}

bool assay_cost_is_known(const struct assay_policy *policy, const struct assay_offer *o)
{
    return policy->costs.given && policy->demand.given && o && o->price.high > 0 && o->power_watts.high > 0 &&
           o->at_promise_per_s.low > 0;
}

void assay_cost_middle(const struct assay_policy *policy, const struct assay_offer *offer, double input[ASSAY_COST_INPUTS])
{
    for (int i = 0; i < ASSAY_COST_INPUTS; i++)
        input[i] = range_of(policy, offer, (enum assay_cost_input)i)->middle;
}

double assay_cost_of(const struct assay_policy *policy, const struct assay_ownership *cost, const double input[ASSAY_COST_INPUTS])
{
    double tax = policy->costs.tax_included ? 0 : policy->costs.tax_rate;
    double bought =
        cost->devices * input[ASSAY_COST_PRICE] + cost->hosts * (input[ASSAY_COST_HOST_PRICE] + input[ASSAY_COST_NETWORK]);
    double watts = cost->devices * input[ASSAY_COST_POWER] + cost->hosts * policy->costs.host_power_watts.middle;
    double kwh = watts * input[ASSAY_COST_PUE] * input[ASSAY_COST_LOAD] * input[ASSAY_COST_YEARS] * ASSAY_HOURS_A_YEAR / 1000;
    return bought * (1 + tax) + kwh * input[ASSAY_COST_POWER_PRICE] + input[ASSAY_COST_STAFF] * input[ASSAY_COST_YEARS];
}

/* ---- what is needed ---------------------------------------------------------------------------------------------- */

/* Growth of the demand summed over the years, in years of today's. */
static double years_of_demand(double growth, double years)
{
    return fabs(growth) < 1e-12 ? years : (pow(1 + growth, years) - 1) / log1p(growth);
}

/* Up to the next whole number; a product's last digits make no device more. */
static double whole(double value)
{
    return ceil(round(value * 1e9) / 1e9);
}

struct assay_ownership assay_ownership_of(const struct assay_policy *policy, const struct assay_offer *o)
{
    const struct assay_demand *d = &policy->demand;
    const struct assay_costs  *c = &policy->costs;
    struct assay_ownership     out = {.offer = o};
    double                     peak = 0, mean = 0, low[ASSAY_COST_INPUTS], middle[ASSAY_COST_INPUTS], high[ASSAY_COST_INPUTS];
    for (int i = 0; i < 24; i++) {
        peak = fmax(peak, d->per_s_by_hour[i]);
        mean += d->per_s_by_hour[i] / 24;
    }
    out.devices = whole(peak * pow(1 + d->growth_per_year, c->years.middle) * (1 + d->spares_share) / o->at_promise_per_s.low);
    out.devices = fmax(1, out.devices);
    out.hosts = whole(out.devices / c->devices_per_host);
    out.racks = whole(out.hosts / c->hosts_per_rack);
    out.kilowatts = (out.devices * o->power_watts.middle + out.hosts * c->host_power_watts.middle) * c->pue.middle / 1000;
    for (int i = 0; i < ASSAY_COST_INPUTS; i++) {
        const struct assay_range *r = range_of(policy, o, (enum assay_cost_input)i);
        low[i] = r->low;
        middle[i] = r->middle;
        high[i] = r->high;
    }
    out.low = assay_cost_of(policy, &out, low);
    out.middle = assay_cost_of(policy, &out, middle);
    out.high = assay_cost_of(policy, &out, high);
    double seconds = c->years.middle * ASSAY_HOURS_A_YEAR * 3600,
           served = mean * ASSAY_HOURS_A_YEAR * 3600 * years_of_demand(d->growth_per_year, c->years.middle);
    out.per_million = served > 0 ? out.middle / served * 1e6 : 0;
    out.per_run =
        c->training_run_items > 0 ? out.middle * c->training_run_items / (out.devices * o->at_promise_per_s.middle) / seconds : 0;
    out.per_watt = o->at_promise_per_s.middle / o->power_watts.middle;
    return out;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* a at its dearest against b at its cheapest, at every corner of what is common. */
static bool beats(const struct assay_policy *policy, const struct assay_ownership *a, const struct assay_ownership *b)
{
    double in_a[ASSAY_COST_INPUTS], in_b[ASSAY_COST_INPUTS];
    for (unsigned corner = 0; corner < 1u << ASSAY_COST_COMMON; corner++) {
        for (int i = 0; i < ASSAY_COST_COMMON; i++) {
            const struct assay_range *r = range_of(policy, a->offer, (enum assay_cost_input)i);
            in_a[i] = in_b[i] = corner >> i & 1 ? r->high : r->low;
        }
        for (int i = ASSAY_COST_COMMON; i < ASSAY_COST_INPUTS; i++) {
            in_a[i] = range_of(policy, a->offer, (enum assay_cost_input)i)->high;
            in_b[i] = range_of(policy, b->offer, (enum assay_cost_input)i)->low;
        }
        if (assay_cost_of(policy, a, in_a) >= assay_cost_of(policy, b, in_b))
            return false;
    }
    return true;
}

/* Triangular over the range. */
static double draw(struct assay_random *r, const struct assay_range *range)
{
    double u = assay_random_unit(r), width = range->high - range->low, left = range->middle - range->low;
    if (!(width > 0))
        return range->middle;
    return u * width < left ? range->low + sqrt(u * width * left) : range->high - sqrt((1 - u) * width * (width - left));
}

static void count_firsts(const struct assay_policy *policy, struct assay_random *r, const double *common, struct assay_costing *c,
                         double *share)
{
    memset(share, 0, c->n * sizeof *share);
    for (int k = 0; k < INNER; k++) {
        double input[ASSAY_COST_INPUTS], least = INFINITY;
        size_t first = 0;
        memcpy(input, common, ASSAY_COST_COMMON * sizeof *input);
        for (size_t i = 0; i < c->n; i++) {
            for (int own = ASSAY_COST_COMMON; own < ASSAY_COST_INPUTS; own++)
                input[own] = draw(r, range_of(policy, c->costs[i].offer, (enum assay_cost_input)own));
            double cost = assay_cost_of(policy, &c->costs[i], input);
            if (cost < least) {
                least = cost;
                first = i;
            }
        }
        share[first]++;
    }
    for (size_t i = 0; i < c->n; i++)
        share[i] /= INNER;
}

static void rank_probabilities(const struct assay_policy *policy, struct assay_costing *c, double *share)
{
    struct assay_random r;
    assay_random_init(&r, SEED);
    for (size_t i = 0; i < c->n; i++)
        c->costs[i].first_low = 1;
    for (int k = 0; k < OUTER; k++) {
        double common[ASSAY_COST_COMMON];
        for (int i = 0; i < ASSAY_COST_COMMON; i++) {
            const struct assay_range *range = range_of(policy, c->costs[0].offer, (enum assay_cost_input)i);
            common[i] = range->low + (range->high - range->low) * assay_random_unit(&r);
        }
        count_firsts(policy, &r, common, c, share);
        for (size_t i = 0; i < c->n; i++) {
            c->costs[i].first_low = fmin(c->costs[i].first_low, share[i]);
            c->costs[i].first_high = fmax(c->costs[i].first_high, share[i]);
        }
    }
    for (size_t i = 0; i < c->n; i++)
        c->costs[i].error = sqrt(0.25 / INNER); /* the most it can be, at a share of one half */
}

/* ---- flips ------------------------------------------------------------------------------------------------------- */

/* The difference of the two is linear in one input: its value at 0 and at 1 tell where it is none. */
static void find_flip(const struct assay_policy *policy, struct assay_costing *c, size_t b, enum assay_cost_input input, int of)
{
    double difference[2];
    for (int at = 0; at < 2; at++) {
        double in_a[ASSAY_COST_INPUTS], in_b[ASSAY_COST_INPUTS];
        assay_cost_middle(policy, c->costs[0].offer, in_a);
        assay_cost_middle(policy, c->costs[b].offer, in_b);
        if (of < 0 || of == 0)
            in_a[input] = at;
        if (of < 0 || of == (int)b)
            in_b[input] = at;
        difference[at] = assay_cost_of(policy, &c->costs[b], in_b) - assay_cost_of(policy, &c->costs[0], in_a);
    }
    double slope = difference[1] - difference[0], value = -difference[0] / slope;
    if (slope == 0 || !isfinite(value) || !(value > 0))
        return;
    const struct assay_range *range = range_of(policy, c->costs[of < 0 ? 0 : (size_t)of].offer, input);
    c->flips[c->n_flips++] = (struct assay_cost_flip){0, b, input, of, value, value >= range->low && value <= range->high};
}

static int cheaper(const void *a, const void *b)
{
    double x = ((const struct assay_ownership *)a)->middle, y = ((const struct assay_ownership *)b)->middle;
    return (x > y) - (x < y);
}

enum assay_code assay_cost_rank(const struct assay_policy *policy, const struct assay_offer *const *offers, size_t n,
                                struct assay_costing *out, struct assay_error *err)
{
    double *share = calloc(n + 1, sizeof *share);
    *out = (struct assay_costing){.costs = calloc(n + 1, sizeof *out->costs),
                                  .beats = calloc(n * n + 1, sizeof *out->beats),
                                  .flips = calloc(n * (ASSAY_COST_INPUTS + 2) + 1, sizeof *out->flips)};
    if (!share || !out->costs || !out->beats || !out->flips) {
        free(share);
        assay_costing_release(out);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the costs of %zu candidates", n);
    }
    for (; out->n < n; out->n++)
        out->costs[out->n] = assay_ownership_of(policy, offers[out->n]);
    qsort(out->costs, n, sizeof *out->costs, cheaper);
    for (size_t i = 0; i < n * n; i++)
        out->beats[i] = i / n != i % n && beats(policy, &out->costs[i / n], &out->costs[i % n]);
    if (n > 0)
        rank_probabilities(policy, out, share);
    for (size_t b = 1; b < n; b++)
        for (int input = 0; input < ASSAY_COST_INPUTS; input++) {
            if (input < ASSAY_COST_COMMON)
                find_flip(policy, out, b, (enum assay_cost_input)input, -1);
            else {
                find_flip(policy, out, b, (enum assay_cost_input)input, 0);
                find_flip(policy, out, b, (enum assay_cost_input)input, (int)b);
            }
        }
    free(share);
    return ASSAY_OK;
}

/* ---- withdrawal -------------------------------------------------------------------------------------------------- */

/* Points of i among all but `without`: the dearest of prices loses, relative to the least there is. */
static double score(const struct assay_standing *all, size_t n, size_t i, size_t without, double price_points)
{
    double least = INFINITY;
    for (size_t k = 0; k < n; k++)
        if (k != without)
            least = fmin(least, all[k].cost);
    return all[i].points + price_points * least / all[i].cost;
}

bool assay_rank_reverses(const struct assay_standing *all, size_t n, double price_points, size_t out[3])
{
    for (size_t without = 0; without < n; without++)
        for (size_t a = 0; a < n; a++)
            for (size_t b = 0; b < n; b++)
                if (a != b && a != without && b != without &&
                    score(all, n, a, n, price_points) > score(all, n, b, n, price_points) &&
                    score(all, n, a, without, price_points) < score(all, n, b, without, price_points)) {
                    out[0] = without;
                    out[1] = a;
                    out[2] = b;
                    return true;
                }
    return false;
}

void assay_costing_release(struct assay_costing *costing)
{
    free(costing->costs);
    free(costing->beats);
    free(costing->flips);
    memset(costing, 0, sizeof *costing);
}
