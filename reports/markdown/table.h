/* Rows of a table of the text, as Markdown has them: what comes from outside cannot end a cell. */
#ifndef ASSAY_REPORTS_MARKDOWN_TABLE_H
#define ASSAY_REPORTS_MARKDOWN_TABLE_H

#include <stdint.h>

#include "reports/sink.h"

/* A blank line, the columns (ended by NULL) and the line below them; a column of numbers begins with '>', and they stand to the right. */
void assay_markdown_head(struct assay_sink *to, const char *const *columns);
/* " text |": a row begins with "|" and ends with a line's end. */
void assay_markdown_cell(struct assay_sink *to, const char *text);
/* By two digits; "–" of what is no number. */
void assay_markdown_number(struct assay_sink *to, double x);
void assay_markdown_count(struct assay_sink *to, uint64_t n);

#endif
