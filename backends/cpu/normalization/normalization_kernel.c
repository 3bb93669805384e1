#include "backends/cpu/normalization/normalization.h"

#include "backends/cpu/normalization/row.h"
#include "backends/cpu/vector/isa.h"

#include "assay/banned.h"

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

/* Sum of exp(x - top) of a row; nothing is kept. */
static float sum_of_weights(size_t n, const float *x, float top)
{
    vf     sum[SUMS] = {{0}}, by = vf_all(top);
    size_t i = 0;
    for (; i + SUMS * VL <= n; i += SUMS * VL)
        for (size_t s = 0; s < SUMS; s++)
            sum[s] += vf_exp(vf_load(x + i + s * VL) - by);
    for (; i + VL <= n; i += VL)
        sum[0] += vf_exp(vf_load(x + i) - by);
    float total = vf_sum(fold(sum));
    if (i < n) {
        vf e = vf_exp(vf_load_part(x + i, n - i) - by);
        for (size_t k = 0; k < n - i; k++)
            total += e[k];
    }
    return total;
}

static void weigh_row(size_t n, const float *x, float *top, float *sum)
{
    *top = largest(n, x);
    *sum = sum_of_weights(n, x, *top);
}

static void weigh_columns(size_t n, size_t columns, size_t stride, const float *x, float *top, float *sum)
{
    for (size_t c = 0; c < columns; c += VL) {
        size_t left = columns - c;
        vf     most = vf_all(-__builtin_inff()), total = vf_all(0.0f);
        for (size_t i = 0; i < n; i++)
            most = vf_max_nan(load_some(x + i * stride + c, left), most);
        for (size_t i = 0; i < n; i++)
            total += vf_exp(load_some(x + i * stride + c, left) - most);
        store_some(top + c, most, left);
        store_some(sum + c, total, left);
    }
}

static void spread_row(size_t n, const float *x, float top, float factor, float *y)
{
    vf by = vf_all(top), times = vf_all(factor);
    for (size_t i = 0; i < n; i += VL)
        store_some(y + i, vf_exp(load_some(x + i, n - i) - by) * times, n - i);
}

static void spread_columns(size_t n, size_t columns, size_t stride, const float *x, const float *top, const float *factor,
                           float *y)
{
    for (size_t c = 0; c < columns; c += VL) {
        size_t left = columns - c;
        vf     by = load_some(top + c, left), times = load_some(factor + c, left);
        for (size_t i = 0; i < n; i++)
            store_some(y + i * stride + c, vf_exp(load_some(x + i * stride + c, left) - by) * times, left);
    }
}

static void log_softmax_row(size_t n, const float *x, float *y)
{
    float top = largest(n, x);
    vf    log = vf_log(vf_all(sum_of_weights(n, x, top)));
    for (size_t i = 0; i < n; i += VL)
        store_some(y + i, load_some(x + i, n - i) - top - log, n - i);
}

/* In vectors throughout: an array of floats on the stack would be loaded as one, and sanitizers' stacks align it by less. */
static void log_softmax_columns(size_t n, size_t columns, size_t stride, const float *x, float *y)
{
    for (size_t c = 0; c < columns; c += VL) {
        size_t left = columns - c;
        vf     most = vf_all(-__builtin_inff()), total = vf_all(0.0f);
        for (size_t i = 0; i < n; i++)
            most = vf_max_nan(load_some(x + i * stride + c, left), most);
        for (size_t i = 0; i < n; i++)
            total += vf_exp(load_some(x + i * stride + c, left) - most);
        vf log = vf_log(total);
        for (size_t i = 0; i < n; i++)
            store_some(y + i * stride + c, load_some(x + i * stride + c, left) - most - log, left);
    }
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
    .log_softmax_row = log_softmax_row,
    .log_softmax_columns = log_softmax_columns,
    .weigh_row = weigh_row,
    .weigh_columns = weigh_columns,
    .spread_row = spread_row,
    .spread_columns = spread_columns,
    .layer_row = layer_row,
    .rms_row = rms_row,
};
