#include "harness/judge/ownership.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/model/quantity.h"

#include "assay/banned.h"

#define OUTER 200
#define INNER 400
#define SEED 1u

static const struct assay_range *range_of(const struct assay_policy *p, const struct assay_offer *o,
                                          enum assay_cost_input input)
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

bool assay_need_is_known(const struct assay_policy *policy, const struct assay_offer *o)
{
    return policy->costs.given && policy->demand.given && o && o->at_promise_per_s.low > 0;
}

bool assay_cost_is_known(const struct assay_policy *policy, const struct assay_offer *o)
{
    return assay_need_is_known(policy, o) && o->price.high > 0 && o->power_watts.high > 0;
}

void assay_cost_middle(const struct assay_policy *policy, const struct assay_offer *offer,
                       double input[ASSAY_COST_INPUTS])
{
    for (int i = 0; i < ASSAY_COST_INPUTS; i++)
        input[i] = range_of(policy, offer, (enum assay_cost_input)i)->middle;
}

/* Watts from the grid for a watt of the offer's devices and hosts. */
static double overhead_of(const struct assay_offer *offer, double pue)
{
    return offer->power_has_facility ? 1 : pue;
}

double assay_cost_of(const struct assay_policy *policy, const struct assay_ownership *cost,
                     const double input[ASSAY_COST_INPUTS])
{
    double tax = policy->costs.tax_included ? 0 : policy->costs.tax_rate;
    double bought = cost->devices * input[ASSAY_COST_PRICE] +
                    cost->hosts * (input[ASSAY_COST_HOST_PRICE] + input[ASSAY_COST_NETWORK]);
    double watts = cost->devices * input[ASSAY_COST_POWER] + cost->hosts * policy->costs.host_power_watts.middle;
    double kwh = watts * overhead_of(cost->offer, input[ASSAY_COST_PUE]) * input[ASSAY_COST_LOAD] * input[ASSAY_COST_YEARS] *
                 ASSAY_HOURS_A_YEAR / 1000;
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

/* What is bought for a throughput of q a device; hosts and racks of a system are the system's. */
static void size(const struct assay_policy *policy, double q, struct assay_ownership *out)
{
    const struct assay_demand *d = &policy->demand;
    const struct assay_costs *c = &policy->costs;
    double peak = 0;
    for (int i = 0; i < 24; i++)
        peak = fmax(peak, d->per_s_by_hour[i]);
    out->devices = fmax(1, whole(peak * pow(1 + d->growth_per_year, c->years.middle) * (1 + d->spares_share) / q));
    if (out->offer->system_devices > 0) {
        out->systems = whole(out->devices / out->offer->system_devices);
        return;
    }
    out->hosts = whole(out->devices / c->devices_per_host);
    out->racks = whole(out->hosts / c->hosts_per_rack);
}

static double kilowatts(const struct assay_ownership *o, double device, double host, double pue)
{
    return (o->devices * device + o->hosts * host) * overhead_of(o->offer, pue) / 1000;
}

/* Of all that is served in the years, and of one training run on all devices. */
static void divide(const struct assay_policy *policy, struct assay_ownership *out)
{
    const struct assay_demand *d = &policy->demand;
    const struct assay_costs *c = &policy->costs;
    const struct assay_range *q = &out->offer->at_promise_per_s;
    double mean = 0;
    for (int i = 0; i < 24; i++)
        mean += d->per_s_by_hour[i] / 24;
    double seconds = c->years.middle * ASSAY_HOURS_A_YEAR * 3600,
           millions = mean * ASSAY_HOURS_A_YEAR * 3600 * years_of_demand(d->growth_per_year, c->years.middle) / 1e6;
    if (millions > 0)
        out->per_million = (struct assay_range){out->low / millions, out->middle / millions, out->high / millions};
    if (c->training_run_items > 0) {
        double share = c->training_run_items / out->devices / seconds;
        out->per_run = (struct assay_range){out->low * share / q->high, out->middle * share / q->middle,
                                            out->high * share / q->low};
    }
}

struct assay_ownership assay_ownership_of(const struct assay_policy *policy, const struct assay_offer *o)
{
    const struct assay_costs *c = &policy->costs;
    const struct assay_range *w = &o->power_watts, *q = &o->at_promise_per_s;
    struct assay_ownership out = {.offer = o, .has_cost = assay_cost_is_known(policy, o), .has_power = w->high > 0};
    double input[3][ASSAY_COST_INPUTS];
    out.has_middle = !o->promise_has_no_middle && !o->power_has_no_middle;
    size(policy, q->low, &out);
    if (out.has_power) {
        out.kilowatts = (struct assay_range){kilowatts(&out, w->low, c->host_power_watts.low, c->pue.low),
                                             kilowatts(&out, w->middle, c->host_power_watts.middle, c->pue.middle),
                                             kilowatts(&out, w->high, c->host_power_watts.high, c->pue.high)};
        out.per_watt = (struct assay_range){q->low / w->high, q->middle / w->middle, q->high / w->low};
    }
    if (!out.has_cost)
        return out;
    for (int i = 0; i < ASSAY_COST_INPUTS; i++) {
        const struct assay_range *r = range_of(policy, o, (enum assay_cost_input)i);
        input[0][i] = r->low;
        input[1][i] = r->middle;
        input[2][i] = r->high;
    }
    out.low = assay_cost_of(policy, &out, input[0]);
    out.middle = assay_cost_of(policy, &out, input[1]);
    out.high = assay_cost_of(policy, &out, input[2]);
    divide(policy, &out);
    return out;
}

void assay_price_parity(const struct assay_policy *policy, const struct assay_offer *a, const struct assay_offer *b,
                        double *ratio, double *offset)
{
    const struct assay_offer *both[] = {a, b};
    double tax = policy->costs.tax_included ? 0 : policy->costs.tax_rate, rest[2], devices[2];
    for (int i = 0; i < 2; i++) {
        struct assay_ownership o = assay_ownership_of(policy, both[i]);
        double input[ASSAY_COST_INPUTS];
        assay_cost_middle(policy, both[i], input);
        input[ASSAY_COST_PRICE] = 0;
        rest[i] = assay_cost_of(policy, &o, input);
        devices[i] = o.devices;
    }
    *ratio = devices[1] / devices[0];
    *offset = (rest[1] - rest[0]) / (devices[0] * (1 + tax));
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* a at its dearest and slowest against b at its cheapest and fastest, at every corner of what is common. */
static bool beats(const struct assay_policy *policy, const struct assay_ownership *a, const struct assay_ownership *b)
{
    struct assay_ownership most = *a, least = *b;
    double in_a[ASSAY_COST_INPUTS], in_b[ASSAY_COST_INPUTS];
    size(policy, a->offer->at_promise_per_s.low, &most);
    size(policy, b->offer->at_promise_per_s.high, &least);
    for (unsigned corner = 0; corner < 1u << ASSAY_COST_COMMON; corner++) {
        for (int i = 0; i < ASSAY_COST_COMMON; i++) {
            const struct assay_range *r = range_of(policy, a->offer, (enum assay_cost_input)i);
            in_a[i] = in_b[i] = corner >> i & 1 ? r->high : r->low;
        }
        for (int i = ASSAY_COST_COMMON; i < ASSAY_COST_INPUTS; i++) {
            in_a[i] = range_of(policy, a->offer, (enum assay_cost_input)i)->high;
            in_b[i] = range_of(policy, b->offer, (enum assay_cost_input)i)->low;
        }
        if (assay_cost_of(policy, &most, in_a) >= assay_cost_of(policy, &least, in_b))
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
    return u * width < left ? range->low + sqrt(u * width * left)
                            : range->high - sqrt((1 - u) * width * (width - left));
}

/* Normal distribution function. */
static double below(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

/* Throughput of one draw. `shared`: how the model errs in this draw, for all that it was asked about. */
static double draw_throughput(struct assay_random *r, const struct assay_offer *o, double shared)
{
    const struct assay_range *q = &o->at_promise_per_s;
    struct assay_quantity range = {.state = ASSAY_KNOWN, .low = q->low, .high = q->high};
    double own = assay_random_normal(r), z = own;
    if (o->promise_evidence == ASSAY_EVIDENCE_MODELLED)
        z = sqrt(0.5) * shared + sqrt(0.5) * own;
    range.value = o->promise_has_no_middle ? NAN : q->middle;
    return q->low < q->high ? assay_quantity_at(&range, fmin(fmax(below(z), 1e-9), 1 - 1e-9)) : q->low;
}

/* One outer point: what is common, and the points of the price. */
struct assumption {
    double common[ASSAY_COST_COMMON], price_points;
};

struct tally {
    double *cost, *first, *best; /* of each candidate; of this draw, and how often it was */
};

static void draw_costs(const struct assay_policy *policy, struct assay_random *r, const struct assumption *at,
                       struct assay_costing *c, double *cost)
{
    double input[ASSAY_COST_INPUTS], shared = assay_random_normal(r);
    memcpy(input, at->common, sizeof at->common);
    for (size_t i = 0; i < c->n; i++) {
        struct assay_ownership one = c->costs[i];
        for (int own = ASSAY_COST_COMMON; own < ASSAY_COST_INPUTS; own++)
            input[own] = draw(r, range_of(policy, one.offer, (enum assay_cost_input)own));
        size(policy, draw_throughput(r, one.offer, shared), &one);
        cost[i] = assay_cost_of(policy, &one, input);
    }
}

static void count_firsts(const struct assay_policy *policy, struct assay_random *r, const struct assumption *at,
                         const struct assay_bid *bids, struct assay_costing *c, struct tally *t)
{
    double rest = policy->all_points - policy->price_points,
           scale = rest > 0 ? (policy->all_points - at->price_points) / rest : 0;
    memset(t->first, 0, c->n * sizeof *t->first);
    memset(t->best, 0, c->n * sizeof *t->best);
    for (int k = 0; k < INNER; k++) {
        size_t first = 0, best = 0;
        double most = -1;
        draw_costs(policy, r, at, c, t->cost);
        for (size_t i = 1; i < c->n; i++)
            first = t->cost[i] < t->cost[first] ? i : first;
        for (size_t i = 0; i < c->n; i++) {
            const struct assay_bid *b = &bids[c->costs[i].bid];
            double points = scale * (b->points_low + (b->points_high - b->points_low) * assay_random_unit(r)) +
                            at->price_points * t->cost[first] / t->cost[i];
            best = points > most ? i : best;
            most = fmax(points, most);
        }
        t->first[first]++;
        t->best[best]++;
    }
    for (size_t i = 0; i < c->n; i++) {
        t->first[i] /= INNER;
        t->best[i] /= INNER;
    }
}

static void rank_probabilities(const struct assay_policy *policy, const struct assay_bid *bids, struct assay_costing *c,
                               struct tally *t)
{
    struct assay_random r;
    assay_random_init(&r, SEED);
    for (size_t i = 0; i < c->n; i++)
        c->costs[i].first_low = c->costs[i].best_low = 1;
    for (int k = 0; k < OUTER; k++) {
        struct assumption at;
        for (int i = 0; i < ASSAY_COST_COMMON; i++) {
            const struct assay_range *range = range_of(policy, c->costs[0].offer, (enum assay_cost_input)i);
            at.common[i] = range->low + (range->high - range->low) * assay_random_unit(&r);
        }
        const struct assay_range *weight = &policy->price_weight;
        at.price_points = weight->low + (weight->high - weight->low) * assay_random_unit(&r);
        count_firsts(policy, &r, &at, bids, c, t);
        for (size_t i = 0; i < c->n; i++) {
            struct assay_ownership *o = &c->costs[i];
            o->first_low = fmin(o->first_low, t->first[i]);
            o->first_high = fmax(o->first_high, t->first[i]);
            o->best_low = fmin(o->best_low, t->best[i]);
            o->best_high = fmax(o->best_high, t->best[i]);
        }
    }
    for (size_t i = 0; i < c->n; i++)
        c->costs[i].error = sqrt(0.25 / INNER); /* the most it can be, at a share of one half */
}

/* ---- flips ------------------------------------------------------------------------------------------------------- */

#define FLIP_REACH 16.0
#define FLIP_STEPS 128

/* Two candidates, and the one input that moves. */
struct contest {
    const struct assay_policy *policy;
    const struct assay_offer *a, *b;
    enum assay_cost_input input;
    bool moves_a, moves_b;
};

static struct assay_range *moved_range(struct assay_policy *p, struct assay_offer *o, enum assay_cost_input input)
{
    return input == ASSAY_COST_PROMISE ? &o->at_promise_per_s : (struct assay_range *)range_of(p, o, input);
}

/* Cost in the middle by a policy that has this value. */
static double cost_at(const struct contest *c, const struct assay_offer *offer, bool moves, double value)
{
    struct assay_policy p = *c->policy;
    struct assay_offer o = *offer;
    if (moves)
        *moved_range(&p, &o, c->input) = (struct assay_range){value, value, value};
    return assay_ownership_of(&p, &o).middle;
}

static bool b_is_cheaper(const struct contest *c, double value)
{
    return cost_at(c, c->b, c->moves_b, value) < cost_at(c, c->a, c->moves_a, value);
}

/* From `from` on, by steps of a factor: where the order changes; 0: nowhere. */
static double change_beyond(const struct contest *c, double from, double factor)
{
    bool before = b_is_cheaper(c, from);
    double last = from, at = from;
    int i = 0;
    do {
        last = at;
        at = from * pow(factor, ++i);
    } while (i < FLIP_STEPS && b_is_cheaper(c, at) == before);
    if (b_is_cheaper(c, at) == before)
        return 0;
    for (int k = 0; k < 200 && last + (at - last) / 2 != last && last + (at - last) / 2 != at; k++) {
        double middle = last + (at - last) / 2;
        if (b_is_cheaper(c, middle) == before)
            last = middle;
        else
            at = middle;
    }
    return at;
}

static void find_flip(const struct assay_policy *policy, struct assay_costing *c, size_t b, enum assay_cost_input input,
                      int of)
{
    struct contest contest = {policy, c->costs[0].offer, c->costs[b].offer, input, of <= 0, of < 0 || of == (int)b};
    struct assay_policy p = *policy;
    struct assay_offer o = *c->costs[of < 0 ? 0 : (size_t)of].offer;
    struct assay_range range = *moved_range(&p, &o, input);
    double from = input == ASSAY_COST_PROMISE ? range.low : range.middle, step = pow(FLIP_REACH, 1.0 / FLIP_STEPS);
    if (!(from > 0))
        return;
    double up = change_beyond(&contest, from, step), down = change_beyond(&contest, from, 1 / step);
    double value = !up ? down : !down || up / from < from / down ? up : down;
    if (value > 0)
        c->flips[c->n_flips++] =
            (struct assay_cost_flip){0, b, input, of, value, value >= range.low && value <= range.high, value > from};
}

static int cheaper(const void *a, const void *b)
{
    double x = ((const struct assay_ownership *)a)->middle, y = ((const struct assay_ownership *)b)->middle;
    return (x > y) - (x < y);
}

static void find_flips(const struct assay_policy *policy, struct assay_costing *out)
{
    for (size_t b = 1; b < out->n; b++)
        for (int input = 0; input < ASSAY_COST_FLIPPABLE; input++) {
            if (input < ASSAY_COST_COMMON)
                find_flip(policy, out, b, (enum assay_cost_input)input, -1);
            else {
                find_flip(policy, out, b, (enum assay_cost_input)input, 0);
                find_flip(policy, out, b, (enum assay_cost_input)input, (int)b);
            }
        }
}

enum assay_code assay_cost_rank(const struct assay_policy *policy, const struct assay_bid *bids, size_t n,
                                struct assay_costing *out, struct assay_error *err)
{
    double *room = calloc(3 * n + 1, sizeof *room);
    *out = (struct assay_costing){.costs = calloc(n + 1, sizeof *out->costs),
                                  .beats = calloc(n * n + 1, sizeof *out->beats),
                                  .flips = calloc(n * (ASSAY_COST_FLIPPABLE + 3) + 1, sizeof *out->flips)};
    if (!room || !out->costs || !out->beats || !out->flips) {
        free(room);
        assay_costing_release(out);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the costs of %zu candidates", n);
    }
    struct tally tally = {room, room + n, room + 2 * n};
    for (; out->n < n; out->n++) {
        out->costs[out->n] = assay_ownership_of(policy, bids[out->n].offer);
        out->costs[out->n].bid = out->n;
    }
    qsort(out->costs, n, sizeof *out->costs, cheaper);
    for (size_t i = 0; i < n * n; i++)
        out->beats[i] = i / n != i % n && beats(policy, &out->costs[i / n], &out->costs[i % n]);
    if (n > 0)
        rank_probabilities(policy, bids, out, &tally);
    find_flips(policy, out);
    free(room);
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
