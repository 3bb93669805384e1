/* Reports: one or more runs, made ready by harness/judge/summary.h, written (write/) for people (HTML, Markdown) and programs
 * (CSV, JSON). A report says nothing that is not in the run folders: same folders, same bytes. README.md is the manual. */
#ifndef ASSAY_REPORTS_REPORT_H
#define ASSAY_REPORTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/judge/findings.h"
#include "harness/judge/summary.h"

enum assay_report_format {
    ASSAY_REPORT_HTML = 1, /* one self-contained file with plots */
    ASSAY_REPORT_MARKDOWN = 2,
    ASSAY_REPORT_CSV = 3,  /* a row for each case, back end and metric */
    ASSAY_REPORT_JSON = 4, /* everything, "format": "assay-report/1" */
    ASSAY_REPORT_XLSX = 5, /* a sheet a table (book/tables.h), in one language; not by assay_report_write */
    ASSAY_REPORT_PDF = 6,  /* the page, printed (pdf.h); not by assay_report_write */
};

/* A row of the table of formats. `file` is the name of the report in its folder; reproducible: same runs, same versions, same bytes. */
struct assay_report_row {
    enum assay_report_format format;
    bool                     reproducible;
    const char              *name, *file, *about;
};
/* All formats; *n of them. */
const struct assay_report_row *assay_report_formats(size_t *n);
/* The row of that name ("html"), or NULL. */
const struct assay_report_row *assay_report_format_find(const char *name);

/* What a report is of; one of both at least. All is borrowed and unchanged. */
struct assay_report_source {
    const struct assay_summary *const *runs;
    size_t                             n_runs;
    const struct assay_findings       *levels; /* of validation, in folders of their own or beside a run */
    size_t                             n_levels;
};

#endif
