#include "backends/cpu/products/gemv.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* Rows that stream together: more hide latency better, until they exceed what the prefetchers follow. */
#define STREAMS 8
/* Columns handled at a time, so that their sums stay in the first-level cache. */
#define BLOCK 2048
#define INLINE static inline __attribute__((always_inline))

INLINE void combine_rows(const int streams, size_t columns, const float *x, const float *w, size_t stride, float *y,
                         const int first)
{
    vf     factor[STREAMS];
    size_t j = 0;
    for (int s = 0; s < streams; s++)
        factor[s] = vf_all(x[s]);
    for (; j + VL <= columns; j += VL) {
        vf sum = first ? vf_all(0) : vf_load(y + j);
CPU_UNROLL(8)
        for (int s = 0; s < streams; s++)
            sum += factor[s] * vf_load(w + (size_t)s * stride + j);
        vf_store(y + j, sum);
    }
    if (j < columns) {
        vf sum = first ? vf_all(0) : vf_load_part(y + j, columns - j);
        for (int s = 0; s < streams; s++)
            sum += factor[s] * vf_load_part(w + (size_t)s * stride + j, columns - j);
        vf_store_part(y + j, sum, columns - j);
    }
}

static void combine_block(size_t rows, size_t columns, const float *x, const float *w, size_t stride, float *y)
{
    size_t i = 0;
    for (; i + STREAMS <= rows; i += STREAMS)
        if (i == 0)
            combine_rows(STREAMS, columns, x, w, stride, y, 1);
        else
            combine_rows(STREAMS, columns, x + i, w + i * stride, stride, y, 0);
    for (; i < rows; i++)
        combine_rows(1, columns, x + i, w + i * stride, stride, y, i == 0);
}

static void combine(size_t rows, size_t columns, const float *x, const float *w, size_t stride, float *y)
{
    if (!rows)
        memset(y, 0, columns * sizeof *y);
    for (size_t j = 0; j < columns; j += BLOCK)
        combine_block(rows, columns - j < BLOCK ? columns - j : BLOCK, x, w + j, stride, y + j);
}

INLINE void dot_rows(const int streams, size_t columns, const float *w, size_t stride, const float *x, float *y)
{
    vf     sum[STREAMS] = {{0}}, odd[STREAMS] = {{0}};
    size_t j = 0;
    for (; j + 2 * VL <= columns; j += 2 * VL) {
        vf x0 = vf_load(x + j), x1 = vf_load(x + j + VL);
CPU_UNROLL(8)
        for (int s = 0; s < streams; s++) {
            sum[s] += vf_load(w + (size_t)s * stride + j) * x0;
            odd[s] += vf_load(w + (size_t)s * stride + j + VL) * x1;
        }
    }
    for (; j < columns; j += VL) {
        size_t n = columns - j < VL ? columns - j : VL;
        vf     x0 = n == VL ? vf_load(x + j) : vf_load_part(x + j, n);
        for (int s = 0; s < streams; s++) {
            const float *at = w + (size_t)s * stride + j;
            sum[s] += (n == VL ? vf_load(at) : vf_load_part(at, n)) * x0;
        }
    }
    for (int s = 0; s < streams; s++)
        y[s] = vf_sum(sum[s] + odd[s]);
}

static void dots(size_t rows, size_t columns, const float *w, size_t stride, const float *x, float *y)
{
    size_t i = 0;
    for (; i + 4 <= rows; i += 4)
        dot_rows(4, columns, w + i * stride, stride, x, y + i);
    for (; i < rows; i++)
        dot_rows(1, columns, w + i * stride, stride, x, y + i);
}

static void add(size_t n, const float *z, float *y)
{
    size_t j = 0;
    for (; j + VL <= n; j += VL)
        vf_store(y + j, vf_load(y + j) + vf_load(z + j));
    for (; j < n; j++)
        y[j] += z[j];
}

static void finish(size_t n, float scale, const float *c, size_t c_step, float c_scale, float *y)
{
    if (scale != 1.0f)
        for (size_t j = 0; j < n; j++)
            y[j] *= scale;
    if (c)
        for (size_t j = 0; j < n; j++)
            y[j] += c_scale * c[j * c_step];
}

const struct cpu_gemv_kernels CPU_ISA_NAME(gemv) = {
    .combine = combine,
    .dots = dots,
    .add = add,
    .finish = finish,
};
