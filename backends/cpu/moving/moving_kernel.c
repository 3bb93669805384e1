#include "backends/cpu/moving/moving.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

static void add_scaled(size_t n, float scale, const float *x, float *y)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, vf_load(y + i) + scale * vf_load(x + i));
    for (; i < n; i++)
        y[i] += scale * x[i];
}

static void scaled(size_t n, float scale, const float *x, float *y)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, scale * vf_load(x + i));
    for (; i < n; i++)
        y[i] = scale * x[i];
}

static float dot(size_t n, const float *x, const float *y)
{
    vf     sum[4] = {{0}};
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) {
        CPU_UNROLL(4)
        for (size_t l = 0; l < 4; l++)
            sum[l] += vf_load(x + i + l * VL) * vf_load(y + i + l * VL);
    }
    for (; i + VL <= n; i += VL)
        sum[0] += vf_load(x + i) * vf_load(y + i);
    if (i < n)
        sum[1] += vf_load_part(x + i, n - i) * vf_load_part(y + i, n - i);
    return vf_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

const struct cpu_moving_kernels CPU_ISA_NAME(moving) = {.add_scaled = add_scaled, .scaled = scaled, .dot = dot};
