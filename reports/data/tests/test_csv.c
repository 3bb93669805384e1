#include <criterion/criterion.h>
#include <stdlib.h>

#include "harness/store/soak_file.h"
#include "reports/write/write.h"
#include "reports/tests/level_sample.h"
#include "reports/tests/sample_run.h"

#define COLUMNS 19

struct table {
    char **field; /* rows of COLUMNS */
    size_t n_rows;
    char  *bytes;
};

/* RFC 4180, strictly: CRLF ends a row, a quote within quotes is doubled, nothing stands behind a closing quote. */
static struct table read_table(const char *text)
{
    struct table t = {.field = calloc(COLUMNS * 2000, sizeof *t.field), .bytes = strdup(text)};
    char        *at = t.bytes;
    size_t       column = 0;
    while (*at) {
        char *to = at, **field = &t.field[t.n_rows * COLUMNS + column];
        *field = to;
        if (*at == '"') {
            for (at++; *at != '"' || at[1] == '"'; at++) {
                cr_assert(*at, "an open quote");
                at += *at == '"';
                *to++ = *at;
            }
            at++;
        } else {
            while (!strchr(",\r\n\"", *at))
                *to++ = *at++;
        }
        char end = *at;
        cr_assert(end == ',' || (end == '\r' && at[1] == '\n'), "row %zu, column %zu: %.30s", t.n_rows, column, at);
        *to = 0;
        at += end == ',' ? 1 : 2;
        column++;
        cr_assert(end == ',' ? column < COLUMNS : column == COLUMNS, "row %zu has another number of fields", t.n_rows);
        if (end == '\r') {
            t.n_rows++;
            column = 0;
        }
    }
    cr_assert_eq(column, 0u, "the last row ends as the others do");
    return t;
}

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;

static struct table write_table(void)
{
    struct assay_error          err = {0};
    const struct assay_summary *one = &run;
    size_t                      bytes;
    s = scratch_new();
    sample_run(&b, &s, "=run,\"1\"", &run);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, ASSAY_REPORT_CSV, in(&s, "report.csv"), &err), ASSAY_OK, "%s", err.message);
    char        *text = get_bytes(in(&s, "report.csv"), &bytes);
    struct table t = read_table(text);
    free(text);
    return t;
}

static void release(struct table *t)
{
    free(t->field);
    free(t->bytes);
    assay_summary_release(&run);
    scratch_remove(&s);
}

static void expect_number(const char *field, bool there, double want, const char *what, size_t row)
{
    char *end;
    if (!there) {
        cr_expect_str_eq(field, "", "row %zu: %s", row, what);
        return;
    }
    cr_expect(strtod(field, &end) == want && *end == 0 && end > field, "row %zu: %s is %s, not %.17g", row, what, field, want);
}

Test(csv, has_a_row_for_each_case_back_end_and_metric_that_comes_back_to_the_last_bit, .timeout = 30)
{
    static const char *const names[COLUMNS] = {"run", "case", "id", "backend", "device", "product", "metric", "value", "low", "high", "level", "n", "unit", "evidence",
                                               "grade", "status", "verdict", "noisy_launches", "why"};
    struct table t = write_table();
    cr_assert_eq(t.n_rows, 1 + run.n_rows * ASSAY_METRIC_COUNT);
    for (size_t c = 0; c < COLUMNS; c++)
        cr_expect_str_eq(t.field[c], names[c]);
    for (size_t i = 1; i < t.n_rows; i++) {
        const struct assay_summary_row *row = &run.rows[(i - 1) / ASSAY_METRIC_COUNT];
        enum assay_metric               metric = (enum assay_metric)((i - 1) % ASSAY_METRIC_COUNT);
        const struct assay_estimate    *e = &row->metric[metric];
        char                          **field = &t.field[i * COLUMNS];
        cr_expect_str_eq(field[2], row->id);
        cr_expect_str_eq(field[6], assay_metric_row(metric)->name);
        expect_number(field[7], e->has_value, e->value, "value", i);
        expect_number(field[8], e->has_interval, e->low, "low", i);
        expect_number(field[9], e->has_interval, e->high, "high", i);
        expect_number(field[10], e->has_interval, e->level, "level", i);
        expect_number(field[11], true, (double)e->n, "n", i);
        cr_expect_str_eq(field[12], assay_metric_row(metric)->unit);
        cr_expect_str_eq(field[13], assay_evidence_name(row->evidence));
        cr_expect_str_eq(field[15], assay_status_name(row->status));
        cr_expect_str_eq(field[16], assay_outcome_name(row->outcome));
        cr_expect(e->has_value || *field[18], "row %zu: absent without a reason", i);
    }
    release(&t);
}

/* Of a model of grade D there is a range and no point: it must not get lost. */
Test(csv, keeps_an_interval_without_a_value, .timeout = 30)
{
    struct table t = write_table();
    size_t       found = 0;
    for (size_t i = 1; i < t.n_rows; i++) {
        char **field = &t.field[i * COLUMNS];
        if (strcmp(field[14], "D") != 0 || strcmp(field[6], "latency_ns") != 0)
            continue;
        cr_expect_str_eq(field[7], "");
        cr_expect_str_eq(field[8], "437.5");
        cr_expect_str_eq(field[9], "612.5");
        cr_expect_str_eq(field[18], "the peak of the device is assumed");
        found++;
    }
    cr_expect_eq(found, 1u);
    release(&t);
}

static char **row_of_metric(const struct table *t, const char *begins, const char *case_name)
{
    for (size_t i = 1; i < t->n_rows; i++)
        if (!strncmp(t->field[i * COLUMNS + 6], begins, strlen(begins)) && !strcmp(t->field[i * COLUMNS + 1], case_name))
            return &t->field[i * COLUMNS];
    cr_assert(false, "there is no row '%s' of '%s'", begins, case_name);
    return NULL;
}

Test(csv, has_what_levels_of_validation_found, .timeout = 30)
{
    struct scratch        scratch = scratch_new();
    struct assay_findings level;
    sample_level(&level);
    char        *text = sample_level_report(&level, ASSAY_REPORT_CSV, in(&scratch, "levels.csv"));
    struct table t = read_table(text);
    char       **f = row_of_metric(&t, "model.nodes_diverging", "dlrm.infer");
    cr_expect(!strcmp(f[7], "0") && !strcmp(f[11], "1") && !strcmp(f[16], "pass"));
    f = row_of_metric(&t, "model.node_error_over_bound", "dlrm.infer");
    cr_expect_str_eq(f[7], "0.25");
    f = row_of_metric(&t, "model.nodes_diverging", "bert.infer");
    cr_expect(!*f[7] && *f[18] && !strcmp(f[16], "not_checked"), "nobody looked, and it says why");
    f = row_of_metric(&t, "training.loss_difference", "text.learn/batch=8,tokens=64");
    cr_expect(strtod(f[8], NULL) < strtod(f[7], NULL) && strtod(f[7], NULL) < strtod(f[9], NULL) && !strcmp(f[10], "0.90000000000000002") && !strcmp(f[11], "3"));
    size_t gradients = 0, unseen = 0;
    for (size_t i = 1; i < t.n_rows; i++) {
        const char *metric = t.field[i * COLUMNS + 6];
        gradients += !strncmp(metric, "training.gradient_error_over_bound.", 35);
        unseen += !strncmp(metric, "model.unseen.", 13);
        cr_expect(*t.field[i * COLUMNS + 7] || *t.field[i * COLUMNS + 18], "row %zu: absent without a reason", i);
        cr_expect(!strchr("=+-@", *t.field[i * COLUMNS + 1]), "row %zu", i);
    }
    cr_expect(gradients == 2 && unseen == 11, "%zu, %zu", gradients, unseen);
    free(t.field);
    free(t.bytes);
    free(text);
    assay_findings_release(&level);
    scratch_remove(&scratch);
}

Test(csv, no_field_is_computed_by_a_spreadsheet_and_quotes_and_separators_come_back, .timeout = 30)
{
    struct table t = write_table();
    size_t       hostile = 0;
    for (size_t i = 0; i < t.n_rows * COLUMNS; i++)
        cr_expect(!strchr("=+-@\t\r", t.field[i][0]) || !*t.field[i] || strtod(t.field[i], NULL) != 0, "%s", t.field[i]);
    for (size_t i = 1; i < t.n_rows; i++) {
        char **field = &t.field[i * COLUMNS];
        cr_expect_str_eq(field[0], "'=run,\"1\"", "a formula is defused, all else is as it was");
        if (strncmp(field[5], "'=x<script>", 11) != 0)
            continue;
        hostile++;
        cr_expect(strstr(field[5], "\"' onload=\"y\"") && strstr(field[5], "| ` ; ,\t\xEF\xBF\xBD"), "%s", field[5]);
    }
    cr_expect_eq(hostile, (size_t)ASSAY_METRIC_COUNT);
    release(&t);
}

/* Of the row of a metric: its fields from "value" on; NULL: there is none. */
static char **figure_of(const struct table *t, const char *metric)
{
    for (size_t i = 1; i < t->n_rows; i++)
        if (!strcmp(t->field[i * COLUMNS + 6], metric))
            return &t->field[i * COLUMNS + 7];
    return NULL;
}

static void soak_stretch(uint64_t iterations, uint64_t mismatches, uint64_t busy_ns)
{
    struct assay_error        err = {0};
    struct assay_soak_file   *f = NULL;
    struct assay_soak_stretch x = {.id = "0123456789abcdef", .end = ASSAY_SOAK_CRASHED, .wall_ns = 60000000000, .busy_ns = busy_ns,
                                   .iterations = iterations, .mismatches = mismatches, .begun_utc_ns = 1795714649241837943u};
    SAMPLE_TEXT(x.case_name, run.rows[0].case_name);
    SAMPLE_TEXT(x.backend, run.rows[0].backend);
    SAMPLE_TEXT(x.reason, HOSTILE);
    cr_assert_eq(assay_soak_file_open(assay_run_folder_path(run.folder), true, &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_soak_file_append(f, &x, &err), ASSAY_OK, "%s", err.message);
    assay_soak_file_close(f);
}

static struct table table_again(void)
{
    struct assay_error          err = {0};
    const struct assay_summary *one = &run;
    size_t                      bytes;
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, ASSAY_REPORT_CSV, in(&s, "report.csv"), &err), ASSAY_OK, "%s", err.message);
    char        *text = get_bytes(in(&s, "report.csv"), &bytes);
    struct table t = read_table(text);
    free(text);
    return t;
}

Test(csv, tells_what_a_soak_shows_with_the_most_that_is_compatible, .timeout = 30)
{
    struct table before = write_table();
    cr_expect_null(figure_of(&before, "soak.executions"), "there is none");
    free(before.field);
    free(before.bytes);
    soak_stretch(1000, 1, 36000000000u);
    struct table t = table_again();
    char       **errors = figure_of(&t, "soak.silent_errors"), **rate = figure_of(&t, "soak.silent_errors_per_year");
    cr_assert(errors && rate && figure_of(&t, "soak.executions") && figure_of(&t, "soak.bad_ends"));
    cr_expect_str_eq(figure_of(&t, "soak.executions")[0], "1000");
    cr_expect_str_eq(errors[0], "1");
    cr_expect_str_eq(errors[4], "1000", "n: executions that were compared");
    cr_expect_float_eq(strtod(rate[0], NULL), 876000, 1);
    cr_expect(strtod(rate[2], NULL) > 4.15e6 && strtod(rate[2], NULL) < 4.16e6, "high: %s", rate[2]);
    cr_expect_str_eq(figure_of(&t, "soak.bad_ends")[0], "1");
    cr_expect_str_eq(figure_of(&t, "soak.compared_ns")[5], "ns");
    release(&t);
}

Test(csv, of_a_soak_that_was_given_up_there_is_a_reason_and_no_rate, .timeout = 30)
{
    struct table before = write_table();
    free(before.field);
    free(before.bytes);
    soak_stretch(10, 9, 1000);
    struct table t = table_again();
    char       **rate = figure_of(&t, "soak.silent_errors_per_year");
    cr_assert(rate);
    cr_expect_str_eq(rate[0], "");
    cr_expect_str_eq(rate[2], "");
    cr_expect(strstr(rate[11], "9 of 10 outputs"), "%s", rate[11]);
    release(&t);
}
