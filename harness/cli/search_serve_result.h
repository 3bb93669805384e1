/* What a search over ways of serving found, for people and as JSON. */
#ifndef ASSAY_CLI_SEARCH_SERVE_RESULT_H
#define ASSAY_CLI_SEARCH_SERVE_RESULT_H

#include <jansson.h>
#include <stdio.h>

#include "harness/model/cluster/modelled_system.h"
#include "harness/load/serving/cluster_serve.h"

/* 80 of 100 of what the descriptions, the kernels' models and servers leave open, of the best. */
struct assay_serve_band {
    double goodput_p10_s, goodput_p90_s, ttft_p10_ns, ttft_p90_ns, tpot_p10_ns, tpot_p90_ns;
    double fits;  /* share of the draws in which there is room */
    double keeps; /* of these, in which it keeps the limits */
    bool   point; /* every number that it rests on has a value; else there is only the band */
    char   why[240];
};
/* The search again with one thing changed. */
struct assay_serve_change {
    const char                 *what; /* NULL: it changes nothing */
    bool                        found;
    struct assay_serving_choice best;
};
enum { ASSAY_SERVE_CHANGES = 8 };

struct assay_serve_report {
    const struct assay_modelled_system   *on;
    const char                         *model, *server_about;
    const struct assay_decoder_numbers *decoder;
    const struct assay_serving_space   *space;
    const struct assay_serving_search  *search;
    double                              demand_per_s; /* 0: not asked */
    struct assay_serve_band             band;
    struct assay_serve_change           change[ASSAY_SERVE_CHANGES];
    size_t                              n_changes;
    struct assay_cluster_served         served; /* the best, through the engine, at served_share of its goodput */
    double                              served_share;
    char                                not_served[240]; /* why not, "" = it was */
};
void    assay_serve_print(const struct assay_serve_report *r, FILE *out);
json_t *assay_serve_json(const struct assay_serve_report *r);

#endif
