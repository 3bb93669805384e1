#include "reference/packed.h"

#include <criterion/criterion.h>
#include <math.h>

#define N 6

static void expect_packed(const double *x, bool up)
{
    struct assay_packed p;
    cr_assert(assay_packed_make(x, N, up, &p));
    for (uint64_t i = 0; i < N; i++) {
        double y = assay_packed_at(&p, i);
        if (!isfinite(x[i])) {
            cr_expect(isnan(x[i]) ? isnan(y) : y == x[i]);
            continue;
        }
        cr_expect(fabs(y - x[i]) <= 0x1p-23 * fabs(x[i]), "%g became %g", x[i], y);
        cr_expect(!up || y >= x[i], "%g became %g", x[i], y);
        cr_expect_eq(y == 0, x[i] == 0);
    }
    assay_packed_release(&p);
}

Test(packed, keeps_seven_digits_wherever_the_numbers_lie)
{
    static const double unit[] = {1, 0x1p-1000, 0x1p1000, 1e-30, 1e300};
    for (size_t u = 0; u < sizeof unit / sizeof *unit; u++) {
        double x[N] = {0, 1.0 / 3 * unit[u], 1e-30 * unit[u], 0.7 * unit[u], INFINITY, (double)NAN};
        expect_packed(x, false);
        expect_packed(x, true);
    }
    expect_packed((const double[N]){-1.0 / 3, 2.0 / 3, -1e-20, 0, 1, -INFINITY}, false);
}

/* Beyond what a float has beside the largest: to nearest it is nothing, up it is something. */
Test(packed, rounds_up_to_what_is_no_zero)
{
    const double        x[N] = {1, 1e-60};
    struct assay_packed p;
    cr_assert(assay_packed_make(x, N, false, &p));
    cr_expect_eq(assay_packed_at(&p, 1), 0);
    assay_packed_release(&p);
    cr_assert(assay_packed_make(x, N, true, &p));
    cr_expect_gt(assay_packed_at(&p, 1), 0);
    cr_expect_lt(assay_packed_at(&p, 1), 1e-44);
    cr_expect_eq(assay_packed_at(&p, 2), 0, "and zero stays zero");
    assay_packed_release(&p);
    cr_assert(assay_packed_make(NULL, N, false, &p));
    cr_expect_eq(assay_packed_at(&p, 0), 0);
    assay_packed_release(&p);
}
