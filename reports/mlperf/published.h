/* The table of MLPerf results that others published: a document of its own in every format, and a sheet of its own in the spreadsheet.
 * It takes these rows and nothing else, so that no figure of ours can stand with them; it computes with no value. Every row has its
 * footnote (benchmark, round, division, where and when it was retrieved, entry), and the notice on the trademark stands with the table.
 * The name is never translated, and has its ™. */
#ifndef ASSAY_REPORTS_MLPERF_PUBLISHED_H
#define ASSAY_REPORTS_MLPERF_PUBLISHED_H

#include <stdbool.h>

#include "assay/error.h"
#include "harness/store/mlperf.h"
#include "reports/book/book.h"
#include "reports/language.h"
#include "reports/report.h"

/* Is there a form of it in that format? (Of pdf it is the page, printed.) */
bool assay_mlperf_has_format(enum assay_report_format format);
/* To the file `path`, in HTML, Markdown, CSV or JSON. */
enum assay_code assay_mlperf_report(const struct assay_mlperf *m, enum assay_report_format format, enum assay_language language, const char *path,
                                    struct assay_error *err);
void            assay_mlperf_sheet(struct assay_book *book, enum assay_language language, const struct assay_mlperf *m);

#endif
