#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

enum { M = 24, K = 48, N = 40 };

/* y = softmax(relu(a b + c)), with every value in between. */
struct chain {
    struct assay_graph *graph;
    int32_t a, b, c, product, sum, relu, y;
    float a_data[M * K], b_data[K * N], c_data[N];
    const void *bound[16];
};

static void chain_new(struct chain *t, uint64_t seed)
{
    struct assay_error err = {0};
    memset(t, 0, sizeof *t);
    t->graph = assay_graph_new("chain");
    cr_assert(t->graph);
    t->a = assay_graph_input(t->graph, "a", ASSAY_F32, 2, (int64_t[]){M, K}, ASSAY_FILL_SIGNED);
    t->b = assay_graph_param(t->graph, "b", ASSAY_F32, 2, (int64_t[]){K, N}, ASSAY_FILL_SIGNED);
    assay_random_uniform_f32(seed, 0, M * K, -1, 1, t->a_data);
    assay_random_uniform_f32(seed + 1, 0, K * N, -1, 1, t->b_data);
    assay_random_uniform_f32(seed + 2, 0, N, -1, 1, t->c_data);
    t->c = assay_graph_const(t->graph, "c", ASSAY_F32, 1, (int64_t[]){N}, t->c_data);
    t->product = assay_graph_op(t->graph, "MatMul", "product", (int32_t[]){t->a, t->b}, 2, NULL);
    t->sum = assay_graph_op(t->graph, "Add", "sum", (int32_t[]){t->product, t->c}, 2, NULL);
    t->relu = assay_graph_op(t->graph, "Relu", "relu", (int32_t[]){t->sum}, 1, NULL);
    t->y = assay_graph_op(t->graph, "Softmax", "y", (int32_t[]){t->relu}, 1, NULL);
    assay_graph_output(t->graph, t->y);
    cr_assert_eq(assay_graph_finish(t->graph, &err), ASSAY_OK, "%s", err.message);
    t->bound[t->a] = t->a_data;
    t->bound[t->b] = t->b_data;
}

/* The chain in float, as a device would, up to each value. */
static void chain_f32(const struct chain *t, int row, float *product, float *relu, float *y)
{
    float m = 0, sum = 0;
    for (int j = 0; j < N; j++) {
        product[j] = 0;
        for (int k = 0; k < K; k++)
            product[j] = fmaf(t->a_data[row * K + k], t->b_data[k * N + j], product[j]);
        relu[j] = product[j] + t->c_data[j] > 0 ? product[j] + t->c_data[j] : 0;
        m = fmaxf(m, relu[j]);
    }
    for (int j = 0; j < N; j++)
        sum += y[j] = expf(relu[j] - m);
    for (int j = 0; j < N; j++)
        y[j] /= sum;
}

Test(execute, a_chain_carries_errors_from_op_to_op_and_a_float_device_stays_within_them)
{
    struct chain t;
    struct assay_reference *r;
    struct assay_error err = {0};
    double v[3][M * N], e[3][M * N], worst = 0;
    int64_t index[M * N];
    for (int64_t i = 0; i < M * N; i++)
        index[i] = i;
    for (uint64_t seed = 0; seed < 5; seed++) {
        chain_new(&t, seed);
        cr_assert_eq(assay_reference_new(t.graph, t.bound, &r, &err), ASSAY_OK);
        cr_assert_eq(assay_reference_at(r, t.y, M * N, index, v[2], e[2], &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_reference_at(r, t.relu, M * N, index, v[1], e[1], &err), ASSAY_OK);
        cr_assert_eq(assay_reference_at(r, t.product, M * N, index, v[0], e[0], &err), ASSAY_OK);
        for (int row = 0; row < M; row++) {
            float device[3][N];
            chain_f32(&t, row, device[0], device[1], device[2]);
            for (int stage = 0; stage < 3; stage++) {
                for (int j = 0; j < N; j++) {
                    double off = fabs(device[stage][j] - v[stage][row * N + j]);
                    cr_assert_leq(off, e[stage][row * N + j], "stage %d", stage);
                    worst = stage == 2 && off / e[2][row * N + j] > worst ? off / e[2][row * N + j] : worst;
                }
            }
        }
        assay_reference_free(r);
        assay_graph_free(t.graph);
    }
    cr_expect_gt(worst, 1e-3, "the bound at the end is %g times what was seen", 1 / worst);
}

Test(execute, chosen_elements_are_those_of_the_whole_whatever_was_asked_before_and_on_any_number_of_threads)
{
    struct chain t;
    struct assay_reference *r, *fresh;
    struct assay_error err = {0};
    double whole[M * N], bounds[M * N], v[37], e[37];
    int64_t index[M * N];
    for (int64_t i = 0; i < M * N; i++)
        index[i] = i;
    chain_new(&t, 9);
    setenv("ASSAY_THREADS", "1", 1);
    cr_assert_eq(assay_reference_new(t.graph, t.bound, &r, &err), ASSAY_OK);
    for (int32_t value = t.product; value <= t.y; value++) {
        cr_assert_eq(assay_reference_at(r, value, M * N, index, whole, bounds, &err), ASSAY_OK);
        for (int threads = 1; threads <= 3; threads++) {
            int64_t some[37];
            setenv("ASSAY_THREADS", threads == 1 ? "1" : threads == 2 ? "2" : "7", 1);
            for (int i = 0; i < 37; i++)
                some[i] = (i * 211 + 5) % (M * N); /* in no order; one of them twice */
            some[36] = some[0];
            cr_assert_eq(assay_reference_new(t.graph, t.bound, &fresh, &err), ASSAY_OK);
            cr_assert_eq(assay_reference_at(fresh, value, 37, some, v, e, &err), ASSAY_OK);
            for (int i = 0; i < 37; i++)
                cr_expect(v[i] == whole[some[i]] && e[i] == bounds[some[i]], "value %d, element %d", value,
                          (int)some[i]);
            assay_reference_free(fresh);
        }
    }
    assay_reference_free(r);
    assay_graph_free(t.graph);
}

Test(execute, folds_are_weighted_sums_by_the_ops_own_way_and_by_elements)
{
    struct chain t;
    struct assay_reference *r;
    struct assay_error err = {0};
    double v[M], e[M], whole[M * N], bounds[M * N], weight[N];
    int64_t index[M * N];
    chain_new(&t, 3);
    for (int64_t i = 0; i < M * N; i++)
        index[i] = i;
    for (int j = 0; j < N; j++)
        weight[j] = cos(j);
    cr_assert_eq(assay_reference_new(t.graph, t.bound, &r, &err), ASSAY_OK);
    double each = assay_reference_at_cost(r, t.product, M * N), folded = assay_reference_fold_cost(r, t.product, 1, M);
    cr_expect_lt(folded, each / 2, "one weighted sum a row is cheaper than its elements: %g, %g", folded, each);
    cr_expect_gt(assay_reference_at_cost(r, t.product, 10), 10 * K);
    for (int32_t value = t.product; value <= t.y; value++) {
        cr_assert_eq(assay_reference_fold(r, value, 1, weight, M, index, v, e, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_reference_at(r, value, M * N, index, whole, bounds, &err), ASSAY_OK);
        for (int i = 0; i < M; i++) {
            double sum = 0, bound = 0;
            for (int j = 0; j < N; j++) {
                sum += weight[j] * whole[i * N + j];
                bound += fabs(weight[j]) * bounds[i * N + j];
            }
            cr_expect_float_eq(v[i], sum, 1e-13);
            cr_expect(e[i] >= bound * (1 - 1e-6) && e[i] <= bound * 1.01 + 1e-15, "%g for %g", e[i], bound);
        }
    }
    cr_expect_eq(assay_reference_at_cost(r, t.product, 10), 10, "what is held is only looked up");
    cr_expect_eq(assay_reference_fold(r, t.product, 2, weight, 0, index, v, e, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "product") && strstr(err.message, "axis 2"), "%s", err.message);
    assay_reference_free(r);
    assay_graph_free(t.graph);
}

Test(execute, stored_bytes_are_the_values_rounded_to_their_format)
{
    struct chain t;
    struct assay_reference *r;
    struct assay_error err = {0};
    float stored[M * N];
    double v[M * N], e[M * N];
    int64_t index[M * N];
    chain_new(&t, 4);
    for (int64_t i = 0; i < M * N; i++)
        index[i] = i;
    cr_assert_eq(assay_reference_new(t.graph, t.bound, &r, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_store(r, t.sum, stored, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_at(r, t.sum, M * N, index, v, e, &err), ASSAY_OK);
    for (int i = 0; i < M * N; i++)
        cr_expect_eq(stored[i], (float)v[i]);
    float input[M * K];
    cr_assert_eq(assay_reference_store(r, t.a, input, &err), ASSAY_OK);
    cr_expect_arr_eq(input, t.a_data, sizeof input);
    assay_reference_free(r);
    assay_graph_free(t.graph);
}

Test(execute, what_cannot_be_computed_is_refused_with_its_name)
{
    struct chain t;
    struct assay_reference *r;
    struct assay_error err = {0};
    double v, e;
    chain_new(&t, 1);
    t.bound[t.b] = NULL;
    cr_assert_eq(assay_reference_new(t.graph, t.bound, &r, &err), ASSAY_OK);
    cr_expect_eq(assay_reference_at(r, t.y, 1, (int64_t[]){0}, &v, &e, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "'b'"), "%s", err.message);
    cr_expect_eq(assay_reference_at(r, t.y, 1, (int64_t[]){M * N}, &v, &e, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_reference_at(r, t.y, 1, (int64_t[]){-1}, &v, &e, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_reference_at(r, 99, 1, (int64_t[]){0}, &v, &e, &err), ASSAY_CONFIG);
    assay_reference_free(r);
    assay_reference_free(NULL);
    assay_graph_free(t.graph);
}

Test(execute, subnormal_operands_may_be_read_as_zeros_and_others_are_exact)
{
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("small");
    struct assay_reference *r;
    const float x[3] = {1e-40f, 1.5f, 0}, big[3] = {1e30f, 2, 3};
    double v[3], e[3];
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, 1, (int64_t[]){3}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "b", ASSAY_F32, 1, (int64_t[]){3}, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "Mul", "y", (int32_t[]){a, b}, 2, NULL);
    const void *bound[3] = {0};
    bound[a] = x;
    bound[b] = big;
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_at(r, y, 3, (int64_t[]){0, 1, 2}, v, e, &err), ASSAY_OK);
    cr_expect(fabs(v[0] - 1e-10) < 1e-14 && e[0] >= v[0], "%g %g", v[0], e[0]);
    cr_expect(v[1] == 3 && e[1] < 1e-6);
    cr_expect(v[2] == 0 && e[2] == 0);
    assay_reference_free(r);
    assay_graph_free(g);
}

Test(execute, operands_that_were_rounded_once_are_known_to_half_a_unit)
{
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("rounded");
    struct assay_reference *r;
    const float x[3] = {1, -3, 0}, y[3] = {1, 3, 2};
    double v[3], e[3];
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, 1, (int64_t[]){3}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "b", ASSAY_F32, 1, (int64_t[]){3}, ASSAY_FILL_SIGNED);
    int32_t sum = assay_graph_op(g, "Sub", "sum", (int32_t[]){a, b}, 2, NULL);
    const void *bound[3] = {0};
    bound[a] = x;
    bound[b] = y;
    assay_graph_output(g, sum);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    for (int rounded = 0; rounded < 2; rounded++) {
        cr_assert_eq(assay_reference_new_with(g, bound, ASSAY_BOUNDS_WORST_CASE, &r, &err), ASSAY_OK);
        if (rounded)
            assay_reference_was_rounded(r, a);
        cr_assert_eq(assay_reference_at(r, sum, 3, (int64_t[]){0, 1, 2}, v, e, &err), ASSAY_OK);
        cr_expect(v[0] == 0 && v[1] == -6 && v[2] == -2);
        cr_expect(rounded ? e[0] >= 0x1p-24 && e[0] < 0x1.1p-24 : e[0] == 0, "%g", e[0]);
        cr_expect(!rounded || (e[1] >= 3 * 0x1p-24 && e[1] < 12 * 0x1p-24), "%g", e[1]);
        cr_expect(e[2] < 4 * 0x1p-24, "a zero is off by less than anything that is not: %g", e[2]);
        assay_reference_free(r);
    }
    assay_graph_free(g);
}

Test(execute, every_op_has_its_reference_and_all_its_formats_are_read)
{
    size_t n;
    const struct assay_op_row *rows = assay_op_rows(&n);
    for (size_t i = 0; i < n; i++)
        cr_expect(assay_reference_of(&rows[i]) && assay_reference_of(&rows[i])->at, "%s", rows[i].name);
    cr_expect_eq(assay_reference_of(assay_op_find("MatMul")), &assay_op_reference_MatMul);
    cr_expect_eq(assay_reference_of(assay_op_find("assay.Copy")), &assay_op_reference_Copy);

    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("formats");
    struct assay_reference *r;
    const uint16_t halves[2] = {0x3f80, 0xc000}; /* 1 and -2 */
    double v[2], e[2];
    int32_t a = assay_graph_input(g, "a", ASSAY_BF16, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "Exp", "y", &a, 1, NULL);
    const void *bound[2] = {halves, NULL};
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_at(r, y, 2, (int64_t[]){0, 1}, v, e, &err), ASSAY_OK);
    cr_expect(v[0] == exp(1) && v[1] == exp(-2));
    cr_expect(e[0] >= 0x1p-8 * v[0] && e[0] < 1.01 * 0x1p-8 * v[0], "one rounding to bf16: %g", e[0]);
    assay_reference_free(r);
    assay_graph_free(g);
}
