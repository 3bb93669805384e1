#include <criterion/criterion.h>

#include "reports/cases.h"
#include "reports/tests/sample_run.h"

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;

static void one_case(unsigned i, const uint64_t *samples, size_t n)
{
    struct assay_record *r = builder_record(i, "cpu:host", 0, 1000);
    if (samples)
        sample_samples(&b, r, samples, n);
    builder_append(&b, r);
}

static void release(struct assay_report_run *sorted, struct assay_plots *plots)
{
    assay_report_run_release(sorted);
    assay_plots_free(plots);
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(distribution, axis_is_logarithmic_from_twenty_fold_on)
{
    static const uint64_t   narrow[10] = {1000, 20000, 7000, 7000, 7000, 7000, 7000, 7000, 7000, 7000},
                            wide[10] = {20001, 1000, 7000, 7000, 7000, 7000, 7000, 7000, 7000, 7000}, alike[10] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5},
                            none[10] = {0};
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    s = scratch_new();
    builder_begin(&b, &s, "run", json_object());
    one_case(0, narrow, 10);
    one_case(1, wide, 10);
    one_case(2, alike, 10);
    one_case(3, none, 10);
    builder_end(&b, &run);
    cr_assert(assay_report_run_init(&sorted, &run, 1));
    assay_distributions_begin(&sorted, plots);
    static const bool is_log[] = {false, true, false, false};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_neq(sorted.cases[i].plot, ASSAY_PLOT_NONE, "case %zu: %s", i, sorted.cases[i].why_no_plot);
        cr_expect_eq(sorted.cases[i].plot_is_log, is_log[i], "case %zu", i);
    }
    assay_plots_draw(plots);
    for (size_t i = 0; i < 4 && !*assay_plots_why(plots); i++)
        cr_expect(assay_plots_svg(plots, sorted.cases[i].plot), "times that are all alike, or none, are drawn too");
    cr_expect(!*assay_plots_why(plots) || strstr(assay_plots_why(plots), "could not be run"), "%s", assay_plots_why(plots));
    release(&sorted, plots);
}

Test(distribution, without_samples_says_why_and_not_where_the_folder_is)
{
    static const uint64_t   some[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    s = scratch_new();
    builder_begin(&b, &s, "run", json_object());
    for (unsigned i = 0; i < 6; i++) {
        struct assay_record *r = builder_record(i, "cpu:host", 0, 1000);
        char                 path[400];
        if (i > 0 && i != 4)
            sample_samples(&b, r, some, i == 3 ? 0 : i == 5 ? 9 : 2);
        (void)snprintf(path, sizeof path, "%s/%.160s", b.path, r->samples_file);
        if (i == 1)
            cr_assert_eq(remove(path), 0);
        if (i == 2)
            put_bytes(path, "0123456789abcdef", 16);
        r->status = i == 4 ? ASSAY_STATUS_TIMEOUT : ASSAY_STATUS_OK;
        builder_append(&b, r);
    }
    builder_end(&b, &run);
    cr_assert(assay_report_run_init(&sorted, &run, 1));
    assay_distributions_begin(&sorted, plots);
    static const char want[][60] = {"the launch left no samples", "the file of samples cannot be read", "the file of samples is not what the record says",
                                    "the file of samples is empty", "no launch on cpu:host ended well", "9 executions are too few for a curve"};
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(sorted.cases[i].plot, ASSAY_PLOT_NONE);
        cr_expect_str_eq(sorted.cases[i].why_no_plot, want[i], "case %zu", i);
    }
    release(&sorted, plots);
}

Test(distribution, is_drawn_for_so_many_cases_and_the_others_say_so)
{
    static const uint64_t   some[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    s = scratch_new();
    builder_begin(&b, &s, "run", json_object());
    one_case(0, some, 10);
    builder_end(&b, &run);
    cr_assert(assay_report_run_init(&sorted, &run, 1));
    struct assay_report_case *many = calloc(ASSAY_REPORT_MAX_DISTRIBUTIONS + 1, sizeof *many);
    for (size_t i = 0; i <= ASSAY_REPORT_MAX_DISTRIBUTIONS; i++)
        many[i] = sorted.cases[0];
    free(sorted.cases);
    sorted.cases = many;
    sorted.n_cases = ASSAY_REPORT_MAX_DISTRIBUTIONS + 1;
    assay_distributions_begin(&sorted, plots);
    cr_expect_neq(many[ASSAY_REPORT_MAX_DISTRIBUTIONS - 1].plot, ASSAY_PLOT_NONE);
    cr_expect_eq(many[ASSAY_REPORT_MAX_DISTRIBUTIONS].plot, ASSAY_PLOT_NONE);
    cr_expect(strstr(many[ASSAY_REPORT_MAX_DISTRIBUTIONS].why_no_plot, "the first 300 cases"));
    release(&sorted, plots);
}
