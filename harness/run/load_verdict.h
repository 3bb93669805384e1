/* What a driven scenario comes to: was it valid by the published rules, is that settled, which rule is broken. */
#ifndef ASSAY_RUN_LOAD_VERDICT_H
#define ASSAY_RUN_LOAD_VERDICT_H

#include "harness/load/batch_search.h"
#include "harness/load/drive.h"
#include "harness/load/peak.h"
#include "harness/load/series.h"
#include "harness/load/verdict_settled.h"
#include "harness/plan/scenario.h"
#include "harness/store/record.h"

/* An execution issued later than this counts as late: 2 % of the latency limit, at least 100 us. */
uint64_t assay_lateness_limit_ns(const struct assay_scenario *s);

/* The steady part of the series against the limit. latencies: room for series->n; holds those of the series afterwards, failed
 * queries as UINT64_MAX. Needs a limit. *first is where the steady part begins; `steady` (160 bytes) says why there. */
void assay_load_settle(const struct assay_scenario *s, const struct assay_drive_result *r, const struct assay_series *series,
                       double level, uint64_t *latencies, size_t *first, char *steady, struct assay_settled_verdict *out);

/* Writes record->load and the metrics of scenarios, except what belongs to a search. `latencies` as above. */
void assay_load_judge(const struct assay_scenario *s, const struct assay_drive_result *r, const struct assay_series *series,
                      uint64_t *latencies, enum assay_clock clock, struct assay_record *record);

/* What a search found, once the scenario was judged at that rate: the metric peak_qps and the looks in words. */
void assay_load_tell_peak(const struct assay_peak *peak, struct assay_record *record);
/* The batches that were searched, in rows. */
void assay_load_tell_batches(const struct assay_batches *batches, struct assay_record *record);

#endif
