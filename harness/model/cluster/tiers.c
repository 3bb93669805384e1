#include "harness/model/cluster/tiers.h"

#include <assert.h>
#include <math.h>

#include "harness/base/random.h"

#include "assay/banned.h"

#define DRAW_KEY_LOW 0x73797374u /* "syst": a stream of Philox of its own */
#define DRAW_KEY_HIGH 0x64726177u /* "draw" */

/* ---- one cluster of those that fit -------------------------------------------------------------------------------- */

static double quantile_of(uint64_t k, uint32_t stream)
{
    const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 32), stream, 0};
    const uint32_t key[2] = {DRAW_KEY_LOW, DRAW_KEY_HIGH};
    uint32_t       word[4];
    assay_philox(counter, key, word);
    return ((double)(((uint64_t)word[1] << 32 | word[0]) >> 11) + 0.5) * 0x1p-53;
}

static double number_of(const struct assay_quantity *q, uint64_t draw, uint32_t stream)
{
    if (q->state != ASSAY_KNOWN)
        return NAN;
    return draw ? assay_quantity_at(q, quantile_of(draw, stream)) : assay_quantity_middle(q);
}

static double or_else(double number, double other)
{
    return isnan(number) ? other : number;
}

static void fill_tier(const struct assay_tier *from, double below, uint64_t draw, struct assay_fabric_tier *t)
{
    double n[ASSAY_TIER_FIELDS];
    for (uint32_t f = 0; f < ASSAY_TIER_FIELDS; f++)
        n[f] = number_of(&from->fields[f], draw, ASSAY_SYSTEM_FIELDS + f);
    *t = (struct assay_fabric_tier){.topology = from->topology, .units = (double)from->units, .leaf = (double)from->leaf,
                                    .devices = below * (double)from->units, .link = n[ASSAY_TIER_LINK], .latency_ns = n[ASSAY_TIER_LATENCY],
                                    .efficiency = n[ASSAY_TIER_EFFICIENCY], .oversubscription = or_else(n[ASSAY_TIER_OVERSUBSCRIPTION], 1),
                                    .compute_share = or_else(n[ASSAY_TIER_COMPUTE_SHARE], 0), .reduces = n[ASSAY_TIER_REDUCES] >= 0.5};
    for (int i = 0; i < ASSAY_TORUS_DIMENSIONS; i++)
        t->shape[i] = (double)from->shape[i];
}

/* The first tier and the device are the same link seen from two sides. */
static enum assay_code fill_first(const struct assay_tier *from, const struct assay_coefficients *k, struct assay_fabric *f, struct assay_error *err)
{
    struct assay_fabric_tier *t = &f->tier[0];
    double                   *chip = f->chip.field;
    t->link = or_else(t->link, chip[ASSAY_DEVICE_SCALE_UP]);
    t->latency_ns = or_else(t->latency_ns, chip[ASSAY_DEVICE_SCALE_UP_LATENCY]);
    t->efficiency = or_else(t->efficiency, k->value[ASSAY_K_LINK_SHARE]);
    if (from->fields[ASSAY_TIER_REDUCES].state != ASSAY_KNOWN)
        t->reduces = chip[ASSAY_DEVICE_IN_NETWORK_REDUCE] >= 0.5;
    if (isnan(t->link) || t->link <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "neither the tier '%.40s' nor its device has link_bytes_per_s", from->name);
    if (isnan(t->latency_ns))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "neither the tier '%.40s' nor its device has latency_ns", from->name);
    chip[ASSAY_DEVICE_SCALE_UP] = t->link * t->efficiency / k->value[ASSAY_K_LINK_SHARE]; /* the kernel model takes its share again */
    chip[ASSAY_DEVICE_SCALE_UP_LATENCY] = t->latency_ns;
    chip[ASSAY_DEVICE_SCALE_UP_DOMAIN] = t->devices;
    chip[ASSAY_DEVICE_IN_NETWORK_REDUCE] = t->reduces;
    return ASSAY_OK;
}

static enum assay_code fill(const struct assay_system *s, const struct assay_chip *chip, const struct assay_coefficients *k, uint64_t draw,
                            struct assay_fabric *out, struct assay_error *err)
{
    struct assay_fabric f = {.chip = *chip, .devices = (double)s->devices, .n_tiers = s->n_tiers};
    for (size_t i = 0; i < s->n_tiers; i++)
        fill_tier(&s->tiers[i], i ? f.tier[i - 1].devices : 1, draw, &f.tier[i]);
    for (uint32_t i = 0; i < ASSAY_SYSTEM_FIELDS; i++)
        f.field[i] = number_of(&s->fields[i], draw, i);
    if (fill_first(&s->tiers[0], k, &f, err))
        return assay_error_in(err, "putting numbers to the system '%.60s'", s->name);
    *out = f;
    return ASSAY_OK;
}

enum assay_code assay_fabric_of(const struct assay_system *s, const struct assay_described *d, const struct assay_coefficients *k,
                                uint64_t draw, struct assay_fabric *out, struct assay_error *err)
{
    struct assay_chip chip = draw ? assay_chip_draw(d, draw) : assay_chip_middle(d);
    return fill(s, &chip, k, draw, out, err);
}

enum assay_code assay_fabric_on(const struct assay_system *s, const struct assay_chip *chip, const struct assay_coefficients *k,
                                struct assay_fabric *out, struct assay_error *err)
{
    return fill(s, chip, k, 0, out, err);
}

/* ---- where a group lies ------------------------------------------------------------------------------------------- */

static double common(double a, double b)
{
    while (b >= 1) {
        double rest = fmod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

/* A group is a block of ranks * stride devices, at multiples of its length: a tier of D devices holds a divisor of both of it. */
double assay_group_inside(const struct assay_fabric *f, const struct assay_group *g, size_t tier)
{
    double span = g->ranks * g->stride;
    return fmin(g->ranks, fmax(1, floor(common(f->tier[tier].devices, span) / g->stride)));
}

size_t assay_group_tier(const struct assay_fabric *f, const struct assay_group *g)
{
    size_t i = 0;
    while (i + 1 < f->n_tiers && assay_group_inside(f, g, i) < g->ranks)
        i++;
    return i;
}

/* ---- links that are shared ---------------------------------------------------------------------------------------- */

/* Members of one leaf: at least the one whose neighbours are all elsewhere. */
static double leaf_members(const struct assay_fabric_tier *t, double members, double stride)
{
    return fmin(members, fmax(1, floor(t->leaf / stride)));
}

/* Of a torus' sides, how many a block of `members` units `stride` apart runs along, and whether it goes all the way round each. */
static double torus_share(const struct assay_fabric_tier *t, double members, double stride)
{
    double sides = 0, used = 0, from = 1, to = members * stride;
    for (int i = 0; i < ASSAY_TORUS_DIMENSIONS; i++) {
        double next = from * t->shape[i];
        if (t->shape[i] > 1) {
            sides++;
            if (to > from && stride < next)
                used += to >= next ? 1 : 0.5; /* without the way round only one direction of each link carries a ring */
        }
        from = next;
    }
    return sides > 0 ? used / sides : 1;
}

/* Hops to all of a ring of a, summed over them, by a: a / 4, and a little less where a is odd. */
static double ring_hops(double a)
{
    return fmod(a, 2) == 0 ? a / 4 : (a - 1 / a) / 4;
}

/* Of the sides of a torus that the group reaches the one with the most hops decides: what is sent goes round it in both directions. */
static double torus_exchange(const struct assay_fabric_tier *t, double members, double stride)
{
    double sides = 0, hops = 0, from = 1, to = members * stride;
    for (int i = 0; i < ASSAY_TORUS_DIMENSIONS; i++) {
        double next = from * t->shape[i];
        if (t->shape[i] > 1)
            sides++;
        if (t->shape[i] > 1 && to > from && stride < next) /* a part of a side has no way round: its middle is one link */
            hops = fmax(hops, to >= next ? ring_hops(t->shape[i]) : fmin(to, next) / from / 2);
        from = next;
    }
    return hops > 0 ? fmin(1, (members - 1) / members / (hops * sides)) : 1;
}

static bool has_leaves(const struct assay_fabric_tier *t)
{
    return (t->topology == ASSAY_TOPOLOGY_FAT_TREE || t->topology == ASSAY_TOPOLOGY_RAILS) && t->leaf < t->units;
}

static double own_share(const struct assay_fabric_tier *t, const struct assay_tier_traffic *x)
{
    double whole = x->members * x->stride;
    switch (t->topology) {
    case ASSAY_TOPOLOGY_MESH: return t->units > 1 ? (x->members - 1) / (t->units - 1) : 1;
    case ASSAY_TOPOLOGY_RING:
        if (x->exchange)
            return fmin(1, (x->members - 1) / x->members / (whole >= t->units ? x->stride * ring_hops(x->members) : whole / 2));
        return whole >= t->units ? 1 / x->stride : 0.5 / x->stride;
    case ASSAY_TOPOLOGY_TORUS:
        return x->exchange ? torus_exchange(t, x->members, x->stride) : fmax(torus_share(t, x->members, x->stride), 1e-3);
    case ASSAY_TOPOLOGY_SWITCH:
    case ASSAY_TOPOLOGY_FAT_TREE:
    case ASSAY_TOPOLOGY_RAILS: return 1;
    }
    return 1;
}

/* Flows that are alike: so many of the busiest device, so many above its leaf, what each has still to send, and its rate for now. */
struct flows {
    double of_device, above_leaf, bytes, rate;
    bool   fixed;
};

/* The busiest device is the last of its group's in its leaf: of a ring its one flow leaves the leaf, where one does. */
static size_t flows_of(const struct assay_fabric_tier *t, const struct assay_tier_traffic *x, struct flows out[2])
{
    double inside = leaf_members(t, x->members, x->stride);
    bool   leaves = x->members * x->stride > t->leaf;
    if (!x->exchange) {
        out[0] = (struct flows){.of_device = 1, .above_leaf = leaves ? t->leaf / inside : 0, .bytes = x->bytes};
        return 1;
    }
    double bytes = x->bytes / (x->members - 1), within = leaves ? inside - 1 : x->members - 1, beyond = x->members - 1 - within;
    out[0] = (struct flows){.of_device = within, .bytes = bytes};
    out[1] = (struct flows){.of_device = beyond, .above_leaf = beyond * t->leaf, .bytes = bytes};
    return 2;
}

/* What each of the flows that are not fixed yet may have of one link of the device and of one above the leaf. */
static double level_of(const struct flows *f, size_t n, bool above, double capacity)
{
    double open = 0;
    for (size_t i = 0; i < n; i++) {
        double here = above ? f[i].above_leaf : f[i].of_device;
        if (f[i].bytes <= 0)
            continue;
        if (f[i].fixed)
            capacity -= here * f[i].rate;
        else
            open += here;
    }
    return open > 0 ? fmax(0, capacity) / open : INFINITY;
}

/* Max-min fair: all rise alike until a link is full, whose flows stay there while the others rise on. */
static void share_out(const struct assay_fabric_tier *t, struct flows *f, size_t n)
{
    double above_capacity = t->leaf * t->link / t->oversubscription;
    for (size_t i = 0; i < n; i++)
        f[i].fixed = false;
    for (;;) {
        double own = level_of(f, n, false, t->link), above = level_of(f, n, true, above_capacity), level = fmin(own, above);
        if (isinf(level))
            return;
        for (size_t i = 0; i < n; i++)
            if (!f[i].fixed && (own <= above ? f[i].of_device > 0 : f[i].above_leaf > 0)) {
                f[i].fixed = true;
                f[i].rate = level;
            }
    }
}

static double leaves_s(const struct assay_fabric_tier *t, struct flows *f, size_t n)
{
    double now_s = 0;
    for (;;) {
        double first_s = INFINITY;
        share_out(t, f, n);
        for (size_t i = 0; i < n; i++)
            if (f[i].bytes > 0 && f[i].of_device > 0)
                first_s = fmin(first_s, f[i].bytes / f[i].rate);
        if (isinf(first_s))
            return now_s;
        now_s += first_s;
        for (size_t i = 0; i < n; i++) { /* what is as good as done is done: no rounding is sent */
            double left = f[i].bytes - f[i].rate * first_s;
            f[i].bytes = left > 1e-9 * f[i].rate * first_s ? left : 0;
        }
    }
}

double assay_tier_mix_s(const struct assay_fabric_tier *t, const struct assay_tier_traffic *traffic, size_t n)
{
    struct flows flows[2 * ASSAY_TIER_KINDS];
    size_t       n_flows = 0;
    double       all_s = 0;
    assert(n <= ASSAY_TIER_KINDS);
    for (size_t i = 0; i < n; i++) {
        if (has_leaves(t))
            n_flows += flows_of(t, &traffic[i], &flows[n_flows]);
        else
            all_s += traffic[i].bytes / (t->link * own_share(t, &traffic[i]));
    }
    return has_leaves(t) ? leaves_s(t, flows, n_flows) : all_s;
}

double assay_tier_ring_share(const struct assay_fabric_tier *t, double members, double stride)
{
    return 1 / (assay_tier_mix_s(t, &(struct assay_tier_traffic){false, members, stride, 1}, 1) * t->link);
}

double assay_tier_exchange_share(const struct assay_fabric_tier *t, double members, double stride)
{
    return 1 / (assay_tier_mix_s(t, &(struct assay_tier_traffic){true, members, stride, 1}, 1) * t->link);
}

double assay_fabric_outer_bytes_per_s(const struct assay_fabric *f)
{
    const struct assay_fabric_tier *t = &f->tier[f->n_tiers - 1];
    return t->link * t->efficiency / fmax(1, t->oversubscription);
}

/* ---- power --------------------------------------------------------------------------------------------------------- */

double assay_fabric_known(const struct assay_fabric *f, enum assay_system_field field)
{
    return isnan(f->field[field]) ? 0 : f->field[field];
}

double assay_fabric_watts(const struct assay_fabric *f, double devices)
{
    double per_host = assay_fabric_known(f, ASSAY_SYSTEM_HOST_DEVICES);
    double each = f->chip.field[ASSAY_DEVICE_POWER] + assay_fabric_known(f, ASSAY_SYSTEM_NETWORK_POWER) +
                  (per_host > 0 ? assay_fabric_known(f, ASSAY_SYSTEM_HOST_POWER) / per_host : 0);
    return devices * each * fmax(1, assay_fabric_known(f, ASSAY_SYSTEM_FACILITY));
}
