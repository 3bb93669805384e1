/* The sheets of a report, one a table. Each appends its sheets to the book. */
#ifndef ASSAY_REPORTS_BOOK_TABLES_H
#define ASSAY_REPORTS_BOOK_TABLES_H

#include "harness/judge/claims.h"
#include "harness/judge/qualify.h"
#include "harness/judge/summary.h"
#include "reports/book/book.h"
#include "reports/language.h"
#include "reports/report.h"

/* Heads of a table, and a message in a cell. */
void assay_book_heads(struct assay_book *book, enum assay_language language, const enum assay_say *columns, size_t n);
void assay_book_say(struct assay_book *book, enum assay_cell_style style, enum assay_language language, enum assay_say what);

/* Runs, results (a row for each case and back end), what does not count, environment. */
void assay_book_runs(struct assay_book *book, enum assay_language language, const struct assay_summary *const *runs, size_t n);
/* Every figure there is: a line for each metric of each row of the results, then those of levels of validation (level_figures.h). */
void assay_book_figures(struct assay_book *book, enum assay_language language, const struct assay_report_source *of);
/* The deviation table (deviation.h), candidate by candidate. */
void assay_book_deviations(struct assay_book *book, enum assay_language language, const struct assay_qualification *q,
                           const struct assay_claims *claims);
void assay_book_claims(struct assay_book *book, enum assay_language language, const struct assay_claims *claims);
/* The cost model as live formulas (harness/judge/ownership.h has them): inputs, then a line a candidate whose cost is known; measured,
 * others and announced ones apart. No sheet where the policy has no costs. */
void assay_book_costs(struct assay_book *book, enum assay_language language, const struct assay_qualification *q);
/* Every price that is known and who says so; else what the vendor is to be asked. Nothing without offers. */
void assay_book_prices(struct assay_book *book, enum assay_language language, const struct assay_qualification *q);

#endif
