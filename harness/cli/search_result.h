/* What a search over plans found, for people and as JSON. */
#ifndef ASSAY_CLI_SEARCH_RESULT_H
#define ASSAY_CLI_SEARCH_RESULT_H

#include <jansson.h>

#include "harness/model/interval.h"
#include "harness/model/cluster/search.h"

/* 80 of 100 of what the descriptions and the kernels' models leave open, of the best plan's step. */
struct assay_search_band {
    double p10_ns, p90_ns;
    double kept_p10_ns, kept_p90_ns; /* the step over the share of time that is kept */
    double share_p10, share_p90, watts_p10, watts_p90;
    double fits; /* share of the draws in which the plan fits into memory */
    bool   point; /* every number that it rests on has a value; else there is only the band */
    char   why[240]; /* what has none */
};

/* The search again with one thing changed. */
struct assay_search_change {
    const char             *what;
    bool                    fits;
    double                  kept_ns; /* of its best plan */
    struct assay_train_plan plan;
};
enum { ASSAY_SEARCH_CHANGES = 8 };

struct assay_search_report {
    const struct assay_system          *system;
    const struct assay_described       *device;
    const char                         *model;
    const struct assay_decoder_numbers *decoder;
    const struct assay_search_space    *space;
    const struct assay_fabric          *fabric;
    const struct assay_search          *search;
    struct assay_search_band            band;
    struct assay_search_change          change[ASSAY_SEARCH_CHANGES];
    size_t                              n_changes;
    double                              seconds; /* that the search took */
};
void    assay_search_print(const struct assay_search_report *r, FILE *out);
json_t *assay_search_json(const struct assay_search_report *r);
/* The pipeline of one step of the best plan as a Chrome trace (JSON array of complete events), one row a stage. */
enum assay_code assay_search_trace(const struct assay_search_report *r, const struct assay_coefficients *k, const char *path, struct assay_error *err);

#endif
