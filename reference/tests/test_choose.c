/* Choices between numbers with errors: what is certain, what is not, and that a device's other choice is within the bound. */
#include "reference/choose.h"

#include "reference/tests/simulate.h"

static void rank(size_t n, const double *x, const double *e, struct assay_ref_ranked *list, double *index_error)
{
    double work[64];
    for (size_t i = 0; i < n; i++)
        list[i] = (struct assay_ref_ranked){x[i], e[i], (double)i};
    assay_ref_rank(n, list, index_error, work);
}

Test(choose, exact_numbers_are_ranked_with_the_lower_index_first)
{
    struct assay_ref_ranked list[5];
    double                  unsure[5];
    rank(5, (double[]){1, 3, 3, -2, 3}, (double[]){0, 0, 0, 0, 0}, list, unsure);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(list[i].index, ((double[]){1, 2, 4, 0, 3})[i]);
        cr_expect_eq(unsure[i], 0);
        cr_expect_eq(list[i].error, 0);
    }
}

Test(choose, only_neighbours_that_are_too_close_are_uncertain)
{
    struct assay_ref_ranked list[5];
    double                  unsure[5];
    rank(5, (double[]){5, 4, 3.9, 1, 0}, (double[]){0.1, 0.1, 0.1, 0.1, 2}, list, unsure);
    cr_expect_eq(unsure[0], 0);
    cr_expect(isinf(unsure[1]) && isinf(unsure[2]), "4 and 3.9 may change places");
    cr_expect(isinf(unsure[3]) && isinf(unsure[4]), "0 may be as much as 2");
    cr_expect(fabs(list[1].error - 0.1) < 1e-12, "the second largest is still known, to %g", list[1].error);
    cr_expect(list[3].error >= 1 && list[3].error <= 1.2, "the fourth may be 2: %g", list[3].error);
}

/* Every way in which errors move the numbers gives ranks within what was said. */
Test(choose, what_errors_make_of_a_ranking_is_within_its_bounds)
{
    struct assay_random random;
    assay_random_init(&random, 7);
    size_t told = 0, moved = 0;
    for (int trial = 0; trial < 2000; trial++) {
        struct assay_ref_ranked list[6], seen[6];
        double x[6], y[6], e[6], none[6] = {0}, unsure[6], ignored[6];
        for (int i = 0; i < 6; i++) {
            x[i] = assay_random_unit(&random);
            e[i] = trial % 3 ? 0.05 * assay_random_unit(&random) : 0;
            y[i] = x[i] + e[i] * (2 * assay_random_unit(&random) - 1);
        }
        rank(6, x, e, list, unsure);
        rank(6, y, none, seen, ignored);
        for (int i = 0; i < 6; i++) {
            cr_expect(fabs(seen[i].value - list[i].value) <= list[i].error * (1 + 1e-12));
            cr_expect(unsure[i] > 0 || seen[i].index == list[i].index, "a certain choice was another");
            told += unsure[i] == 0;
            moved += seen[i].index != list[i].index;
        }
    }
    cr_expect_gt(told, 8000, "of 12000 ranks %zu were told", told);
    cr_expect_gt(moved, 200, "the errors moved only %zu", moved);
}

Test(choose, a_number_that_is_none_leaves_the_order_open)
{
    struct assay_ref_ranked list[3];
    double                  unsure[3];
    rank(3, (double[]){1, NAN, 2}, (double[]){0, 0, 0}, list, unsure);
    for (int i = 0; i < 3; i++)
        cr_expect(isinf(unsure[i]) && isinf(list[i].error));
}

Test(choose, comparisons_say_nothing_within_their_errors_and_where_covers_both)
{
    struct assay_bounded x = {1, 0.25}, y = {1.375, 0.25};
    cr_expect(isinf(assay_bounded_holds(true, x, y).error));
    cr_expect_eq(assay_bounded_holds(true, x, bounded(1.75, 0.25)).error, 0);
    cr_expect_eq(assay_bounded_holds(false, bounded(1, 0), bounded(1, 0)).error, 0, "equal and exact is certain");
    struct assay_bounded either = assay_bounded_either(false, bounded(2, 0.5), bounded(5, 0.25));
    cr_expect_eq(either.value, 2);
    cr_expect_eq(either.error, 3.25);
    cr_expect_eq(assay_bounded_either(true, bounded(2, 0.5), bounded(5, 0.25)).error, 0.5);
}

/* ---- ops ------------------------------------------------------------------------------------------------------ */

static struct assay_attr text(const char *name, const char *value)
{
    return ASSAY_ATTR_STRING(name, value);
}

/* A router in float, both ways of the softmax; logits without errors of their own. */
static void route_simulated(const double *logits, size_t e, size_t k, float *w, size_t *chosen)
{
    float  p[64], sum = 0, top = -INFINITY;
    bool   taken[64] = {false};
    for (size_t i = 0; i < e; i++)
        top = fmaxf(top, (float)logits[i]);
    for (size_t i = 0; i < e; i++)
        sum += p[i] = expf((float)logits[i] - top);
    for (size_t i = 0; i < e; i++)
        p[i] /= sum;
    sum = 0;
    for (size_t j = 0; j < k; j++) {
        size_t best = e;
        for (size_t i = 0; i < e; i++)
            if (!taken[i] && (best == e || p[i] > p[best]))
                best = i;
        taken[best] = true;
        chosen[j] = best;
        sum += p[best];
    }
    for (size_t j = 0; j < k; j++)
        w[j] = p[chosen[j]] / sum;
}

Test(choose, a_router_in_float_is_within_the_bounds_and_near_them)
{
    enum { T = 200, E = 24, K = 4 };
    struct made m;
    double     *w, *bound, *expert, *unsure;
    static struct seen seen;
    size_t      unknown = 0;
    made_begin(&m, 11);
    double *x = made_input(&m, 0, ASSAY_F32, DIMS(T, E), -3, 3, 0);
    made_output(&m, 0, ASSAY_F32, DIMS(T, K));
    made_output(&m, 1, ASSAY_I32, DIMS(T, K));
    made_attr(&m, ASSAY_ATTR_INT("k", K));
    made_attr(&m, text("scoring", "softmax"));
    for (int t = 0; t < 4; t++) /* two experts of some tokens are told by less than their bounds */
        x[t * E + 5] = (double)nextafterf((float)(x[t * E + 3] = 2.5), 9);
    made_all(&m, &assay_op_reference_MoeRoute, 0, &w, &bound);
    made_all(&m, &assay_op_reference_MoeRoute, 1, &expert, &unsure);
    for (size_t t = 0; t < T; t++) {
        float  got[K];
        size_t chosen[K];
        route_simulated(x + t * E, E, K, got, chosen);
        for (size_t j = 0; j < K; j++) {
            see(&seen, (double)got[j], w[t * K + j], bound[t * K + j]);
            cr_expect(unsure[t * K + j] > 0 || (double)chosen[j] == expert[t * K + j]);
            unknown += unsure[t * K + j] > 0;
        }
    }
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
    cr_expect_gt(median(&seen), 0.005, "the bound is idle: %g", median(&seen));
    cr_expect(unknown >= 4 && unknown < 20, "%zu choices of %d are unknown", unknown, T * K);
    made_end(&m);
}

/* What is sorted by an uncertain expert is unknown, and so is what a gather reads by it; the rest is not. */
Test(choose, an_uncertain_index_makes_what_it_reaches_unknown)
{
    struct made m;
    double     *value, *bound, error[4] = {0, INFINITY, 0, 0};
    made_begin(&m, 3);
    made_input(&m, 0, ASSAY_F32, DIMS(3, 2), -1, 1, 0);
    double *index = made_input(&m, 1, ASSAY_I32, DIMS(4), 0, 1, 0);
    for (int i = 0; i < 4; i++)
        index[i] = i % 3;
    m.in[1].error = error;
    made_output(&m, 0, ASSAY_F32, DIMS(4, 2));
    made_attr(&m, ASSAY_ATTR_INT("axis", 0));
    made_all(&m, &assay_op_reference_Gather, 0, &value, &bound);
    for (int i = 0; i < 8; i++)
        cr_expect(i / 2 == 1 ? isinf(bound[i]) : bound[i] == 0);
    made_end(&m);
}

/* Shares of an extreme whose place is uncertain: nothing, or all of it, at the candidates; nothing elsewhere. */
Test(choose, a_gradient_of_an_extreme_covers_its_candidates)
{
    struct made m;
    double     *value, *bound, error[4] = {0.01, 0.01, 0.01, 0.01};
    made_begin(&m, 3);
    made_input(&m, 0, ASSAY_F32, DIMS(1), 2, 2, 0);
    double *x = made_input(&m, 1, ASSAY_F32, DIMS(4), 0, 1, 0);
    memcpy(x, (double[]){1, 1.015625, 0.5, 0.25}, sizeof error);
    m.in[1].error = error;
    made_output(&m, 0, ASSAY_F32, DIMS(4));
    made_attr(&m, (struct assay_attr){.name = "axes", .type = ASSAY_ATTR_I64S, .n = 1, .list = {0}});
    made_all(&m, &assay_op_reference_ReduceExtremeGrad, 0, &value, &bound);
    cr_expect_eq(value[1], 2);
    cr_expect(bound[0] == 2 && bound[1] == 2 && bound[2] == 0 && bound[3] == 0);
    error[0] = error[1] = 0.001;
    made_all(&m, &assay_op_reference_ReduceExtremeGrad, 0, &value, &bound);
    cr_expect(bound[0] == 0 && bound[1] == 0, "now it is certain");
    made_end(&m);
}

/* Sums of a scatter, in float and in many orders. */
Test(choose, a_scatter_in_float_is_within_its_bounds)
{
    enum { N = 400, ROWS = 3, D = 7 };
    struct made m;
    double     *value, *bound;
    static struct seen seen;
    made_begin(&m, 5);
    double *dy = made_input(&m, 0, ASSAY_F32, DIMS(N, D), -1, 1, 3), *index = made_input(&m, 1, ASSAY_I64, DIMS(N), 0, 1, 0);
    for (int i = 0; i < N; i++)
        index[i] = floor(ROWS * assay_random_unit(&m.random));
    made_output(&m, 0, ASSAY_F32, DIMS(ROWS, D));
    made_attr(&m, ASSAY_ATTR_INT("axis", 0));
    made_all(&m, &assay_op_reference_GatherGrad, 0, &value, &bound);
    for (int order = 0; order < 4; order++)
        for (int k = 0; k < ROWS * D; k++) {
            double terms[N], one[N];
            size_t n = 0;
            for (int i = 0; i < N; i++) {
                one[i] = 1;
                if (index[i] == k / D)
                    terms[n++] = dy[i * D + k % D];
            }
            see(&seen, (double)dot_f32(order, n, terms, 1, one, 1), value[k], bound[k]);
        }
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
    cr_expect_gt(median(&seen), 0.001, "the bound is idle: %g", median(&seen));
    made_end(&m);
}
