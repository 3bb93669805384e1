/* One possible cluster that fits a description: every number a number; and where a group of its ranks lies in it. Ranks are
 * numbered as devices are: those of the innermost unit first. */
#ifndef ASSAY_MODEL_TIERS_H
#define ASSAY_MODEL_TIERS_H

#include "harness/model/coefficients.h"
#include "harness/model/cluster/system.h"

struct assay_fabric_tier {
    enum assay_topology topology;
    double units, devices;      /* that one instance joins; devices: of all tiers below together */
    double leaf;                /* units below one leaf switch */
    double shape[ASSAY_TORUS_DIMENSIONS];
    double link, latency_ns, efficiency, oversubscription, compute_share; /* link: B/s of one device, a direction */
    bool   reduces;
};
struct assay_fabric {
    struct assay_chip        chip; /* its scale-up fields are those of the first tier */
    double                   devices;
    struct assay_fabric_tier tier[ASSAY_SYSTEM_TIERS];
    size_t                   n_tiers;
    double                   field[ASSAY_SYSTEM_FIELDS]; /* NaN: not known */
};

/* draw 0: the middle of what is known; k >= 1: the k-th draw, fields paired across systems as chips' are across devices.
 * ASSAY_UNSUPPORTED: a link or latency that nobody gives. */
enum assay_code assay_fabric_of(const struct assay_system *s, const struct assay_described *d, const struct assay_coefficients *k,
                                uint64_t draw, struct assay_fabric *out, struct assay_error *err);

/* A field of the system, 0 where it is not known. */
double assay_fabric_known(const struct assay_fabric *f, enum assay_system_field field);
/* Watts of so many devices at their full, with their part of hosts, network and facility, as far as these are known; NaN: the devices'
 * own are not. */
double assay_fabric_watts(const struct assay_fabric *f, double devices);

/* What a device sends beyond all tiers but the outermost, in bytes a second. */
double assay_fabric_outer_bytes_per_s(const struct assay_fabric *f);

/* Ranks r, r + stride, r + 2 stride, …; all ranks of the system are in such groups side by side. */
struct assay_group {
    double ranks, stride;
};
/* With this chip in the place of the described one, and the middle of what is known of the system. */
enum assay_code assay_fabric_on(const struct assay_system *s, const struct assay_chip *chip, const struct assay_coefficients *k,
                                struct assay_fabric *out, struct assay_error *err);

/* Of a group, how many ranks share one instance of tier i, where that is fewest. i = 0: the innermost. */
double assay_group_inside(const struct assay_fabric *f, const struct assay_group *g, size_t tier);
/* The tier that joins all of its ranks. */
size_t assay_group_tier(const struct assay_fabric *f, const struct assay_group *g);
/* Traffic of all groups of a kind within one tier: each device sends `bytes` in a ring over `members` units that lie `stride` units from
 * one another, or to all of them alike. */
struct assay_tier_traffic {
    bool   exchange; /* to all; else a ring */
    double members, stride, bytes;
};
enum { ASSAY_TIER_KINDS = 8 };
/* Seconds until all of it is done when all n <= ASSAY_TIER_KINDS kinds start at once and flows share links max-min fairly. Counted, not
 * fitted: README.md, "Links that are shared". Efficiency of protocols is apart. */
double assay_tier_mix_s(const struct assay_fabric_tier *t, const struct assay_tier_traffic *traffic, size_t n);
/* What of its link each device gets (0, 1] by that when one kind of groups is alone. */
double assay_tier_ring_share(const struct assay_fabric_tier *t, double members, double stride);
double assay_tier_exchange_share(const struct assay_fabric_tier *t, double members, double stride);

#endif
