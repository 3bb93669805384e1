/* Conversions between number formats, by way of a block of float, double or int64. */
#ifndef CPU_CONVERTING_CONVERTING_H
#define CPU_CONVERTING_CONVERTING_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/dtype.h"

enum { CPU_CONVERTING_TYPES = ASSAY_BOOL + 1 };
#define CPU_TYPES_CONVERTED                                                                                               \
    (CPU_TYPE(F64) | CPU_TYPE(F32) | CPU_TYPE(BF16) | CPU_TYPE(F16) | CPU_TYPE(F8E4M3) | CPU_TYPE(F8E5M2) | CPU_TYPE(I64) | \
     CPU_TYPE(I32) | CPU_TYPE(I8) | CPU_TYPE(U8) | CPU_TYPE(BOOL))

/* Runs of a quantization: one scale (step 0) or one a number (step 1), likewise the zero points, which may be NULL. */
struct cpu_quantize_run {
    size_t       n, step;
    const float *scale, *zero;
    float        low, high; /* ends of an integer type */
};

/* NULL where the way is not used: to and from float for what float holds, double for the others, int64 for integers.
 * saturate: of 8-bit floats, what is too large becomes the largest. */
struct cpu_converting_kernels {
    void (*load_float[CPU_CONVERTING_TYPES])(size_t n, const void *from, float *to); /* packed types from a whole byte on */
    void (*store_float[CPU_CONVERTING_TYPES])(size_t n, const float *from, void *to, bool saturate);
    void (*load_double[CPU_CONVERTING_TYPES])(size_t n, const void *from, double *to);
    void (*store_double[CPU_CONVERTING_TYPES])(size_t n, const double *from, void *to, bool saturate);
    void (*load_int[CPU_CONVERTING_TYPES])(size_t n, const void *from, int64_t *to);
    void (*store_int[CPU_CONVERTING_TYPES])(size_t n, const int64_t *from, void *to);
    void (*dequantize)(const struct cpu_quantize_run *run, float *x);       /* (x - zero) scale */
    void (*quantize)(const struct cpu_quantize_run *run, float *x);         /* x / scale + zero */
    void (*quantize_integer)(const struct cpu_quantize_run *run, float *x); /* the same to whole numbers from low to high */
};

#endif
