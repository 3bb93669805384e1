/* Element by element with up to three operands of one type or two: comparisons, choices, powers, circular functions. */
#ifndef CPU_CHOOSING_CHOOSING_H
#define CPU_CHOOSING_CHOOSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* step[k]: 1, or 0 for an operand that is one number. out may be an operand of its own type that has step 1. */
typedef void cpu_choosing_fn(size_t n, const void *const in[3], const size_t step[3], void *out);

enum cpu_choosing {
    CPU_EQUAL_F32, CPU_EQUAL_I32, CPU_EQUAL_I64, CPU_EQUAL_BOOL,
    CPU_LESS_F32, CPU_LESS_I32, CPU_LESS_I64,
    CPU_LESS_OR_EQUAL_F32, CPU_LESS_OR_EQUAL_I32, CPU_LESS_OR_EQUAL_I64,
    CPU_AND, CPU_NOT,
    CPU_WHERE_8, CPU_WHERE_16, CPU_WHERE_32, CPU_WHERE_64, /* by the bits of an element */
    CPU_CLIP, CPU_RECIPROCAL, CPU_POW, CPU_SIN, CPU_COS, CPU_CHOOSINGS
};

enum { CPU_CHOOSING_COLUMNS = 1024 };

struct cpu_choosing_kernels {
    cpu_choosing_fn *of[CPU_CHOOSINGS];
    /* Lines of n that lie side by side, element i of line c at x[i * stride + c], c < columns <= CPU_CHOOSING_COLUMNS. */
    void (*arg_max)(size_t n, size_t stride, size_t columns, bool last, const float *x, int64_t *y);
    /* dy[c] at the extreme of line c, shared by equals, 0 elsewhere. NaN stays the extreme and gets nothing. */
    void (*share)(size_t n, size_t stride, size_t columns, bool least, const float *dy, const float *x, float *dx);
};

#endif
