#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reports/cases.h"
#include "reports/tests/markup.h"

/* Rows in memory of one case each on one back end: flops, bytes and a rate. */
#define N_ROWS 3
struct sample {
    struct assay_record        record[N_ROWS];
    const struct assay_record *launch[N_ROWS];
    struct assay_summary_row   row[N_ROWS];
    struct assay_summary       summary;
};

static void set(struct assay_summary_row *row, enum assay_metric metric, double value)
{
    row->metric[metric] = (struct assay_estimate){.has_value = true, .value = value};
}

static struct sample *make(void)
{
    static const char *const backends[] = {"cpu:host"}, *const ids[] = {"a", "b", "c"};
    struct sample           *s = calloc(1, sizeof *s);
    cr_assert(s);
    for (size_t i = 0; i < N_ROWS; i++) {
        s->record[i] = (struct assay_record){.status = ASSAY_STATUS_OK, .flops = 6000, .read_bytes = 1500, .written_bytes = 500};
        s->launch[i] = &s->record[i];
        s->row[i] = (struct assay_summary_row){.case_name = ids[i], .id = ids[i], .backend = backends[0], .launches = &s->launch[i], .n_launches = 1,
                                               .outcome = i == 1 ? ASSAY_FAIL : ASSAY_PASS};
        set(&s->row[i], ASSAY_METRIC_flops_per_s, 1e9);
        set(&s->row[i], ASSAY_METRIC_ceiling_flops_per_s, 8e9);
        set(&s->row[i], ASSAY_METRIC_ceiling_bytes_per_s, 2e9);
    }
    s->summary = (struct assay_summary){.rows = s->row, .n_rows = N_ROWS, .backends = backends, .n_backends = 1};
    return s;
}

Test(roofline, places_a_row_at_its_flops_a_byte)
{
    struct sample *s = make();
    const char    *why = "?";
    cr_expect_eq(assay_roofline_place(&s->row[0], &why), 3.0);
    cr_expect_null(why);
    s->record[0].written_bytes = 0;
    cr_expect_eq(assay_roofline_place(&s->row[0], &why), 4.0);
    free(s);
}

Test(roofline, says_why_a_row_has_no_place)
{
    static const char want[][60] = {"no launch ended well", "no floating-point rate", "no measured roof", "no measured roof", "no floating-point work or no bytes",
                                    "no floating-point work or no bytes", "no floating-point work or no bytes"};
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        struct sample *s = make();
        const char    *why = NULL;
        switch (k) {
        case 0: s->record[0].status = ASSAY_STATUS_CRASHED; break;
        case 1: s->row[0].metric[ASSAY_METRIC_flops_per_s].has_value = false; break;
        case 2: s->row[0].metric[ASSAY_METRIC_ceiling_flops_per_s].has_value = false; break;
        case 3: s->row[0].metric[ASSAY_METRIC_ceiling_bytes_per_s].has_value = false; break;
        case 4: s->record[0].flops = 0; break;
        case 5: s->record[0].read_bytes = s->record[0].written_bytes = 0; break;
        default: s->row[0].metric[ASSAY_METRIC_flops_per_s].value = 0; break;
        }
        cr_expect_eq(assay_roofline_place(&s->row[0], &why), 0.0);
        cr_expect(why && strstr(why, want[k]), "%zu: %s", k, why ? why : "no reason");
        free(s);
    }
}

Test(roofline, without_a_roof_or_a_point_is_not_drawn)
{
    for (int k = 0; k < 2; k++) {
        struct sample          *s = make();
        struct assay_plots     *plots = assay_plots_new();
        struct assay_report_run run;
        for (size_t i = 0; i < N_ROWS; i++)
            if (k == 0)
                s->row[i].metric[ASSAY_METRIC_ceiling_bytes_per_s].has_value = false;
            else
                s->record[i].flops = 0;
        cr_assert(assay_report_run_init(&run, &s->summary, 1));
        assay_roofline_begin(&run, plots);
        cr_expect_eq(run.roofline, ASSAY_PLOT_NONE);
        assay_report_run_release(&run);
        assay_plots_free(plots);
        free(s);
    }
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

/* gnuplot's filled circle is gpPt6 and its hollow one gpPt5. */
Test(roofline, draws_proved_points_filled_and_the_others_hollow, .timeout = 30)
{
    struct sample          *s = make();
    struct assay_plots     *plots = assay_plots_new();
    struct assay_report_run run;
    char                    room[200];
    if (system("command -v gnuplot >/dev/null 2>&1") != 0)
        cr_skip_test("gnuplot is not installed");
    cr_assert(assay_report_run_init(&run, &s->summary, 1));
    cr_expect_eq(run.peak_flops_per_s, 8e9);
    assay_roofline_begin(&run, plots);
    cr_assert_neq(run.roofline, ASSAY_PLOT_NONE);
    assay_plots_draw(plots);
    const char *svg = assay_plots_svg(plots, run.roofline);
    cr_assert(svg, "%s", assay_plots_why(plots));
    cr_expect(markup_is_well_formed(svg, room), "%s", room);
    cr_expect_eq(count(svg, "href='#p0-gpPt6' transform"), 2u);
    cr_expect_eq(count(svg, "href='#p0-gpPt5' transform"), 1u);
    cr_expect(strstr(svg, "peak 8 Gflop/s") && strstr(svg, "triad 2 GB/s"));
    assay_report_run_release(&run);
    assay_plots_free(plots);
    free(s);
}
