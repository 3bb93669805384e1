/* A step target on a model clock: the sequences of one group of a decoder that is split over ranks, priced by harness/model/cluster. */
#ifndef ASSAY_LOAD_SERVING_CLUSTER_STEP_H
#define ASSAY_LOAD_SERVING_CLUSTER_STEP_H

#include "harness/load/serving/step.h"
#include "harness/model/cluster/serving_rows.h"

struct assay_cluster_step {
    struct assay_step_target            target; /* points to this struct, which must not move */
    struct assay_serving_desk          *desk;   /* borrowed, as what follows */
    const struct assay_serving_ask     *ask;
    const struct assay_serving_numbers *stack;
    uint64_t                            free_ns; /* the group, from then on */
};
/* As many blocks as there is room for beside the weights, sequences as ask->in_flight has them, tokens of a step as its server has them; a
 * prompt that is not cut must fit into one. ASSAY_CONFIG: there is no room for one request. */
enum assay_code assay_cluster_step_init(struct assay_cluster_step *s, struct assay_serving_desk *desk, const struct assay_serving_ask *ask,
                                        const struct assay_serving_numbers *stack, struct assay_error *err);

#endif
