#include "backends/cpu/normalization/normalization.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/math.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* Independent sums: as many as an addition's latency needs. */
enum { SUMS = 4 };

static vf fold(const vf sum[SUMS])
{
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static float largest(size_t n, const float *x)
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

/* exp(x - largest) / sum: the largest makes overflow impossible, and one element is exactly 1 before the division. */
static void softmax_row(size_t n, const float *x, float *y)
{
    vf     top = vf_all(largest(n, x)), sum[SUMS] = {{0}};
    size_t i = 0;
    for (; i + SUMS * VL <= n; i += SUMS * VL)
        for (size_t s = 0; s < SUMS; s++) {
            vf e = vf_exp(vf_load(x + i + s * VL) - top);
            vf_store(y + i + s * VL, e);
            sum[s] += e;
        }
    for (; i + VL <= n; i += VL) {
        vf e = vf_exp(vf_load(x + i) - top);
        vf_store(y + i, e);
        sum[0] += e;
    }
    float total = vf_sum(fold(sum));
    if (i < n) {
        vf e = vf_exp(vf_load_part(x + i, n - i) - top);
        vf_store_part(y + i, e, n - i);
        for (size_t k = 0; k < n - i; k++)
            total += y[i + k];
    }
    vf factor = vf_all(1.0f / total);
    for (i = 0; i + VL <= n; i += VL)
        vf_store(y + i, vf_load(y + i) * factor);
    if (i < n)
        vf_store_part(y + i, vf_load_part(y + i, n - i) * factor, n - i);
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

static void softmax_columns(size_t n, size_t columns, size_t stride, const float *x, float *y)
{
    for (size_t c = 0; c < columns; c += VL) {
        size_t left = columns - c;
        vf     top = vf_all(-__builtin_inff()), sum = vf_all(0.0f);
        for (size_t i = 0; i < n; i++)
            top = vf_max_nan(load_some(x + i * stride + c, left), top);
        for (size_t i = 0; i < n; i++) {
            vf e = vf_exp(load_some(x + i * stride + c, left) - top);
            store_some(y + i * stride + c, e, left);
            sum += e;
        }
        vf factor = 1.0f / sum;
        for (size_t i = 0; i < n; i++)
            store_some(y + i * stride + c, load_some(y + i * stride + c, left) * factor, left);
    }
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

static void scale_row(const struct cpu_norm_row *r, float shift, float factor)
{
    vf by = vf_all(shift), times = vf_all(factor);
    for (size_t i = 0; i < r->n; i += VL) {
        size_t left = r->n - i;
        vf     v = (load_some(r->x + i, left) - by) * times * load_some(r->scale + i, left);
        if (r->bias)
            v += load_some(r->bias + i, left);
        store_some(r->y + i, v, left);
    }
}

/* Two passes over a row that is in a cache by then: the variance from the differences, which do not cancel. */
static void layer_row(const struct cpu_norm_row *r)
{
    float n = (float)r->n;
    float mean = sum_of(r->n, r->x, 0.0f, 1) / n;
    float variance = sum_of(r->n, r->x, mean, 2) / n;
    float inverse = 1.0f / __builtin_sqrtf(variance + r->epsilon);
    scale_row(r, mean, inverse);
    if (r->mean)
        *r->mean = mean;
    if (r->inverse)
        *r->inverse = inverse;
}

static void rms_row(const struct cpu_norm_row *r)
{
    float mean_square = sum_of(r->n, r->x, 0.0f, 2) / (float)r->n;
    scale_row(r, 0.0f, 1.0f / __builtin_sqrtf(mean_square + r->epsilon));
}

const struct cpu_normalization_kernels CPU_ISA_NAME(normalization) = {
    .softmax_row = softmax_row,
    .softmax_columns = softmax_columns,
    .layer_row = layer_row,
    .rms_row = rms_row,
};
