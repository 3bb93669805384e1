#include "backends/cpu/normalization/gradient.h"

#include "backends/cpu/normalization/row.h"
#include "backends/cpu/vector/isa.h"

#include "assay/banned.h"

#define INLINE static inline __attribute__((always_inline))

INLINE float dot(size_t n, const float *x, const float *y)
{
    vf     sum[SUMS] = {{0}};
    size_t i = 0;
    for (; i + SUMS * VL <= n; i += SUMS * VL)
        for (size_t s = 0; s < SUMS; s++)
            sum[s] += vf_load(x + i + s * VL) * vf_load(y + i + s * VL);
    for (; i + VL <= n; i += VL)
        sum[0] += vf_load(x + i) * vf_load(y + i);
    if (i < n)
        sum[1] += vf_load_part(x + i, n - i) * vf_load_part(y + i, n - i);
    return vf_sum(fold(sum));
}

INLINE vf softmax_share(vf dy, vf y, vf sum, const int log)
{
    return log ? dy - vf_exp(y) * sum : y * (dy - sum);
}

INLINE void row(size_t n, const float *dy, const float *y, float *dx, const int log)
{
    vf sum = vf_all(log ? sum_of(n, dy, 0.0f, 1) : dot(n, dy, y));
    for (size_t i = 0; i < n; i += VL)
        store_some(dx + i, softmax_share(load_some(dy + i, n - i), load_some(y + i, n - i), sum, log), n - i);
}

INLINE void columns(size_t n, size_t width, size_t stride, const float *dy, const float *y, float *dx, const int log)
{
    for (size_t c = 0; c < width; c += VL) {
        size_t left = width - c;
        vf     sum = vf_all(0.0f);
        for (size_t i = 0; i < n; i++) {
            vf d = load_some(dy + i * stride + c, left);
            sum += log ? d : d * load_some(y + i * stride + c, left);
        }
        for (size_t i = 0; i < n; i++) {
            size_t at = i * stride + c;
            store_some(dx + at, softmax_share(load_some(dy + at, left), load_some(y + at, left), sum, log), left);
        }
    }
}

static void softmax_row(size_t n, const float *dy, const float *y, float *dx)
{
    row(n, dy, y, dx, 0);
}

static void log_softmax_row(size_t n, const float *dy, const float *y, float *dx)
{
    row(n, dy, y, dx, 1);
}

static void softmax_columns(size_t n, size_t width, size_t stride, const float *dy, const float *y, float *dx)
{
    columns(n, width, stride, dy, y, dx, 0);
}

static void log_softmax_columns(size_t n, size_t width, size_t stride, const float *dy, const float *y, float *dx)
{
    columns(n, width, stride, dy, y, dx, 1);
}

/* With h = (x - mean) inverse and g = dy scale: the sums of g and of g h, and what the row adds to dscale and dbias. */
INLINE void norm_sums(const struct cpu_norm_gradient_row *r, float mean, float inverse, float *level, float *slope)
{
    vf by = vf_all(mean), times = vf_all(inverse), all = vf_all(0.0f), along = vf_all(0.0f);
    for (size_t i = 0; i < r->n; i += VL) {
        size_t left = r->n - i;
        vf     dy = load_some(r->dy + i, left), h = (load_some(r->x + i, left) - by) * times;
        vf     g = dy * load_some(r->scale + i, left);
        all += g;
        along += g * h;
        if (r->dscale)
            store_some(r->dscale + i, load_some(r->dscale + i, left) + dy * h, left);
        if (r->dbias)
            store_some(r->dbias + i, load_some(r->dbias + i, left) + dy, left);
    }
    *level = vf_sum(all) / (float)r->n;
    *slope = vf_sum(along) / (float)r->n;
}

INLINE void norm_row(const struct cpu_norm_gradient_row *r, float mean, float inverse, const int centred)
{
    float level, slope;
    norm_sums(r, mean, inverse, &level, &slope);
    vf by = vf_all(mean), times = vf_all(inverse), less = vf_all(level), steep = vf_all(slope);
    for (size_t i = 0; i < r->n; i += VL) {
        size_t left = r->n - i;
        vf     h = (load_some(r->x + i, left) - by) * times, g = load_some(r->dy + i, left) * load_some(r->scale + i, left);
        vf     rest = (centred ? g - less : g) - h * steep;
        store_some(r->dx + i, rest * times, left);
    }
}

static void layer_row(const struct cpu_norm_gradient_row *r)
{
    float mean = sum_of(r->n, r->x, 0.0f, 1) / (float)r->n;
    float variance = sum_of(r->n, r->x, mean, 2) / (float)r->n;
    norm_row(r, mean, 1.0f / __builtin_sqrtf(variance + r->epsilon), 1);
}

static void rms_row(const struct cpu_norm_gradient_row *r)
{
    float mean_square = sum_of(r->n, r->x, 0.0f, 2) / (float)r->n;
    norm_row(r, 0.0f, 1.0f / __builtin_sqrtf(mean_square + r->epsilon), 0);
}

const struct cpu_normalization_gradient_kernels CPU_ISA_NAME(normalization_gradient) = {
    .softmax_row = softmax_row,
    .log_softmax_row = log_softmax_row,
    .softmax_columns = softmax_columns,
    .log_softmax_columns = log_softmax_columns,
    .layer_row = layer_row,
    .rms_row = rms_row,
};
