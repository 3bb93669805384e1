/* The two logs of a result, with LoadGen's keys and lines, so that tools which read LoadGen's logs read these. They say first and last who
 * wrote them and that nobody verified them: the generator is assay, and what it measured is no MLPerf result. */
#ifndef ASSAY_MLPERF_LOGS_H
#define ASSAY_MLPERF_LOGS_H

#include "reports/mlperf/result.h"
#include "reports/sink.h"

enum assay_mlperf_mode { ASSAY_MLPERF_PERFORMANCE, ASSAY_MLPERF_ACCURACY };

#define ASSAY_MLPERF_LABEL "unverified: written by assay " ASSAY_VERSION " from a run of its own; LoadGen was not used; not an MLPerf result"

/* mlperf_log_detail.txt: a JSON object a line behind ":::MLLOG". The sink's texts are escaped as JSON. An accuracy log has what was asked
 * for and how many outputs were kept (`outputs`), and no figures. */
void assay_mlperf_detail(const struct assay_mlperf_result *r, enum assay_mlperf_mode mode, uint64_t outputs, struct assay_sink *to);
/* mlperf_log_summary.txt, for people; the sink's texts are escaped for a terminal. */
void assay_mlperf_summary(const struct assay_mlperf_result *r, enum assay_mlperf_mode mode, struct assay_sink *to);

#endif
