/* A report as text, and its parts, a file each. */
#ifndef ASSAY_REPORTS_MARKDOWN_MARKDOWN_H
#define ASSAY_REPORTS_MARKDOWN_MARKDOWN_H

#include "reports/cases.h"
#include "reports/report.h"
#include "reports/sink.h"

/* The whole of it to the sink; false: out of memory. */
bool assay_report_markdown(const struct assay_report_source *of, struct assay_sink *to);
/* clusters.c: systems that train a decoder, where the run has such rows. */
void assay_report_markdown_clusters(struct assay_sink *to, const struct assay_report_run *run);
/* levels.c: what a level found in a folder; and of a run, op by format. */
void assay_report_markdown_level(struct assay_sink *to, const struct assay_findings *level);
void assay_report_markdown_ops(struct assay_sink *to, const struct assay_summary *run);

#endif
