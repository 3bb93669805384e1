/* The multiply-add loops are written in assembly, so that no compiler, level of optimization or sanitizer changes what
 * is measured: independent chains in registers, more than latency times ports of any core we know (5 x 2 of Haswell,
 * 4 x 4 of Neoverse V1). Multiplier and addend make every chain tend to 1/2: no overflow, no denormal number. */
#include "harness/measure/ceiling_kernels.h"

#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "assay/banned.h"

#define TRIAD_SCALE 3.0

/* Vectors in the compiler's own terms; `bytes` wide, for a function of the given target. */
#define MEMORY_LOOPS(suffix, bytes, target)                                                      \
    typedef double vector_##suffix __attribute__((vector_size(bytes)));                          \
    target ASSAY_CEILING_UNCHECKED static void triad_##suffix(double *a, const double *b, const double *c, \
                                                size_t n)                                        \
    {                                                                                            \
        vector_##suffix       *to = (vector_##suffix *)(void *)a;                                \
        const vector_##suffix *x = (const vector_##suffix *)(const void *)b;                     \
        const vector_##suffix *y = (const vector_##suffix *)(const void *)c;                     \
        for (size_t i = 0; i < n * sizeof *a / (bytes); i += 4) {                                \
            to[i] = x[i] + TRIAD_SCALE * y[i];                                                   \
            to[i + 1] = x[i + 1] + TRIAD_SCALE * y[i + 1];                                       \
            to[i + 2] = x[i + 2] + TRIAD_SCALE * y[i + 2];                                       \
            to[i + 3] = x[i + 3] + TRIAD_SCALE * y[i + 3];                                       \
        }                                                                                        \
    }                                                                                            \
    target ASSAY_CEILING_UNCHECKED static double read_##suffix(const double *a, size_t n)        \
    {                                                                                            \
        const vector_##suffix *x = (const vector_##suffix *)(const void *)a;                     \
        vector_##suffix        s0 = x[0] - x[0], s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;    \
        vector_##suffix        s6 = s0, s7 = s0;                                                 \
        for (size_t i = 0; i < n * sizeof *a / (bytes); i += 8) {                                \
            s0 += x[i];                                                                          \
            s1 += x[i + 1];                                                                      \
            s2 += x[i + 2];                                                                      \
            s3 += x[i + 3];                                                                      \
            s4 += x[i + 4];                                                                      \
            s5 += x[i + 5];                                                                      \
            s6 += x[i + 6];                                                                      \
            s7 += x[i + 7];                                                                      \
        }                                                                                        \
        s0 += s1 + s2 + s3 + s4 + s5 + s6 + s7;                                                  \
        return s0[0] + s0[1];                                                                    \
    }

MEMORY_LOOPS(128, 16, )

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)

/* clang-format off */
#define FUSED(width, chain) "vfmadd213ps %%" width "mm15, %%" width "mm14, %%" width "mm" chain "\n\t"
#define FUSED_FAR(chain) "vfmadd213ps %%zmm31, %%zmm30, %%zmm" chain "\n\t"
#define TWELVE(X) X("0") X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8") X("9") X("10") X("11")
#define TWELVE_MORE(X) X("12") X("13") X("14") X("15") X("16") X("17") X("18") X("19") X("20") X("21") X("22") X("23")
#define FUSED_256(chain) FUSED("y", chain)
#define CLEAR_256(chain) "vxorps %%ymm" chain ", %%ymm" chain ", %%ymm" chain "\n\t"
#define CLEAR_512(chain) "vpxord %%zmm" chain ", %%zmm" chain ", %%zmm" chain "\n\t"
#define XMM_0_TO_15 "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
                    "xmm12", "xmm13", "xmm14", "xmm15"
#define XMM_16_TO_31 "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", \
                     "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"
/* clang-format on */

static const float factor = -0.5f, addend = 0.75f, one = 1.0f, zero = 0.0f;

__attribute__((target("avx512f"))) static double multiply_add_512(uint64_t rounds)
{
    double flops = (double)rounds * 24 * 16 * 2;
    __asm__ volatile("vbroadcastss %1, %%zmm30\n\t"
                     "vbroadcastss %2, %%zmm31\n\t" TWELVE(CLEAR_512) TWELVE_MORE(CLEAR_512)
                     ".p2align 5\n1:\n\t" TWELVE(FUSED_FAR) TWELVE_MORE(FUSED_FAR)
                     "decq %0\n\tjnz 1b\n\tvzeroupper"
                     : "+r"(rounds)
                     : "m"(factor), "m"(addend)
                     : "cc", XMM_0_TO_15, XMM_16_TO_31);
    return flops;
}

__attribute__((target("avx2,fma"))) static double multiply_add_256(uint64_t rounds)
{
    double flops = (double)rounds * 12 * 8 * 2;
    __asm__ volatile("vbroadcastss %1, %%ymm14\n\t"
                     "vbroadcastss %2, %%ymm15\n\t" TWELVE(CLEAR_256)
                     ".p2align 5\n1:\n\t" TWELVE(FUSED_256)
                     "decq %0\n\tjnz 1b\n\tvzeroupper"
                     : "+r"(rounds)
                     : "m"(factor), "m"(addend)
                     : "cc", XMM_0_TO_15);
    return flops;
}

/* Without a fused instruction: seven chains that multiply by one beside seven that add zero. */
static double multiply_add_128(uint64_t rounds)
{
    double flops = (double)rounds * 7 * 4 * 2;
#define MUL(chain) "mulps %%xmm14, %%xmm" chain "\n\t"
#define ADD(chain) "addps %%xmm15, %%xmm" chain "\n\t"
#define ZERO(chain) "xorps %%xmm" chain ", %%xmm" chain "\n\t"
    __asm__ volatile("movss %1, %%xmm14\n\tshufps $0, %%xmm14, %%xmm14\n\t"
                     "movss %2, %%xmm15\n\tshufps $0, %%xmm15, %%xmm15\n\t" TWELVE(ZERO) ZERO("12") ZERO("13")
                     ".p2align 5\n1:\n\t" MUL("0") ADD("1") MUL("2") ADD("3") MUL("4") ADD("5") MUL("6") ADD("7")
                     MUL("8") ADD("9") MUL("10") ADD("11") MUL("12") ADD("13")
                     "decq %0\n\tjnz 1b"
                     : "+r"(rounds)
                     : "m"(one), "m"(zero)
                     : "cc", XMM_0_TO_15);
    return flops;
}

MEMORY_LOOPS(512, 64, __attribute__((target("avx512f"))))
MEMORY_LOOPS(256, 32, __attribute__((target("avx2,fma"))))
static bool has_512(void)
{
    return __builtin_cpu_supports("avx512f");
}

static bool has_256(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct assay_ceiling_kernels assay_ceiling_kernels[] = {
    {"avx512f", 16, true, has_512, multiply_add_512, triad_512, read_512},
    {"avx2+fma", 8, true, has_256, multiply_add_256, triad_256, read_256},
    {"sse2", 4, false, always, multiply_add_128, triad_128, read_128},
    {NULL, 0, false, NULL, NULL, NULL, NULL},
};

/* From the makers' optimization guides: family, first and last model, and how many 256-bit multiply-adds a cycle; for
 * 512 bits that number again in units of 256 bits. */
struct core {
    const char *maker, *name;
    unsigned    family, first, last;
    double      of_256, of_512;
};
static const struct core cores[] = {
    {"AuthenticAMD", "Zen, Zen+", 0x17, 0x00, 0x2f, 1, 0},
    {"AuthenticAMD", "Zen 2", 0x17, 0x30, 0xff, 2, 0},
    {"AuthenticAMD", "Zen 3, Zen 4", 0x19, 0x00, 0xff, 2, 2},
    {"AuthenticAMD", "Zen 5 server", 0x1a, 0x00, 0x1f, 2, 4},
    {"GenuineIntel", "Haswell", 6, 0x3c, 0x3c, 2, 0},
    {"GenuineIntel", "Haswell, Broadwell", 6, 0x3d, 0x47, 2, 0},
    {"GenuineIntel", "Skylake", 6, 0x4e, 0x4f, 2, 0},
    {"GenuineIntel", "Skylake server (two 512-bit units)", 6, 0x55, 0x55, 2, 4},
    {"GenuineIntel", "Broadwell, Skylake", 6, 0x56, 0x5e, 2, 0},
    {"GenuineIntel", "Ice Lake server (two 512-bit units)", 6, 0x6a, 0x6c, 2, 4},
    {"GenuineIntel", "Ice Lake", 6, 0x7d, 0x7e, 2, 2},
    {"GenuineIntel", "Tiger Lake", 6, 0x8c, 0x8d, 2, 2},
    {"GenuineIntel", "Sapphire Rapids (two 512-bit units)", 6, 0x8f, 0x8f, 2, 4},
    {"GenuineIntel", "Kaby Lake", 6, 0x8e, 0x8e, 2, 0},
    {"GenuineIntel", "Alder Lake", 6, 0x97, 0x9a, 2, 0},
    {"GenuineIntel", "Coffee Lake, Comet Lake", 6, 0x9e, 0xa6, 2, 0},
    {"GenuineIntel", "Granite Rapids (two 512-bit units)", 6, 0xad, 0xae, 2, 4},
    {"GenuineIntel", "Emerald Rapids (two 512-bit units)", 6, 0xcf, 0xcf, 2, 4},
};

double assay_vectors_per_cycle(const struct assay_ceiling_kernels *kernels, char *how, size_t capacity)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    char     maker[13] = "";
    if (__get_cpuid(0, &a, &b, &c, &d)) {
        memcpy(maker, &b, 4);
        memcpy(maker + 4, &d, 4);
        memcpy(maker + 8, &c, 4);
    }
    (void)__get_cpuid(1, &a, &b, &c, &d);
    unsigned base = a >> 8 & 15, family = base == 15 ? base + (a >> 20 & 255) : base;
    unsigned model = (a >> 4 & 15) | (base == 15 || base == 6 ? a >> 12 & 0xf0 : 0);
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
        const struct core *x = &cores[i];
        if (strcmp(x->maker, maker) != 0 || x->family != family || model < x->first || model > x->last)
            continue;
        (void)snprintf(how, capacity, "%s", x->name);
        return kernels->f32_lanes == 16 ? x->of_512 / 2 : x->of_256;
    }
    (void)snprintf(how, capacity, "%s family %u model %u is not in the table", *maker ? maker : "this core", family,
                   model);
    return 0;
}

#elif defined(__aarch64__)

/* clang-format off */
#define CHAINS(X) X("0") X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8") X("9") X("10") X("11") X("12") X("13") \
                  X("14") X("15") X("16") X("17") X("18") X("19") X("20") X("21") X("22") X("23")
/* clang-format on */
#define FUSED(chain) "fmla v" chain ".4s, v30.4s, v31.4s\n\t"
#define CLEAR(chain) "movi v" chain ".4s, #0\n\t"

/* Accumulators grow by 2^-21 a step and stop growing at 8: no overflow however long it runs. */
static double multiply_add_128(uint64_t rounds)
{
    double flops = (double)rounds * 24 * 4 * 2;
    __asm__ volatile("fmov v30.4s, #1.0\n\tmovi v31.4s, #0x35, lsl #24\n\t" CHAINS(CLEAR)
                     "1:\n\t" CHAINS(FUSED) "subs %0, %0, #1\n\tb.ne 1b"
                     : "+r"(rounds)
                     :
                     : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
                       "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30", "v31");
    return flops;
}

const struct assay_ceiling_kernels assay_ceiling_kernels[] = {
    {"neon", 4, true, always, multiply_add_128, triad_128, read_128},
    {NULL, 0, false, NULL, NULL, NULL, NULL},
};

#else

/* Whatever the compiler makes of four floats; multiply and add stay two instructions under -ffp-contract=off. */
typedef float lanes __attribute__((vector_size(16)));
static double multiply_add_128(uint64_t rounds)
{
    lanes x[8] = {{0}}, by = {-0.5f, -0.5f, -0.5f, -0.5f}, plus = {0.75f, 0.75f, 0.75f, 0.75f};
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < 8; i++)
            x[i] = x[i] * by + plus;
        __asm__ volatile("" : "+m"(x));
    }
    return (double)rounds * 8 * 4 * 2;
}

const struct assay_ceiling_kernels assay_ceiling_kernels[] = {
    {"generic", 4, false, always, multiply_add_128, triad_128, read_128},
    {NULL, 0, false, NULL, NULL, NULL, NULL},
};

#endif

#if !defined(__x86_64__)
double assay_vectors_per_cycle(const struct assay_ceiling_kernels *kernels, char *how, size_t capacity)
{
    (void)kernels;
    (void)snprintf(how, capacity, "no table of the units of this core");
    return 0;
}
#endif
