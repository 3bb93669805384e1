#include <criterion/criterion.h>
#include <math.h>

#include "reports/cases.h"
#include "reports/tests/sample_run.h"

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;

#define TEXT_CASE "text.learn/attention=true"

/* A training of `steps` steps with an evaluation behind every second. */
static void curve(struct assay_record *r, size_t steps, double gradient_norm)
{
    char                     path[400];
    size_t                   n = 0;
    struct assay_lesson_row *rows = calloc(2 * steps + 1, sizeof *rows);
    for (uint64_t k = 1; k <= steps; k++) {
        rows[n++] = (struct assay_lesson_row){.kind = ASSAY_LESSON_STEP, .step = k, .value = 3 - (double)k / (double)steps, .gradient_norm = gradient_norm};
        if (k % 2 == 0)
            rows[n++] = (struct assay_lesson_row){.kind = ASSAY_LESSON_EVALUATION, .step = k, .value = 2.9 - (double)k / (double)steps, .gradient_norm = NAN};
    }
    assay_run_folder_curve_file(r->id, r->backend, r->launch, r->curve_file);
    (void)snprintf(path, sizeof path, "%s/%.160s", b.path, r->curve_file);
    put_bytes(path, rows, n * sizeof *rows);
    assay_sha256_hex(rows, n * sizeof *rows, r->curve_sha256);
    free(rows);
    r->metric[ASSAY_METRIC_quality_target] = (struct assay_metric_value){.has_value = true, .value = 2.0};
    r->metric[ASSAY_METRIC_quality_floor] = (struct assay_metric_value){.has_value = true, .value = 1.75};
}

static void one(unsigned i, const char *name, size_t steps, double gradient_norm)
{
    struct assay_record *r = builder_record(i, "cpu:host", 0, 1000);
    SAMPLE_TEXT(r->case_name, name);
    if (steps)
        curve(r, steps, gradient_norm);
    builder_append(&b, r);
}

static void finish(struct assay_report_run *sorted, struct assay_plots *plots)
{
    builder_end(&b, &run);
    cr_assert(assay_report_run_init(sorted, &run, 1));
    assay_learning_begin(sorted, plots);
}

static void release(struct assay_report_run *sorted, struct assay_plots *plots)
{
    assay_report_run_release(sorted);
    assay_plots_free(plots);
    assay_summary_release(&run);
    scratch_remove(&s);
}

/* A loss has its evaluations and floor in the same plot; another quality has a plot of its own; what was not trained has none. */
Test(learning, draws_what_there_is_of_each_case)
{
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    s = scratch_new();
    builder_begin(&b, &s, "run", json_object());
    one(0, TEXT_CASE, 40, 1.5);
    one(1, "shapes.learn/batch=64", 40, 1.5);
    one(2, TEXT_CASE ",batch=2", 40, NAN);
    one(3, "gemm/m=1", 0, 0);
    finish(&sorted, plots);
    static const bool has[4][3] = {{true, false, true}, {true, true, true}, {true, false, false}, {false, false, false}};
    assay_plots_draw(plots);
    for (size_t i = 0; i < 4; i++) {
        const struct assay_report_case *c = &sorted.cases[i];
        const size_t                    plot[] = {c->learning, c->quality, c->norms};
        for (int k = 0; k < 3; k++) {
            cr_expect_eq(plot[k] != ASSAY_PLOT_NONE, has[i][k], "case %zu, plot %d", i, k);
            cr_expect(!has[i][k] || *assay_plots_why(plots) || assay_plots_svg(plots, plot[k]));
        }
        cr_expect_str_eq(c->why_no_learning, "");
    }
    cr_expect(!*assay_plots_why(plots) || strstr(assay_plots_why(plots), "could not be run"), "%s", assay_plots_why(plots));
    const char *svg = assay_plots_svg(plots, sorted.cases[0].learning);
    cr_expect(!svg || (strstr(svg, "floor 1.75") && strstr(svg, "target 2")), "lines say what they are");
    release(&sorted, plots);
}

/* A hundred thousand steps give no larger drawing than four hundred. */
Test(learning, long_trainings_are_thinned)
{
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    s = scratch_new();
    builder_begin(&b, &s, "run", json_object());
    one(0, TEXT_CASE, 400, 1);
    one(1, TEXT_CASE ",batch=2", 100000, 1);
    finish(&sorted, plots);
    assay_plots_draw(plots);
    const char *few = assay_plots_svg(plots, sorted.cases[0].learning), *many = assay_plots_svg(plots, sorted.cases[1].learning);
    if (few && many)
        cr_expect_lt(strlen(many), 4 * strlen(few), "%zu and %zu bytes", strlen(few), strlen(many));
    else
        cr_expect(strstr(assay_plots_why(plots), "could not be run"), "%s", assay_plots_why(plots));
    release(&sorted, plots);
}

Test(learning, a_curve_that_was_changed_is_not_drawn_and_says_so)
{
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    s = scratch_new();
    builder_begin(&b, &s, "run", json_object());
    struct assay_record *r = builder_record(0, "cpu:host", 0, 1000);
    SAMPLE_TEXT(r->case_name, TEXT_CASE);
    curve(r, 4, 1);
    r->curve_sha256[0] = r->curve_sha256[0] == 'a' ? 'b' : 'a';
    builder_append(&b, r);
    finish(&sorted, plots);
    cr_expect_eq(sorted.cases[0].learning, ASSAY_PLOT_NONE);
    cr_expect_str_eq(sorted.cases[0].why_no_learning, "the file of the curve is not what the record says");
    release(&sorted, plots);
}
