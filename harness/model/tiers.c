#include "harness/model/tiers.h"

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

enum assay_code assay_fabric_of(const struct assay_system *s, const struct assay_described *d, const struct assay_coefficients *k,
                                uint64_t draw, struct assay_fabric *out, struct assay_error *err)
{
    struct assay_fabric f = {.devices = (double)s->devices, .n_tiers = s->n_tiers};
    f.chip = draw ? assay_chip_draw(d, draw) : assay_chip_middle(d);
    for (size_t i = 0; i < s->n_tiers; i++)
        fill_tier(&s->tiers[i], i ? f.tier[i - 1].devices : 1, draw, &f.tier[i]);
    for (uint32_t i = 0; i < ASSAY_SYSTEM_FIELDS; i++)
        f.field[i] = number_of(&s->fields[i], draw, i);
    if (fill_first(&s->tiers[0], k, &f, err))
        return assay_error_in(err, "putting numbers to the system '%.60s'", s->name);
    *out = f;
    return ASSAY_OK;
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

double assay_tier_ring_share(const struct assay_fabric_tier *t, double members, double stride)
{
    switch (t->topology) {
    case ASSAY_TOPOLOGY_MESH: return t->units > 1 ? (members - 1) / (t->units - 1) : 1;
    case ASSAY_TOPOLOGY_RING: return members * stride >= t->units ? 1 / stride : 0.5 / stride;
    case ASSAY_TOPOLOGY_TORUS: return fmax(torus_share(t, members, stride), 1e-3);
    case ASSAY_TOPOLOGY_SWITCH: return 1;
    case ASSAY_TOPOLOGY_FAT_TREE:
    case ASSAY_TOPOLOGY_RAILS:
        if (members * stride <= t->leaf || t->leaf >= t->units)
            return 1;
        return fmin(1, leaf_members(t, members, stride) / t->oversubscription);
    }
    return 1;
}

/* Sides of a torus that the group reaches, the longest of them decides: half of what is sent crosses its middle. */
static double torus_exchange(const struct assay_fabric_tier *t, double members, double stride)
{
    double sides = 0, longest = 1, from = 1, to = members * stride;
    for (int i = 0; i < ASSAY_TORUS_DIMENSIONS; i++) {
        double next = from * t->shape[i];
        if (t->shape[i] > 1)
            sides++;
        if (t->shape[i] > 1 && to > from && stride < next)
            longest = fmax(longest, to >= next ? t->shape[i] : 2 * fmin(to, next) / from);
        from = next;
    }
    return sides > 0 ? fmin(1, 4 / (longest * sides)) : 1;
}

double assay_tier_exchange_share(const struct assay_fabric_tier *t, double members, double stride)
{
    double inside;
    switch (t->topology) {
    case ASSAY_TOPOLOGY_MESH: return t->units > 1 ? (members - 1) / (t->units - 1) : 1;
    case ASSAY_TOPOLOGY_RING: return fmin(1, 4 / ((members * stride >= t->units ? 1 : 2) * members * stride));
    case ASSAY_TOPOLOGY_TORUS: return torus_exchange(t, members, stride);
    case ASSAY_TOPOLOGY_SWITCH: return 1;
    case ASSAY_TOPOLOGY_FAT_TREE:
    case ASSAY_TOPOLOGY_RAILS:
        if (members * stride <= t->leaf || t->leaf >= t->units)
            return 1;
        inside = leaf_members(t, members, stride);
        return fmin(1, (members - 1) / ((members - inside) * t->oversubscription));
    }
    return 1;
}
