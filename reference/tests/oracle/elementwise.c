/* Ops that treat every element by itself. Functions that saturate or cancel are written in the form that does not: erfc and
 * 1/(1 + e^-2u) in place of 1 + erf and 1 + tanh. */
#include "oracle.h"

#define ONE(name, expression)                                    \
    static number name##_of(const struct oracle *o, number x)    \
    {                                                            \
        (void)o;                                                 \
        return (expression);                                     \
    }                                                            \
    ORACLE(name) = {.one = name##_of};
#define TWO(name, expression)                                              \
    static number name##_of(const struct oracle *o, number x, number y)    \
    {                                                                      \
        (void)o;                                                           \
        return (expression);                                               \
    }                                                                      \
    ORACLE(name) = {.two = name##_of};

static number logistic(number x) /* 1 / (1 + e^-x) */
{
    return over(num(1), plus(num(1), exp_of(negated(x))));
}

static number greater_of(number x, number y)
{
    return is_nan(x) ? x : is_nan(y) || is_above(y, x) ? y : x;
}

static number lesser_of(number x, number y)
{
    return is_nan(x) ? x : is_nan(y) || is_above(x, y) ? y : x;
}

static number truth(bool x)
{
    return num(x ? 1 : 0);
}

static bool has_whole_numbers(const struct oracle *o)
{
    return !assay_dtype_is_float(o->out[0].dtype);
}

/* ---- two operands -------------------------------------------------------------------------------------------------- */

TWO(Add, plus(x, y))
TWO(Sub, minus(x, y))
TWO(Mul, times(x, y))
TWO(Div, has_whole_numbers(o) ? truncated(over(x, y)) : over(x, y))
TWO(Max, greater_of(x, y))
TWO(Min, lesser_of(x, y))
TWO(Pow, has_whole_numbers(o) ? truncated(to_the(x, y)) : to_the(x, y))
TWO(Equal, truth(is_equal(x, y)))
TWO(Less, truth(is_above(y, x)))
TWO(Greater, truth(is_above(x, y)))
TWO(GreaterOrEqual, truth(is_above(x, y) || is_equal(x, y)))
TWO(LessOrEqual, truth(is_above(y, x) || is_equal(x, y)))
TWO(And, truth(!is_equal(x, num(0)) && !is_equal(y, num(0))))

/* ---- one operand --------------------------------------------------------------------------------------------------- */

ONE(Identity, x)
ONE(Copy, x)
ONE(AllReduce, x) /* of a group of one, as all here */
ONE(AllGather, x)
ONE(ReduceScatter, x)
ONE(AllToAll, x)
ONE(Replicate, x)
ONE(Neg, negated(x))
ONE(Abs, magnitude(x))
ONE(Sqrt, root(x))
ONE(Exp, exp_of(x))
ONE(Log, log_of(x))
ONE(Erf, erf_of(x))
ONE(Tanh, tanh_of(x))
ONE(Sin, sin_of(x))
ONE(Cos, cos_of(x))
ONE(Reciprocal, over(num(1), x))
ONE(Sigmoid, logistic(x))
ONE(Relu, greater_of(x, num(0)))
ONE(Not, truth(is_equal(x, num(0))))
ONE(Sign, is_nan(x) ? x : minus(truth(is_above(x, num(0))), truth(is_above(num(0), x))))
ONE(Swish, times(x, logistic(times(attr_f(o, "alpha"), x))))

/* 2 u of Gelu's tanh: sqrt(8/pi) (x + 0.044715 x^3). */
static number doubled(number x)
{
    number cubic = plus(x, times(decimal("0.044715"), times(x, squared(x))));
    return times(root(over(num(8), pi_itself())), cubic);
}

static number gaussian_share(number x) /* of a normal distribution, what lies below x */
{
    return times(num(0.5), erfc_of(negated(over(x, root(num(2))))));
}

ONE(Gelu, times(x, attr_is(o, "approximate", "tanh") ? logistic(doubled(x)) : gaussian_share(x)))

/* ---- gradients ----------------------------------------------------------------------------------------------------- */

TWO(ReluGrad, is_above(y, num(0)) ? x : num(0))
TWO(TanhGrad, times(x, times(minus(num(1), y), plus(num(1), y))))
TWO(SigmoidGrad, times(x, minus(y, squared(y))))

/* With the share s = logistic(2 u): (1 + t) / 2 = s and (1 - t^2) / 2 = 2 s (1 - s). */
static number gelu_slope_by_tanh(number x)
{
    number share = logistic(doubled(x)), rest = logistic(negated(doubled(x)));
    number inner = times(root(over(num(8), pi_itself())), plus(num(1), times(decimal("0.134145"), squared(x))));
    return plus(share, times(times(x, inner), times(share, rest)));
}

static number gelu_slope(number x)
{
    number density = over(exp_of(over(squared(x), num(-2))), root(times(num(2), pi_itself())));
    return plus(gaussian_share(x), times(x, density));
}

TWO(GeluGrad, times(x, attr_is(o, "approximate", "tanh") ? gelu_slope_by_tanh(y) : gelu_slope(y)))

static number swish_slope(number alpha, number x)
{
    number share = logistic(times(alpha, x)), rest = logistic(negated(times(alpha, x)));
    return plus(share, times(times(alpha, x), times(share, rest)));
}

TWO(SwishGrad, times(x, swish_slope(attr_f(o, "alpha"), y)))

/* ---- choices and conversions --------------------------------------------------------------------------------------- */

static number clip(const struct oracle *o, number x)
{
    if (is_there(&o->in[1]))
        x = greater_of(x, o->in[1].x[0]);
    return is_there(&o->in[2]) ? lesser_of(x, o->in[2].x[0]) : x;
}
ORACLE(Clip) = {.one = clip};

static number where(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int32_t rank = o->out[out].rank;
    bool    first = !is_equal(stretched_at(&o->in[0], rank, at), num(0));
    return stretched_at(&o->in[first ? 1 : 2], rank, at);
}
ORACLE(Where) = {.element = where};

/* To a float the number itself: what is compared with it is rounded then. */
static number cast(const struct oracle *o, number x)
{
    enum assay_dtype to = o->out[0].dtype;
    if (to == ASSAY_BOOL)
        return truth(!is_equal(x, num(0)));
    return assay_dtype_is_float(to) || !assay_dtype_is_float(o->in[0].dtype) ? x : truncated(x);
}
ORACLE(Cast) = {.one = cast};
