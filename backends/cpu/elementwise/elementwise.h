/* Element by element. Operands are contiguous runs, or one number repeated. */
#ifndef CPU_ELEMENTWISE_ELEMENTWISE_H
#define CPU_ELEMENTWISE_ELEMENTWISE_H

#include <stddef.h>

enum cpu_binary { CPU_ADD, CPU_SUB, CPU_MUL, CPU_DIV, CPU_MAX, CPU_MIN, CPU_BINARIES };
enum cpu_unary {
    CPU_NEG, CPU_ABS, CPU_SQRT, CPU_EXP, CPU_LOG, CPU_ERF, CPU_TANH, CPU_SIGMOID, CPU_RELU, CPU_GELU, CPU_GELU_TANH,
    CPU_SWISH, CPU_SIGN, CPU_UNARIES
};
/* Gradients: of dY and X or Y. */
enum cpu_pair {
    CPU_RELU_GRAD, CPU_TANH_GRAD, CPU_SIGMOID_GRAD, CPU_GELU_GRAD, CPU_GELU_TANH_GRAD, CPU_SWISH_GRAD, CPU_PAIRS
};

/* out may be a or b itself. step_a, step_b: 1, or 0 for one number. */
typedef void cpu_binary_fn(size_t n, const float *a, size_t step_a, const float *b, size_t step_b, float *out);
/* alpha: Swish's factor; the others ignore it. */
typedef void cpu_unary_fn(size_t n, const float *x, float alpha, float *out);
/* out may be dy or x itself. */
typedef void cpu_pair_fn(size_t n, const float *dy, const float *x, float alpha, float *out);

/* out = x + bias + added, which may be NULL, and no less than 0 if `relu`; out may be x. */
typedef void cpu_finish_fn(size_t n, const float *x, float bias, const float *added, int relu, float *out);

struct cpu_elementwise_kernels {
    cpu_finish_fn *finish;
    cpu_binary_fn *binary[CPU_BINARIES];
    cpu_unary_fn  *unary[CPU_UNARIES];
    cpu_pair_fn   *pair[CPU_PAIRS];
};

#endif
