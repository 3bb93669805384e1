/* A way of serving on a cluster (harness/model/cluster/serving_search.h), which a search found in closed form, through the engines: requests
 * that come by chance to one group of it. */
#ifndef ASSAY_LOAD_SERVING_CLUSTER_SERVE_H
#define ASSAY_LOAD_SERVING_CLUSTER_SERVE_H

#include "harness/load/serving/metrics.h"
#include "harness/model/cluster/serving_search.h"

struct assay_cluster_served {
    double                      per_s; /* requests a second that came to the group */
    struct assay_served_metrics metrics;
    double                      good_share; /* of the requests: within both limits */
};
/* At `share` of the rate that the choice is said to bear, so many requests, all of the lengths that the space has; the stack's host times are
 * in the steps. ASSAY_UNSUPPORTED: a server that computes prompts alone, which the engine does not. */
enum assay_code assay_cluster_serve(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                    const struct assay_serving_numbers *stack, const struct assay_serving_space *space,
                                    const struct assay_serving_choice *choice, double share, uint64_t requests, struct assay_cluster_served *out,
                                    struct assay_error *err);

#endif
