/* What the kernels along a row share: sums, the greatest, loads of what is left at its end. For kernel sources. */
#ifndef CPU_NORMALIZATION_ROW_H
#define CPU_NORMALIZATION_ROW_H

#include "backends/cpu/vector/math.h"
#include "backends/cpu/vector/vector.h"

/* Independent sums: as many as an addition's latency needs. */
enum { SUMS = 4 };

static inline vf fold(const vf sum[SUMS])
{
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static inline float largest(size_t n, const float *x)
{
    vf     most[SUMS];
    size_t i = 0;
    for (int s = 0; s < SUMS; s++)
        most[s] = vf_all(-__builtin_inff());
    for (; i + SUMS * VL <= n; i += SUMS * VL)
        for (size_t s = 0; s < SUMS; s++)
            most[s] = vf_max_nan(vf_load(x + i + s * VL), most[s]);
    for (; i + VL <= n; i += VL)
        most[0] = vf_max_nan(vf_load(x + i), most[0]);
    vf    all = vf_max_nan(vf_max_nan(most[0], most[1]), vf_max_nan(most[2], most[3]));
    float top = vf_largest(all);
    for (; i < n; i++)
        top = x[i] > top || x[i] != x[i] ? x[i] : top;
    return top;
}

static inline vf load_some(const float *p, size_t n)
{
    return n >= VL ? vf_load(p) : vf_load_part(p, n);
}

static inline void store_some(float *p, vf v, size_t n)
{
    if (n >= VL)
        vf_store(p, v);
    else
        vf_store_part(p, v, n);
}

/* Sum of (x - shift)^power, power 1 or 2. */
static inline __attribute__((always_inline)) float sum_of(size_t n, const float *x, float shift, const int power)
{
    vf     sum[SUMS] = {{0}}, by = vf_all(shift);
    size_t i = 0;
    for (; i + SUMS * VL <= n; i += SUMS * VL)
        for (size_t s = 0; s < SUMS; s++) {
            vf d = vf_load(x + i + s * VL) - by;
            sum[s] += power == 2 ? d * d : d;
        }
    for (; i + VL <= n; i += VL) {
        vf d = vf_load(x + i) - by;
        sum[0] += power == 2 ? d * d : d;
    }
    float total = vf_sum(fold(sum));
    for (; i < n; i++)
        total += power == 2 ? (x[i] - shift) * (x[i] - shift) : x[i] - shift;
    return total;
}

#endif
