#include "reference/softmax_row.h"

#include "simulate.h"

static struct seen seen;

/* Plain, in float: subtract the maximum, add up forwards, divide or multiply by the reciprocal. */
static void plain_f32(size_t n, const double *x, bool reciprocal, bool base_two, double *y)
{
    float m = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        m = fmaxf(m, (float)x[i]);
    for (size_t i = 0; i < n; i++) {
        float log2e = 1.44269504f, p = base_two ? exp2f(fmaf((float)x[i], log2e, -(m * log2e))) : expf((float)x[i] - m);
        y[i] = p;
        sum += p;
    }
    for (size_t i = 0; i < n; i++)
        y[i] = reciprocal ? (float)y[i] * (1 / sum) : (float)y[i] / sum;
}

/* Running, in float: blocks of `block`; when the maximum grows what was added is scaled. Weights are scaled step by
 * step as well, which is what happens to the accumulators of a fused attention. */
static void running_f32(size_t n, const double *x, size_t block, bool base_two, double *y)
{
    float m = -INFINITY, sum = 0, log2e = 1.44269504f;
    for (size_t b = 0; b < n; b += block) {
        size_t end = b + block < n ? b + block : n;
        float grown = m;
        for (size_t i = b; i < end; i++)
            grown = fmaxf(grown, (float)x[i]);
        float scale = base_two ? exp2f((m - grown) * log2e) : expf(m - grown);
        sum *= scale;
        for (size_t i = 0; i < b; i++)
            y[i] = (float)y[i] * scale;
        m = grown;
        for (size_t i = b; i < end; i++) {
            y[i] = base_two ? exp2f(fmaf((float)x[i], log2e, -(m * log2e))) : expf((float)x[i] - m);
            sum += (float)y[i];
        }
    }
    for (size_t i = 0; i < n; i++)
        y[i] = (float)y[i] / sum;
}

static void try_row(uint64_t seed, enum assay_dtype dtype, int64_t n, double spread, double shift, int sorted)
{
    struct made m;
    double *value, *bound, *device;
    made_begin(&m, seed);
    double *x = made_input(&m, 0, dtype, DIMS(n), shift - spread, shift + spread, 0);
    if (sorted)
        qsort(x, (size_t)n, sizeof *x, by_size);
    made_output(&m, 0, dtype, DIMS(n));
    made_all(&m, &assay_op_reference_Softmax, 0, &value, &bound);
    long double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += expl((long double)x[i] - shift);
    device = made_doubles(&m, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        cr_assert_leq(fabs(value[i] - (double)(expl((long double)x[i] - shift) / sum)), 1e-12 * value[i] + 1e-300);
    for (int way = 0; way < 8; way++) {
        if (way < 4)
            plain_f32((size_t)n, x, way & 1, way & 2, device);
        else
            running_f32((size_t)n, x, way < 6 ? 16 : 1, way & 1, device);
        for (int64_t i = 0; i < n; i++)
            see(&seen, assay_round_to(dtype, device[i]), value[i], bound[i]);
    }
    made_end(&m);
}

Test(softmax, no_plain_or_running_softmax_leaves_the_bound)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        try_row(seed, ASSAY_F32, 1 + (int64_t)(seed * 29 % 300), 1 + (double)(seed % 5), 0, 0);
        try_row(seed, ASSAY_F32, 1 + (int64_t)(seed * 17 % 200), 10, 100.0 * (double)(seed % 7) - 300, seed & 1);
        try_row(seed, ASSAY_F16, 3 + (int64_t)seed, 2, 0, 0);
        try_row(seed, ASSAY_BF16, 3 + (int64_t)seed, 60, 0, 0);
    }
    cr_expect_eq(seen.above, 0, "%zu of %zu above, worst %g", seen.above, seen.n, seen.worst);
    cr_expect_gt(seen.worst, 0.05, "worst %g", seen.worst);
}

Test(softmax, the_bound_of_a_short_row_is_not_idle)
{
    for (uint64_t seed = 0; seed < 100; seed++)
        try_row(seed, ASSAY_F32, 2 + (int64_t)(seed % 15), 1, 0, 0);
    cr_expect_eq(seen.above, 0);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.005, "median %g", middle);
}

Test(softmax, a_row_is_what_paper_says_and_masks_hide)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 1);
    double *x = made_input(&m, 0, ASSAY_F32, DIMS(6, 3), 0, 1, 0);
    const double rows[18] = {0, log(2), log(5), 1, 1,        -INFINITY, 1,         1,         -3e38,
                             0, NAN,    1,      2, INFINITY, 0,         -INFINITY, -INFINITY, -INFINITY};
    memcpy(x, rows, sizeof rows);
    made_output(&m, 0, ASSAY_F32, DIMS(6, 3));
    made_all(&m, &assay_op_reference_Softmax, 0, &value, &bound);
    const double expected[9] = {0.125, 0.25, 0.625, 0.5, 0.5, 0, 0.5, 0.5, 0};
    for (int i = 0; i < 9; i++) {
        cr_expect_float_eq(value[i], expected[i], 1e-15, "%d: %g", i, value[i]);
        cr_expect_leq(bound[i], 60 * 0x1p-24, "%d: %g", i, bound[i]);
    }
    cr_expect_eq(bound[5], 0);
    for (int i = 9; i < 18; i++)
        cr_expect(isnan(value[i]) && bound[i] == 0, "%d: %g %g", i, value[i], bound[i]);
    made_end(&m);
}

Test(softmax, an_error_of_the_exponent_moves_the_weight_as_the_exponential_does)
{
    struct made m;
    double *value, *bound, error[4] = {0.25, 0, 0, 0};
    made_begin(&m, 1);
    double *x = made_input(&m, 0, ASSAY_F64, DIMS(4), -1, 1, 0);
    made_output(&m, 0, ASSAY_F64, DIMS(4));
    m.in[0].error = error;
    made_all(&m, &assay_op_reference_Softmax, 0, &value, &bound);
    for (int sign = -1; sign <= 1; sign += 2) {
        double moved[4], sum = 0;
        for (int i = 0; i < 4; i++)
            sum += moved[i] = exp(x[i] + sign * error[i]);
        for (int i = 0; i < 4; i++)
            cr_expect_leq(fabs(moved[i] / sum - value[i]), bound[i], "%d", i);
    }
    cr_expect_leq(bound[0], 0.5 * value[0], "%g of %g", bound[0], value[0]);
    made_end(&m);
}

Test(softmax, another_axis_is_walked_with_its_stride)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 2);
    double *x = made_input(&m, 0, ASSAY_F64, DIMS(2, 3, 4), -1, 1, 0);
    made_output(&m, 0, ASSAY_F64, DIMS(2, 3, 4));
    made_attr(&m, ASSAY_ATTR_INT("axis", 1));
    made_all(&m, &assay_op_reference_Softmax, 0, &value, &bound);
    for (int i = 0; i < 24; i++) {
        const double *first = x + i / 12 * 12 + i % 4;
        cr_expect_float_eq(value[i], exp(x[i]) / (exp(first[0]) + exp(first[4]) + exp(first[8])), 1e-15);
    }
    made_end(&m);
}

/* exp off by 3 units in the last place, upwards for one element and downwards for the others; a division off by 2. */
Test(softmax, the_least_accurate_lawful_device_stays_within_the_bound)
{
    struct made m;
    double *value, *bound;
    const double up = 1 + 6 * 0x1p-24, down = 1 - 5 * 0x1p-24;
    made_begin(&m, 1);
    memset(made_input(&m, 0, ASSAY_F32, DIMS(4), 0, 1, 0), 0, 4 * sizeof(double));
    made_output(&m, 0, ASSAY_F32, DIMS(4));
    made_all(&m, &assay_op_reference_Softmax, 0, &value, &bound);
    double device = up / (up + 3 * down) * (1 + 4 * 0x1p-24);
    cr_expect_leq(fabs(device - value[0]), bound[0], "%g of %g", device - value[0], bound[0]);
    cr_expect_gt(fabs(device - value[0]), 12 * 0x1p-24 * value[0]);
    made_end(&m);
}

Test(softmax, a_fault_is_seen)
{
    struct made m;
    double *value, *bound, device[64];
    made_begin(&m, 3);
    double *x = made_input(&m, 0, ASSAY_F32, DIMS(64), -2, 2, 0);
    made_output(&m, 0, ASSAY_F32, DIMS(64));
    made_all(&m, &assay_op_reference_Softmax, 0, &value, &bound);
    plain_f32(63, x, false, false, device); /* the last element forgotten in the sum */
    for (int i = 0; i < 63; i++)
        see(&seen, device[i], value[i], bound[i]);
    cr_expect_eq(seen.above, 63);
    see(&seen, value[5] + 3 * bound[5], value[5], bound[5]);
    cr_expect_eq(seen.above, 64);
    made_end(&m);
}
