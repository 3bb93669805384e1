/* A report that was written in English, in another language of the catalogue. What the catalogue has no words for stays as it is:
 * names, case lines, units, commands, and texts of records that no row of languages/ fits. */
#ifndef ASSAY_REPORTS_TRANSLATE_H
#define ASSAY_REPORTS_TRANSLATE_H

#include "assay/error.h"
#include "reports/language.h"
#include "reports/report.h"

/* Reads the report `from`, which assay_report_write wrote as HTML or Markdown, and writes it in the language to `to`. The markup is the
 * same: only texts between tags, and what tags say to people (titles, labels), change. Left alone is what stands in an element with
 * translate="no", in <code>, <pre> and <style>. ASSAY_IO, ASSAY_MEMORY; ASSAY_DATA where a tag has no end. */
enum assay_code assay_report_translate(const char *from, enum assay_report_format format, enum assay_language language, const char *to,
                                       struct assay_error *err);

#endif
