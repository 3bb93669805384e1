#include <float.h>

#include "simulate.h"

static struct seen seen;

/* One product of random size: every element, every order, against the bound; and the reference against long double. */
static void try_mat_mul(uint64_t seed, enum assay_dtype dtype, int64_t k, double low, double decades)
{
    struct made m;
    made_begin(&m, seed);
    int64_t rows = 1 + (int64_t)assay_random_below(&m.random, 6),
            columns = 1 + (int64_t)assay_random_below(&m.random, 40);
    double *a = made_input(&m, 0, dtype, DIMS(2, rows, k), low, 1, decades);
    double *b = made_input(&m, 1, dtype, DIMS(k, columns), low, 1, decades);
    double *value, *bound;
    made_output(&m, 0, dtype, DIMS(2, rows, columns));
    made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
    for (int64_t i = 0; i < 2 * rows * columns; i++) {
        const double *x = a + i / columns * k, *y = b + i % columns;
        long double exact = exact_dot((size_t)k, x, 1, y, (size_t)columns);
        cr_assert_leq(fabs((double)(value[i] - exact)), bound[i] / 2, "the reference itself: %g of %g",
                      (double)(value[i] - exact), bound[i]);
        for (int order = 0; order < N_ORDERS; order++) {
            double device = simulated_dot(dtype == ASSAY_F64, order, (size_t)k, x, 1, y, (size_t)columns);
            see(&seen, assay_round_to(dtype, device), value[i], bound[i]);
        }
    }
    made_end(&m);
}

Test(product, a_small_product_is_what_paper_says)
{
    struct made m;
    double *value, *bound;
    const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8, 9, 10, 11, 12};
    made_begin(&m, 1);
    memcpy(made_input(&m, 0, ASSAY_F32, DIMS(2, 3), 0, 1, 0), a, sizeof a);
    memcpy(made_input(&m, 1, ASSAY_F32, DIMS(3, 2), 0, 1, 0), b, sizeof b);
    made_output(&m, 0, ASSAY_F32, DIMS(2, 2));
    made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
    const double expected[] = {58, 64, 139, 154};
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(value[i], expected[i]);
        cr_expect_float_eq(bound[i] / (3 * 0x1p-24 * expected[i]), 1, 1e-6,
                           "gamma_3 of a sum of positive terms, got %g", bound[i]);
    }
    made_end(&m);
}

/* (a - za) (b - zb) in 64 bits, cut to 32. */
static double whole_sum(int64_t k, const double *a, const double *b, int64_t step, double za, double zb)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < k; i++)
        sum += ((int64_t)a[i] - (int64_t)za) * ((int64_t)b[i * step] - (int64_t)zb);
    return (double)(int32_t)(uint32_t)sum;
}

Test(product, whole_numbers_of_8_bits_are_exact_around_any_zero_points)
{
    enum { BATCH = 2, M = 3, K = 37, N = 20 };
    static const struct {
        int     a_rank, b_rank; /* of the zero points; -1: none, 0: one, 3: one a row or column of every matrix */
    } zeros[] = {{-1, -1}, {0, -1}, {-1, 0}, {0, 0}, {3, 0}, {3, 3}, {-1, 3}};
    for (size_t z = 0; z < sizeof zeros / sizeof *zeros; z++) {
        struct made m;
        double     *value, *bound, *za = NULL, *zb = NULL;
        made_begin(&m, z);
        double *a = made_input(&m, 0, ASSAY_U8, DIMS(BATCH, M, K), 0, 255.4, 0), *b = made_input(&m, 1, ASSAY_I8, DIMS(BATCH, K, N), -128, 127, 0);
        if (zeros[z].a_rank >= 0)
            za = made_input(&m, 2, ASSAY_U8, zeros[z].a_rank, (int64_t[]){BATCH, M, 1}, 0, 255, 0);
        if (zeros[z].b_rank >= 0)
            zb = made_input(&m, 3, ASSAY_I8, zeros[z].b_rank, (int64_t[]){BATCH, 1, N}, -128, 127, 0);
        made_output(&m, 0, ASSAY_I32, DIMS(BATCH, M, N));
        made_all(&m, &assay_op_reference_MatMulInteger, 0, &value, &bound);
        for (int64_t i = 0; i < BATCH * M * N; i++) {
            int64_t batch = i / (M * N), row = i / N, column = batch * N + i % N;
            double  wanted = whole_sum(K, a + row * K, b + batch * K * N + i % N, N, za ? za[zeros[z].a_rank ? row : 0] : 0,
                                       zb ? zb[zeros[z].b_rank ? column : 0] : 0);
            cr_expect(value[i] == wanted && bound[i] == 0, "zero points %zu, element %lld: %g within %g, not %g", z, (long long)i, value[i],
                      bound[i], wanted);
        }
        made_end(&m);
    }
}

Test(product, a_sum_of_whole_numbers_wraps_as_32_bits_and_an_uncertain_one_near_the_end_is_not_known)
{
    enum { K = 40000 };
    struct made m;
    double     *value, *bound;
    made_begin(&m, 1);
    double *a = made_input(&m, 0, ASSAY_U8, DIMS(1, K), 0, 1, 0), *b = made_input(&m, 1, ASSAY_U8, DIMS(K, 1), 0, 1, 0);
    for (int i = 0; i < K; i++)
        a[i] = b[i] = 255;
    made_output(&m, 0, ASSAY_I32, DIMS(1, 1));
    made_all(&m, &assay_op_reference_MatMulInteger, 0, &value, &bound);
    cr_expect(value[0] == 2601000000.0 - 0x1p32 && bound[0] == 0, "%g", value[0]);
    double *error = made_doubles(&m, K);
    for (int i = 0; i < K; i++)
        error[i] = i == 7;
    m.in[0].error = error;
    made_all(&m, &assay_op_reference_MatMulInteger, 0, &value, &bound);
    cr_expect(isinf(bound[0]));
    memset(b + 1, 0, (K - 1) * sizeof *b); /* now term 7 counts for nothing, */
    double *zero = made_input(&m, 3, ASSAY_U8, 0, NULL, 0, 1, 0);
    *zero = 3; /* or, with a zero point, for three times its error */
    made_all(&m, &assay_op_reference_MatMulInteger, 0, &value, &bound);
    cr_expect(value[0] == 255.0 * 252 - 255.0 * 3 * (K - 1) && bound[0] == 3, "%g within %g", value[0], bound[0]);
    made_end(&m);
}

Test(product, no_order_of_summation_leaves_the_bound_and_the_bound_is_not_idle)
{
    const enum assay_dtype types[] = {ASSAY_F32, ASSAY_BF16, ASSAY_F16, ASSAY_F64};
    for (int t = 0; t < 4; t++) {
        memset(&seen, 0, sizeof seen);
        for (uint64_t seed = 0; seed < 24; seed++)
            try_mat_mul(seed, types[t], 1 + (int64_t)(seed * 37 % 64), 0.1, 0);
        cr_expect_eq(seen.above, 0, "%s: %zu of %zu above, worst %g", assay_dtype_name(types[t]), seen.above, seen.n,
                     seen.worst);
        double middle = median(&seen);
        cr_expect_geq(middle, 0.02, "%s: median %g", assay_dtype_name(types[t]), middle);
        memset(&seen, 0, sizeof seen);
        for (uint64_t seed = 100; seed < 110; seed++)
            try_mat_mul(seed, types[t], 1 + (int64_t)(seed * 53 % 700), -1, types[t] == ASSAY_F16 ? 2 : 6);
        cr_expect_eq(seen.above, 0, "%s, ill-conditioned: %zu of %zu above", assay_dtype_name(types[t]), seen.above,
                     seen.n);
    }
}

Test(product, a_sum_that_cancels_is_still_within_its_bound)
{
    struct made m;
    double *value, *bound;
    enum { K = 65 };
    made_begin(&m, 5);
    double *a = made_input(&m, 0, ASSAY_F32, DIMS(1, K), 0.5, 1, 4),
           *b = made_input(&m, 1, ASSAY_F32, DIMS(K, 1), 1, 1, 0);
    for (int i = 0; i < K / 2; i++) /* pairs that cancel, far apart, and one term that stays */
        a[K - 2 - i] = -a[i];
    made_output(&m, 0, ASSAY_F32, DIMS(1, 1));
    made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
    cr_expect_float_eq(value[0], (double)exact_dot(K, a, 1, b, 1), 1e-12);
    memset(&seen, 0, sizeof seen);
    for (int order = 0; order < N_ORDERS; order++)
        see(&seen, simulated_dot(false, order, K, a, 1, b, 1), value[0], bound[0]);
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
    cr_expect_gt(seen.worst, 1e-4, "nothing was lost, so nothing was tried: %g", seen.worst);
    made_end(&m);
}

Test(product, a_fault_of_a_few_bounds_is_seen)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 7);
    double *a = made_input(&m, 0, ASSAY_F32, DIMS(4, 64), -1, 1, 0),
           *b = made_input(&m, 1, ASSAY_F32, DIMS(64, 4), -1, 1, 0);
    made_output(&m, 0, ASSAY_F32, DIMS(4, 4));
    made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
    double device = simulated_dot(false, FORWARD, 64, a, 1, b, 4);
    memset(&seen, 0, sizeof seen);
    see(&seen, device, value[0], bound[0]);
    cr_expect_eq(seen.above, 0);
    see(&seen, device + 2.5 * bound[0], value[0], bound[0]);
    cr_expect_eq(seen.above, 1, "a planted fault of 2.5 bounds passed");
    see(&seen, simulated_dot(false, FORWARD, 63, a, 1, b, 4), value[0], bound[0]); /* the last term forgotten */
    cr_expect_eq(seen.above, 2);
    double rounded[64];
    for (int i = 0; i < 64; i++) /* inputs cut to bf16, as a device in its fast mode would */
        rounded[i] = assay_round_to(ASSAY_BF16, a[i]);
    see(&seen, simulated_dot(false, FORWARD, 64, rounded, 1, b, 4), value[0], bound[0]);
    cr_expect_eq(seen.above, 3);
    made_end(&m);
}

Test(product, what_operands_may_be_off_is_carried)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct made m;
        double *value, *bound;
        enum { K = 30 };
        made_begin(&m, seed);
        double *a = made_input(&m, 0, ASSAY_F32, DIMS(1, K), -1, 1, 0),
               *b = made_input(&m, 1, ASSAY_F32, DIMS(K, 3), -1, 1, 0);
        double *ea = made_doubles(&m, K), *eb = made_doubles(&m, (size_t)K * 3), worst = 0;
        made_output(&m, 0, ASSAY_F32, DIMS(1, 3));
        for (int i = 0; i < K; i++)
            ea[i] = 1e-3 * assay_random_unit(&m.random);
        for (int i = 0; i < 3 * K; i++)
            eb[i] = 1e-3 * assay_random_unit(&m.random);
        m.in[0].error = ea;
        m.in[1].error = eb;
        made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
        for (int k = 0; k < K; k++) { /* every operand at the end of its interval that hurts most */
            double s = a[k] * b[3 * k] >= 0 ? 1 : -1, x = a[k] + copysign(ea[k], a[k]),
                   y = b[3 * k] + copysign(eb[3 * k], b[3 * k]);
            worst += s * (fabs(x * y) - fabs(a[k] * b[3 * k])) * s;
        }
        cr_expect_leq(worst, bound[0]);
        cr_expect_geq(worst, 0.98 * bound[0] - 1e-5, "the bound is that, and roundings: %g %g", worst, bound[0]);
        made_end(&m);
    }
}

Test(product, batches_broadcast_and_vectors_are_rows_and_columns)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 3);
    double *a = made_input(&m, 0, ASSAY_F64, DIMS(2, 1, 2, 3), -1, 1, 0),
           *b = made_input(&m, 1, ASSAY_F64, DIMS(4, 3, 5), -1, 1, 0);
    made_output(&m, 0, ASSAY_F64, DIMS(2, 4, 2, 5));
    made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
    for (int i = 0; i < 80; i++) {
        int c = i % 5, r = i / 5 % 2, y = i / 10 % 4, x = i / 40;
        cr_expect_float_eq(value[i], (double)exact_dot(3, a + (x * 2 + r) * 3, 1, b + y * 15 + c, 5), 1e-15);
    }
    made_end(&m);
    made_begin(&m, 4);
    a = made_input(&m, 0, ASSAY_F32, DIMS(6), -1, 1, 0);
    b = made_input(&m, 1, ASSAY_F32, DIMS(3, 6, 2), -1, 1, 0);
    made_output(&m, 0, ASSAY_F32, DIMS(3, 2));
    made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
    for (int i = 0; i < 6; i++)
        cr_expect_float_eq(value[i], (double)exact_dot(6, a, 1, b + i / 2 * 12 + i % 2, 2), 1e-14);
    made_end(&m);
}

Test(product, infinities_and_nan_are_met_exactly_and_overflow_on_the_way_says_nothing)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 3);
    double *a = made_input(&m, 0, ASSAY_F32, DIMS(4, 9), 0.5, 1, 0);
    made_input(&m, 1, ASSAY_F32, DIMS(9, 1), 0.5, 1, 0);
    a[3] = INFINITY;
    a[9 + 1] = INFINITY;
    a[9 + 2] = -INFINITY;
    a[18 + 8] = NAN;
    a[27] = FLT_MAX;
    a[28] = FLT_MAX;
    a[29] = -FLT_MAX;
    made_output(&m, 0, ASSAY_F32, DIMS(4, 1));
    made_all(&m, &assay_op_reference_MatMul, 0, &value, &bound);
    cr_expect(isinf(value[0]) && bound[0] == 0);
    cr_expect(isnan(value[1]) && bound[1] == 0);
    cr_expect(isnan(value[2]) && bound[2] == 0);
    cr_expect(isfinite(value[3]) && isinf(bound[3]));
    made_end(&m);
}

/* A fold equals the weighted sum of the elements, and its bound covers theirs without being many times larger. */
static void expect_fold(struct made *m, const struct assay_op_reference *op, int32_t axis, double looseness)
{
    struct assay_error err = {0};
    const struct assay_ref_tensor *out = &m->out[0];
    double *value, *bound, *weight = made_doubles(m, (size_t)out->dims[axis]);
    int64_t inner = 1, length = out->dims[axis], n = (int64_t)out->elements / length;
    int64_t *index = assay_arena_take(&m->arena, (size_t)n, sizeof *index);
    double *v = made_doubles(m, (size_t)n), *e = made_doubles(m, (size_t)n);
    made_all(m, op, 0, &value, &bound);
    for (int32_t d = axis + 1; d < out->rank; d++)
        inner *= out->dims[d];
    for (int64_t j = 0; j < length; j++)
        weight[j] = 2 * assay_random_unit(&m->random) - 1;
    for (int64_t i = 0; i < n; i++)
        index[i] = n - 1 - i;
    cr_assert_eq(op->fold(&m->call, axis, weight, (size_t)n, index, v, e, &err), ASSAY_OK, "%s", err.message);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0, bounds = 0;
        for (int64_t j = 0; j < length; j++) {
            int64_t at = index[i] / inner * inner * length + j * inner + index[i] % inner;
            sum += weight[j] * value[at];
            bounds += fabs(weight[j]) * bound[at];
        }
        cr_expect_leq(fabs(v[i] - sum), 1e-10 * (1 + fabs(sum)), "axis %d position %d: %g, elements give %g", (int)axis,
                      (int)i, v[i], sum);
        /* In double the elements' bounds hold the reference's own roundings, of which the fold makes fewer. */
        cr_expect_geq(e[i], bounds * (out->dtype == ASSAY_F64 ? 0.8 : 1 - 1e-6), "%g for %g", e[i], bounds);
        cr_expect_leq(e[i], looseness * bounds, "%g for %g", e[i], bounds);
    }
}

Test(product, folds_of_a_mat_mul_are_weighted_sums_of_its_elements)
{
    const enum assay_dtype types[] = {ASSAY_F32, ASSAY_BF16, ASSAY_F64};
    for (int t = 0; t < 3; t++) {
        struct made m;
        made_begin(&m, 9);
        made_input(&m, 0, types[t], DIMS(3, 17, 23), -1, 1, 0);
        double *b = made_input(&m, 1, types[t], DIMS(3, 23, 31), -1, 1, 0);
        double *error = made_doubles(&m, 3 * 23 * 31);
        for (int i = 0; i < 3 * 23 * 31; i++)
            error[i] = 1e-6 * fabs(b[i]);
        made_output(&m, 0, types[t], DIMS(3, 17, 31));
        for (int with_errors = 0; with_errors < 2; with_errors++) {
            m.in[1].error = with_errors ? error : NULL;
            expect_fold(&m, &assay_op_reference_MatMul, 2, types[t] == ASSAY_BF16 ? 12 : 1.25);
            expect_fold(&m, &assay_op_reference_MatMul, 1, types[t] == ASSAY_BF16 ? 12 : 1.25);
        }
        struct assay_error err = {0};
        double nothing;
        cr_expect_eq(assay_op_reference_MatMul.fold(&m.call, 0, &nothing, 0, NULL, &nothing, &nothing, &err),
                     ASSAY_UNSUPPORTED);
        made_end(&m);
    }
}

static double simulated_gemm(int order, bool first, size_t k, const double *x, size_t sx, const double *y, size_t sy,
                             float alpha, float beta, float c)
{
    double scaled[64];
    for (size_t i = 0; i < k; i++)
        scaled[i] = (float)(alpha * (float)x[i * sx]);
    float product = first ? dot_f32(order, k, scaled, 1, y, sy) : alpha * dot_f32(order, k, x, sx, y, sy);
    return product + beta * c;
}

Test(product, gemm_scales_transposes_and_adds_within_its_bound)
{
    memset(&seen, 0, sizeof seen);
    for (int turns = 0; turns < 4; turns++) {
        struct made m;
        double *value, *bound;
        bool ta = turns & 1, tb = turns & 2;
        enum { M = 5, K = 16, N = 18 };
        made_begin(&m, 11 + (uint64_t)turns);
        double *a =
            ta ? made_input(&m, 0, ASSAY_F32, DIMS(K, M), 0, 1, 0) : made_input(&m, 0, ASSAY_F32, DIMS(M, K), 0, 1, 0);
        double *b =
            tb ? made_input(&m, 1, ASSAY_F32, DIMS(N, K), 0, 1, 0) : made_input(&m, 1, ASSAY_F32, DIMS(K, N), 0, 1, 0);
        double *c = made_input(&m, 2, ASSAY_F32, DIMS(N), -1, 1, 0);
        made_output(&m, 0, ASSAY_F32, DIMS(M, N));
        made_attr(&m, ASSAY_ATTR_FLOAT("alpha", 0.7f));
        made_attr(&m, ASSAY_ATTR_FLOAT("beta", -1.3f));
        made_attr(&m, ASSAY_ATTR_INT("transA", ta));
        made_attr(&m, ASSAY_ATTR_INT("transB", tb));
        made_all(&m, &assay_op_reference_Gemm, 0, &value, &bound);
        for (int i = 0; i < M * N; i++) {
            const double *x = ta ? a + i / N : a + i / N * K, *y = tb ? b + i % N * K : b + i % N;
            size_t sx = ta ? M : 1, sy = tb ? 1 : N;
            double exact = (double)(0.7f * exact_dot(K, x, sx, y, sy) + (long double)-1.3f * c[i % N]);
            cr_expect_leq(fabs(value[i] - exact), 1e-13);
            for (int order = 0; order < N_ORDERS; order++) {
                see(&seen, simulated_gemm(order, false, K, x, sx, y, sy, 0.7f, -1.3f, (float)c[i % N]), value[i],
                    bound[i]);
                see(&seen, simulated_gemm(order, true, K, x, sx, y, sy, 0.7f, -1.3f, (float)c[i % N]), value[i],
                    bound[i]);
            }
        }
        expect_fold(&m, &assay_op_reference_Gemm, 0, 1.001);
        expect_fold(&m, &assay_op_reference_Gemm, 1, 1.001);
        made_end(&m);
    }
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.02, "median %g", middle);
}

/* ---- whole rows ---------------------------------------------------------------------------------------------- */

/* The n elements from `first` on, asked for together or one by one. */
static void take(struct made *m, const struct assay_op_reference *op, int64_t first, size_t n, bool together,
                 double *value, double *bound)
{
    struct assay_error err = {0};
    int64_t *index = assay_arena_take(&m->arena, n, sizeof *index);
    for (size_t i = 0; i < n; i++)
        index[i] = first + (int64_t)i;
    for (size_t i = 0; i < (together ? 1 : n); i++)
        cr_assert_eq(op->at(&m->call, together ? n : 1, index + i, value + i, bound + i, &err), ASSAY_OK);
}

static void expect_same_bits(struct made *m, const struct assay_op_reference *op, int64_t first, size_t n)
{
    double *one = made_doubles(m, n), *bound = made_doubles(m, n), *all = made_doubles(m, n), *bounds = made_doubles(m, n);
    made_ready(m, 0);
    take(m, op, first, n, false, one, bound);
    for (int threads = 1; threads < 4; threads++) {
        char text[] = {(char)('0' + threads), 0};
        setenv("ASSAY_THREADS", text, 1);
        for (int values_only = 0; values_only < 2; values_only++) {
            m->call.values_only = values_only;
            memset(all, 0x55, n * sizeof *all);
            take(m, op, first, n, true, all, bounds);
            cr_expect_arr_eq(all, one, n * sizeof *all, "%d threads, values only: %d", threads, values_only);
            if (!values_only)
                cr_expect_arr_eq(bounds, bound, n * sizeof *all, "%d threads", threads);
        }
        m->call.values_only = false;
    }
    unsetenv("ASSAY_THREADS");
}

Test(product, whole_rows_have_the_bits_of_their_elements_whatever_is_torn_off_them)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct made m;
        made_begin(&m, seed);
        int64_t batches = 1 + (int64_t)assay_random_below(&m.random, 3), shared = (int64_t)assay_random_below(&m.random, 2);
        int64_t rows = 1 + (int64_t)assay_random_below(&m.random, seed % 4 ? 20 : 3);
        int64_t columns = 1 + (int64_t)assay_random_below(&m.random, seed % 3 ? 30 : 600);
        int64_t terms = 1 + (int64_t)assay_random_below(&m.random, 90), all = batches * rows * columns;
        made_input(&m, 0, ASSAY_F32, DIMS(batches, rows, terms), -1, 1, 2);
        if (shared)
            made_input(&m, 1, ASSAY_F32, DIMS(terms, columns), -1, 1, 2);
        else
            made_input(&m, 1, ASSAY_F32, DIMS(batches, terms, columns), -1, 1, 2);
        made_output(&m, 0, seed % 2 ? ASSAY_F32 : ASSAY_BF16, DIMS(batches, rows, columns));
        expect_same_bits(&m, &assay_op_reference_MatMul, 0, (size_t)all);
        int64_t first = (int64_t)assay_random_below(&m.random, (uint64_t)all);
        expect_same_bits(&m, &assay_op_reference_MatMul, first,
                         1 + assay_random_below(&m.random, (uint64_t)(all - first)));
        made_end(&m);
    }
}

Test(product, a_whole_gemm_has_the_bits_of_its_elements_however_its_operands_lie)
{
    for (int turn = 0; turn < 4; turn++) {
        struct made m;
        enum { M = 70, N = 50, K = 37 };
        made_begin(&m, (uint64_t)turn);
        made_input(&m, 0, ASSAY_F32, DIMS(turn & 1 ? K : M, turn & 1 ? M : K), -1, 1, 0);
        made_input(&m, 1, ASSAY_F32, DIMS(turn & 2 ? N : K, turn & 2 ? K : N), -1, 1, 0);
        made_input(&m, 2, ASSAY_F32, DIMS(N), -1, 1, 0);
        made_output(&m, 0, ASSAY_F32, DIMS(M, N));
        made_attr(&m, ASSAY_ATTR_INT("transA", turn & 1));
        made_attr(&m, ASSAY_ATTR_INT("transB", turn >> 1));
        made_attr(&m, ASSAY_ATTR_FLOAT("alpha", 0.75));
        expect_same_bits(&m, &assay_op_reference_Gemm, 0, M * N);
        made_end(&m);
    }
}
