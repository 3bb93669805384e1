#include <criterion/criterion.h>
#include <string.h>

#include "harness/base/tests/source.h"
#include "reports/figures.h"
#include "reports/write/write.h"
#include "reports/tests/sample_run.h"

Test(report, formats_are_found_by_their_names_and_have_files_of_their_own)
{
    size_t                         n;
    const struct assay_report_row *rows = assay_report_formats(&n);
    cr_expect_eq(n, 6u);
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq(assay_report_format_find(rows[i].name), &rows[i]);
        for (size_t k = 0; k < i; k++)
            cr_expect(strcmp(rows[i].file, rows[k].file) != 0 && rows[i].format != rows[k].format);
    }
    cr_expect_null(assay_report_format_find("docx"));
}

Test(report, that_cannot_be_written_is_an_error_and_the_old_one_stays, .timeout = 60)
{
    struct scratch              s = scratch_new();
    struct builder              b;
    struct assay_summary        run;
    const struct assay_summary *one = &run;
    struct assay_error          err = {0};
    size_t                      n;
    sample_run(&b, &s, "run", &run);
    cr_expect_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, ASSAY_REPORT_CSV, in(&s, "no/such/folder.csv"), &err), ASSAY_IO, "%s", err.message);
    put_bytes(in(&s, "report.csv"), "old", 3);
    memset(&err, 0, sizeof err);
    cr_expect_neq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, (enum assay_report_format)99, in(&s, "report.csv"), &err), ASSAY_OK);
    char *bytes = get_bytes(in(&s, "report.csv"), &n);
    cr_expect(n == 3 && memcmp(bytes, "old", 3) == 0);
    free(bytes);
    assay_summary_release(&run);
    scratch_remove(&s);
}

/* The manual's table of figures is that of the program, word for word. */
Test(report, manual_defines_every_figure_as_the_program_does)
{
    char   source[SOURCE_BYTES], manual[SOURCE_BYTES + 64], line[600], *text;
    size_t n;
    source_of(source);
    (void)snprintf(manual, sizeof manual, "%s/reports/README.md", source);
    text = get_bytes(manual, &n);
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
        const struct assay_metric_row *row = assay_metric_row((enum assay_metric)m);
        (void)snprintf(line, sizeof line, "\n| `%s` | %s | %s |\n", row->name, row->unit, row->definition);
        cr_expect(strstr(text, line), "the manual lacks:%s", line);
    }
    for (enum assay_evidence e = ASSAY_EVIDENCE_MEASURED; e <= ASSAY_EVIDENCE_INSTRUMENT; e++)
        cr_expect(strstr(text, assay_figure_evidence_about(e)), "%s", assay_evidence_name(e));
    free(text);
}
