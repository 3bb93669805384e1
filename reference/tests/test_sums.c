/* Sums that are exact in any order, and bounds of sums that are rounded to nearest. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "harness/base/random.h"
#include "reference/arithmetic.h"

Test(sums, know_the_power_of_two_that_all_numbers_are_multiples_of)
{
    cr_expect_eq(assay_ref_quantum(3, (double[]){4, -12, 8}), 4);
    cr_expect_eq(assay_ref_quantum(4, (double[]){0, 0.75, -3, 0}), 0.25);
    cr_expect_eq(assay_ref_quantum(2, (double[]){0, 0}), 1);
    cr_expect_eq(assay_ref_quantum(2, (double[]){1, 0x1p24}), 0, "too far apart for a sum in f32");
    cr_expect_eq(assay_ref_quantum(2, (double[]){1, 0x1p23}), 1);
    cr_expect_eq(assay_ref_quantum(2, (double[]){1, INFINITY}), 0);
    cr_expect_eq(assay_ref_quantum(1, (double[]){0x1.8p-149}), 0x1p-150);
}

enum { M = 12, K = 512, N = 10 };

/* C = A B of f32 with operands that are given; values and bounds of all elements. */
static struct assay_reference *product(const float *a, const float *b, struct assay_graph **g)
{
    struct assay_error      err = {.code = ASSAY_OK};
    struct assay_reference *r = NULL;
    static const void      *bound[3];
    *g = assay_graph_new("product");
    int32_t in[2] = {assay_graph_input(*g, "A", ASSAY_F32, 2, (int64_t[]){M, K}, ASSAY_FILL_SIGNED),
                     assay_graph_input(*g, "B", ASSAY_F32, 2, (int64_t[]){K, N}, ASSAY_FILL_SIGNED)};
    assay_graph_output(*g, assay_graph_op(*g, "MatMul", "C", in, 2, NULL));
    cr_assert_eq(assay_graph_finish(*g, &err), ASSAY_OK, "%s", err.message);
    bound[0] = a;
    bound[1] = b;
    cr_assert_eq(assay_reference_new(*g, bound, &r, &err), ASSAY_OK, "%s", err.message);
    return r;
}

static void all(struct assay_reference *r, double chance, double *value, double *bound)
{
    struct assay_error err = {.code = ASSAY_OK};
    int64_t            index[M * N];
    for (int64_t i = 0; i < M * N; i++)
        index[i] = i;
    enum assay_code code = chance >= 0 ? assay_reference_at_probable(r, 2, chance, M * N, index, value, bound, &err)
                                          : assay_reference_at(r, 2, M * N, index, value, bound, &err);
    cr_assert_eq(code, ASSAY_OK, "%s", err.message);
}

static void fill(uint64_t key, int64_t most, float *a, float *b)
{
    int64_t whole[K * M];
    if (most == 0) {
        assay_random_uniform_f32(key, 0, M * K, -1, 1, a);
        assay_random_uniform_f32(key + 1, 0, K * N, -1, 1, b);
        return;
    }
    assay_random_integers(key, 0, M * K, -most, most, whole);
    for (int i = 0; i < M * K; i++)
        a[i] = (float)whole[i] / 8;
    assay_random_integers(key + 1, 0, K * N, -most, most, whole);
    for (int i = 0; i < K * N; i++)
        b[i] = (float)whole[i] * 4;
}

/* 512 products of up to 180 x 180 add up to less than 2^24, those of up to 400 x 400 need not. */
Test(sums, that_no_order_can_round_have_no_room)
{
    static float        a[M * K], b[K * N];
    double              value[M * N], bound[M * N];
    struct assay_graph *g;
    for (uint64_t key = 0; key < 5; key++) {
        bool room = false;
        fill(2 * key, 180, a, b);
        struct assay_reference *r = product(a, b, &g);
        all(r, -1, value, bound);
        for (int i = 0; i < M * N; i++)
            cr_expect(bound[i] == 0 && (double)(float)value[i] == value[i]);
        assay_reference_free(r);
        assay_graph_free(g);
        fill(2 * key, 1000, a, b);
        r = product(a, b, &g);
        all(r, -1, value, bound);
        for (int i = 0; i < M * N; i++)
            room |= bound[i] > 0;
        cr_expect(room);
        assay_reference_free(r);
        assay_graph_free(g);
    }
}

/* Sum in float over the terms from `first` on by `step`, in `chains` chains. */
static float in_float(const float *a, const float *b, int row, int column, int chains, bool backward)
{
    float chain[16] = {0}, sum = 0;
    for (int i = 0; i < K; i++) {
        int k = backward ? K - 1 - i : i;
        chain[i % chains] = fmaf(a[row * K + k], b[k * N + column], chain[i % chains]);
    }
    for (int c = 0; c < chains; c++)
        sum += chain[c];
    return sum;
}

Test(sums, rounded_to_nearest_stay_within_what_is_stated_and_have_its_deviation)
{
    static float a[M * K], b[K * N];
    double       value[M * N], deviation[M * N], bound[M * N], worst[M * N];
    double       squares = 0, most = 0;
    size_t       n = 0;
    for (uint64_t key = 0; key < 12; key++) {
        struct assay_graph *g;
        fill(2 * key, 0, a, b);
        struct assay_reference *r = product(a, b, &g);
        all(r, -1, value, worst);
        all(r, 0, value, deviation);
        all(r, 1e-9, value, bound);
        for (int i = 0; i < M * N; i++) {
            double error = fabs(in_float(a, b, i / N, i % N, key % 3 == 0 ? 1 : key % 3 == 1 ? 4 : 16, key % 2) - value[i]);
            cr_expect(error <= bound[i], "%g of %g", error, bound[i]);
            cr_expect(bound[i] < worst[i] / 12 && bound[i] > 6 * deviation[i], "%g %g %g", bound[i], deviation[i], worst[i]);
            most = fmax(most, error / deviation[i]);
            squares += key % 3 == 0 ? error / deviation[i] * (error / deviation[i]) : 0;
            n += key % 3 == 0;
        }
        assay_reference_free(r);
        assay_graph_free(g);
    }
    double rms = sqrt(squares / (double)n);
    cr_expect(rms > 0.4 && rms < 1, "one chain: %g", rms);
    cr_expect(most > 1.5 && most < 5, "%g", most);
}

Test(sums, are_not_probable_where_an_op_makes_more_than_one_sum)
{
    struct assay_error      err = {.code = ASSAY_OK};
    struct assay_graph     *g = assay_graph_new("softmax");
    float                   x[4] = {1, 2, 3, 4};
    const void             *bound[2] = {x};
    struct assay_reference *r;
    double                  value, room;
    int32_t                 in = assay_graph_input(g, "X", ASSAY_F32, 1, (int64_t[]){4}, ASSAY_FILL_SIGNED);
    int32_t                 y = assay_graph_op(g, "Softmax", "Y", &in, 1, NULL);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK);
    cr_expect_not(assay_reference_is_sum(g, y));
    cr_expect_eq(assay_reference_at_probable(r, y, 1e-9, 1, (int64_t[]){0}, &value, &room, &err), ASSAY_UNSUPPORTED);
    assay_reference_free(r);
    assay_graph_free(g);
}

/* e normal with the variance of the integral of B^2, B a bridge of 64 steps: how often beyond the limit for a chance of 0.01. */
Test(sums, of_a_bridge_go_beyond_their_limit_no_oftener_than_it_says)
{
    enum { STEPS = 64, DRAWS = 20000 };
    struct assay_random r;
    double              limit = assay_ref_bridge_factor(0.01);
    int                 beyond = 0;
    assay_random_init(&r, 5);
    for (int d = 0; d < DRAWS; d++) {
        double walk[STEPS + 1] = {0}, squares = 0;
        for (int i = 0; i < STEPS; i++)
            walk[i + 1] = walk[i] + assay_random_normal(&r) / sqrt(STEPS);
        for (int i = 0; i <= STEPS; i++) {
            double b = walk[i] - walk[STEPS] * i / STEPS;
            squares += b * b / STEPS;
        }
        beyond += assay_random_normal(&r) * sqrt(squares) > limit;
    }
    cr_expect(beyond > 0 && beyond <= DRAWS * 0.01, "%d of %d", beyond, DRAWS);
    cr_expect(assay_ref_bridge_factor(1e-12) > 8 && assay_ref_bridge_factor(1e-12) < 10, "%g", assay_ref_bridge_factor(1e-12));
}
