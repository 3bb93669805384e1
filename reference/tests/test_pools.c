/* Pools by hand: what padding counts, which of equal elements a gradient goes to, and what an inexact X leaves open. */
#include "reference/tests/simulate.h"

static void attrs(struct made *m, int64_t kernel, int64_t stride, int64_t begin, int64_t end)
{
    made_attr(m, (struct assay_attr){.name = "kernel_shape", .type = ASSAY_ATTR_I64S, .list = {kernel}, .n = 1});
    made_attr(m, (struct assay_attr){.name = "strides", .type = ASSAY_ATTR_I64S, .list = {stride}, .n = 1});
    made_attr(m, (struct assay_attr){.name = "pads", .type = ASSAY_ATTR_I64S, .list = {begin, end}, .n = 2});
}

static void given(struct made *m, uint32_t i, int64_t n, const double *x)
{
    memcpy(made_input(m, i, ASSAY_F32, DIMS(1, 1, n), 0, 1, 0), x, (size_t)n * sizeof *x);
}

static void expect(const double *value, const double *want, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        cr_expect(isnan(want[i]) ? isnan(value[i]) : fabs(value[i] - want[i]) < 1e-12, "%s: [%zu] is %g, not %g", what, i,
                  value[i],
                  want[i]);
}

Test(pools, an_average_counts_pads_only_if_asked_and_never_what_ceil_mode_adds)
{
    /* windows of 3 with stride 2 over p 1 2 3 4 5 p (.): the last begins at 5 */
    const double x[] = {1, 2, 3, 4, 5}, without[] = {1.5, 3, 4.5}, with[] = {1, 3, 3};
    for (int include = 0; include < 2; include++) {
        struct made m;
        double *value, *bound;
        made_begin(&m, 1);
        given(&m, 0, 5, x);
        made_output(&m, 0, ASSAY_F32, DIMS(1, 1, 3));
        attrs(&m, 3, 2, 1, 1);
        made_attr(&m, ASSAY_ATTR_INT("count_include_pad", include));
        made_all(&m, &assay_op_reference_AveragePool, 0, &value, &bound);
        expect(value, include ? with : without, 3, "average");
        made_end(&m);
    }
    /* windows of 2 with stride 2 over 1 2 3 4 5 and one beyond: the last holds one element */
    struct made m;
    double *value, *bound;
    made_begin(&m, 1);
    given(&m, 0, 5, x);
    made_output(&m, 0, ASSAY_F32, DIMS(1, 1, 3));
    attrs(&m, 2, 2, 0, 0);
    made_attr(&m, ASSAY_ATTR_INT("count_include_pad", 1));
    made_all(&m, &assay_op_reference_AveragePool, 0, &value, &bound);
    expect(value, (const double[]){1.5, 3.5, 5}, 3, "average with ceil_mode");
    cr_expect_eq(bound[2], 0, "one element is divided by nothing");
    made_end(&m);
}

/* dX of windows of 3 with stride 1 and dY 1, 2, 4. */
static void grad(const double *x, const double *error, double *value_out, double *bound_out)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 1);
    given(&m, 0, 3, (const double[]){1, 2, 4});
    given(&m, 1, 5, x);
    m.in[1].error = error;
    made_output(&m, 0, ASSAY_F32, DIMS(1, 1, 5));
    attrs(&m, 3, 1, 0, 0);
    made_all(&m, &assay_op_reference_MaxPoolGrad, 0, &value, &bound);
    memcpy(value_out, value, 5 * sizeof *value);
    memcpy(bound_out, bound, 5 * sizeof *bound);
    made_end(&m);
}

Test(pools, of_equal_elements_the_first_is_taken_and_a_nan_before_all)
{
    double value[5], bound[5];
    grad((const double[]){7, 7, 7, 7, 7}, NULL, value, bound);
    expect(value, (const double[]){1, 2, 4, 0, 0}, 5, "equal");
    for (int i = 0; i < 5; i++)
        cr_expect_eq(bound[i], 0);
    grad((const double[]){1, 9, 2, 9, 9}, NULL, value, bound);
    expect(value, (const double[]){0, 3, 0, 4, 0}, 5, "twice");
    cr_expect_gt(bound[1], 0, "an addition rounds");
    grad((const double[]){1, NAN, INFINITY, NAN, 3}, NULL, value, bound);
    expect(value, (const double[]){0, 3, 0, 4, 0}, 5, "a NaN");
    grad((const double[]){-INFINITY, -INFINITY, -INFINITY, 0.0, -0.0}, NULL, value, bound);
    expect(value, (const double[]){1, 0, 0, 6, 0}, 5, "infinities and zeros");
}

Test(pools, where_the_greatest_is_not_known_each_that_may_be_it_may_get_the_gradient)
{
    const double x[] = {1, 5, 5.1, 2, 0}, error[] = {0, 0.06, 0.06, 0, 0};
    double value[5], bound[5];
    grad(x, error, value, bound);
    expect(value, (const double[]){0, 0, 7, 0, 0}, 5, "the greatest as far as is known");
    cr_expect_geq(bound[1], 3, "the first two windows may be its own");
    cr_expect_lt(bound[1], 3.001);
    cr_expect_geq(bound[2], 3, "or not");
    cr_expect_lt(bound[2], 3.001);
    cr_expect(bound[0] == 0 && bound[3] == 0 && bound[4] == 0, "the others are known not to be");
}
