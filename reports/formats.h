/* One writer a format; report.c chooses. Each writes the whole report to the sink and says false when out of memory. */
#ifndef ASSAY_REPORTS_FORMATS_H
#define ASSAY_REPORTS_FORMATS_H

#include "reports/page.h"
#include "reports/report.h"
#include "reports/sink.h"

bool assay_report_markdown(const struct assay_summary *const *runs, size_t n, struct assay_sink *to);
/* A section of it: systems that train a decoder, where the run has such rows. */
void assay_markdown_clusters(struct assay_sink *to, const struct assay_report_run *run);
bool assay_report_csv(const struct assay_summary *const *runs, size_t n, struct assay_sink *to);
bool assay_report_json(const struct assay_summary *const *runs, size_t n, FILE *out);

#endif
