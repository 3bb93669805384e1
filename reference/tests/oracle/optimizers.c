/* A step of one param, element by element. Attributes are numbers of the graph; 1 - beta and powers of beta are real. */
#include "oracle.h"

static number scaled(const struct oracle *o, uint32_t gradient, uint32_t scale, int64_t i)
{
    number g = o->in[gradient].x[i];
    return is_there(&o->in[scale]) ? times(g, o->in[scale].x[0]) : g;
}

/* What decay adds to x: without any, p is not looked at. */
static number decayed(const struct oracle *o, number x, number p)
{
    number decay = attr_f(o, "weight_decay");
    return is_equal(decay, num(0)) ? x : plus(x, times(decay, p));
}

/* Operands R, P, G, M, scale; outputs P, M. */
static number sgd(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t i = flat_of(&o->out[out], at);
    number  p = o->in[1].x[i], g = decayed(o, scaled(o, 2, 4, i), p);
    if (is_there(&o->in[3]))
        g = plus(g, times(attr_f(o, "momentum"), o->in[3].x[i]));
    return out ? g : minus(p, times(o->in[0].x[0], g));
}
ORACLE(Sgd) = {.element = sgd};

/* beta old + (1 - beta) x */
static number moved(number beta, number old, number x)
{
    return plus(old, times(minus(num(1), beta), minus(x, old)));
}

/* Operands T, P, G, M, V, scale from input t on. What 0: the direction U, 1: M', 2: V'. */
static number adam(const struct oracle *o, uint32_t t, uint32_t what, int64_t i)
{
    number beta1 = attr_f(o, "beta1"), beta2 = attr_f(o, "beta2"), step = o->in[t].x[0], g = scaled(o, t + 2, t + 5, i);
    number m = moved(beta1, o->in[t + 3].x[i], g), v = moved(beta2, o->in[t + 4].x[i], squared(g));
    if (what > 0)
        return what == 1 ? m : v;
    number first = over(m, minus(num(1), to_the(beta1, step))), second = over(v, minus(num(1), to_the(beta2, step)));
    number u = over(first, plus(root(second), attr_f(o, "epsilon")));
    return decayed(o, u, o->in[t + 1].x[i]);
}

/* Operands R, T, P, ..; outputs P, M, V. */
static number adam_w(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t i = flat_of(&o->out[out], at);
    number  x = adam(o, 1, out, i);
    return out ? x : minus(o->in[2].x[i], times(o->in[0].x[0], x));
}
ORACLE(AdamW) = {.element = adam_w};

static number lamb_update(const struct oracle *o, uint32_t out, const int64_t at[])
{
    return adam(o, 0, out, flat_of(&o->out[out], at));
}
ORACLE(LambUpdate) = {.element = lamb_update};

/* Operands R, P, U, norm_p, norm_u. */
static number lamb_apply(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t i = flat_of(&o->out[out], at);
    number  norm_p = o->in[3].x[0], norm_u = o->in[4].x[0];
    bool    none = is_equal(norm_p, num(0)) || is_equal(norm_u, num(0));
    number  step = times(o->in[0].x[0], o->in[2].x[i]);
    return minus(o->in[1].x[i], none ? step : over(times(step, norm_p), norm_u));
}
ORACLE(LambApply) = {.element = lamb_apply};
