/* A workbook in memory, before it becomes a file: sheets of cells. Whatever comes from outside is a text and stays one, also where it
 * begins like a formula; formulas are ours alone, each with the value that we computed, so that a reader that does not recalculate
 * shows ours and one that does shows whether it agrees. */
#ifndef ASSAY_REPORTS_BOOK_BOOK_H
#define ASSAY_REPORTS_BOOK_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "reports/language.h"

enum assay_cell_kind { ASSAY_CELL_TEXT = 1, ASSAY_CELL_NUMBER = 2, ASSAY_CELL_FORMULA = 3 };
enum assay_cell_style {
    ASSAY_CELL_PLAIN = 0,
    ASSAY_CELL_HEAD = 1,  /* of a column or a group */
    ASSAY_CELL_INPUT = 2, /* a number that a reader may change */
    ASSAY_CELL_MONEY = 3, /* two digits behind the point */
};
struct assay_cell {
    uint32_t              row;
    uint16_t              column;
    enum assay_cell_kind  kind;
    enum assay_cell_style style;
    char                 *text;  /* text, or the formula without its "="; owned */
    double                value; /* of a number or a formula */
};
struct assay_sheet {
    char               name[32];
    struct assay_cell *cells; /* by rows, then columns */
    size_t             n, room;
    uint32_t           row; /* the one that is written */
    uint16_t           column;
};
struct assay_book {
    struct assay_sheet *sheets;
    size_t              n;
    bool                failed; /* out of memory: it must not be used */
};

/* What follows goes into a new sheet; the name is cut to 31 characters. Release also after failure. */
void assay_book_sheet(struct assay_book *book, const char *name);
void assay_book_release(struct assay_book *book);

/* The next cell of the row. A number that is not finite is an empty cell: its reason stands in another. */
void assay_book_text(struct assay_book *book, enum assay_cell_style style, const char *text);
void assay_book_number(struct assay_book *book, enum assay_cell_style style, double value);
ASSAY_PRINTF(4, 5)
void assay_book_formula(struct assay_book *book, enum assay_cell_style style, double value, const char *fmt, ...);
void assay_book_skip(struct assay_book *book);
void assay_book_next_row(struct assay_book *book);
/* The number of the row that is written, as formulas count: from 1. */
unsigned assay_book_row(const struct assay_book *book);

/* Writes it as .xlsx to `path`: the old file or the new. Same book, same bytes. ASSAY_UNAVAILABLE in a build without libxlsxwriter. */
enum assay_code assay_book_write(const struct assay_book *book, const char *path, struct assay_error *err);
/* "libxlsxwriter 1.1.4", or "none". */
const char *assay_book_library(void);

#endif
