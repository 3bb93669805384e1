#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/model/csv.h"
#include "harness/model/left_out.h"
#include "harness/model/tests/described.h"

TestSuite(left_out_points, .init = find_source, .timeout = 60);

enum { ROWS = 100 };

/* Rows of one chip that were predicted to take 1 to 100 µs, in another order, and took half as long; the fifth has no form. */
static void sample(struct assay_measurements *s, struct assay_left_out rows[ROWS])
{
    struct assay_error err = {0};
    struct assay_described *d = NULL;
    cr_assert_eq(assay_described_find("h100-sxm", &d, &err), ASSAY_OK, "%s", err.message);
    *s = (struct assay_measurements){.at = calloc(ROWS, sizeof *s->at), .n = ROWS, .chips = calloc(1, sizeof *s->chips), .n_chips = 1};
    (void)snprintf(s->chips[0].name, sizeof s->chips[0].name, "h100-sxm");
    (void)snprintf(s->chips[0].vendor, sizeof s->chips[0].vendor, "%s", d->vendor);
    s->chips[0].chip = assay_chip_middle(d);
    assay_described_free(d);
    for (size_t i = 0; i < ROWS; i++) {
        double us = (double)(1 + (i * 37) % ROWS);
        s->at[i].measured_ns = us * 500;
        s->at[i].kernel.class = ASSAY_KERNEL_DECODE;
        rows[i] = (struct assay_left_out){.ns = i == 4 ? 0 : us * 1000};
    }
}

Test(left_out_points, are_few_evenly_spread_and_have_both_ends)
{
    struct assay_measurements s;
    struct assay_left_out rows[ROWS];
    struct assay_csv csv;
    struct assay_error err = {0};
    struct assay_fitted *f = malloc(sizeof *f);
    cr_assert_eq(assay_fitted_read(NULL, f, &err), ASSAY_OK, "%s", err.message);
    sample(&s, rows);
    char *text = assay_left_out_points(&s, f, rows);
    cr_assert_not_null(text);
    cr_assert_eq(assay_csv_parse(text, strlen(text), &csv, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(csv.n_rows, (size_t)ASSAY_LEFT_OUT_POINTS);
    double last = 0;
    for (size_t i = 0; i < csv.n_rows; i++) {
        double us = strtod(assay_csv_cell(&csv, i, 4), NULL);
        cr_expect_str_eq(assay_csv_cell(&csv, i, 1), "decode");
        cr_expect_str_eq(assay_csv_cell(&csv, i, 2), "h100-sxm");
        cr_expect_eq(strtod(assay_csv_cell(&csv, i, 5), NULL), 2.0);
        cr_expect(us > last && us - last <= 6, "%g behind %g", us, last);
        last = us;
    }
    cr_expect_eq(strtod(assay_csv_cell(&csv, 0, 4), NULL), 1.0);
    cr_expect_eq(last, 100.0);
    assay_csv_release(&csv);
    assay_measurements_release(&s);
    free(text);
    free(f);
}
