#include "simulate.h"

static struct seen seen;

struct row_of_floats {
    float mean, inverse;
};

/* Two passes, forwards or backwards; Welford's updating; E[x^2] - E[x]^2. All in float. */
enum { TWO_PASSES, TWO_PASSES_BACKWARD, WELFORD, ONE_PASS };
static struct row_of_floats moments_f32(int way, size_t n, const double *x, float epsilon)
{
    float mean = 0, squares = 0;
    if (way == WELFORD) {
        for (size_t i = 0; i < n; i++) {
            float delta = (float)x[i] - mean;
            mean += delta / (float)(i + 1);
            squares += delta * ((float)x[i] - mean);
        }
        return (struct row_of_floats){mean, 1 / sqrtf(squares / (float)n + epsilon)};
    }
    for (size_t i = 0; i < n; i++)
        mean += (float)x[way == TWO_PASSES_BACKWARD ? n - 1 - i : i];
    mean /= (float)n;
    for (size_t i = 0; i < n; i++) {
        float d = (float)x[way == TWO_PASSES_BACKWARD ? n - 1 - i : i] - (way == ONE_PASS ? 0 : mean);
        squares += d * d;
    }
    squares /= (float)n;
    if (way == ONE_PASS)
        squares -= mean * mean;
    return (struct row_of_floats){mean, 1 / sqrtf(squares + epsilon)};
}

static void try_layer(uint64_t seed, enum assay_dtype dtype, int way, int64_t n, double shift)
{
    struct made m;
    double *value, *bound, *mean, *mean_bound, *inverse, *inverse_bound;
    made_begin(&m, seed);
    double *x = made_input(&m, 0, dtype, DIMS(3, n), shift - 1, shift + 1, 0);
    double *scale = made_input(&m, 1, dtype, DIMS(n), 0.5, 1.5, 0), *bias = made_input(&m, 2, dtype, DIMS(n), -1, 1, 0);
    made_output(&m, 0, dtype, DIMS(3, n));
    made_output(&m, 1, ASSAY_F32, DIMS(3, 1));
    made_output(&m, 2, ASSAY_F32, DIMS(3, 1));
    made_attr(&m, ASSAY_ATTR_INT("axis", 1));
    made_attr(&m, ASSAY_ATTR_FLOAT("epsilon", 1e-5));
    made_all(&m, &assay_op_reference_LayerNormalization, 0, &value, &bound);
    made_all(&m, &assay_op_reference_LayerNormalization, 1, &mean, &mean_bound);
    made_all(&m, &assay_op_reference_LayerNormalization, 2, &inverse, &inverse_bound);
    for (int64_t i = 0; i < 3 * n; i++) {
        struct row_of_floats r = moments_f32(way, (size_t)n, x + i / n * n, 1e-5f);
        float y = ((float)x[i] - r.mean) * r.inverse;
        float fused = y * (float)scale[i % n] + (float)bias[i % n];
        see(&seen, assay_round_to(dtype, fused), value[i], bound[i]);
        /* ONNX's own decomposition casts between the steps. */
        double cast = assay_round_to(dtype, assay_round_to(dtype, y) * scale[i % n]) + bias[i % n];
        see(&seen, assay_round_to(dtype, cast), value[i], bound[i]);
        if (i % n == 0) {
            see(&seen, r.mean, mean[i / n], mean_bound[i / n]);
            see(&seen, r.inverse, inverse[i / n], inverse_bound[i / n]);
        }
    }
    made_end(&m);
}

Test(normalize, two_passes_and_welford_stay_within_the_bound_of_layer_normalization)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        for (int way = TWO_PASSES; way <= WELFORD; way++) {
            try_layer(seed, ASSAY_F32, way, 2 + (int64_t)(seed * 41 % 400), 0);
            try_layer(seed, ASSAY_F32, way, 2 + (int64_t)(seed * 41 % 400), 30);
            try_layer(seed, ASSAY_BF16, way, 64, 0.5);
            try_layer(seed, ASSAY_F16, way, 64, 0.5);
        }
    }
    cr_expect_eq(seen.above, 0, "%zu of %zu above, worst %g", seen.above, seen.n, seen.worst);
}

Test(normalize, one_pass_is_told_where_the_mean_is_large)
{
    try_layer(1, ASSAY_F32, ONE_PASS, 256, 0);
    cr_expect_eq(seen.above, 0, "with a mean near 0 nothing is lost");
    try_layer(1, ASSAY_F32, ONE_PASS, 256, 3000);
    cr_expect_gt(seen.above, 100, "%zu", seen.above);
}

Test(normalize, a_row_is_what_paper_says)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 1);
    const double x[4] = {1, 2, 3, 4}, scale[2] = {2, 10}; /* mean 1.5 and 3.5, deviation 0.5 */
    memcpy(made_input(&m, 0, ASSAY_F64, DIMS(2, 2), 0, 1, 0), x, sizeof x);
    memcpy(made_input(&m, 1, ASSAY_F64, DIMS(2), 0, 1, 0), scale, sizeof scale);
    made_output(&m, 0, ASSAY_F64, DIMS(2, 2));
    made_attr(&m, ASSAY_ATTR_FLOAT("epsilon", 0.0));
    made_all(&m, &assay_op_reference_LayerNormalization, 0, &value, &bound);
    const double layer[4] = {-2, 10, -2, 10};
    for (int i = 0; i < 4; i++)
        cr_expect_float_eq(value[i], layer[i], 1e-14);
    made_all(&m, &assay_op_reference_RMSNormalization, 0, &value, &bound);
    const double rms[2] = {2 / sqrt(2.5), 20 / sqrt(2.5)};
    for (int i = 0; i < 2; i++)
        cr_expect_float_eq(value[i], rms[i], 1e-14);
    made_end(&m);
}

Test(normalize, rms_in_any_order_stays_within_a_bound_that_is_not_idle)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct made m;
        double *value, *bound;
        int64_t n = 2 + (int64_t)(seed * 7 % 40);
        made_begin(&m, seed);
        double *x = made_input(&m, 0, ASSAY_F32, DIMS(2, n), -1, 1, seed & 1 ? 4 : 0),
               *scale = made_input(&m, 1, ASSAY_F32, DIMS(n), 0.5, 1.5, 0);
        made_output(&m, 0, ASSAY_F32, DIMS(2, n));
        made_all(&m, &assay_op_reference_RMSNormalization, 0, &value, &bound);
        for (int64_t i = 0; i < 2 * n; i++) {
            for (int order = 0; order < N_ORDERS; order++) {
                float mean = dot_f32(order, (size_t)n, x + i / n * n, 1, x + i / n * n, 1) / (float)n;
                see(&seen, (float)x[i] * (1 / sqrtf(mean + 1e-5f)) * (float)scale[i % n], value[i], bound[i]);
                see(&seen, (float)x[i] / sqrtf(mean + 1e-5f) * (float)scale[i % n], value[i], bound[i]);
            }
        }
        made_end(&m);
    }
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.02, "median %g", middle);
    see(&seen, 1 + 2e-5, 1, 8e-6);
    cr_expect_eq(seen.above, 1);
}
