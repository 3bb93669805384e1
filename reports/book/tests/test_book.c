#include <criterion/criterion.h>
#include <math.h>
#include <zlib.h>

#include "reports/book/book.h"
#include "reports/book/tables.h"
#include "reports/tests/level_sample.h"
#include "reports/tests/sample_run.h"

/* A file of an .xlsx, which is a zip; free it. Local headers alone are read: the library writes sizes there. */
static char *unzip(const char *path, const char *name)
{
    size_t         bytes;
    unsigned char *zip = (unsigned char *)get_bytes(path, &bytes);
    for (size_t at = 0; at + 30 < bytes && !memcmp(zip + at, "PK\3\4", 4);) {
        uint32_t packed = zip[at + 18] | (uint32_t)zip[at + 19] << 8 | (uint32_t)zip[at + 20] << 16,
                 whole = zip[at + 22] | (uint32_t)zip[at + 23] << 8 | (uint32_t)zip[at + 24] << 16;
        uint32_t n_name = zip[at + 26] | (uint32_t)zip[at + 27] << 8, n_extra = zip[at + 28] | (uint32_t)zip[at + 29] << 8;
        size_t   data = at + 30 + n_name + n_extra;
        if (n_name == strlen(name) && !memcmp(zip + at + 30, name, n_name)) {
            char    *out = calloc(1, whole + 1);
            z_stream z = {.next_in = zip + data, .avail_in = packed, .next_out = (unsigned char *)out, .avail_out = whole};
            cr_assert(inflateInit2(&z, -15) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END);
            (void)inflateEnd(&z);
            free(zip);
            return out;
        }
        at = data + packed;
    }
    cr_assert(false, "no %s in it", name);
    return NULL;
}

static void need_library(void)
{
    if (!strcmp(assay_book_library(), "none"))
        cr_skip_test("this build has no libxlsxwriter");
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

Test(book, texts_are_texts_however_they_begin_and_formulas_have_values)
{
    static const char texts[][40] = {"=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A1", "http://x.y/", "mailto:a@b", "internal:Sheet!A1",
                                     "\tTab", "<b>&\"'", "a\x01\x1b[31m", "_x0041_", "\xff", "{=1}"};
    struct scratch     s = scratch_new();
    struct assay_book  book = {0};
    struct assay_error err = {0};
    need_library();
    assay_book_sheet(&book, "One");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assay_book_text(&book, ASSAY_CELL_PLAIN, texts[i]);
        assay_book_next_row(&book);
    }
    assay_book_number(&book, ASSAY_CELL_INPUT, 20);
    assay_book_formula(&book, ASSAY_CELL_MONEY, 41, "A%u*2+1", assay_book_row(&book));
    assay_book_number(&book, ASSAY_CELL_PLAIN, NAN);
    cr_assert_eq(assay_book_write(&book, in(&s, "x.xlsx"), &err), ASSAY_OK, "%s", err.message);
    char *sheet = unzip(in(&s, "x.xlsx"), "xl/worksheets/sheet1.xml"), *strings = unzip(in(&s, "x.xlsx"), "xl/sharedStrings.xml");
    cr_expect_eq(count(sheet, "<f>"), 1u);
    cr_expect(strstr(sheet, "<f>A15*2+1</f><v>41</v>"), "%s", sheet);
    cr_expect_eq(count(sheet, "t=\"s\""), sizeof texts / sizeof *texts);
    cr_expect_eq(count(sheet, "hyperlink"), 0u);
    cr_expect(strstr(strings, "<t>=1+1</t>") && strstr(strings, "<t>@SUM(A1)</t>") && strstr(strings, "&lt;b&gt;&amp;"), "%s", strings);
    cr_expect(strstr(strings, "_x005F_x0041_"), "%s", strings);
    for (const char *at = strings; *at; at++)
        cr_expect((unsigned char)*at >= 0x20 || strchr("\n\t\r", *at));
    free(sheet), free(strings);
    assay_book_release(&book);
    scratch_remove(&s);
}

Test(book, same_book_same_bytes)
{
    struct scratch     s = scratch_new();
    struct assay_error err = {0};
    char              *first, *second;
    size_t             n, m;
    need_library();
    for (int i = 0; i < 2; i++) {
        struct assay_book book = {0};
        assay_book_sheet(&book, "One");
        assay_book_text(&book, ASSAY_CELL_HEAD, "x");
        cr_assert_eq(assay_book_write(&book, in(&s, i ? "b" : "a"), &err), ASSAY_OK, "%s", err.message);
        assay_book_release(&book);
        if (!i)
            (void)usleep(1100000); /* into another second: no time stands in it */
    }
    first = get_bytes(in(&s, "a"), &n);
    second = get_bytes(in(&s, "b"), &m);
    cr_expect(n == m && !memcmp(first, second, n));
    free(first), free(second);
    scratch_remove(&s);
}

Test(book, without_the_library_or_a_place_it_is_told_in_one_line)
{
    struct assay_book  book = {0};
    struct assay_error err = {0};
    assay_book_sheet(&book, "One");
    enum assay_code code = assay_book_write(&book, "/no/such/folder/x.xlsx", &err);
    cr_expect(!strcmp(assay_book_library(), "none") ? code == ASSAY_UNAVAILABLE && strstr(err.hint, "libxlsxwriter-dev") : code == ASSAY_IO, "%s",
              err.message);
    assay_book_release(&book);
}

Test(book, has_the_figures_that_levels_of_validation_found)
{
    struct assay_book     book = {0};
    struct assay_findings level;
    size_t                text = 0;
    sample_level(&level);
    assay_book_figures(&book, ASSAY_CHINESE, &(struct assay_report_source){.levels = &level, .n_levels = 1});
    cr_assert(!book.failed && book.n == 1);
    for (size_t k = 0; k < book.sheets[0].n; k++) {
        const struct assay_cell *c = &book.sheets[0].cells[k];
        cr_expect_neq(c->kind, ASSAY_CELL_FORMULA);
        text += c->kind == ASSAY_CELL_TEXT && (!strcmp(c->text, "training.loss_difference") || !strcmp(c->text, "model.node_error_over_bound"));
    }
    cr_expect_eq(text, 4u, "of three models and a comparison of trainings");
    assay_book_release(&book);
    assay_findings_release(&level);
}

/* Everything a run may say, said badly, in every sheet and language: never a formula, and nothing of a modelled grade D as a point. */
Test(book, of_a_hostile_run_holds_no_formula_and_no_point_that_there_is_not, .timeout = 60)
{
    struct scratch              s = scratch_new();
    struct builder              b;
    struct assay_summary        run;
    const struct assay_summary *one = &run;
    sample_run(&b, &s, "run", &run);
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        struct assay_book book = {0};
        size_t            hostile = 0;
        assay_book_runs(&book, (enum assay_language)l, &one, 1);
        assay_book_figures(&book, (enum assay_language)l, &(struct assay_report_source){.runs = &one, .n_runs = 1});
        cr_assert(!book.failed && book.n == 5);
        for (size_t i = 0; i < book.n; i++)
            for (size_t k = 0; k < book.sheets[i].n; k++) {
                const struct assay_cell *c = &book.sheets[i].cells[k];
                cr_expect_neq(c->kind, ASSAY_CELL_FORMULA);
                hostile += c->kind == ASSAY_CELL_TEXT && strstr(c->text, "<script>alert(1)");
                cr_expect(c->kind != ASSAY_CELL_TEXT || !strpbrk(c->text, "\x01\x1b"));
            }
        cr_expect_gt(hostile, 2u);
        assay_book_release(&book);
    }
    assay_summary_release(&run);
    scratch_remove(&s);
}
