#include "reports/book/book.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

void assay_book_sheet(struct assay_book *book, const char *name)
{
    struct assay_sheet *more = reallocarray(book->sheets, book->n + 1, sizeof *more);
    if (!more) {
        book->failed = true;
        return;
    }
    book->sheets = more;
    struct assay_sheet *s = &more[book->n++];
    memset(s, 0, sizeof *s);
    (void)assay_string_copy(s->name, sizeof s->name, name);
}

void assay_book_release(struct assay_book *book)
{
    for (size_t i = 0; i < book->n; i++) {
        for (size_t k = 0; k < book->sheets[i].n; k++)
            free(book->sheets[i].cells[k].text);
        free(book->sheets[i].cells);
    }
    free(book->sheets);
    *book = (struct assay_book){.n = 0};
}

/* Takes `text`. */
static void add(struct assay_book *book, enum assay_cell_kind kind, enum assay_cell_style style, char *text, double value)
{
    struct assay_sheet *s = book->n ? &book->sheets[book->n - 1] : NULL;
    if (s && s->n == s->room) {
        size_t             room = s->room ? 2 * s->room : 256;
        struct assay_cell *cells = reallocarray(s->cells, room, sizeof *cells);
        if (cells) {
            s->cells = cells;
            s->room = room;
        }
    }
    if (!s || s->n == s->room || (kind != ASSAY_CELL_NUMBER && !text)) {
        book->failed = true;
        free(text);
        return;
    }
    s->cells[s->n++] = (struct assay_cell){s->row, s->column++, kind, style, text, value};
}

void assay_book_text(struct assay_book *book, enum assay_cell_style style, const char *text)
{
    if (*text)
        add(book, ASSAY_CELL_TEXT, style, assay_string_escaped(ASSAY_ESCAPE_SHEET, text), 0);
    else
        assay_book_skip(book);
}

void assay_book_number(struct assay_book *book, enum assay_cell_style style, double value)
{
    if (isfinite(value))
        add(book, ASSAY_CELL_NUMBER, style, NULL, value);
    else
        assay_book_skip(book);
}

void assay_book_formula(struct assay_book *book, enum assay_cell_style style, double value, const char *fmt, ...)
{
    va_list args;
    char   *text = NULL;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    add(book, ASSAY_CELL_FORMULA, style, length < 0 ? NULL : text, value);
}

void assay_book_skip(struct assay_book *book)
{
    if (book->n)
        book->sheets[book->n - 1].column++;
}

void assay_book_next_row(struct assay_book *book)
{
    if (!book->n)
        return;
    book->sheets[book->n - 1].row++;
    book->sheets[book->n - 1].column = 0;
}

unsigned assay_book_row(const struct assay_book *book)
{
    return book->n ? book->sheets[book->n - 1].row + 1 : 0;
}
