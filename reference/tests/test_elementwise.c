#include <float.h>

#include "simulate.h"

static struct seen seen;

static float sigmoid_f32(float x)
{
    return 1 / (1 + expf(-x));
}
static float sigmoid_other_f32(float x)
{
    return x >= 0 ? 1 / (1 + expf(-x)) : expf(x) / (1 + expf(x));
}
static float swish_f32(float x)
{
    return x * sigmoid_f32(x);
}
static float swish_divided_f32(float x)
{
    return x / (1 + expf(-x));
}
static float gelu_f32(float x)
{
    return 0.5f * x * (1 + erff(x * 0.70710678f));
}
static float gelu_tanh_f32(float x)
{
    return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}
static float negative_f32(float x)
{
    return -x;
}
static float relu_f32(float x)
{
    return x > 0 ? x : 0;
}
static double sigmoid_f64(double x)
{
    return (double)(1 / (1 + expl(-(long double)x)));
}
static double swish_f64(double x)
{
    return x * sigmoid_f64(x);
}
static double gelu_f64(double x)
{
    return (double)(0.5L * x * erfcl(-(long double)x * 0.70710678118654752440084436210485L));
}
static double gelu_tanh_f64(double x)
{
    long double t = 0.79788456080286535587989211986876L * (x + 0.044715L * x * x * x);
    return (double)(0.5L * x * (1 + tanhl(t)));
}
static double negative_f64(double x)
{
    return -x;
}
static double relu_f64(double x)
{
    return x > 0 ? x : 0;
}

static const struct function {
    const char *name;
    const struct assay_op_reference *op;
    float (*device)(float);
    double (*truth)(double);
    double low, high;
    double least; /* that the median of observed / bound must reach; 0: exact */
} functions[] = {
    {"Exp", &assay_op_reference_Exp, expf, exp, -80, 80, 0.02},
    {"Log", &assay_op_reference_Log, logf, log, 1e-3, 50, 0.02},
    {"Sqrt", &assay_op_reference_Sqrt, sqrtf, sqrt, 0, 100, 0.02},
    {"Erf", &assay_op_reference_Erf, erff, erf, -3, 3, 0.005},
    {"Tanh", &assay_op_reference_Tanh, tanhf, tanh, -4, 4, 0.02},
    {"Sigmoid", &assay_op_reference_Sigmoid, sigmoid_f32, sigmoid_f64, -100, 100, 0.01},
    {"Sigmoid", &assay_op_reference_Sigmoid, sigmoid_other_f32, sigmoid_f64, -20, 20, 0.02},
    {"Swish", &assay_op_reference_Swish, swish_f32, swish_f64, -20, 20, 0.02},
    {"Swish", &assay_op_reference_Swish, swish_divided_f32, swish_f64, -20, 20, 0.02},
    {"Gelu", &assay_op_reference_Gelu, gelu_f32, gelu_f64, -6, 6, 0.003},
    {"Gelu tanh", &assay_op_reference_Gelu, gelu_tanh_f32, gelu_tanh_f64, -6, 6, 0.003},
    {"Neg", &assay_op_reference_Neg, negative_f32, negative_f64, -5, 5, 0},
    {"Abs", &assay_op_reference_Abs, fabsf, fabs, -5, 5, 0},
    {"Relu", &assay_op_reference_Relu, relu_f32, relu_f64, -5, 5, 0},
};

static void try_function(const struct function *f, enum assay_dtype dtype)
{
    struct made m;
    double *value, *bound;
    enum { N = 2000 };
    made_begin(&m, 1);
    double *x = made_input(&m, 0, dtype, DIMS(N), f->low, f->high, 0);
    made_output(&m, 0, dtype, DIMS(N));
    if (strstr(f->name, "tanh"))
        made_attr(&m, ASSAY_ATTR_STRING("approximate", "tanh"));
    made_all(&m, f->op, 0, &value, &bound);
    memset(&seen, 0, sizeof seen);
    for (int i = 0; i < N; i++) {
        double truth = f->truth(x[i]);
        cr_assert_leq(fabs(value[i] - truth), 1e-14 * fabs(truth) + 1e-15 * fabs(x[i]), "%s(%g) = %g", f->name, x[i],
                      value[i]);
        see(&seen, assay_round_to(dtype, f->device((float)x[i])), value[i], bound[i]);
    }
    cr_expect_eq(seen.above, 0, "%s of %s: %zu above, worst %g", f->name, assay_dtype_name(dtype), seen.above,
                 seen.worst);
    if (f->least == 0) {
        for (int i = 0; i < N; i++)
            cr_assert_eq(bound[i], 0);
    } else if (dtype == ASSAY_F32) {
        double middle = median(&seen);
        cr_expect_geq(middle, f->least, "%s: median %g", f->name, middle);
    } else {
        see(&seen, value[7] * (1 + 5 * assay_format_of(dtype)->unit_roundoff) + 0.01, value[7], bound[7]);
        cr_expect_eq(seen.above, 1, "%s of %s: a planted fault passed", f->name, assay_dtype_name(dtype));
    }
    made_end(&m);
}

Test(elementwise, functions_are_themselves_and_float_libraries_stay_within_their_bounds)
{
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        try_function(&functions[f], ASSAY_F32);
        if (functions[f].least > 0 && functions[f].high <= 6) {
            try_function(&functions[f], ASSAY_BF16);
            try_function(&functions[f], ASSAY_F16);
        }
    }
}

/* value and bound of one element of a unary op at x +- e */
static void at_one(const struct assay_op_reference *op, enum assay_dtype dtype, double x, double e, double *value,
                   double *bound)
{
    struct made m;
    double *v, *b;
    made_begin(&m, 1);
    *made_input(&m, 0, dtype, DIMS(1), 0, 1, 0) = x;
    m.in[0].error = e > 0 ? &e : NULL;
    made_output(&m, 0, dtype, DIMS(1));
    made_all(&m, op, 0, &v, &b);
    *value = *v;
    *bound = *b;
    made_end(&m);
}

Test(elementwise, an_operands_error_moves_the_result_as_far_as_the_function_does)
{
    const double where[] = {-3, -0.7, 0.1, 0.9, 4};
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        for (size_t i = 0; i < 5; i++) {
            const struct function *fn = &functions[f];
            double value, bound, x = where[i], e = 0.05;
            if (x - e < fn->low || strstr(fn->name, "tanh"))
                continue;
            at_one(fn->op, ASSAY_F32, x, e, &value, &bound);
            double moved = fmax(fabs(fn->truth(x + e) - fn->truth(x)), fabs(fn->truth(x - e) - fn->truth(x)));
            cr_expect_geq(bound, moved * (1 - 1e-9), "%s at %g: %g moves %g", fn->name, x, bound, moved);
            cr_expect_leq(bound, 1.5 * moved + 0.1, "%s at %g", fn->name, x);
        }
    }
}

Test(elementwise, edges_follow_ieee_and_doubt_about_them_says_nothing)
{
    double v, b;
    at_one(&assay_op_reference_Sqrt, ASSAY_F32, -1, 0, &v, &b);
    cr_expect(isnan(v) && b == 0);
    at_one(&assay_op_reference_Sqrt, ASSAY_F32, 0.5, 1, &v, &b);
    cr_expect(isinf(b), "it may be below zero");
    at_one(&assay_op_reference_Log, ASSAY_F32, 0, 0, &v, &b);
    cr_expect(v == -INFINITY && b == 0);
    at_one(&assay_op_reference_Exp, ASSAY_F32, 100, 0, &v, &b);
    cr_expect(v == INFINITY && b == 0, "beyond the largest f32");
    at_one(&assay_op_reference_Exp, ASSAY_F64, 100, 0, &v, &b);
    cr_expect(v == exp(100) && b > 0 && b < 1e-14 * v);
    at_one(&assay_op_reference_Exp, ASSAY_F32, -100, 0, &v, &b);
    cr_expect(b >= v && b < 2 * FLT_MIN, "it may be flushed");
    at_one(&assay_op_reference_Exp, ASSAY_F32, -INFINITY, 0, &v, &b);
    cr_expect(v == 0 && b == 0);
    at_one(&assay_op_reference_Tanh, ASSAY_F32, INFINITY, 0, &v, &b);
    cr_expect(v == 1 && b < 1e-6);
    at_one(&assay_op_reference_Sigmoid, ASSAY_F32, NAN, 0, &v, &b);
    cr_expect(isnan(v) && b == 0);
    at_one(&assay_op_reference_Sigmoid, ASSAY_F32, -95, 0, &v, &b);
    cr_expect_geq(b, v, "1 / (1 + inf) is 0 on a device");
    at_one(&assay_op_reference_Relu, ASSAY_F32, NAN, 0, &v, &b);
    cr_expect(isnan(v) && b == 0);
    at_one(&assay_op_reference_Relu, ASSAY_F32, -1, 3, &v, &b);
    cr_expect(v == 0 && b == 2);
    at_one(&assay_op_reference_Abs, ASSAY_F32, -INFINITY, 0, &v, &b);
    cr_expect(v == INFINITY && b == 0);
    at_one(&assay_op_reference_Abs, ASSAY_I8, -128, 0, &v, &b);
    cr_expect(v == -128 && b == 0, "as two's complement has it");
    at_one(&assay_op_reference_Gelu, ASSAY_F32, -100, 0, &v, &b);
    cr_expect(v == 0 && b < 1e-4, "%g %g", v, b);
}

/* One element of a binary op. */
static void at_two(const struct assay_op_reference *op, enum assay_dtype dtype, double x, double ex, double y,
                   double ey, double *value, double *bound)
{
    struct made m;
    double *v, *b;
    made_begin(&m, 1);
    *made_input(&m, 0, dtype, DIMS(1), 0, 1, 0) = x;
    *made_input(&m, 1, dtype, DIMS(1), 0, 1, 0) = y;
    m.in[0].error = ex > 0 ? &ex : NULL;
    m.in[1].error = ey > 0 ? &ey : NULL;
    made_output(&m, 0, dtype, DIMS(1));
    made_all(&m, op, 0, &v, &b);
    *value = *v;
    *bound = *b;
    made_end(&m);
}

Test(elementwise, two_operands_round_once_and_carry_both_errors)
{
    double v, b, u = 0x1p-24;
    at_two(&assay_op_reference_Add, ASSAY_F32, 1, 0, 0x1p-24, 0, &v, &b);
    cr_expect(fabs(1 - v) <= b && b < 1.01 * u, "1 + u rounds to 1, a whole u away: %g", b / u);
    at_two(&assay_op_reference_Sub, ASSAY_F32, 3, 0.5, 1, 0.25, &v, &b);
    cr_expect(v == 2 && b >= 0.75 && b < 0.7501);
    at_two(&assay_op_reference_Mul, ASSAY_F32, 3, 0.5, -2, 0.25, &v, &b);
    cr_expect(v == -6 && b >= 3.5 * 2.25 - 6 && b < 1.8751, "%g", b);
    at_two(&assay_op_reference_Div, ASSAY_F32, 3, 0.5, 2, 0.25, &v, &b);
    cr_expect(v == 1.5 && b >= 0.5 && b < 0.5001, "3.5 / 1.75 is 2: %g", b);
    at_two(&assay_op_reference_Div, ASSAY_F32, 1, 0, 0.1, 0.2, &v, &b);
    cr_expect(isinf(b), "the divisor may be zero");
    at_two(&assay_op_reference_Div, ASSAY_F32, 1, 0, 0, 0, &v, &b);
    cr_expect(v == INFINITY && b == 0);
    at_two(&assay_op_reference_Add, ASSAY_F32, INFINITY, 0, -INFINITY, 0, &v, &b);
    cr_expect(isnan(v) && b == 0);
    at_two(&assay_op_reference_Add, ASSAY_F32, INFINITY, 0, 1, 0, &v, &b);
    cr_expect(v == INFINITY && b == 0);
    at_two(&assay_op_reference_Add, ASSAY_F16, 65504, 0, 65504, 0, &v, &b);
    cr_expect(v == INFINITY && b == 0);
    at_two(&assay_op_reference_Max, ASSAY_F32, 1, 0.1, 0.9, 0.5, &v, &b);
    cr_expect(v == 1 && fabs(b - 0.4) < 1e-12);
    at_two(&assay_op_reference_Max, ASSAY_F32, 1, 0, NAN, 0, &v, &b);
    cr_expect(isnan(v) && b == 0);
    at_two(&assay_op_reference_Min, ASSAY_F32, -1, 0, 2, 0, &v, &b);
    cr_expect(v == -1 && b == 0);
}

Test(elementwise, integers_wrap_and_are_cut_towards_zero)
{
    double v, b;
    at_two(&assay_op_reference_Add, ASSAY_I32, 2147483647, 0, 1, 0, &v, &b);
    cr_expect(v == -2147483648.0 && b == 0);
    at_two(&assay_op_reference_Mul, ASSAY_I32, 65537, 0, 65537, 0, &v, &b);
    cr_expect(v == 131073 && b == 0);
    at_two(&assay_op_reference_Sub, ASSAY_U8, 3, 0, 5, 0, &v, &b);
    cr_expect(v == 254 && b == 0);
    at_two(&assay_op_reference_Div, ASSAY_I32, -7, 0, 2, 0, &v, &b);
    cr_expect(v == -3 && b == 0);
    at_two(&assay_op_reference_Div, ASSAY_I32, 7, 0, 0, 0, &v, &b);
    cr_expect(isinf(b));
}

Test(elementwise, operands_broadcast_and_axes_are_permuted)
{
    struct made m;
    double *value, *bound;
    made_begin(&m, 3);
    double *x = made_input(&m, 0, ASSAY_F32, DIMS(2, 1, 3), -1, 1, 0),
           *y = made_input(&m, 1, ASSAY_F32, DIMS(4, 1), -1, 1, 0);
    made_output(&m, 0, ASSAY_F32, DIMS(2, 4, 3));
    made_all(&m, &assay_op_reference_Add, 0, &value, &bound);
    for (int i = 0; i < 24; i++)
        cr_expect_eq(value[i], x[i / 12 * 3 + i % 3] + y[i / 3 % 4]);
    made_end(&m);
    for (int given = 0; given < 2; given++) {
        made_begin(&m, 4);
        x = made_input(&m, 0, ASSAY_F32, DIMS(2, 3, 4), -1, 1, 0);
        if (given) {
            made_attr(&m, (struct assay_attr){.name = "perm", .type = ASSAY_ATTR_I64S, .list = {1, 2, 0}, .n = 3});
            made_output(&m, 0, ASSAY_F32, DIMS(3, 4, 2));
        } else {
            made_output(&m, 0, ASSAY_F32, DIMS(4, 3, 2));
        }
        made_all(&m, &assay_op_reference_Transpose, 0, &value, &bound);
        for (int i = 0; i < 24; i++) {
            int a = i / (given ? 8 : 6), b = i / 2 % (given ? 4 : 3), c = i % 2;
            cr_expect(value[i] == (given ? x[c * 12 + a * 4 + b] : x[c * 12 + b * 4 + a]) && bound[i] == 0);
        }
        made_end(&m);
    }
}
