/* A run in the formats of other programs: of test results, of monitoring, of log stores. */
#ifndef ASSAY_REPORTS_DATA_EXCHANGE_H
#define ASSAY_REPORTS_DATA_EXCHANGE_H

#include "assay/error.h"
#include "harness/judge/summary.h"
#include "reports/sink.h"

enum assay_exchange {
    /* JUnit XML: a test a row of the summary. Outputs that are wrong are a failure, a launch that ended badly an error; what was not run,
     * not judged or proves nothing is skipped, with the reason. */
    ASSAY_EXCHANGE_JUNIT,
    /* OpenMetrics text: a gauge a metric, with case, back end, device, evidence and verdict as labels; a range as gauges …_low and …_high.
     * A modelled device without a point has its range alone. */
    ASSAY_EXCHANGE_OPENMETRICS,
    /* A JSON object a line, for each row and metric: the table of `report --format csv`, keyed. Without a value it has the reason. */
    ASSAY_EXCHANGE_JSONL,
};

/* Writes the file as a whole. */
enum assay_code assay_exchange_write(const struct assay_summary *run, enum assay_exchange format, const char *path, struct assay_error *err);

/* One label of OpenMetrics: `before` is its name, and the comma in front of it. */
void assay_exchange_label(struct assay_sink *to, const char *before, const char *text);

#endif
