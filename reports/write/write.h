/* A report in any of the formats that are made from runs alone. */
#ifndef ASSAY_REPORTS_WRITE_WRITE_H
#define ASSAY_REPORTS_WRITE_WRITE_H

#include "assay/error.h"
#include "reports/report.h"

/* Writes the report to the file `path` as a whole: the old file or the new, never a mixture. HTML draws its plots with gnuplot; without it the report is written all the same and
 * says what is missing and why. ASSAY_IO when the file cannot be written, ASSAY_MEMORY. */
enum assay_code assay_report_write(const struct assay_report_source *of, enum assay_report_format format, const char *path,
                                   struct assay_error *err);

#endif
