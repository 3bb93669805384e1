#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/file.h"
#include "harness/base/tests/source.h"
#include "harness/model/coefficients.h"
#include "harness/model/left_out.h"
#include "harness/store/tests/scratch.h"
#include "reports/worth.h"

TestSuite(worth, .timeout = 60);

#define HEADER "fit,class,chip,formats,predicted_us,ratio,ln_half\n"

/* What comes of such a file in the place of the program's. */
static struct assay_worth begin(struct assay_plots *plots, const char *text)
{
    struct assay_worth w;
    struct scratch s = scratch_new();
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_folder_make(in(&s, "backends"), &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_folder_make(in(&s, "backends/coefficients"), &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_replace(in(&s, "backends/coefficients/left-out-points.csv"), text, strlen(text), &err), ASSAY_OK);
    cr_assert_eq(setenv("ASSAY_DATA", s.path, 1), 0);
    assay_worth_begin(&w, plots);
    scratch_remove(&s);
    return w;
}

static void refuses(const char *text, const char *why)
{
    struct assay_plots *plots = assay_plots_new();
    struct assay_worth w = begin(plots, text);
    cr_expect(strstr(w.why, why), "'%s' is not told in '%s'", why, w.why);
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        cr_expect_eq(w.of[c].plot, ASSAY_PLOT_NONE);
    assay_worth_release(&w);
    assay_plots_free(plots);
}

Test(worth, what_comes_with_the_program_is_of_its_fit_and_of_every_class_that_was_measured)
{
    struct assay_worth w;
    struct assay_fitted *f = malloc(sizeof *f);
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_plots *plots = assay_plots_new();
    find_source();
    assay_worth_begin(&w, plots);
    cr_assert_str_empty(w.why);
    cr_assert_eq(assay_fitted_read(NULL, f, &err), ASSAY_OK, "%s", err.message);
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        cr_expect_eq(w.of[c].n_points > 0, f->spreads[c].chips > 0, "what was measured is drawn: %s", assay_kernel_class_names[c]);
        cr_expect_eq(w.of[c].n_points > 0, w.of[c].plot != ASSAY_PLOT_NONE);
        cr_expect(!w.of[c].n_points || (w.of[c].half > 0.05 && w.of[c].half < 1), "%g", w.of[c].half);
    }
    for (size_t i = 0; i < w.csv.n_rows; i++)
        cr_assert_eq(strncmp(assay_csv_cell(&w.csv, i, 0), f->fingerprint, 16), 0, "row %zu", i + 1);
    assay_worth_release(&w);
    assay_plots_free(plots);
    free(f);
}

Test(worth, counts_points_by_chip_and_takes_the_median_band)
{
    struct assay_plots *plots = assay_plots_new();
    struct assay_worth w = begin(plots, HEADER "f,gemm,one,wide,10,1,0.1\nf,gemm,two,f8,20,2,0.5\nf,gemm,one,f8,30,0.5,0.3\nf,moe,two,wide,7,1,0.2\n");
    cr_expect_str_empty(w.why);
    cr_expect_eq(w.n_chips, 2u);
    cr_expect(w.of[ASSAY_KERNEL_GEMM].points[0] == 2 && w.of[ASSAY_KERNEL_GEMM].points[1] == 1);
    cr_expect(w.of[ASSAY_KERNEL_MOE].points[0] == 0 && w.of[ASSAY_KERNEL_MOE].points[1] == 1, "a chip has one mark in all drawings");
    cr_expect_eq(w.of[ASSAY_KERNEL_GEMM].half, 0.3);
    cr_expect_eq(w.of[ASSAY_KERNEL_DECODE].plot, ASSAY_PLOT_NONE, "it has no points");
    assay_worth_release(&w);
    assay_plots_free(plots);
}

Test(worth, a_wrong_file_is_told_and_nothing_is_drawn)
{
    refuses(HEADER, "has no rows");
    refuses("class,chip,predicted_us,ratio\ngemm,one,1,1\n", "has no column 'ln_half'");
    refuses(HEADER "f,gemm,one,wide,10,1,0.1\nf,gem,one,wide,10,1,0.1\n", "row 2: there is no class 'gem'");
    refuses(HEADER "f,gemm,one,wide,10,0,0.1\n", "row 1: predicted_us, ratio and ln_half must be above 0, got '10', '0', '0.1'");
    refuses(HEADER "f,gemm,one,wide,1e999,1,0.1\n", "got '1e999'");
    refuses(HEADER "f,gemm,one,wide,10,1,nan\n", "got '10', '1', 'nan'");
    char text[2048];
    int used = snprintf(text, sizeof text, HEADER);
    for (int i = 0; i <= ASSAY_WORTH_CHIPS; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "f,gemm,chip-%d,wide,10,1,0.1\n", i);
    refuses(text, "more than 8 chips");
}
