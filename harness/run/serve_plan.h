/* What a served case's parameters make of a decoder: its shape, its cache, the steps it is compiled for. */
#ifndef ASSAY_RUN_SERVE_PLAN_H
#define ASSAY_RUN_SERVE_PLAN_H

#include "assay/error.h"
#include "harness/load/serving/decoder_step.h"
#include "harness/load/serving/requests.h"
#include "harness/plan/plan.h"

#define ASSAY_SERVE_BUCKETS 3

struct assay_serve_plan {
    struct assay_model_shape    shape;
    int64_t                     layers;
    enum assay_dtype            store, cache;
    uint32_t                    block_tokens, n_blocks, max_context;
    struct assay_decoder_bucket buckets[ASSAY_SERVE_BUCKETS]; /* one sequence, all of them with a token each, the largest */
    size_t                      n_buckets;
    double                      cache_bytes_per_token; /* keys and values of all layers */
};
enum assay_code assay_serve_plan_of(const struct assay_case *what, struct assay_serve_plan *out, struct assay_error *err);

/* The requests of a case, for a vocabulary; `seeds` is filled and borrowed. */
enum assay_code assay_serve_requests(const struct assay_case *what, uint64_t seed, uint32_t launch, int64_t vocabulary,
                                     struct assay_seeds *seeds, struct assay_requests_setup *out, struct assay_error *err);
struct assay_engine_policy assay_serve_policy(const struct assay_case *what);

/* Before anything is opened: ASSAY_CONFIG, ASSAY_DATA for requests that cache, context or step could not hold, a trace or table that is
 * none, an engine that nobody described. A case that is not served passes. */
enum assay_code assay_serve_check(const struct assay_case *what, struct assay_error *err);

#endif
