/* One step of a server on a described system: sequences dealt evenly over replicas of the decoder, each split over the fewest devices that hold it. */
#ifndef CLUSTER_SERVING_H
#define CLUSTER_SERVING_H

#include "certainty.h"
#include "harness/model/cluster/decoder_graph.h"
#include "harness/model/cluster/serving_step.h"
#include "links.h"

struct serving_options {
    int64_t tp, pp; /* ranks of a layer, stages; 0: the fewest that hold weights and caches */
};

struct serving {
    const struct assay_modelled_system *on; /* outlives it */
    struct assay_decoder_in_graph       of;
    struct assay_serving_plan           plan;
    double                              replicas, devices;
    double                              weight_bytes, cache_bytes; /* of a device: weights; its share of what the graph's blocks hold */
    struct assay_fabric                 fabric;  /* of the draw that it is now */
    struct assay_serving_model         *model;   /* on it */
    double                              half;    /* of the band of the kernels' forms, in logarithms */
    double                              error;   /* factor of this draw */
    int32_t                             starts, past; /* values of the graph */
    struct cluster_certainty            certain;
};

/* What all steps of a draw had of the links. A server has a program for each size of a step: it is of all of them. */
struct serving_tally {
    uint64_t              draw;                     /* 1 + the draw that it is of; 0: none */
    struct assay_link_use used[ASSAY_SYSTEM_TIERS]; /* before the factor of the draw */
    double                steps, step_ns;           /* how many, and what they took */
};

/* Sequences of a step as a server's control inputs tell them: starts[n + 1], past[n], of which n are in it. */
struct serving_step {
    const int32_t *starts, *past;
    size_t         n;
};

/* ASSAY_UNSUPPORTED: the graph is no server's step, or no split holds it: by how much not. ASSAY_CONFIG: ranks that do not divide. */
enum assay_code serving_new(const struct assay_modelled_system *on, const struct assay_graph *g, const struct serving_options *o,
                            struct serving **out, struct assay_error *err);
/* From here on, be draw k of the system; 0: the middle. */
enum assay_code serving_draw(struct serving *s, uint64_t draw, struct assay_error *err);
/* What kernels and links of the busiest replica take, added to the tally; what a host takes is the engine's to say. */
enum assay_code serving_price(struct serving *s, const struct serving_step *step, struct serving_tally *tally, double *ns, struct assay_error *err);
/* Of the mean step of the tally, on the fabric and with the factor of s, which is on the same draw; without a step, zeros. */
void            serving_links(const struct serving *s, const struct serving_tally *tally, struct cluster_link out[ASSAY_SYSTEM_TIERS]);
void            serving_free(struct serving *s);

#endif
