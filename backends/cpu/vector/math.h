/* Elementary functions on vectors. Ours, because a vector library's is not everywhere; polynomials are minimax fits
 * (Remez) to the named function on the named interval. Asked accuracy is the full-profile column of OpenCL 3.0 C,
 * section 7.4 (exp 3, log 3, tanh 5, erf 16 units in the last place); tests/test_math.c measures what they have. */
#ifndef CPU_VECTOR_MATH_H
#define CPU_VECTOR_MATH_H

#include "backends/cpu/vector/vector.h"

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; ln 2 in two parts so that r is exact to the last bit.
 * Overflows to infinity, passes through subnormals to zero, keeps what is not a number. */
static inline vf vf_exp(vf x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    x = vf_min(vf_all(89.0f), vf_max(vf_all(-105.0f), x));
    vf shifted = x * 1.44269504f + magic;
    vf n = shifted - magic;
    vf r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vf p = r * 1.978926011e-04f + 1.394575229e-03f;
    p = p * r + 8.333504200e-03f;
    p = p * r + 4.166628048e-02f;
    p = p * r + 1.666666567e-01f;
    p = p * r + 0.5f;
    p = p * (r * r) + r + 1.0f;
#if defined(__AVX512F__)
    return (vf)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    vi e = vi_minus(vi_bits(shifted), vi_all(0x4b400000));
    vi half = e >> 1; /* 2^n in two factors: one alone cannot reach the subnormals */
    return p * vf_bits(vi_exponent(half + 127)) * vf_bits(vi_exponent(vi_minus(e, half) + 127));
#endif
}

/* log(x) = e ln 2 + log(m), m in [2/3, 4/3); log(1 + f) = f - f^2/2 + f^3 P(f). */
static inline vf vf_log(vf x)
{
    vi tiny = x < 1.17549435e-38f;
    vf scaled = vf_select(tiny, x * 8388608.0f, x);
    vi bits = vi_bits(scaled);
    vi e = vi_minus(bits, vi_all(0x3f2aaaab)) >> 23;
    vf f = vf_bits(vi_minus(bits, vi_exponent(e))) - 1.0f;
    vf n = __builtin_convertvector(e + (tiny & -23), vf);
    vf p = f * 1.200708076e-01f - 1.284506023e-01f;
    p = p * f + 1.075425372e-01f;
    p = p * f - 1.219577789e-01f;
    p = p * f + 1.430445462e-01f;
    p = p * f - 1.667957902e-01f;
    p = p * f + 1.999959797e-01f;
    p = p * f - 2.499981970e-01f;
    p = p * f + 3.333333433e-01f;
    vf square = f * f;
    vf y = p * f * square + n * -2.12194440e-4f;
    y = y - square * 0.5f;
    y = f + y + n * 0.693359375f;
    y = vf_select(x == __builtin_inff(), x, y);
    y = vf_select(x == 0.0f, vf_all(-__builtin_inff()), y);
    y = vf_select(x < 0.0f, vf_all(__builtin_nanf("")), y);
    return vf_select(x == x, y, x);
}

/* Odd polynomial below 0.55, 1 - 2 / (exp(2|x|) + 1) above. */
static inline vf vf_tanh(vf x)
{
    vf a = vf_abs(x);
    vf z = x * x;
    vf p = z * -6.274241023e-03f + 2.107167989e-02f;
    p = p * z - 5.385230854e-02f;
    p = p * z + 1.333258599e-01f;
    p = p * z - 3.333331645e-01f;
    vf small = x + x * (p * z);
    vf large = 1.0f - 2.0f / (vf_exp(a + a) + 1.0f);
    large = vf_bits(vi_bits(large) | (vi_bits(x) & INT32_MIN));
    return vf_select(a < 0.55f, small, large);
}

/* erfc(t) for 0.9 <= t: exp of a polynomial in t; from 4.1 on it stays at 6.7e-9, under half a last place of 1. */
static inline vf vf_erfc_tail(vf t)
{
    t = vf_min(vf_all(4.1f), t);
    vf q = t * -1.337083813e-05f + 3.195955069e-04f;
    q = q * t - 3.458902705e-03f;
    q = q * t + 2.273849212e-02f;
    q = q * t - 1.036554798e-01f;
    q = q * t - 6.385531425e-01f;
    q = q * t - 1.126375794e+00f;
    q = q * t - 6.063764449e-04f;
    return vf_exp(q);
}

/* erf(x) = x + x P(x^2) for |x| < 0.9. */
static inline vf vf_erf_core(vf x)
{
    vf z = x * x;
    vf p = z * 8.513105422e-05f - 8.175639668e-04f;
    p = p * z + 5.203859415e-03f;
    p = p * z - 2.686050907e-02f;
    p = p * z + 1.128371507e-01f;
    p = p * z - 3.761263490e-01f;
    p = p * z + 1.283791661e-01f;
    return x + x * p;
}

static inline vf vf_erf(vf x)
{
    vf a = vf_abs(x);
    vf large = 1.0f - vf_erfc_tail(a);
    large = vf_bits(vi_bits(large) | (vi_bits(x) & INT32_MIN));
    return vf_select(a < 0.9f, vf_erf_core(x), vf_select(x == x, large, x));
}

/* 1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow. */
static inline vf vf_sigmoid(vf x)
{
    vf e = vf_exp(-vf_abs(x));
    return vf_select(x < 0.0f, e, vf_all(1.0f)) / (1.0f + e);
}

/* x / 2 (1 + erf(x / sqrt 2)); for negative x from erfc, which does not cancel. */
static inline vf vf_gelu(vf x)
{
    vf t = x * 0.707106781f;
    vf a = vf_abs(t);
    vf tail = vf_erfc_tail(a);
    vf both = vf_select(t < 0.0f, tail, 2.0f - tail);
    both = vf_select(a < 0.9f, 1.0f + vf_erf_core(t), both);
    vf y = x * 0.5f * both;
    y = vf_select(x < -14.5f, vf_all(-0.0f), y); /* and minus infinity, where 0 * inf would not be a number */
    return vf_select(x == x, y, x);
}

/* x / 2 (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3). */
static inline vf vf_gelu_tanh(vf x)
{
    vf u = x * (1.0f + 0.044715f * x * x) * 0.797884561f;
    vf y = x / (1.0f + vf_exp(-2.0f * u));
    y = vf_select(x < -14.5f, vf_all(-0.0f), y);
    return vf_select(x == x, y, x);
}

/* No further from zero than `most`; what is not a number stays so. */
static inline vf vf_clamp(vf x, float most)
{
    return vf_min(vf_all(most), vf_max(vf_all(-most), x));
}

/* The derivative of gelu: (1 + erf(x / sqrt 2)) / 2 + x exp(-x^2 / 2) / sqrt(2 pi). Beyond 20 it is 0 or 1, and what goes to
 * infinity there would meet a zero. */
static inline vf vf_gelu_slope(vf x)
{
    x = vf_clamp(x, 20.0f);
    vf t = x * 0.707106781f;
    vf a = vf_abs(t);
    vf tail = vf_erfc_tail(a);
    vf both = vf_select(t < 0.0f, tail, 2.0f - tail);
    both = vf_select(a < 0.9f, 1.0f + vf_erf_core(t), both);
    return both * 0.5f + x * (0.398942280f * vf_exp(x * x * -0.5f));
}

/* The derivative of its approximation: (1 + t + x (1 - t^2) u') / 2, t = tanh(u). */
static inline vf vf_gelu_tanh_slope(vf x)
{
    x = vf_clamp(x, 20.0f);
    vf cubic = 0.044715f * x * x;
    vf t = vf_tanh(x * (1.0f + cubic) * 0.797884561f);
    return 0.5f * ((1.0f + t) + x * (1.0f - t * t) * ((1.0f + 3.0f * cubic) * 0.797884561f));
}

/* The derivative of swish where z = alpha x: s (1 + z (1 - s)), s = sigmoid(z), which is 0 from -105 down. */
static inline vf vf_swish_slope(vf z)
{
    z = vf_clamp(z, 110.0f);
    vf s = vf_sigmoid(z);
    return s * (1.0f + z * (1.0f - s));
}

#endif
