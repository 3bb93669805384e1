/* The loops of the ceilings, one set for every vector width that this machine may have. */
#ifndef ASSAY_MEASURE_CEILING_KERNELS_H
#define ASSAY_MEASURE_CEILING_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checks around every access would be what is timed. */
#define ASSAY_CEILING_UNCHECKED __attribute__((no_sanitize("address", "thread")))

struct assay_ceiling_kernels {
    const char *name;      /* "avx512f", "avx2+fma", "sse2", "neon", "generic" */
    unsigned    f32_lanes; /* floats in a vector */
    bool        fused;     /* multiply and add are one instruction */
    bool (*runs_here)(void);
    /* `rounds` times all chains; returns the floating-point operations that were done. */
    double (*multiply_add)(uint64_t rounds);
    /* a[i] = b[i] + s * c[i] for n elements, n a multiple of 32, all three aligned to 64 bytes. */
    void (*triad)(double *a, const double *b, const double *c, size_t n);
    /* Reads n elements, n a multiple of 64; returns their sum, so that nobody leaves the reads out. */
    double (*read)(const double *a, size_t n);
};

/* Ends with a row whose name is NULL; the last named row runs everywhere. */
extern const struct assay_ceiling_kernels assay_ceiling_kernels[];

/* How many vectors of this row's width one core of this machine multiplies and adds in a cycle, in `how` why we think
 * so; 0 when the core is not in our table. */
double assay_vectors_per_cycle(const struct assay_ceiling_kernels *kernels, char *how, size_t capacity);

#endif
