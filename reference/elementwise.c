#include "reference/elementwise.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    enum assay_ref_rounding rounding;
    struct assay_bounded (*unary)(const struct assay_ref_call *call, struct assay_bounded x);
    struct assay_bounded (*binary)(const struct assay_ref_call *call, struct assay_bounded x, struct assay_bounded y);
    int64_t x_strides[ASSAY_MAX_RANK], y_strides[ASSAY_MAX_RANK];
    bool x_same, y_same; /* shaped as the output */
    const int64_t *index;
    double *value, *bound;
};

static void put(const struct job *j, size_t i, struct assay_bounded x)
{
    if (j->rounding == ASSAY_REF_STORED) {
        assay_ref_put(j->call, i, x, j->value, j->bound);
        return;
    }
    x = bounded_settle(x.value, x.error);
    j->value[i] = x.value;
    j->bound[i] = x.error;
}

static void do_unary(const void *self, size_t i)
{
    const struct job *j = self;
    put(j, i, j->unary(j->call, bounded_of(&j->call->in[0], (size_t)j->index[i])));
}

static void do_binary(const void *self, size_t i)
{
    const struct job *j = self;
    const struct assay_ref_tensor *out = &j->call->out[j->call->output];
    int64_t x = j->x_same ? j->index[i] : assay_ref_offset(out, j->x_strides, j->index[i]);
    int64_t y = j->y_same ? j->index[i] : assay_ref_offset(out, j->y_strides, j->index[i]);
    put(j, i, j->binary(j->call, bounded_of(&j->call->in[0], (size_t)x), bounded_of(&j->call->in[1], (size_t)y)));
}

enum assay_code assay_ref_unary(const struct assay_ref_call *call, enum assay_ref_rounding rounding,
                                struct assay_bounded (*f)(const struct assay_ref_call *call, struct assay_bounded x),
                                size_t n, const int64_t *index, double *value, double *bound)
{
    struct job j = {.call = call, .rounding = rounding, .unary = f, .index = index, .value = value, .bound = bound};
    assay_ref_each(n, do_unary, &j);
    return ASSAY_OK;
}

enum assay_code assay_ref_binary(const struct assay_ref_call *call, enum assay_ref_rounding rounding,
                                 struct assay_bounded (*f)(const struct assay_ref_call *call, struct assay_bounded x,
                                                           struct assay_bounded y),
                                 size_t n, const int64_t *index, double *value, double *bound)
{
    struct job j = {.call = call, .rounding = rounding, .binary = f, .index = index, .value = value, .bound = bound};
    j.x_same = call->in[0].elements == call->out[0].elements;
    j.y_same = call->in[1].elements == call->out[0].elements;
    assay_ref_broadcast(&call->out[0], &call->in[0], j.x_strides);
    assay_ref_broadcast(&call->out[0], &call->in[1], j.y_strides);
    assay_ref_each(n, do_binary, &j);
    return ASSAY_OK;
}

enum assay_code assay_ref_same(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                               double *bound, struct assay_error *err)
{
    (void)err;
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded x = bounded_of(&call->in[0], (size_t)index[i]);
        value[i] = x.value;
        bound[i] = x.error;
    }
    return ASSAY_OK;
}

/* ---- whole numbers ------------------------------------------------------------------------------------------- */

static int64_t whole_of(double x)
{
    return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

/* The low bits of a two's complement number, read as `dtype` reads them. */
static double wrap(enum assay_dtype dtype, uint64_t x)
{
    switch (dtype) {
    case ASSAY_I32:
        return (double)(int32_t)(uint32_t)x;
    case ASSAY_I8:
        return (double)(int8_t)(uint8_t)x;
    case ASSAY_U8:
        return (double)(uint8_t)x;
    default:
        return (double)(int64_t)x;
    }
}

struct assay_bounded assay_bounded_whole(enum assay_dtype dtype, char op, double x, double y)
{
    int64_t a = whole_of(x), b = whole_of(y);
    uint64_t ua = (uint64_t)a, ub = (uint64_t)b, result;
    if (op == '/' && (b == 0 || (b == -1 && a == INT64_MIN)))
        return bounded(0, INFINITY);
    switch (op) {
    case '+':
        result = ua + ub;
        break;
    case '-':
        result = ua - ub;
        break;
    case '*':
        result = ua * ub;
        break;
    default:
        result = (uint64_t)(a / b);
        break;
    }
    double value = wrap(dtype, result);
    if (fabs(x) > 0x1p53 || fabs(y) > 0x1p53) /* the operands themselves are not exact in double */
        return bounded(value, INFINITY);
    return bounded(value, fabs(value) > 0x1p53 ? fabs(value) * ASSAY_REF_OWN : 0);
}

/* ---- shared functions ---------------------------------------------------------------------------------------- */

struct assay_bounded assay_bounded_extreme(struct assay_bounded x, struct assay_bounded y, double sign)
{
    double a = sign * x.value, b = sign * y.value, top = a > b ? a : b;
    if (isnan(a) || isnan(b))
        return bounded((double)NAN, isinf(x.error) || isinf(y.error) ? INFINITY : 0);
    double high = fmax(a + x.error, b + y.error), low = fmax(a - x.error, b - y.error);
    return bounded(sign * top, x.error > 0 || y.error > 0 ? fmax(high - top, top - low) : 0);
}

struct assay_bounded assay_bounded_constant(const struct assay_arithmetic *a, double x)
{
    return bounded(x, a->accumulate * fabs(x));
}

static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* s = 1 / (1 + t), t = e^-x: a relative error of t moves s by (1 - s) of it; then an addition and a division. */
struct assay_bounded assay_bounded_sigmoid(const struct assay_arithmetic *a, struct assay_bounded x)
{
    double value = sigmoid(x.value), moved = 0;
    if (isnan(x.value))
        return bounded(value, isinf(x.error) ? INFINITY : 0);
    if (value == 0 && isfinite(x.value))
        moved = ASSAY_REF_LEAST; /* it underflowed */
    if (x.error > 0)
        moved += fmax(fabs(sigmoid(x.value + x.error) - value), fabs(value - sigmoid(x.value - x.error))) +
                8 * ASSAY_REF_OWN * value;
    double u = a->accumulate,
           relative = 2 * assay_reference_ulps.exp * u * (1 - value) + u + 2 * assay_reference_ulps.divide * u;
    return bounded_step(a, value, moved, relative * (1 + relative), 8);
}

struct assay_bounded assay_bounded_saturating(const struct assay_arithmetic *a, double (*f)(double),
                                              struct assay_bounded x, double ulps)
{
    bool saturated = fabs(x.value) > x.error && 1 - f(fabs(x.value) - x.error) < a->accumulate;
    return assay_bounded_monotone(a, f, x, saturated ? 1 : ulps);
}
