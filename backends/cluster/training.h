/* One training step of a decoder on a described system: the best plan for it, and its price on every cluster that the description allows. */
#ifndef CLUSTER_TRAINING_H
#define CLUSTER_TRAINING_H

#include "certainty.h"
#include "harness/model/cluster/decoder_graph.h"
#include "harness/model/cluster/modelled_system.h"
#include "harness/model/cluster/search.h"
#include "links.h"

struct training_options {
    int64_t          moment_bits, gradient_bytes;
    enum assay_dtype dtype;
    double           imbalance;
    bool             offload;
    char             framework[64];
};

struct training {
    const struct assay_modelled_system *on; /* outlives it */
    struct assay_decoder_in_graph       of;
    struct assay_search_space           space;
    struct assay_search_plan            best;
    int64_t                             priced, short_of_memory; /* plans that were looked at */
    double                              about_ns; /* the best plan's step in closed form, at the middle */
    double                              half;     /* of the band of the kernels' forms, in logarithms */
    double                              operation[3]; /* the longest forward, backward and weights' gradient of a chunk and micro-batch, as shares of the step */
    double                              fits;     /* share of the clusters that the description allows into whose memory the plan fits */
    struct assay_step_price             now;      /* on the cluster that the session is, */
    struct cluster_link                 link[ASSAY_SYSTEM_TIERS]; /* and what its tiers carry */
    struct cluster_certainty            certain;
};

/* What is trained. ASSAY_UNSUPPORTED: the graph is no decoder that is trained. */
enum assay_code training_read(const struct assay_graph *g, struct assay_decoder_in_graph *out, struct assay_error *err);
/* ASSAY_UNSUPPORTED: that too, or no plan fits: by how much, which groups, and what would make it fit. */
enum assay_code training_new(const struct assay_modelled_system *on, const struct assay_graph *g, const struct training_options *o,
                             struct training **out, struct assay_error *err);
/* Sets `now` to the price on draw k of the system; 0: the middle. */
enum assay_code training_price(struct training *t, uint64_t draw, struct assay_error *err);
void            training_free(struct training *t);

#endif
