/* The verb search for decoder.serve: goodput of each device within limits on latencies. */
#ifndef ASSAY_CLI_SEARCH_SERVE_H
#define ASSAY_CLI_SEARCH_SERVE_H

#include "harness/cli/cli.h"
#include "harness/model/cluster/modelled_system.h"
#include "harness/plan/plan.h"

struct assay_search_serve_options {
    int64_t prompt_tokens, output_tokens, cache_bytes;
    double  ttft_ms, tpot_ms, demand_per_s;
    char    server[32];
};
/* Searches and prints; complaints on stderr. dtype: what matrix units multiply. */
enum assay_exit assay_search_serve(const struct assay_case *c, const struct assay_modelled_system *on, const struct assay_search_serve_options *o,
                                   enum assay_dtype dtype, bool json);

#endif
