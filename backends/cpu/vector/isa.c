#include "backends/cpu/vector/isa.h"

#include <stddef.h>

#include "assay/banned.h"

#if defined(__x86_64__)
#define CPU_ISA_LIST(X) X(BASE, base, "sse2") X(V3, v3, "avx2") X(V4, v4, "avx512")
#elif defined(__aarch64__)
#define CPU_ISA_LIST(X) X(BASE, base, "neon")
#else
#define CPU_ISA_LIST(X) X(BASE, base, "128-bit")
#endif

#define X(id, suffix, text)                                                      \
    extern const struct cpu_tile_kernels          cpu_tile_##suffix;             \
    extern const struct cpu_gemv_kernels          cpu_gemv_##suffix;             \
    extern const struct cpu_igemm_kernels         cpu_igemm_##suffix;            \
    extern const struct cpu_elementwise_kernels   cpu_elementwise_##suffix;      \
    extern const struct cpu_normalization_kernels cpu_normalization_##suffix;    \
    extern const struct cpu_reduction_kernels     cpu_reduction_##suffix;        \
    extern const struct cpu_transpose_kernels     cpu_transpose_##suffix;        \
    extern const struct cpu_attention_kernels     cpu_attention_##suffix;        \
    extern const struct cpu_statistics_kernels    cpu_statistics_##suffix;       \
    extern const struct cpu_pooling_kernels       cpu_pooling_##suffix; \
    extern const struct cpu_normalization_gradient_kernels cpu_normalization_gradient_##suffix; \
    extern const struct cpu_attention_gradient_kernels     cpu_attention_gradient_##suffix; \
    extern const struct cpu_rotary_kernels        cpu_rotary_##suffix; \
    extern const struct cpu_optimizer_kernels     cpu_optimizers_##suffix; \
    extern const struct cpu_moving_kernels        cpu_moving_##suffix;           \
    extern const struct cpu_choosing_kernels      cpu_choosing_##suffix;         \
    extern const struct cpu_converting_kernels    cpu_converting_##suffix;
CPU_ISA_LIST(X)
#undef X

#define X(id, suffix, text)                                                                                           \
    [CPU_ISA_##id] = {CPU_ISA_##id, text, &cpu_tile_##suffix, &cpu_gemv_##suffix, &cpu_igemm_##suffix, &cpu_elementwise_##suffix,           \
                      &cpu_normalization_##suffix, &cpu_reduction_##suffix, &cpu_transpose_##suffix,                   \
                      &cpu_attention_##suffix, &cpu_statistics_##suffix, &cpu_pooling_##suffix, \
                      &cpu_normalization_gradient_##suffix,                         \
                      &cpu_attention_gradient_##suffix, &cpu_rotary_##suffix, &cpu_optimizers_##suffix, \
                      &cpu_moving_##suffix, &cpu_choosing_##suffix,            \
                      &cpu_converting_##suffix},
static const struct cpu_kernels kernels[CPU_ISAS] = {CPU_ISA_LIST(X)};
#undef X

bool cpu_isa_runs(enum cpu_isa isa)
{
    if (!cpu_kernels_of(isa))
        return false;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (isa == CPU_ISA_V3)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == CPU_ISA_V4)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return true;
}

enum cpu_isa cpu_isa_best(void)
{
    for (int isa = CPU_ISAS - 1; isa > CPU_ISA_BASE; isa--)
        if (cpu_isa_runs((enum cpu_isa)isa))
            return (enum cpu_isa)isa;
    return CPU_ISA_BASE;
}

const struct cpu_kernels *cpu_kernels_of(enum cpu_isa isa)
{
    return isa >= 0 && isa < CPU_ISAS && kernels[isa].name ? &kernels[isa] : NULL;
}
