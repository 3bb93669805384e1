/* One writer a format; report.c chooses. Each writes the whole report to the sink and says false when out of memory. */
#ifndef ASSAY_REPORTS_FORMATS_H
#define ASSAY_REPORTS_FORMATS_H

#include "reports/page.h"
#include "reports/report.h"
#include "reports/sink.h"

bool assay_report_markdown(const struct assay_report_source *of, struct assay_sink *to);
/* markdown_clusters.c: systems that train a decoder, where the run has such rows. A part of the text. */
void assay_report_markdown_clusters(struct assay_sink *to, const struct assay_report_run *run);
bool assay_report_csv(const struct assay_report_source *of, struct assay_sink *to);
bool assay_report_json(const struct assay_report_source *of, FILE *out);

/* markdown_levels.c: what a level found in a folder; and of a run, op by format. Parts of the text. */
void assay_report_markdown_level(struct assay_sink *to, const struct assay_findings *level);
void assay_report_markdown_ops(struct assay_sink *to, const struct assay_summary *run);

#endif
