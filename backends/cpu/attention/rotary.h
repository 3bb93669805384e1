/* Pairs turned by an angle. */
#ifndef CPU_ATTENTION_ROTARY_H
#define CPU_ATTENTION_ROTARY_H

#include <stddef.h>

struct cpu_rotary_kernels {
    /* n pairs (x[i], x[i + n]), (x[2 i], x[2 i + 1]) interleaved; y may be x itself. */
    void (*halves)(size_t n, const float *x, const float *cos, const float *sin, float *y);
    void (*interleaved)(size_t n, const float *x, const float *cos, const float *sin, float *y);
};

#endif
