#include "reports/mlperf/published.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "reports/book/tables.h"
#include "reports/page/page.h"

#include "assay/banned.h"

#define COLUMNS 12
static const enum assay_say heads[COLUMNS] = {
    ASSAY_SAY_SUBMITTER, ASSAY_SAY_ROUND,        ASSAY_SAY_DIVISION,  ASSAY_SAY_SYSTEM, ASSAY_SAY_ENTRY, ASSAY_SAY_BENCHMARK,
    ASSAY_SAY_SCENARIO,  ASSAY_SAY_ACCELERATORS, ASSAY_SAY_PRECISION, ASSAY_SAY_RESULT, ASSAY_SAY_UNIT,  ASSAY_SAY_RETRIEVED};
#define RESULT 9

struct line {
    const char *cell[COLUMNS];
    char        accelerators[240], footnote[1800];
};

/* The entry's id, or where its files lie. */
static const char *entry_of(const struct assay_mlperf_row *r)
{
    return *r->id ? r->id : r->source;
}

static void line_of(const struct assay_mlperf *m, size_t i, enum assay_language language, struct line *out)
{
    const struct assay_mlperf_row *r = &m->rows[i];
    char                           what[200];
    struct assay_text              note = ASSAY_TEXT(out->footnote);
    (void)snprintf(out->accelerators, sizeof out->accelerators, "%s%s%s", r->count, *r->count && *r->accelerator ? " × " : "", r->accelerator);
    (void)snprintf(what, sizeof what, "%s%s%s", r->benchmark, *r->scenario ? " " : "", r->scenario);
    assay_say_with(&note, language, ASSAY_SAY_MLPERF_NOTE,
                   (const char *const[]){r->round, r->division, what, m->from, m->retrieved, entry_of(r), NULL});
    const char *const cells[COLUMNS] = {r->submitter, r->round,           r->division,  r->system, *r->id ? r->id : "–", r->benchmark,
                                        r->scenario,  out->accelerators, r->precision, r->value,  r->unit,               m->retrieved};
    memcpy(out->cell, cells, sizeof cells);
}

/* "Taken as given from F (SHA-256 H), retrieved D." */
static void source_of_file(const struct assay_mlperf *m, size_t i, enum assay_language language, char room[600])
{
    struct assay_text text = assay_text_over(room, 600);
    assay_say_with(&text, language, ASSAY_SAY_MLPERF_AS_GIVEN, (const char *const[]){m->files[i].name, m->files[i].sha256, m->retrieved, NULL});
}

/* ---- HTML -------------------------------------------------------------------------------------------------------- */

static const char style[] = ".published{min-width:60rem;font-size:.84rem}.published td,.published th{white-space:normal;overflow-wrap:normal}.published td:nth-child(4),.published td:nth-child(8){overflow-wrap:anywhere;min-width:9rem}.notes{font-size:.8rem}\n"
                            "@media print{@page{size:A4 landscape;margin:11mm}.published{min-width:0;font-size:7.2pt}.scroll{overflow:visible}}\n";

static void element(struct assay_sink *to, const char *tag, const char *text)
{
    assay_sink_raw(to, "<%s>", tag);
    assay_sink_text(to, text);
    assay_sink_raw(to, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static void html_row(struct assay_sink *to, const struct line *l, size_t number)
{
    assay_sink_raw(to, "<tr>");
    for (int k = 0; k < COLUMNS; k++)
        element(to, k == 0 ? "th scope=\"row\"" : k == RESULT ? "td class=\"num\"" : "td", l->cell[k]);
    assay_sink_raw(to, "<td><a href=\"#note-%zu\">%zu</a></td></tr>\n", number, number);
}

static void html(struct assay_sink *to, const struct assay_mlperf *m, enum assay_language language)
{
    struct line line;
    char        source[600];
    assay_sink_raw(to,
                   "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"generator\" content=\"assay " ASSAY_VERSION "\"/>\n",
                   assay_say(language, ASSAY_SAY_LANGUAGE_TAG));
    element(to, "title", assay_say(language, ASSAY_SAY_MLPERF_TITLE));
    assay_sink_raw(to, "\n<style>\n");
    for (size_t i = 0; assay_page_style[i]; i++)
        assay_sink_raw(to, "%s", assay_page_style[i]);
    assay_sink_raw(to, "%s</style>\n</head>\n<body>\n<header>", style);
    element(to, "h1", assay_say(language, ASSAY_SAY_MLPERF_TITLE));
    assay_sink_raw(to, "</header>\n<main>\n");
    element(to, "p", assay_say(language, ASSAY_SAY_MLPERF_APART));
    assay_sink_raw(to, "\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"published\"><thead><tr>",
                   assay_say(language, ASSAY_SAY_MLPERF_TITLE));
    for (int k = 0; k < COLUMNS; k++)
        element(to, k == RESULT ? "th scope=\"col\" class=\"num\"" : "th scope=\"col\"", assay_say(language, heads[k]));
    element(to, "th scope=\"col\"", assay_say(language, ASSAY_SAY_FOOTNOTE));
    assay_sink_raw(to, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < m->n; i++) {
        line_of(m, i, language, &line);
        html_row(to, &line, i + 1);
    }
    assay_sink_raw(to, "</tbody></table></div>\n<ol class=\"notes\">\n");
    for (size_t i = 0; i < m->n; i++) {
        line_of(m, i, language, &line);
        assay_sink_raw(to, "<li id=\"note-%zu\">", i + 1);
        assay_sink_text(to, line.footnote);
        assay_sink_raw(to, "</li>\n");
    }
    assay_sink_raw(to, "</ol>\n");
    for (size_t i = 0; i < m->n_files; i++) {
        source_of_file(m, i, language, source);
        element(to, "p class=\"small\"", source);
    }
    element(to, "p", assay_say(language, ASSAY_SAY_MLPERF_TRADEMARK));
    assay_sink_raw(to, "\n</main>\n</body>\n</html>\n");
}

/* ---- text and tables --------------------------------------------------------------------------------------------- */

static void markdown(struct assay_sink *to, const struct assay_mlperf *m, enum assay_language language)
{
    struct line line;
    char        source[600];
    assay_sink_raw(to, "# %s\n\n%s\n\n|", assay_say(language, ASSAY_SAY_MLPERF_TITLE), assay_say(language, ASSAY_SAY_MLPERF_APART));
    for (int k = 0; k < COLUMNS; k++)
        assay_sink_raw(to, " %s |", assay_say(language, heads[k]));
    assay_sink_raw(to, " %s |\n|", assay_say(language, ASSAY_SAY_FOOTNOTE));
    for (int k = 0; k <= COLUMNS; k++)
        assay_sink_raw(to, k == RESULT ? "--:|" : "---|");
    for (size_t i = 0; i < m->n; i++) {
        line_of(m, i, language, &line);
        assay_sink_raw(to, "\n|");
        for (int k = 0; k < COLUMNS; k++) {
            assay_sink_raw(to, " ");
            assay_sink_text(to, line.cell[k]);
            assay_sink_raw(to, " |");
        }
        assay_sink_raw(to, " %zu |", i + 1);
    }
    assay_sink_raw(to, "\n\n");
    for (size_t i = 0; i < m->n; i++) {
        line_of(m, i, language, &line);
        assay_sink_raw(to, "%zu. ", i + 1);
        assay_sink_text(to, line.footnote);
        assay_sink_raw(to, "\n");
    }
    for (size_t i = 0; i < m->n_files; i++) {
        source_of_file(m, i, language, source);
        assay_sink_raw(to, "\n");
        assay_sink_text(to, source);
        assay_sink_raw(to, "\n");
    }
    assay_sink_raw(to, "\n%s\n", assay_say(language, ASSAY_SAY_MLPERF_TRADEMARK));
}

/* The notice stands in every line: a line that is copied elsewhere takes it along. */
static void csv(struct assay_sink *to, const struct assay_mlperf *m, enum assay_language language)
{
    struct line line;
    for (int k = 0; k < COLUMNS; k++) {
        assay_sink_text(to, assay_say(language, heads[k]));
        assay_sink_raw(to, ",");
    }
    assay_sink_text(to, assay_say(language, ASSAY_SAY_FOOTNOTE));
    assay_sink_raw(to, "\r\n");
    for (size_t i = 0; i < m->n; i++) {
        line_of(m, i, language, &line);
        for (int k = 0; k < COLUMNS; k++) {
            assay_sink_text(to, line.cell[k]);
            assay_sink_raw(to, ",");
        }
        assay_sink_textf(to, "%s %s", line.footnote, assay_say(language, ASSAY_SAY_MLPERF_TRADEMARK));
        assay_sink_raw(to, "\r\n");
    }
}

static bool json(FILE *out, const struct assay_mlperf *m, enum assay_language language)
{
    static const char *const names[COLUMNS] = {"submitter", "round",        "division",  "system", "entry", "benchmark",
                                               "scenario",  "accelerators", "precision", "result", "unit",  "retrieved"};
    json_t                  *rows = json_array();
    struct line              line;
    for (size_t i = 0; rows && i < m->n; i++) {
        json_t *row = json_object();
        line_of(m, i, language, &line);
        for (int k = 0; k < COLUMNS; k++)
            json_object_set_new(row, names[k], assay_json_string(line.cell[k]));
        json_object_set_new(row, "footnote", assay_json_string(line.footnote));
        json_array_append_new(rows, row);
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:o}", "format", "assay-mlperf-table/1", "title", assay_say(language, ASSAY_SAY_MLPERF_TITLE), "about",
                             assay_say(language, ASSAY_SAY_MLPERF_APART), "trademark", assay_say(language, ASSAY_SAY_MLPERF_TRADEMARK), "rows", rows);
    char   *text = root && json_array_size(rows) == m->n ? assay_json_pretty(root) : NULL;
    bool    ok = text && fprintf(out, "%s\n", text) > 0;
    free(text);
    json_decref(root);
    return ok;
}

void assay_mlperf_sheet(struct assay_book *book, enum assay_language language, const struct assay_mlperf *m)
{
    struct line line;
    assay_book_sheet(book, assay_say(language, ASSAY_SAY_SHEET_MLPERF));
    for (int k = 0; k < COLUMNS; k++)
        assay_book_say(book, ASSAY_CELL_HEAD, language, heads[k]);
    assay_book_say(book, ASSAY_CELL_HEAD, language, ASSAY_SAY_FOOTNOTE);
    assay_book_next_row(book);
    for (size_t i = 0; i < m->n; i++) {
        line_of(m, i, language, &line);
        for (int k = 0; k < COLUMNS; k++)
            if (k == RESULT)
                assay_book_number(book, ASSAY_CELL_PLAIN, strtod(line.cell[k], NULL));
            else
                assay_book_text(book, ASSAY_CELL_PLAIN, line.cell[k]);
        assay_book_text(book, ASSAY_CELL_PLAIN, line.footnote);
        assay_book_next_row(book);
    }
    assay_book_next_row(book);
    static const enum assay_say below[] = {ASSAY_SAY_MLPERF_TITLE, ASSAY_SAY_MLPERF_APART, ASSAY_SAY_MLPERF_TRADEMARK};
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        assay_book_say(book, ASSAY_CELL_PLAIN, language, below[i]);
        assay_book_next_row(book);
    }
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

bool assay_mlperf_has_format(enum assay_report_format format)
{
    return format == ASSAY_REPORT_HTML || format == ASSAY_REPORT_MARKDOWN || format == ASSAY_REPORT_CSV || format == ASSAY_REPORT_JSON;
}

static bool write_to(FILE *out, const struct assay_mlperf *m, enum assay_report_format format, enum assay_language language)
{
    struct assay_sink to = {.out = out};
    switch (format) {
    case ASSAY_REPORT_HTML: to.how = ASSAY_ESCAPE_HTML; html(&to, m, language); break;
    case ASSAY_REPORT_MARKDOWN: to.how = ASSAY_ESCAPE_MARKDOWN; markdown(&to, m, language); break;
    case ASSAY_REPORT_CSV: to.how = ASSAY_ESCAPE_CSV; csv(&to, m, language); break;
    case ASSAY_REPORT_JSON: return json(out, m, language);
    case ASSAY_REPORT_XLSX:
    case ASSAY_REPORT_PDF: return false;
    }
    return !to.failed;
}

enum assay_code assay_mlperf_report(const struct assay_mlperf *m, enum assay_report_format format, enum assay_language language, const char *path,
                                    struct assay_error *err)
{
    char  *bytes = NULL;
    size_t length = 0;
    FILE  *out = open_memstream(&bytes, &length);
    if (!out)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a table");
    bool ok = write_to(out, m, format, language);
    if (fclose(out) != 0 || !ok)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the table '%.160s'", path);
    else
        (void)assay_file_replace(path, bytes, length, err);
    free(bytes);
    return err->code;
}
