/* What a collective takes whose ranks lie over several tiers, all groups of its kind at once. Forms: README.md. */
#ifndef ASSAY_MODEL_COLLECTIVE_TIERS_H
#define ASSAY_MODEL_COLLECTIVE_TIERS_H

#include "harness/model/kernel.h"
#include "harness/model/cluster/tiers.h"

enum assay_algorithm { ASSAY_ALGORITHM_NONE = 0, ASSAY_ALGORITHM_RING, ASSAY_ALGORITHM_TREE, ASSAY_ALGORITHM_IN_NETWORK, ASSAY_ALGORITHM_DIRECT };
extern const char *const assay_algorithm_names[]; /* ends with NULL */

struct assay_exchange {
    enum assay_collective_op op;
    struct assay_group       group;
    double                   bytes;     /* the whole buffer of one rank */
    double                   imbalance; /* all-to-all: the busiest rank's bytes over the mean; 0 or 1 = even */
    double                   sharers;   /* how often each link carries as much at the same time; 0 or 1 = alone */
};
struct assay_exchange_price {
    double               ns;
    double               tier_ns[ASSAY_SYSTEM_TIERS];
    double               tier_bytes[ASSAY_SYSTEM_TIERS]; /* that a device, of an uneven all-to-all the busiest, sends over its link of the tier */
    enum assay_algorithm algorithm[ASSAY_SYSTEM_TIERS]; /* of each tier that takes part */
    size_t               outermost;
    double               compute_share; /* of the device's compute that it takes while it runs */
};
/* What a device does with its link of one tier. */
struct assay_link_use {
    double bytes; /* that it sends */
    double ns;    /* for which exchanges are under way there, hidden behind work or not */
};

void            assay_link_use_add(struct assay_link_use to[ASSAY_SYSTEM_TIERS], const struct assay_link_use *more, double times);
/* Of so many such exchanges. */
void            assay_link_use_exchange(struct assay_link_use to[ASSAY_SYSTEM_TIERS], const struct assay_exchange_price *price, double times);

enum assay_code assay_price_exchange(const struct assay_fabric *f, const struct assay_coefficients *k, const struct assay_exchange *x,
                                     struct assay_exchange_price *out, struct assay_error *err);

#endif
