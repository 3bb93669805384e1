#include <criterion/criterion.h>
#include <math.h>

#include "harness/model/least_squares.h"

#define ROWS 40

/* y = a x^b at x = 1, 2, … with a = 3, b = 2; row `wrong` is ten times too long. */
static int wrong;

static double residual(void *self, size_t row, const double *n)
{
    double x = (double)row + 1, y = 3 * x * x * ((int)row == wrong ? 10 : 1);
    (void)self;
    return log(n[0] * pow(x, n[1]) / y);
}

static double weight(void *self, size_t row)
{
    (void)self;
    (void)row;
    return 1;
}

static struct assay_least_squares problem(double loose)
{
    return (struct assay_least_squares){.n_rows = ROWS, .n_numbers = 2, .residual = residual, .weight = weight, .begin = {log(1), log(1)},
                                        .low = {0.1, 0.1}, .high = {10, 10}, .loose = loose};
}

Test(least_squares, find_the_numbers_that_made_the_rows)
{
    double                     n[] = {1, 1};
    struct assay_least_squares p = problem(100);
    wrong = -1;
    assay_least_squares(&p, n);
    cr_expect_float_eq(n[0], 3, 1e-3, "%g", n[0]);
    cr_expect_float_eq(n[1], 2, 1e-3, "%g", n[1]);
}

Test(least_squares, are_hardly_moved_by_one_row_that_is_wrong)
{
    double                     n[] = {1, 1};
    struct assay_least_squares p = problem(100);
    wrong = 20;
    assay_least_squares(&p, n);
    cr_expect_float_eq(n[0] * 20 * 20 * pow(20, n[1] - 2) / 1200, 1, 0.05, "%g %g", n[0], n[1]);
}

Test(least_squares, stay_where_they_begin_the_less_loose_they_are)
{
    double                     tight[] = {1, 1}, loose[] = {1, 1};
    struct assay_least_squares a = problem(0.01), b = problem(1);
    wrong = -1;
    assay_least_squares(&a, tight);
    assay_least_squares(&b, loose);
    cr_expect(fabs(log(tight[0] / 3)) > 2 * fabs(log(loose[0] / 3)), "%g %g", tight[0], loose[0]);
}

Test(least_squares, do_not_leave_their_range)
{
    double                     n[] = {1, 1};
    struct assay_least_squares p = problem(100);
    wrong = -1;
    p.high[0] = 2;
    assay_least_squares(&p, n);
    cr_expect_leq(n[0], 2);
    cr_expect_geq(n[0], 1.99); /* the wall is where it is best */
}
