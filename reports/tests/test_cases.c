#include <criterion/criterion.h>

#include "reports/cases.h"

#define N_ROWS 6

/* Rows in memory: a, b, a, c, b, a with a rising peak where one is known. */
static void make(struct assay_summary *s, struct assay_summary_row rows[N_ROWS])
{
    static const char *const ids[N_ROWS] = {"a", "b", "a", "c", "b", "a"};
    static const char *const backends[N_ROWS] = {"one", "one", "two", "two", "two", "three"};
    static const char *const all[] = {"one", "two", "three"};
    memset(rows, 0, N_ROWS * sizeof *rows);
    for (size_t i = 0; i < N_ROWS; i++) {
        rows[i].id = ids[i];
        rows[i].case_name = ids[i];
        rows[i].backend = backends[i];
        if (i > 0)
            rows[i].metric[ASSAY_METRIC_ceiling_flops_per_s] = (struct assay_estimate){.has_value = i != 5, .value = 10.0 * (double)(N_ROWS - i)};
    }
    rows[3].metric[ASSAY_METRIC_ceiling_bytes_per_s] = (struct assay_estimate){.has_value = true, .value = -1};
    *s = (struct assay_summary){.rows = rows, .n_rows = N_ROWS, .backends = all, .n_backends = 3};
}

Test(cases, stand_together_in_the_order_of_their_first_row)
{
    struct assay_summary     s;
    struct assay_summary_row rows[N_ROWS];
    struct assay_report_run  run;
    make(&s, rows);
    cr_assert(assay_report_run_init(&run, &s, 2));
    cr_assert_eq(run.n_cases, 3u);
    static const struct { char id[2]; size_t n, row[3]; } want[] = {{"a", 3, {0, 2, 5}}, {"b", 2, {1, 4}}, {"c", 1, {3}}};
    for (size_t c = 0; c < 3; c++) {
        cr_expect_str_eq(run.cases[c].id, want[c].id);
        cr_expect_eq(run.cases[c].number, c + 1);
        cr_expect_eq(run.cases[c].plot, ASSAY_PLOT_NONE);
        cr_assert_eq(run.cases[c].n_rows, want[c].n);
        for (size_t i = 0; i < want[c].n; i++)
            cr_expect_eq(run.cases[c].rows[i], &rows[want[c].row[i]]);
    }
    cr_expect_eq(run.number, 2u);
    assay_report_run_release(&run);
    cr_expect(!run.cases && !run.rows);
}

Test(cases, roof_is_the_median_of_the_rows_that_have_one)
{
    struct assay_summary     s;
    struct assay_summary_row rows[N_ROWS];
    struct assay_report_run  run;
    make(&s, rows); /* 50, 40, 30, 20 */
    cr_assert(assay_report_run_init(&run, &s, 1));
    cr_expect_eq(run.peak_flops_per_s, 35.0);
    cr_expect_eq(run.triad_bytes_per_s, 0.0, "a bandwidth that is not positive is none");
    assay_report_run_release(&run);
    rows[1].metric[ASSAY_METRIC_ceiling_flops_per_s].has_value = false;
    cr_assert(assay_report_run_init(&run, &s, 1));
    cr_expect_eq(run.peak_flops_per_s, 30.0);
    assay_report_run_release(&run);
}

Test(cases, of_an_empty_run_are_none)
{
    struct assay_summary    s = {.n_rows = 0};
    struct assay_report_run run;
    cr_assert(assay_report_run_init(&run, &s, 1));
    cr_expect(run.n_cases == 0 && run.peak_flops_per_s == 0 && run.roofline == ASSAY_PLOT_NONE);
    assay_report_run_release(&run);
}

Test(cases, series_of_a_back_end_is_its_place_in_the_summary)
{
    struct assay_summary     s;
    struct assay_summary_row rows[N_ROWS];
    make(&s, rows);
    cr_expect_eq(assay_report_series(&s, "one"), 1u);
    cr_expect_eq(assay_report_series(&s, "three"), 3u);
}
