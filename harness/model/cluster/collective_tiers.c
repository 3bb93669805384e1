#include "harness/model/cluster/collective_tiers.h"

#include <math.h>

#include "assay/banned.h"

#define CHUNK_BYTES 4e6    /* libraries cut buffers about so, and tiers work on different chunks at a time */
#define MOST_CHUNKS 16.0
#define EXCHANGE_AT_ONCE 8.0 /* messages of an all-to-all that a device has on the way */

const char *const assay_algorithm_names[] = {"", "ring", "tree", "in-network", "direct", NULL};

/* The part of a collective that one tier does: `members` units, each device with `bytes` of the buffer as its share. */
struct part {
    const struct assay_fabric_tier *tier;
    double                          members, stride, bytes;
};

/* Of a reduction in switches: a device's whole buffer goes up to be added, and its share of the sum to all. */
static double network_bytes(double n, double bytes)
{
    return (1 + 1 / n) * bytes;
}

static double rate_of(const struct part *p, const struct assay_exchange *x, double share)
{
    return p->tier->link * p->tier->efficiency * share / fmax(1, x->sharers);
}

/* The first tier is priced as kernels are; topologies that give a group less than a device's whole link slow it down. */
static enum assay_code price_first(const struct assay_fabric *f, const struct assay_coefficients *k, const struct assay_exchange *x,
                                   const struct part *p, struct assay_exchange_price *out, struct assay_error *err)
{
    struct assay_chip  chip = f->chip;
    struct assay_price price;
    bool               exchanges = x->op == ASSAY_ALL_TO_ALL || x->op == ASSAY_SEND;
    double             share = x->op == ASSAY_ALL_TO_ALL ? assay_tier_exchange_share(p->tier, p->members, p->stride)
                                                         : assay_tier_ring_share(p->tier, p->members, p->stride);
    if (x->op == ASSAY_SEND && p->tier->topology != ASSAY_TOPOLOGY_MESH)
        share = 1;
    chip.field[ASSAY_DEVICE_SCALE_UP] *= share / fmax(1, x->sharers);
    const struct assay_collective_shape shape = {x->op, p->members, p->bytes * fmax(1, exchanges ? x->imbalance : 1)};
    if (assay_price_collective(&chip, k, &shape, &price, err))
        return err->code;
    bool reduces = assay_collective_reduces(&chip, &shape);
    out->tier_ns[0] = price.ns;
    out->tier_bytes[0] = reduces ? network_bytes(p->members, p->bytes) : price.link_bytes;
    out->algorithm[0] = exchanges ? ASSAY_ALGORITHM_DIRECT : reduces ? ASSAY_ALGORITHM_IN_NETWORK : ASSAY_ALGORITHM_RING;
    return ASSAY_OK;
}

/* Further tiers: the least of what is there. A ring of n: n - 1 steps (twice for a reduction to all) of a hop each; a double tree:
 * as many bytes, twice the levels in hops; switches that reduce: each byte up once, down once, at the same time. */
static double price_further(const struct assay_exchange *x, const struct part *p, double *sent_bytes, enum assay_algorithm *how)
{
    double n = p->members, passes = x->op == ASSAY_ALL_REDUCE ? 2 : 1, latency = p->tier->latency_ns * 1e-9;
    double rate = rate_of(p, x, assay_tier_ring_share(p->tier, n, p->stride));
    double ring_bytes = passes * (n - 1) / n * p->bytes, tree_bytes = passes * p->bytes;
    double ring = passes * (n - 1) * latency + ring_bytes / rate;
    double tree = passes * ceil(log2(n)) * latency + tree_bytes / rate;
    double network = p->tier->reduces && x->op == ASSAY_ALL_REDUCE ? 2 * latency + network_bytes(n, p->bytes) / rate : INFINITY;
    double best = fmin(ring, fmin(tree, network));
    *how = best >= ring ? ASSAY_ALGORITHM_RING : best >= tree ? ASSAY_ALGORITHM_TREE : ASSAY_ALGORITHM_IN_NETWORK;
    *sent_bytes = *how == ASSAY_ALGORITHM_RING ? ring_bytes : *how == ASSAY_ALGORITHM_TREE ? tree_bytes : network_bytes(n, p->bytes);
    return best * 1e9;
}

/* Each tier carries what goes to ranks that it joins and the tier below does not, all tiers at the same time. */
static double price_direct(const struct assay_exchange *x, const struct part *p, double inside, double *sent_bytes, enum assay_algorithm *how)
{
    double rate = rate_of(p, x, assay_tier_exchange_share(p->tier, p->members, p->stride)), latency = p->tier->latency_ns * 1e-9;
    double partners = (p->members - 1) * inside, share = x->op == ASSAY_SEND ? 1 : partners / x->group.ranks;
    *how = ASSAY_ALGORITHM_DIRECT;
    if (x->op == ASSAY_SEND)
        rate = rate_of(p, x, assay_tier_ring_share(p->tier, 2, fmax(p->stride, p->tier->leaf)));
    *sent_bytes = share * x->bytes * fmax(1, x->imbalance);
    return (latency * ceil(partners / EXCHANGE_AT_ONCE) + *sent_bytes / rate) * 1e9;
}

/* Tiers of a hierarchical collective work on different chunks: the longest one, and what the others take for the first chunk. */
static double pipelined(const double *tier_ns, size_t n, double bytes)
{
    double longest = 0, sum = 0, chunks = fmin(MOST_CHUNKS, fmax(1, floor(bytes / CHUNK_BYTES)));
    for (size_t i = 0; i < n; i++) {
        longest = fmax(longest, tier_ns[i]);
        sum += tier_ns[i];
    }
    return longest + (sum - longest) / chunks;
}

static bool is_direct(enum assay_collective_op op)
{
    return op == ASSAY_ALL_TO_ALL || op == ASSAY_SEND;
}

static enum assay_code price_tier(const struct assay_fabric *f, const struct assay_coefficients *k, const struct assay_exchange *x, size_t i,
                                  double inside, double joined, struct assay_exchange_price *price, struct assay_error *err)
{
    double            below = i ? f->tier[i - 1].devices : 1;
    const struct part p = {&f->tier[i], joined / inside, fmax(1, x->group.stride * inside / below), x->bytes / (is_direct(x->op) ? 1 : inside)};
    if (p.members <= 1)
        return ASSAY_OK;
    price->outermost = i;
    price->compute_share = fmax(price->compute_share, p.tier->compute_share);
    if (i == 0) {
        struct part first = p;
        if (x->op == ASSAY_ALL_TO_ALL)
            first.bytes *= joined / x->group.ranks;
        return price_first(f, k, x, &first, price, err);
    }
    price->tier_ns[i] = is_direct(x->op) ? price_direct(x, &p, inside, &price->tier_bytes[i], &price->algorithm[i])
                                         : price_further(x, &p, &price->tier_bytes[i], &price->algorithm[i]);
    return ASSAY_OK;
}

enum assay_code assay_price_exchange(const struct assay_fabric *f, const struct assay_coefficients *k, const struct assay_exchange *x,
                                     struct assay_exchange_price *out, struct assay_error *err)
{
    struct assay_exchange_price price = {.ns = 0};
    double                      inside = 1, longest = 0;
    if (x->group.ranks * x->group.stride > f->devices)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%.0f ranks %.0f apart are more than the %.0f devices there are", x->group.ranks, x->group.stride,
                          f->devices);
    for (size_t i = 0; i < f->n_tiers && inside < x->group.ranks && x->bytes > 0; i++) {
        double joined = assay_group_inside(f, &x->group, i);
        if (x->op == ASSAY_SEND && joined < x->group.ranks) /* it goes by the tier that joins the two, and no other */
            continue;
        if (price_tier(f, k, x, i, inside, joined, &price, err))
            return assay_error_in(err, "pricing a collective of %.0f ranks", x->group.ranks);
        longest = fmax(longest, price.tier_ns[i]);
        inside = joined;
    }
    price.ns = is_direct(x->op) ? longest : pipelined(price.tier_ns, f->n_tiers, x->bytes);
    *out = price;
    return ASSAY_OK;
}

void assay_link_use_add(struct assay_link_use to[ASSAY_SYSTEM_TIERS], const struct assay_link_use *more, double times)
{
    for (size_t i = 0; i < ASSAY_SYSTEM_TIERS; i++) {
        to[i].bytes += times * more[i].bytes;
        to[i].ns += times * more[i].ns;
    }
}

void assay_link_use_exchange(struct assay_link_use to[ASSAY_SYSTEM_TIERS], const struct assay_exchange_price *price, double times)
{
    for (size_t i = 0; i < ASSAY_SYSTEM_TIERS; i++) {
        to[i].bytes += times * price->tier_bytes[i];
        to[i].ns += times * price->tier_ns[i];
    }
}
