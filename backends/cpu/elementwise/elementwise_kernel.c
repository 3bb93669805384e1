#include "backends/cpu/elementwise/elementwise.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/math.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

#define INLINE static inline __attribute__((always_inline))

/* Every op as an expression in vectors a, b (or x and alpha). A row here and in the enum is a whole kernel. */
#define BINARIES(X)              \
    X(ADD, add, a + b)           \
    X(SUB, sub, a - b)           \
    X(MUL, mul, a * b)           \
    X(DIV, div, a / b)           \
    X(MAX, max, vf_max_nan(a, b)) \
    X(MIN, min, vf_min_nan(a, b))

#define UNARIES(X)                              \
    X(NEG, neg, -x)                             \
    X(ABS, abs, vf_abs(x))                      \
    X(SQRT, sqrt, vf_sqrt(x))                   \
    X(EXP, exp, vf_exp(x))                      \
    X(LOG, log, vf_log(x))                      \
    X(ERF, erf, vf_erf(x))                      \
    X(TANH, tanh, vf_tanh(x))                   \
    X(SIGMOID, sigmoid, vf_sigmoid(x))          \
    X(RELU, relu, vf_max(vf_all(0.0f), x))      \
    X(GELU, gelu, vf_gelu(x))                   \
    X(GELU_TANH, gelu_tanh, vf_gelu_tanh(x))    \
    X(SWISH, swish, x * vf_sigmoid(x * alpha))  \
    X(SIGN, sign, vf_select(x > 0.0f, vf_all(1.0f), vf_select(x < 0.0f, vf_all(-1.0f), x * 0.0f)))

#define PAIRS(X)                                                                \
    X(RELU_GRAD, relu_grad, vf_select(x > 0.0f, dy, vf_all(0.0f)))              \
    X(TANH_GRAD, tanh_grad, dy * (1.0f - x * x))                                \
    X(SIGMOID_GRAD, sigmoid_grad, dy * x * (1.0f - x))                          \
    X(GELU_GRAD, gelu_grad, dy * vf_gelu_slope(x))                              \
    X(GELU_TANH_GRAD, gelu_tanh_grad, dy * vf_gelu_tanh_slope(x))               \
    X(SWISH_GRAD, swish_grad, dy * vf_swish_slope(x * alpha))

#define X(id, name, expression)            \
    INLINE vf one_##name(vf a, vf b)       \
    {                                      \
        return expression;                 \
    }
BINARIES(X)
#undef X

#define X(id, name, expression)            \
    INLINE vf one_##name(vf x, float alpha) \
    {                                      \
        (void)alpha;                       \
        return expression;                 \
    }
UNARIES(X)
#undef X

#define X(id, name, expression)                    \
    INLINE vf one_##name(vf dy, vf x, float alpha) \
    {                                              \
        (void)alpha;                               \
        return expression;                         \
    }
PAIRS(X)
#undef X

/* The three shapes of operands apart, so that each is a loop of loads, one expression and a store. */
#define BINARY_LOOP(name, at_a, at_b, part_a, part_b)                                    \
    do {                                                                                 \
        size_t i = 0;                                                                    \
        for (; i + VL <= n; i += VL)                                                     \
            vf_store(out + i, one_##name(at_a, at_b));                                   \
        if (i < n)                                                                       \
            vf_store_part(out + i, one_##name(part_a, part_b), n - i);                   \
    } while (0)

#define X(id, name, expression)                                                                                    \
    static void all_##name(size_t n, const float *a, size_t step_a, const float *b, size_t step_b, float *out)           \
    {                                                                                                              \
        if (step_a && step_b) {                                                                                    \
            BINARY_LOOP(name, vf_load(a + i), vf_load(b + i), vf_load_part(a + i, n - i), vf_load_part(b + i, n - i)); \
        } else if (step_a) {                                                                                       \
            vf all = vf_all(n ? *b : 0.0f);                                                                        \
            BINARY_LOOP(name, vf_load(a + i), all, vf_load_part(a + i, n - i), all);                               \
        } else {                                                                                                   \
            vf all = vf_all(n ? *a : 0.0f), other = vf_all(n && !step_b ? *b : 0.0f);                              \
            if (step_b)                                                                                            \
                BINARY_LOOP(name, all, vf_load(b + i), all, vf_load_part(b + i, n - i));                           \
            else                                                                                                   \
                BINARY_LOOP(name, all, other, all, other);                                                         \
        }                                                                                                          \
    }
BINARIES(X)
#undef X

#define X(id, name, expression)                                                          \
    static void all_##name(size_t n, const float *x, float alpha, float *out)                  \
    {                                                                                    \
        size_t i = 0;                                                                    \
        for (; i + VL <= n; i += VL)                                                     \
            vf_store(out + i, one_##name(vf_load(x + i), alpha));                        \
        if (i < n)                                                                       \
            vf_store_part(out + i, one_##name(vf_load_part(x + i, n - i), alpha), n - i); \
    }
UNARIES(X)
#undef X

#define X(id, name, expression)                                                                                   \
    static void all_##name(size_t n, const float *dy, const float *x, float alpha, float *out)                    \
    {                                                                                                             \
        size_t i = 0;                                                                                             \
        for (; i + VL <= n; i += VL)                                                                              \
            vf_store(out + i, one_##name(vf_load(dy + i), vf_load(x + i), alpha));                                \
        if (i < n)                                                                                                \
            vf_store_part(out + i, one_##name(vf_load_part(dy + i, n - i), vf_load_part(x + i, n - i), alpha), n - i); \
    }
PAIRS(X)
#undef X

INLINE vf one_finish(vf x, vf bias, vf added, const int relu)
{
    vf sum = x + bias + added;
    return relu ? vf_max(vf_all(0.0f), sum) : sum;
}

INLINE void finish_as(size_t n, const float *x, float bias, const float *added, const int relu, float *out)
{
    vf     b = vf_all(bias), zero = vf_all(0.0f);
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(out + i, one_finish(vf_load(x + i), b, added ? vf_load(added + i) : zero, relu));
    if (i < n)
        vf_store_part(out + i,
                      one_finish(vf_load_part(x + i, n - i), b, added ? vf_load_part(added + i, n - i) : zero, relu), n - i);
}

static void finish(size_t n, const float *x, float bias, const float *added, int relu, float *out)
{
    if (added && relu)
        finish_as(n, x, bias, added, 1, out);
    else if (relu)
        finish_as(n, x, bias, NULL, 1, out);
    else
        finish_as(n, x, bias, added, 0, out);
}

#define X(id, name, expression) [CPU_##id] = all_##name,
const struct cpu_elementwise_kernels CPU_ISA_NAME(elementwise) = {
    .finish = finish,
    .binary = {BINARIES(X)},
    .unary = {UNARIES(X)},
    .pair = {PAIRS(X)},
};
#undef X
