#include <criterion/criterion.h>
#include <stdlib.h>

#include "reports/figures.h"
#include "reports/write/write.h"
#include "reports/tests/sample_run.h"

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;
static char                *text;

static void write_text(void)
{
    struct assay_error          err = {0};
    const struct assay_summary *one = &run;
    size_t                      bytes;
    s = scratch_new();
    sample_run(&b, &s, "r|un`", &run);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, ASSAY_REPORT_MARKDOWN, in(&s, "report.md"), &err), ASSAY_OK, "%s", err.message);
    text = get_bytes(in(&s, "report.md"), &bytes);
}

static void release(void)
{
    free(text);
    assay_summary_release(&run);
    scratch_remove(&s);
}

/* Bars of a line that end a cell: those without a backslash before them. */
static size_t cells(const char *line)
{
    size_t n = 0, length = strcspn(line, "\n");
    for (size_t i = 0; i < length; i++)
        n += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    return n;
}

/* The k-th line (from 0) of the table that begins with the line `head`. */
static const char *line_of(const char *head, size_t k)
{
    const char *at = strstr(text, head);
    cr_assert(at, "no table %s", head);
    for (size_t i = 0; i < k; i++)
        at = strchr(at, '\n') + 1;
    return at;
}

#define HEAD "| case | back end | evidence | time |"

Test(markdown, every_row_has_the_cells_of_its_head_whatever_stands_in_them, .timeout = 30)
{
    write_text();
    for (size_t i = 0; i < run.n_rows + 2; i++) {
        const char *line = line_of(HEAD, i);
        cr_expect_eq(cells(line), 12u, "line %zu: %.*s", i, (int)strcspn(line, "\n"), line);
    }
    cr_expect_neq(*line_of(HEAD, run.n_rows + 2), '|', "and no more rows than the summary has");
    for (size_t i = 0; i < 2 + 5; i++) /* wrong, not judged, crashed, untrusted, declined */
        cr_expect_eq(cells(line_of("| case | back end | launches | what | why |", i)), 6u);
    cr_expect_neq(*line_of("| case | back end | launches | what | why |", 7), '|');
    release();
}

Test(markdown, no_text_from_outside_is_markup, .timeout = 30)
{
    write_text();
    for (const char *at = text; *at; at++) {
        cr_expect(((unsigned char)*at >= 0x20 && *at != 0x7F) || *at == '\n', "a control character");
        cr_expect_neq(*at, '<', "%.20s", at);
        cr_expect(!strchr("`[", *at) || (at > text && at[-1] == '\\'), "a bare %.20s", at);
    }
    cr_expect(strstr(text, "=x&lt;script&gt;alert(1)&lt;/script&gt;"), "and yet it can be read");
    cr_expect(strstr(text, "\\|") && strstr(text, "\\`"));
    release();
}

Test(markdown, figures_carry_their_mark_and_what_does_not_count_has_its_reason, .timeout = 30)
{
    write_text();
    for (size_t i = 0; i < run.n_rows; i++) {
        const struct assay_summary_row *row = &run.rows[i];
        const char                     *line = line_of(HEAD, i + 2);
        char                            want[100];
        struct assay_text               room = ASSAY_TEXT(want);
        if (!row->metric[ASSAY_METRIC_latency_ns].has_value)
            continue;
        assay_text_add(&room, "| %s ", assay_figure_evidence_mark(row->evidence));
        assay_figure_value(&room, ASSAY_METRIC_latency_ns, row->metric[ASSAY_METRIC_latency_ns].value);
        const char *found = strstr(line, want);
        cr_expect(found && found < line + strcspn(line, "\n"), "row %zu: no '%s' in %.200s", i, want, line);
    }
    cr_expect(strstr(text, " 437.5 ns – 612.5 ns; the peak of the device is assumed |"), "a range without a point is kept");
    cr_expect(strstr(text, "the worker was ended by signal 11 |"));
    cr_expect(strstr(text, "### Never run\n\n- gemm/k=4 on cpu:host,threads=2\n- conv/"), "with the back end that it was not run on");
    cr_expect(strstr(text, "- verdicts: 3 pass, 1 marginal, 1 fail, 1 untrusted, 3 not"), "%s", strstr(text, "- verdicts"));
    release();
}
