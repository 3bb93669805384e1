/* A report for programs: all of it, with every digit. Each writes the whole report and says false when out of memory. */
#ifndef ASSAY_REPORTS_DATA_TABLES_H
#define ASSAY_REPORTS_DATA_TABLES_H

#include "reports/report.h"
#include "reports/sink.h"

bool assay_report_csv(const struct assay_report_source *of, struct assay_sink *to);
bool assay_report_json(const struct assay_report_source *of, FILE *out);

#endif
