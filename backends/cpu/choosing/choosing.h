/* Element by element with up to three operands of one type or two: comparisons, choices, powers, circular functions. */
#ifndef CPU_CHOOSING_CHOOSING_H
#define CPU_CHOOSING_CHOOSING_H

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

struct cpu_choosing_kernels {
    cpu_choosing_fn *of[CPU_CHOOSINGS];
};

#endif
