/* A workbook as a page: what a language has no page of its own for stands here, table by table. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "reports/book.h"
#include "reports/page.h"

#include "assay/banned.h"

static const char style[] = ".cells{width:auto;min-width:100%;font-size:.82rem}.cells td,.cells th{max-width:26rem;white-space:normal;min-width:4.5rem}.cells th{overflow-wrap:normal}.cells .num{white-space:nowrap}.cells .long{min-width:11rem}.cells .longest{min-width:19rem}\n"
                            "@media print{@page{size:A4 landscape;margin:10mm}header,main,nav{max-width:none;padding:0}nav{display:none}.cells{font-size:6pt;line-height:1.2}"
                            ".cells td,.cells th,.cells .long,.cells .longest{padding:.08rem .2rem;min-width:0;max-width:none}.cells .num{white-space:normal}.scroll{overflow:visible}h2{font-size:10pt;margin:.8rem 0 .2rem}}\n";

static void element(struct assay_sink *to, const char *tag, const char *text)
{
    assay_sink_raw(to, "<%s>", tag);
    assay_sink_text(to, text);
    assay_sink_raw(to, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static void write_cell(struct assay_sink *to, const struct assay_cell *c)
{
    char number[64];
    if (c->kind == ASSAY_CELL_TEXT) {
        size_t length = strlen(c->text);
        element(to, c->style == ASSAY_CELL_HEAD ? "th scope=\"col\"" : length > 80 ? "td class=\"longest\"" : length > 24 ? "td class=\"long\"" : "td", c->text);
        return;
    }
    (void)snprintf(number, sizeof number, c->style == ASSAY_CELL_MONEY ? "%.2f" : "%.6g", c->value);
    element(to, "td class=\"num\"", number);
}

/* Rows as they stand; a cell that nothing was written to is empty. */
static void write_rows(struct assay_sink *to, const struct assay_sheet *s)
{
    for (size_t i = 0; i < s->n;) {
        uint32_t row = s->cells[i].row;
        unsigned column = 0;
        assay_sink_raw(to, "<tr>");
        for (; i < s->n && s->cells[i].row == row; i++) {
            for (; column < s->cells[i].column; column++)
                assay_sink_raw(to, "<td></td>");
            write_cell(to, &s->cells[i]);
            column++;
        }
        assay_sink_raw(to, "</tr>\n");
    }
}

static void write_page(struct assay_sink *to, const struct assay_book *book, enum assay_language language)
{
    assay_sink_raw(to,
                   "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"generator\" content=\"assay " ASSAY_VERSION "\"/>\n",
                   assay_say(language, ASSAY_SAY_LANGUAGE_TAG));
    element(to, "title", assay_say(language, ASSAY_SAY_REPORT_TITLE));
    assay_sink_raw(to, "\n<style>\n");
    for (size_t i = 0; assay_page_style[i]; i++)
        assay_sink_raw(to, "%s", assay_page_style[i]);
    assay_sink_raw(to, "%s</style>\n</head>\n<body>\n<header>", style);
    element(to, "h1", assay_say(language, ASSAY_SAY_REPORT_TITLE));
    element(to, "p", assay_say(language, ASSAY_SAY_REPORT_ABOUT));
    assay_sink_raw(to, "</header>\n<nav><ul>");
    for (size_t i = 0; i < book->n; i++) {
        assay_sink_raw(to, "<li><a href=\"#table-%zu\">", i + 1);
        assay_sink_text(to, book->sheets[i].name);
        assay_sink_raw(to, "</a></li>");
    }
    assay_sink_raw(to, "</ul></nav>\n<main>\n");
    for (size_t i = 0; i < book->n; i++) {
        assay_sink_raw(to, "<section id=\"table-%zu\">\n", i + 1);
        element(to, "h2", book->sheets[i].name);
        assay_sink_raw(to, "\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
        assay_sink_text(to, book->sheets[i].name);
        assay_sink_raw(to, "\"><table class=\"cells\">\n");
        write_rows(to, &book->sheets[i]);
        assay_sink_raw(to, "</table></div>\n</section>\n");
    }
    assay_sink_raw(to, "</main>\n</body>\n</html>\n");
}

enum assay_code assay_book_page(const struct assay_book *book, enum assay_language language, const char *path, struct assay_error *err)
{
    char  *bytes = NULL;
    size_t length = 0;
    FILE  *out = book->failed ? NULL : open_memstream(&bytes, &length);
    if (!out)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the page '%.160s'", path);
    struct assay_sink to = {.out = out, .how = ASSAY_ESCAPE_HTML};
    write_page(&to, book, language);
    if (fclose(out) != 0 || to.failed)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the page '%.160s'", path);
    else
        (void)assay_file_replace(path, bytes, length, err);
    free(bytes);
    return err->code;
}
