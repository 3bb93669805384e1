/* How far the elementary functions are from the double library, in units in the last place of the right result: the
 * full-profile limits of OpenCL 3.0 C, section 7.4. Every instruction set that runs here; a dense walk through all bit
 * patterns. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "backends/cpu/elementwise/elementwise.h"
#include "backends/cpu/vector/isa.h"

#include "assay/banned.h"

enum { N = 4096, STEP = 1543 }; /* STEP is odd and prime to 2^32: two million patterns */

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Distance in last places of `want` rounded to f32; subnormal results count in steps of the least subnormal. */
static double ulps(float got, double want)
{
    if (isnan(want))
        return isnan(got) ? 0 : INFINITY;
    if (isinf(want) || fabs(want) > (double)FLT_MAX * (1 + 0x1p-25))
        return isinf(got) && (got > 0) == (want > 0) ? 0 : (fabs((double)got) >= (double)FLT_MAX ? 1 : INFINITY);
    if (isnan(got) || isinf(got))
        return fabs(want) > (double)FLT_MAX * (1 - 0x1p-23) ? 1 : INFINITY;
    int e = want == 0 ? -126 : ilogb(want);
    return fabs((double)got - want) / ldexp(1.0, (e < -126 ? -126 : e) - 23);
}

struct function {
    enum cpu_unary which;
    char           name[12];
    double         limit;
};
/* Sigmoid, Swish and Gelu have no limit there: theirs follow from an exponential, a sum and a division (3 + 0.5 + 2.5),
 * the products around them, and for Gelu from erf's. */
static const struct function functions[] = {
    {CPU_EXP, "exp", 3},   {CPU_LOG, "log", 3},         {CPU_TANH, "tanh", 5},   {CPU_ERF, "erf", 16}, {CPU_SQRT, "sqrt", 0.5},
    {CPU_NEG, "neg", 0},   {CPU_ABS, "abs", 0},         {CPU_RELU, "relu", 0},   {CPU_SIGMOID, "sigmoid", 6},
};

static double right(enum cpu_unary which, double x)
{
    switch (which) {
    case CPU_EXP: return exp(x);
    case CPU_LOG: return log(x);
    case CPU_TANH: return tanh(x);
    case CPU_ERF: return erf(x);
    case CPU_SQRT: return sqrt(x);
    case CPU_NEG: return -x;
    case CPU_ABS: return fabs(x);
    case CPU_RELU: return isnan(x) || x > 0 ? x : 0;
    case CPU_SIGMOID: return 1 / (1 + exp(-x));
    default: return NAN;
    }
}

static double worst_ulps(const struct cpu_kernels *kernels, const struct function *f, float *where)
{
    static float x[N], y[N];
    double       worst = 0;
    for (uint64_t base = 0; base < UINT64_C(1) << 32; base += (uint64_t)N * STEP) {
        for (uint64_t i = 0; i < N; i++)
            x[i] = from_bits((uint32_t)(base + i * STEP));
        kernels->elementwise->unary[f->which](N - 3, x, 1.0f, y); /* not a whole number of vectors */
        for (int i = 0; i < N - 3; i++) {
            double off = ulps(y[i], right(f->which, (double)x[i]));
            if (off > worst) {
                worst = off;
                *where = x[i];
            }
        }
    }
    return worst;
}

static void check(enum cpu_isa isa)
{
    if (!cpu_isa_runs(isa))
        cr_skip_test("this processor has no such vectors");
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        float  where = 0;
        double worst = worst_ulps(cpu_kernels_of(isa), &functions[i], &where);
        cr_log_info("%s %s: %.2f ulp at %a\n", cpu_kernels_of(isa)->name, functions[i].name, worst, (double)where);
        cr_expect(worst <= functions[i].limit, "%s: %s is %g ulp off at %a, limit %g", cpu_kernels_of(isa)->name,
                  functions[i].name, worst, (double)where, functions[i].limit);
    }
}

Test(math, functions_of_128_bit_vectors_are_within_their_limits, .timeout = 300)
{
    check(CPU_ISA_BASE);
}

Test(math, functions_of_256_bit_vectors_are_within_their_limits, .timeout = 300)
{
    check(CPU_ISA_V3);
}

Test(math, functions_of_512_bit_vectors_are_within_their_limits, .timeout = 300)
{
    check(CPU_ISA_V4);
}

/* Where a limit in last places says nothing, near the zeros of Gelu and far to the left, the error is held against x. */
Test(math, gelu_and_swish_are_right_to_some_parts_in_ten_millions_of_their_argument, .timeout = 300)
{
    static float x[N], y[N];
    for (int isa = 0; isa < CPU_ISAS; isa++) {
        if (!cpu_isa_runs((enum cpu_isa)isa))
            continue;
        const struct cpu_elementwise_kernels *k = cpu_kernels_of((enum cpu_isa)isa)->elementwise;
        double                                worst[3] = {0};
        for (float from = -20; from < 20; from += 0.5f) {
            for (int i = 0; i < N; i++)
                x[i] = from + 0.5f * (float)i / N;
            for (int which = 0; which < 3; which++) {
                k->unary[which == 0 ? CPU_GELU : which == 1 ? CPU_GELU_TANH : CPU_SWISH](N, x, 1.5f, y);
                for (int i = 0; i < N; i++) {
                    double v = (double)x[i], u = sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
                    double want = which == 0 ? 0.5 * v * erfc(-v / sqrt(2)) : which == 1 ? v / (1 + exp(-2 * u)) : v / (1 + exp(-1.5 * v));
                    double off = v == 0 ? 0 : fabs((double)y[i] - want) / fabs(v);
                    worst[which] = fmax(worst[which], off);
                }
            }
        }
        cr_expect(worst[0] < 6e-7 && worst[1] < 6e-7 && worst[2] < 3e-7, "isa %d: %g %g %g", isa, worst[0], worst[1], worst[2]);
    }
}

Test(math, ends_of_the_range_keep_their_meaning)
{
    float in[] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f, 89.0f, -104.5f, 3e38f, -3e38f}, out[9];
    for (int isa = 0; isa < CPU_ISAS; isa++) {
        if (!cpu_isa_runs((enum cpu_isa)isa))
            continue;
        const struct cpu_elementwise_kernels *k = cpu_kernels_of((enum cpu_isa)isa)->elementwise;
        k->unary[CPU_GELU](9, in, 0, out);
        cr_expect(isinf(out[0]) && out[1] == 0 && isnan(out[2]) && out[3] == 0 && out[7] == in[7] && out[8] == 0);
        k->unary[CPU_GELU_TANH](9, in, 0, out);
        cr_expect(isinf(out[0]) && out[1] == 0 && isnan(out[2]) && out[3] == 0 && out[7] == in[7] && out[8] == 0);
        k->unary[CPU_NEG](9, in, 0, out);
        cr_expect(signbit(out[3]) && !signbit(out[4]));
        k->unary[CPU_EXP](9, in, 0, out);
        cr_expect(isinf(out[0]) && out[1] == 0 && isnan(out[2]) && out[3] == 1 && isinf(out[5]) && out[6] == 0);
    }
}
