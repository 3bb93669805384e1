#include "simulate.h"

static struct seen seen;

static void made_reduction(struct made *m, uint64_t seed, enum assay_dtype dtype, double low, double decades,
                           const double *axes, int64_t n_axes)
{
    made_begin(m, seed);
    made_input(m, 0, dtype, DIMS(3, 40, 5), low, 1, decades);
    if (axes)
        memcpy(made_input(m, 1, ASSAY_I64, DIMS(n_axes), 0, 1, 0), axes, (size_t)n_axes * sizeof *axes);
}

Test(reduce, sums_and_means_in_any_order_stay_within_bounds_that_are_not_idle)
{
    const enum assay_dtype types[] = {ASSAY_F32, ASSAY_BF16, ASSAY_F64};
    const double axes[] = {-2};
    const double ones[40] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                             1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct made m;
        double *value, *bound;
        bool wide = types[seed % 3] == ASSAY_F64, mean = seed & 1;
        made_reduction(&m, seed, types[seed % 3], seed < 30 ? 0.2 : -1, seed < 30 ? 0 : 5, axes, 1);
        made_output(&m, 0, types[seed % 3], DIMS(3, 1, 5));
        made_all(&m, mean ? &assay_op_reference_ReduceMean : &assay_op_reference_ReduceSum, 0, &value, &bound);
        for (int i = 0; i < 15; i++) {
            const double *x = m.in[0].value + i / 5 * 200 + i % 5;
            cr_assert_leq(fabs((double)(value[i] - exact_dot(40, x, 5, ones, 1) / (mean ? 40 : 1))), bound[i] / 4);
            for (int order = 0; order < N_ORDERS; order++) {
                double sum = simulated_dot(wide, order, 40, x, 5, ones, 1);
                double device = !mean ? sum : wide ? sum / 40 : (double)((float)sum / 40);
                see(&seen, assay_round_to(types[seed % 3], device), value[i], bound[i]);
            }
        }
        made_end(&m);
    }
    cr_expect_eq(seen.above, 0, "%zu above, worst %g", seen.above, seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.02, "median %g", middle);
}

Test(reduce, extremes_are_exact_and_nan_wins)
{
    struct made m;
    double *value, *bound;
    const double axes[] = {0, 2};
    made_reduction(&m, 5, ASSAY_F32, -1, 0, axes, 2);
    double *x = (double *)m.in[0].value;
    x[7 * 5 + 1] = NAN;
    x[200 + 8 * 5] = INFINITY;
    made_output(&m, 0, ASSAY_F32, DIMS(40));
    made_attr(&m, ASSAY_ATTR_INT("keepdims", 0));
    for (int min = 0; min < 2; min++) {
        made_all(&m, min ? &assay_op_reference_ReduceMin : &assay_op_reference_ReduceMax, 0, &value, &bound);
        for (int i = 0; i < 40; i++) {
            double best = x[i * 5];
            for (int k = 0; k < 15; k++) {
                double y = x[k / 5 * 200 + i * 5 + k % 5];
                best = min ? fmin(best, y) : fmax(best, y);
            }
            cr_expect_eq(bound[i], 0);
            cr_expect(i == 7 ? isnan(value[i]) : value[i] == best, "%d: %g, not %g", i, value[i], best);
        }
    }
    made_end(&m);
}

Test(reduce, the_error_of_an_extreme_is_how_far_any_candidate_can_move_it)
{
    struct made m;
    double *value, *bound;
    const double x[3] = {1, 0.9, -5}, error[3] = {0.01, 0.3, 1};
    made_begin(&m, 1);
    memcpy(made_input(&m, 0, ASSAY_F32, DIMS(3), 0, 1, 0), x, sizeof x);
    m.in[0].error = error;
    made_output(&m, 0, ASSAY_F32, 0, NULL);
    made_all(&m, &assay_op_reference_ReduceMax, 0, &value, &bound);
    cr_expect(value[0] == 1 && fabs(bound[0] - 0.2) < 1e-12, "%g", bound[0]);
    made_end(&m);
}

Test(reduce, no_axes_means_all_or_none_as_asked_and_integers_add_exactly)
{
    struct made m;
    double *value, *bound;
    made_reduction(&m, 6, ASSAY_I32, -1000, 0, NULL, 0);
    made_output(&m, 0, ASSAY_I32, DIMS(1, 1, 1));
    made_all(&m, &assay_op_reference_ReduceSum, 0, &value, &bound);
    double sum = 0;
    for (int i = 0; i < 600; i++)
        sum += m.in[0].value[i];
    cr_expect(value[0] == sum && bound[0] == 0);
    made_attr(&m, ASSAY_ATTR_INT("noop_with_empty_axes", 1));
    made_output(&m, 0, ASSAY_I32, DIMS(3, 40, 5));
    made_all(&m, &assay_op_reference_ReduceSum, 0, &value, &bound);
    for (int i = 0; i < 600; i++)
        cr_expect(value[i] == m.in[0].value[i] && bound[i] == 0);
    made_end(&m);
}
