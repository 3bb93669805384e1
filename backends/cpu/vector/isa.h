/* Which instruction set's build of the kernels runs. Kernel sources are compiled once per row here and each exports
 * its table under CPU_ISA_NAME(family); ordinary sources see only struct cpu_kernels. */
#ifndef CPU_VECTOR_ISA_H
#define CPU_VECTOR_ISA_H

#include <stdbool.h>

enum cpu_isa {
    CPU_ISA_BASE = 0, /* what every machine of this architecture has: 128-bit vectors */
    CPU_ISA_V3 = 1,   /* x86-64: AVX2 and FMA, 256 bits */
    CPU_ISA_V4 = 2,   /* x86-64: AVX-512 F, BW, DQ, VL, 512 bits */
    CPU_ISAS = 3,
};

#define CPU_ISA_JOIN_(family, isa) cpu_##family##_##isa
#define CPU_ISA_JOIN(family, isa) CPU_ISA_JOIN_(family, isa)
/* The table a kernel source defines; backend.mk gives CPU_ISA_SUFFIX. */
#define CPU_ISA_NAME(family) CPU_ISA_JOIN(family, CPU_ISA_SUFFIX)

struct cpu_tile_kernels;
struct cpu_gemv_kernels;
struct cpu_igemm_kernels;
struct cpu_elementwise_kernels;
struct cpu_normalization_kernels;
struct cpu_normalization_gradient_kernels;
struct cpu_attention_gradient_kernels;
struct cpu_rotary_kernels;
struct cpu_optimizer_kernels;
struct cpu_reduction_kernels;
struct cpu_transpose_kernels;
struct cpu_attention_kernels;
struct cpu_statistics_kernels;
struct cpu_pooling_kernels;
struct cpu_moving_kernels;
struct cpu_choosing_kernels;
struct cpu_converting_kernels;

struct cpu_kernels {
    enum cpu_isa isa;
    const char  *name; /* "avx512" */
    const struct cpu_tile_kernels          *tile;
    const struct cpu_gemv_kernels          *gemv;
    const struct cpu_igemm_kernels         *igemm;
    const struct cpu_elementwise_kernels   *elementwise;
    const struct cpu_normalization_kernels *normalization;
    const struct cpu_reduction_kernels     *reduction;
    const struct cpu_transpose_kernels     *transpose;
    const struct cpu_attention_kernels     *attention;
    const struct cpu_statistics_kernels    *statistics;
    const struct cpu_pooling_kernels       *pooling;
    const struct cpu_normalization_gradient_kernels *normalization_gradient;
    const struct cpu_attention_gradient_kernels     *attention_gradient;
    const struct cpu_rotary_kernels                 *rotary;
    const struct cpu_optimizer_kernels              *optimizers;
    const struct cpu_moving_kernels        *moving;
    const struct cpu_choosing_kernels      *choosing;
    const struct cpu_converting_kernels    *converting;
};

/* Can this machine run it (processor and operating system)? */
bool cpu_isa_runs(enum cpu_isa isa);
/* The widest that runs here. */
enum cpu_isa cpu_isa_best(void);
/* Kernels of one instruction set; NULL if it was not built for this architecture. */
const struct cpu_kernels *cpu_kernels_of(enum cpu_isa isa);

#endif
