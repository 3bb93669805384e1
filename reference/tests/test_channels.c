/* Batch and group normalization as devices compute them in float: two passes, Welford's updating, statistics folded into a
 * factor and a shift. All within the bound; E[x^2] - E[x]^2 and faults of two bounds are not. */
#include "reference/tests/simulate.h"

static struct seen seen;

enum { CHANNELS = 3, IMAGES = 4, EACH = 11, N = IMAGES * EACH };
enum { TWO_PASSES, WELFORD, SQUARES, N_WAYS };

static size_t at(size_t channel, size_t k)
{
    return (k / EACH * CHANNELS + channel) * EACH + k % EACH;
}

static void statistics(int way, const double *x, size_t channel, float *mean, float *variance)
{
    float m = 0, q = 0;
    for (size_t k = 0; k < N; k++) {
        float v = (float)x[at(channel, k)], d = v - m;
        if (way == WELFORD) {
            m += d / (float)(k + 1);
            q += d * (v - m);
        } else {
            m += v;
            q += v * v;
        }
    }
    if (way != WELFORD)
        m /= (float)N;
    if (way == TWO_PASSES) {
        q = 0;
        for (size_t k = 0; k < N; k++)
            q += ((float)x[at(channel, k)] - m) * ((float)x[at(channel, k)] - m);
    }
    *mean = m;
    *variance = way == SQUARES ? q / (float)N - m * m : q / (float)N;
}

/* y = f(x) for element x of a channel, the statistics folded in or not. */
static float normalize(bool folded, float x, float mean, float variance, float scale, float bias)
{
    float inverse = 1 / sqrtf(variance + 1e-5f);
    if (!folded)
        return (x - mean) * inverse * scale + bias;
    float factor = inverse * scale;
    return x * factor + (bias - mean * factor);
}

static void inputs(struct made *m, double low, double high, double **x, double **scale, double **bias, double **mean,
                   double **variance)
{
    *x = made_input(m, 0, ASSAY_F32, DIMS(IMAGES, CHANNELS, EACH), low, high, 0);
    *scale = made_input(m, 1, ASSAY_F32, DIMS(CHANNELS), 0.5, 2, 0);
    *bias = made_input(m, 2, ASSAY_F32, DIMS(CHANNELS), -1, 1, 0);
    *mean = made_input(m, 3, ASSAY_F32, DIMS(CHANNELS), low, high, 0);
    *variance = made_input(m, 4, ASSAY_F32, DIMS(CHANNELS), 0.5, 1, 0);
    made_output(m, 0, ASSAY_F32, DIMS(IMAGES, CHANNELS, EACH));
    made_output(m, 1, ASSAY_F32, DIMS(CHANNELS));
    made_output(m, 2, ASSAY_F32, DIMS(CHANNELS));
}

static void try_batch(uint64_t seed, bool training, int way, bool folded, double low, double high)
{
    struct made m;
    double *x, *scale, *bias, *mean, *variance, *value, *bound;
    made_begin(&m, seed);
    inputs(&m, low, high, &x, &scale, &bias, &mean, &variance);
    made_attr(&m, ASSAY_ATTR_INT("training_mode", training));
    made_all(&m, &assay_op_reference_BatchNormalization, 0, &value, &bound);
    for (size_t c = 0; c < CHANNELS; c++) {
        float at_mean = (float)mean[c], at_variance = (float)variance[c];
        if (training)
            statistics(way, x, c, &at_mean, &at_variance);
        for (size_t k = 0; k < N; k++) {
            size_t i = at(c, k);
            see(&seen, (double)normalize(folded, (float)x[i], at_mean, at_variance, (float)scale[c], (float)bias[c]), value[i],
                bound[i]);
        }
    }
    made_end(&m);
}

Test(channels, what_devices_do_stays_within_the_bound)
{
    memset(&seen, 0, sizeof seen);
    for (uint64_t seed = 1; seed <= 20; seed++)
        for (int folded = 0; folded < 2; folded++) {
            try_batch(seed, false, 0, folded, -1, 1);
            try_batch(seed, false, 0, folded, 40, 42);
            for (int way = 0; way < SQUARES; way++) {
                try_batch(seed, true, way, folded, -1, 1);
                try_batch(seed, true, way, folded, 40, 42);
            }
        }
    cr_expect_eq(seen.above, 0, "%zu of %zu above, worst %g", seen.above, seen.n, seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.005, "median %g", middle);
}

Test(channels, a_difference_of_squares_is_told_where_the_mean_is_large)
{
    memset(&seen, 0, sizeof seen);
    for (uint64_t seed = 1; seed <= 5; seed++)
        try_batch(seed, true, SQUARES, false, 400, 401);
    cr_expect_gt(seen.worst, 5, "worst %g", seen.worst);
}

Test(channels, faults_of_two_bounds_are_seen_in_every_output)
{
    for (uint32_t output = 0; output < 3; output++) {
        struct made m;
        double *x, *scale, *bias, *mean, *variance, *value, *bound;
        made_begin(&m, 7);
        inputs(&m, -1, 1, &x, &scale, &bias, &mean, &variance);
        made_attr(&m, ASSAY_ATTR_INT("training_mode", 1));
        made_attr(&m, ASSAY_ATTR_FLOAT("momentum", 0.75));
        made_all(&m, &assay_op_reference_BatchNormalization, output, &value, &bound);
        for (size_t c = 0; output && c < CHANNELS; c++) {
            long double sum = 0, squares = 0;
            for (size_t k = 0; k < N; k++)
                sum += (long double)x[at(c, k)];
            for (size_t k = 0; k < N; k++)
                squares += ((long double)x[at(c, k)] - sum / N) * ((long double)x[at(c, k)] - sum / N);
            double now = (double)((output == 1 ? sum : squares) / N), was = (output == 1 ? mean : variance)[c];
            cr_expect_float_eq(value[c], 0.75 * was + 0.25 * now, 1e-14);
            cr_expect(bound[c] > 0 && bound[c] < 1e-5, "bound %g", bound[c]);
        }
        for (size_t i = 0; i < m.out[output].elements; i++) {
            seen.n = seen.above = 0;
            see(&seen, value[i] + 2 * bound[i], value[i], bound[i]);
            cr_expect_eq(seen.above, 1, "output %u [%zu]", output, i);
        }
        made_end(&m);
    }
}
