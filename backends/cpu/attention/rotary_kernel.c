#include "backends/cpu/attention/rotary.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

static void halves(size_t n, const float *x, const float *cos, const float *sin, float *y)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf a = vf_load(x + i), b = vf_load(x + n + i), c = vf_load(cos + i), s = vf_load(sin + i);
        vf_store(y + i, a * c - b * s);
        vf_store(y + n + i, a * s + b * c);
    }
    for (; i < n; i++) {
        float a = x[i], b = x[n + i];
        y[i] = a * cos[i] - b * sin[i];
        y[n + i] = a * sin[i] + b * cos[i];
    }
}

static void interleaved(size_t n, const float *x, const float *cos, const float *sin, float *y)
{
    for (size_t i = 0; i < n; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        y[2 * i] = a * cos[i] - b * sin[i];
        y[2 * i + 1] = a * sin[i] + b * cos[i];
    }
}

const struct cpu_rotary_kernels CPU_ISA_NAME(rotary) = {.halves = halves, .interleaved = interleaved};
