#include "reports/tests/level_sample.h"

/* Bars of a line that end a cell: those without a backslash before them. */
static size_t cells(const char *line)
{
    size_t n = 0, length = strcspn(line, "\n");
    for (size_t i = 0; i < length; i++)
        n += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    return n;
}

Test(levels, every_row_of_every_table_has_the_cells_of_its_head, .timeout = 30)
{
    struct scratch        s = scratch_new();
    struct assay_findings level;
    size_t                head = 0, tables = 0;
    sample_level(&level);
    char *text = sample_level_report(&level, ASSAY_REPORT_MARKDOWN, in(&s, "report.md"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        tables += !head && *line == '|';
        head = *line != '|' ? 0 : head ? head : cells(line);
        cr_expect(!head || cells(line) == head, "%.*s", (int)strcspn(line, "\n"), line);
    }
    cr_expect_eq(tables, 7u, "nodes, nets, tokens, layers, statistic, pairs, gradients");
    cr_expect(!strpbrk(text, "<"));
    free(text);
    assay_findings_release(&level);
    scratch_remove(&s);
}

Test(levels, the_figures_are_those_of_the_document, .timeout = 30)
{
    struct scratch        s = scratch_new();
    struct assay_findings level;
    sample_level(&level);
    char *text = sample_level_report(&level, ASSAY_REPORT_MARKDOWN, in(&s, "report.md"));
    cr_expect(strstr(text, "1 of 3 models proved right on "));
    cr_expect(strstr(text, "| head | MatMul | 1.5e-07 | 2.5e-07 | 3.5e-07 | 4.5e-07 | 0.25 | 1e-06 | 0.6 | 0.3 |"));
    cr_expect(strstr(text, " 40 | 30 | 31 | 36 | 1 | 2.5 | 1.37500 | 1.25000 | 0.25 |"));
    cr_expect(strstr(text, "| trained | 40 | 36 | 1 | step 6, margin 0.75, bounds 0.12 | step 4, margin 0.062, bounds 0.25 |"));
    cr_expect(strstr(text, "| not equivalent | cpu:host |") && strstr(text, "| 3 | 3 | 1.52000 | 3 | 1.52200 | 0.00200 | – |"));
    cr_expect(strstr(text, "| 1e-06 | 0 | 0.25 | 1e-05 | 32 | 64 |"));
    free(text);
    assay_findings_release(&level);
    scratch_remove(&s);
}
