/* What a run of a serving engine comes to: the metrics and counts of its record, and the verdicts on its limits. */
#ifndef ASSAY_RUN_SERVE_RECORD_H
#define ASSAY_RUN_SERVE_RECORD_H

#include "harness/load/serving/serve.h"
#include "harness/load/verdict_settled.h"
#include "harness/plan/scenario.h"
#include "harness/store/record.h"

struct assay_serve_told {
    const struct assay_scenario     *scenario;
    const struct assay_serve_result *result;
    enum assay_clock                 clock;
    double                           devices; /* that served */
    double                           joules;  /* of all steps; 0: nothing tells them */
    double                           demand_per_s; /* 0: none is stated */
};
/* Fills record->load and the metrics of scenarios and of requests, but what compares tokens. ASSAY_MEMORY: no room to sort. */
enum assay_code assay_serve_tell(const struct assay_serve_told *told, struct assay_record *record, struct assay_error *err);
/* The worst of the limits' verdicts at that level of error for all of them together; a failed request is over every limit. */
enum assay_code assay_serve_settle(const struct assay_serve_told *told, double level, struct assay_settled_verdict *out, struct assay_error *err);

#endif
