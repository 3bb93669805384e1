/* What a device does with its link of one tier in a step: what the counters of links say. */
#ifndef CLUSTER_LINKS_H
#define CLUSTER_LINKS_H

struct cluster_link {
    double sent_bytes;
    double busy_ns, busy_share;     /* for which exchanges are under way; of the step */
    double bytes_per_s, rate_share; /* meanwhile; of the link's rate */
};

#endif
