#include "reports/mlperf/published.h"

#include <criterion/criterion.h>

#include "reports/book/tables.h"
#include "reports/report.h"
#include "reports/tests/markup.h"
#include "reports/tests/sample_run.h"

#define HOSTILE_NAME "=cmd|x <script>alert(1)</script> |"

static struct assay_mlperf_row  two[2] = {{.round = "inference_v4.1", .submitter = "Somebody", .division = "closed", .system = "Box of eight",
                                          .id = "4.1-0042", .benchmark = "bert-99", .scenario = "Offline", .accelerator = "Chip", .count = "8",
                                          .unit = "samples/s", .value = "28275.70"},
                                         {.round = "training_v3.0", .submitter = HOSTILE_NAME, .division = "open", .system = "Other box",
                                          .benchmark = "resnet", .unit = "minutes", .value = "57.4498", .source = "where/it/lies"}};
static struct assay_mlperf_file file = {.name = "summary.csv", .sha256 = "00ff"};
static const struct assay_mlperf published = {.rows = two, .n = 2, .files = &file, .n_files = 1, .retrieved = "2026-11-27",
                                              .from = "https://mlcommons.org/benchmarks/"};

/* What the guidelines for citing results ask of a document with them. "": all of it; else what is missing. */
static const char *lacks(const char *text)
{
    static const char *const needed[] = {"Somebody", "inference_v4.1", "Box of eight", "closed", "4.1-0042", "2026-11-27", "28275.70", "bert-99",
                                         "Offline", "where/it/lies", "https://mlcommons.org/benchmarks/", "MLCommons Association", "www.mlcommons.org"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!strstr(text, needed[i]))
            return needed[i];
    for (const char *at = text; (at = strstr(at, "MLPerf")); at++)
        if (strncmp(at + 6, "\xE2\x84\xA2", 3) != 0)
            return "the mark behind the name";
    size_t notes = 0;
    for (const char *at = text; (at = strstr(at, "MLPerf\xE2\x84\xA2 ")); at++)
        notes += strncmp(at + 10, "inference_v4.1 closed bert-99 Offline", 37) == 0 || strncmp(at + 10, "training_v3.0 open resnet", 25) == 0;
    return notes == 2 ? "" : "a footnote for each row";
}

static char *table(enum assay_report_format format, enum assay_language language)
{
    struct scratch     s = scratch_new();
    struct assay_error err = {0};
    size_t             n;
    cr_assert_eq(assay_mlperf_report(&published, format, language, in(&s, "out"), &err), ASSAY_OK, "%s", err.message);
    char *bytes = get_bytes(in(&s, "out"), &n);
    scratch_remove(&s);
    return bytes;
}

/* Markdown's escapes of "_" hide nothing. */
static void unescape(char *text)
{
    char *to = text;
    for (; *text; text++)
        if (*text != '\\' || text[1] != '_')
            *to++ = *text;
    *to = 0;
}

Test(mlperf_table, has_all_that_a_citation_needs_in_both_languages_and_every_format)
{
    static const enum assay_report_format formats[] = {ASSAY_REPORT_HTML, ASSAY_REPORT_MARKDOWN, ASSAY_REPORT_CSV, ASSAY_REPORT_JSON};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (int l = 0; l < ASSAY_LANGUAGES; l++) {
            char *text = table(formats[i], (enum assay_language)l);
            if (formats[i] == ASSAY_REPORT_MARKDOWN)
                unescape(text);
            cr_expect_str_eq(lacks(text), "", "format %d, language %d lacks %s", (int)formats[i], l, lacks(text));
            cr_expect(i > 1 || !strstr(text, "<script"), "markup counts in HTML and Markdown alone");
            free(text);
        }
}

/* The check above is worth something: without any one part it fails. */
Test(mlperf_table, without_mark_footnote_or_date_is_found_out)
{
    static const char parts[][40] = {"\xE2\x84\xA2", "4.1-0042", "2026-11-27", "Somebody", "MLCommons Association", "closed bert-99"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *text = table(ASSAY_REPORT_HTML, ASSAY_ENGLISH);
        for (char *at = text; (at = strstr(at, parts[i]));)
            memset(at, 'x', strlen(parts[i]));
        cr_expect_str_neq(lacks(text), "", "%s", parts[i]);
        free(text);
    }
}

Test(mlperf_table, computes_nothing_and_names_no_power_price_or_share)
{
    char  *text = table(ASSAY_REPORT_HTML, ASSAY_ENGLISH), room[200];
    size_t n = 0;
    cr_expect(markup_is_well_formed(text, room), "%s", room);
    for (const char *at = text; (at = strstr(at, "<td class=\"num\">")); at++)
        n++;
    cr_expect_eq(n, 2u, "one number a row: the result");
    static const char none[][20] = {"per watt", "TDP", "per chip", "speed-up", "rank ", "28275.7 /", "3534.46"}; /* a result over eight chips */
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_expect(!strstr(text, none[i]), "%s", none[i]);
    free(text);
}

Test(mlperf_table, csv_fields_that_begin_like_formulas_are_defused)
{
    char *text = table(ASSAY_REPORT_CSV, ASSAY_ENGLISH);
    cr_expect(strstr(text, "\"'=cmd|x"), "%s", text);
    cr_expect(!strstr(text, "\n=") && !strstr(text, ",="));
    free(text);
}

/* Neither side knows of the other: reports of a run take no published rows, the table takes no run. */
Test(mlperf_table, never_stands_with_figures_of_ours, .timeout = 60)
{
    struct scratch              s = scratch_new();
    struct builder              b;
    struct assay_summary        run;
    const struct assay_summary *one = &run;
    struct assay_book           book = {0};
    sample_run(&b, &s, "run", &run);
    assay_book_runs(&book, ASSAY_ENGLISH, &one, 1);
    assay_book_figures(&book, ASSAY_ENGLISH, &(struct assay_report_source){.runs = &one, .n_runs = 1});
    assay_mlperf_sheet(&book, ASSAY_ENGLISH, &published);
    cr_assert(!book.failed && book.n == 6);
    for (size_t i = 0; i < book.n; i++)
        for (size_t k = 0; k < book.sheets[i].n; k++) {
            const struct assay_cell *c = &book.sheets[i].cells[k];
            bool theirs = i == book.n - 1;
            cr_expect_neq(c->kind, ASSAY_CELL_FORMULA);
            if (c->kind == ASSAY_CELL_TEXT)
                cr_expect(!strstr(c->text, theirs ? "gemm/k=" : "Box of eight") && !strstr(c->text, theirs ? "Imaginary 7" : "MLPerf"), "%s", c->text);
            else
                cr_expect(theirs == (c->value == 28275.70 || c->value == 57.4498), "%g on sheet %zu", c->value, i);
        }
    assay_book_release(&book);
    assay_summary_release(&run);
    scratch_remove(&s);
}
