#include "reports/report.h"

#include <string.h>

#include "assay/banned.h"

static const struct assay_report_row formats[] = {
    {ASSAY_REPORT_HTML, true, "html", "index.html", "one self-contained page with plots, for screen and paper"},
    {ASSAY_REPORT_MARKDOWN, true, "md", "report.md", "the tables, as text"},
    {ASSAY_REPORT_CSV, true, "csv", "report.csv", "a row for each case, back end and metric"},
    {ASSAY_REPORT_XLSX, true, "xlsx", "report.xlsx", "a spreadsheet with a sheet a table; with a policy, its cost model as formulas"},
    {ASSAY_REPORT_JSON, true, "json", "report.json", "everything, for programs"},
    {ASSAY_REPORT_PDF, false, "pdf", "report.pdf", "the page on paper, by a headless Chromium"},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

const struct assay_report_row *assay_report_formats(size_t *n)
{
    *n = N_FORMATS;
    return formats;
}

const struct assay_report_row *assay_report_format_find(const char *name)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}
