/* The workbook as a file, by libxlsxwriter where the build has it. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/folder_temporary.h"
#include "reports/book/book.h"

#include "assay/banned.h"

#if ASSAY_WITH_XLSX
#include <xlsxwriter.h>

#define MADE 946684800 /* 2000-01-01: a file tells of its contents, not of when it was written */
#define WIDEST 60
#define LIMIT_BYTES ((size_t)1 << 30)

struct writing {
    lxw_workbook  *workbook;
    lxw_worksheet *sheet;
    lxw_format    *style[4];
    lxw_error      failed;
};

static void make_styles(struct writing *w)
{
    for (int i = 0; i < 4; i++) {
        w->style[i] = workbook_add_format(w->workbook);
        format_set_align(w->style[i], LXW_ALIGN_VERTICAL_TOP);
    }
    format_set_bold(w->style[ASSAY_CELL_HEAD]);
    format_set_text_wrap(w->style[ASSAY_CELL_HEAD]);
    format_set_bottom(w->style[ASSAY_CELL_HEAD], LXW_BORDER_THIN);
    format_set_bg_color(w->style[ASSAY_CELL_INPUT], 0xFFF2CC);
    format_set_num_format(w->style[ASSAY_CELL_MONEY], "#,##0.00");
}

static void keep(struct writing *w, lxw_error error)
{
    if (error && !w->failed)
        w->failed = error;
}

static void write_cell(struct writing *w, const struct assay_cell *c)
{
    lxw_format *style = w->style[c->style];
    char       *formula = NULL;
    switch (c->kind) {
    case ASSAY_CELL_TEXT: keep(w, worksheet_write_string(w->sheet, c->row, c->column, c->text, style)); return;
    case ASSAY_CELL_NUMBER: keep(w, worksheet_write_number(w->sheet, c->row, c->column, c->value, style)); return;
    case ASSAY_CELL_FORMULA:
        keep(w, asprintf(&formula, "=%s", c->text) < 0
                    ? LXW_ERROR_MEMORY_MALLOC_FAILED
                    : worksheet_write_formula_num(w->sheet, c->row, c->column, formula, style, c->value));
        free(formula);
        return;
    }
}

/* Columns as wide as their widest text, within reason: a Chinese character takes three bytes and two places. */
static void set_widths(struct writing *w, const struct assay_sheet *s)
{
    size_t widest[64] = {0};
    for (size_t i = 0; i < s->n; i++) {
        const struct assay_cell *c = &s->cells[i];
        size_t                   width = c->kind == ASSAY_CELL_TEXT ? strlen(c->text) + 2 : 14;
        if (c->column < 64 && width > widest[c->column])
            widest[c->column] = width;
    }
    for (uint16_t k = 0; k < 64; k++)
        if (widest[k])
            keep(w, worksheet_set_column(w->sheet, k, k, (double)(widest[k] > WIDEST ? WIDEST : widest[k]), NULL));
}

static void write_sheet(struct writing *w, const struct assay_sheet *s)
{
    w->sheet = workbook_add_worksheet(w->workbook, s->name);
    if (!w->sheet) {
        w->failed = LXW_ERROR_MEMORY_MALLOC_FAILED;
        return;
    }
    set_widths(w, s);
    for (size_t i = 0; i < s->n && !w->failed; i++)
        write_cell(w, &s->cells[i]);
    worksheet_freeze_panes(w->sheet, 1, 0);
    worksheet_set_landscape(w->sheet);
    worksheet_set_paper(w->sheet, 9); /* A4 */
    keep(w, worksheet_repeat_rows(w->sheet, 0, 0));
    worksheet_fit_to_pages(w->sheet, 1, 0);
}

static enum assay_code write_to(const struct assay_book *book, const char *path, char *folder, struct assay_error *err)
{
    lxw_workbook_options   options = {.constant_memory = LXW_FALSE, .tmpdir = folder, .use_zip64 = LXW_FALSE};
    lxw_doc_properties     properties = {.created = MADE};
    struct writing         w = {.workbook = workbook_new_opt(path, &options)};
    if (!w.workbook)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a spreadsheet");
    make_styles(&w);
    keep(&w, workbook_set_properties(w.workbook, &properties));
    for (size_t i = 0; i < book->n && !w.failed; i++)
        write_sheet(&w, &book->sheets[i]);
    lxw_error closed = workbook_close(w.workbook);
    if (w.failed || closed)
        return ASSAY_FAIL(err, ASSAY_IO, "the spreadsheet cannot be written: %s", lxw_strerror(w.failed ? w.failed : closed));
    return ASSAY_OK;
}

enum assay_code assay_book_write(const struct assay_book *book, const char *path, struct assay_error *err)
{
    char   folder[1024], made[1100], *bytes = NULL;
    size_t length;
    if (book->failed)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the spreadsheet '%.160s'", path);
    if (assay_folder_temporary("xlsx", folder, sizeof folder, err))
        return err->code;
    if (!assay_path_join(made, sizeof made, folder, "book.xlsx", err) && !write_to(book, made, folder, err) &&
        !assay_file_read(made, LIMIT_BYTES, &bytes, &length, err))
        (void)assay_file_replace(path, bytes, length, err);
    free(bytes);
    assay_folder_remove(folder);
    return err->code;
}

const char *assay_book_library(void)
{
    static char name[40];
    (void)snprintf(name, sizeof name, "libxlsxwriter %.20s", lxw_version());
    return name;
}
#else
enum assay_code assay_book_write(const struct assay_book *book, const char *path, struct assay_error *err)
{
    (void)book;
    (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "'%.160s' is not written: this build has no libxlsxwriter", path);
    return assay_error_hint(err, "install libxlsxwriter-dev and build again");
}

const char *assay_book_library(void)
{
    return "none";
}
#endif
