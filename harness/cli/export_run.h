/* Exports of a run folder, in place of a case. */
#ifndef ASSAY_CLI_EXPORT_RUN_H
#define ASSAY_CLI_EXPORT_RUN_H

#include <stdint.h>

#include "harness/cli/cli.h"

struct assay_export_run {
    const char *folder, *out;
    const char *format;              /* "mlperf", "junit", "openmetrics", "jsonl" */
    int64_t     round, division;     /* enums of reports/mlperf/benchmark.h; mlperf only, as all that follows */
    const char *submitter, *system, *status, *system_type;
};
enum assay_exit assay_cli_export_run(const struct assay_export_run *with);

#endif
