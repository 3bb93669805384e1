/* Pages on paper, by a headless Chromium that is on the machine: that may load and run nothing, bounded in time. */
#ifndef ASSAY_REPORTS_PDF_H
#define ASSAY_REPORTS_PDF_H

#include "assay/error.h"

/* The program that prints and its version ("chromium: Chromium 150.0 …"), or ASSAY_UNAVAILABLE with what was looked for. */
enum assay_code assay_pdf_browser(char program[32], char version[128], struct assay_error *err);
/* Prints the page at `html` to the file `path`: the old file or the new. ASSAY_UNAVAILABLE without a browser, ASSAY_TIMEOUT. The bytes
 * hold the time of printing and so differ from one printing to the next. */
enum assay_code assay_pdf_print(const char *html, const char *path, struct assay_error *err);

/* On which page of the file `path` that text stands last, counted from 1; 0 where it does not, or where pdftotext (poppler) is not
 * there to read it. `text` is letters, digits and blanks. */
unsigned assay_pdf_page_of(const char *path, const char *text);

#endif
