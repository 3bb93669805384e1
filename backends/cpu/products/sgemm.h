/* One single-precision product on one thread: C = alpha A B, or C += alpha A B. A call of the library's or of ours;
 * callers cut the work into blocks and spread them over the pool. */
#ifndef CPU_PRODUCTS_SGEMM_H
#define CPU_PRODUCTS_SGEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "backends/cpu/vector/isa.h"

struct cpu_sgemm {
    size_t       m, n, k;
    float        alpha;
    const float *a; /* m x k, row stride lda; transposed: k x m */
    size_t       lda;
    bool         a_transposed;
    const float *b; /* k x n, row stride ldb; transposed: n x k */
    size_t       ldb;
    bool         b_transposed;
    float       *c; /* m x n, row stride ldc */
    size_t       ldc;
    bool         add;
};

/* Floats of scratch that cpu_sgemm_own needs. */
size_t cpu_sgemm_own_scratch(const struct cpu_kernels *kernels);
/* scratch: as many floats, aligned to 64 bytes, of this thread alone. */
void cpu_sgemm_own(const struct cpu_kernels *kernels, const struct cpu_sgemm *p, float *scratch);

/* OpenBLAS, loaded once per process and never unloaded; its own threads stay off. */
struct cpu_openblas;
/* ASSAY_UNAVAILABLE with the loader's words when it is not there. */
enum assay_code cpu_openblas_load(const struct cpu_openblas **out, struct assay_error *err);
/* The library's path once it was loaded, else NULL. */
const char *cpu_openblas_path(void);
void            cpu_openblas_sgemm(const struct cpu_openblas *blas, const struct cpu_sgemm *p);
const char     *cpu_openblas_config(const struct cpu_openblas *blas);

#endif
