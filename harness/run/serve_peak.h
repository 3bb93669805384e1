/* The highest rate of requests that keeps every limit: the search of harness/load/peak.h over served scenarios. */
#ifndef ASSAY_RUN_SERVE_PEAK_H
#define ASSAY_RUN_SERVE_PEAK_H

#include "assay/error.h"
#include "harness/load/peak.h"
#include "harness/load/serving/serve.h"
#include "harness/plan/scenario.h"
#include "harness/plan/seed_set.h"

struct assay_serve_peak {
    uint32_t         at_once; /* sequences of a step: what the capacity is estimated with is a few times as many requests at once */
    uint64_t         seed;
    enum assay_clock clock;
    /* Serves a scenario from the beginning; the caller of it frees what was served. */
    enum assay_code (*serve)(void *self, const struct assay_scenario *s, const struct assay_seeds *seeds, struct assay_serve_result *out,
                             struct assay_error *err);
    void *self;
};
/* `s` has qps 0 and at least one limit. Its rate becomes the highest valid one, or the first that was looked at where none was, and its
 * min_queries three times what settled it. */
enum assay_code assay_serve_peak_find(const struct assay_serve_peak *how, struct assay_scenario *s, struct assay_peak *peak, struct assay_error *err);

#endif
