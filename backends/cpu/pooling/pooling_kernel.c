#include "backends/cpu/pooling/pooling.h"

#include <stdbool.h>

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

#define INLINE static inline __attribute__((always_inline))

typedef struct cpu_pool_plan plan;

INLINE size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

INLINE vf load_some(const float *p, size_t n)
{
    return n >= VL ? vf_load(p) : vf_load_part(p, n);
}

INLINE void store_some(float *p, vf v, size_t n)
{
    if (n >= VL)
        vf_store(p, v);
    else
        vf_store_part(p, v, n);
}

/* Row of the input that tap ky of window row oy sees; NULL in the padding. */
INLINE const float *row_at(const plan *p, const float *x, size_t oy, size_t ky)
{
    ptrdiff_t y = (ptrdiff_t)(oy * p->stride[0] + ky * p->dilation[0]) - p->pad[0];
    return y < 0 || y >= (ptrdiff_t)p->in[0] ? NULL : x + (size_t)y * p->in[1];
}

/* Columns j of a phase that are in the input: [*begin, *end). */
INLINE void columns_of(const plan *p, size_t phase, size_t *begin, size_t *end)
{
    ptrdiff_t step = (ptrdiff_t)p->stride[1], first = (ptrdiff_t)phase - p->pad[1], width = (ptrdiff_t)p->in[1];
    *begin = first >= 0 ? 0 : least((size_t)((-first + step - 1) / step), p->phase);
    *end = first >= width ? *begin : least((size_t)((width - 1 - first) / step + 1), p->phase);
    if (*end < *begin)
        *end = *begin;
}

/* A row into its phases, `fill` where there is padding. */
INLINE void split(const plan *p, const float *row, float fill, float *to)
{
    size_t step = p->stride[1], begin, end;
    for (size_t phase = 0; phase < step; phase++, to += p->phase) {
        columns_of(p, phase, &begin, &end);
        const float *from = row + ((ptrdiff_t)phase - p->pad[1]);
        for (size_t j = 0; j < begin; j++)
            to[j] = fill;
        if (step == 1)
            memcpy(to + begin, from + begin, (end - begin) * sizeof *to);
        else if (step == 2)
            for (size_t j = begin; j < end; j++)
                to[j] = from[2 * j];
        else
            for (size_t j = begin; j < end; j++)
                to[j] = from[j * step];
        for (size_t j = end; j < p->phase; j++)
            to[j] = fill;
    }
}

/* Adds phases to the row they came from. */
INLINE void add_back(const plan *p, const float *from, float *row)
{
    size_t step = p->stride[1], begin, end;
    for (size_t phase = 0; phase < step; phase++, from += p->phase) {
        columns_of(p, phase, &begin, &end);
        float *to = row + ((ptrdiff_t)phase - p->pad[1]);
        if (step == 1)
            for (size_t j = begin; j < end; j += VL)
                store_some(to + j, load_some(to + j, end - j) + load_some(from + j, end - j), end - j);
        else if (step == 2)
            for (size_t j = begin; j < end; j++)
                to[2 * j] += from[j];
        else
            for (size_t j = begin; j < end; j++)
                to[j * step] += from[j];
    }
}

INLINE size_t tap_at(const plan *p, size_t kx)
{
    size_t column = kx * p->dilation[1];
    return column % p->stride[1] * p->phase + column / p->stride[1];
}

/* The rows that one row of windows sees, combined: sums or extremes down the columns. */
INLINE void combine_rows(const bool sum, const plan *p, const float *x, size_t oy, float *to)
{
    bool any = false;
    for (size_t ky = 0; ky < p->kernel[0]; ky++) {
        const float *row = row_at(p, x, oy, ky);
        for (size_t i = 0; row && i < p->in[1]; i += VL) {
            size_t left = p->in[1] - i;
            vf     v = load_some(row + i, left);
            if (any)
                v = sum ? v + load_some(to + i, left) : vf_max_nan(v, load_some(to + i, left));
            store_some(to + i, v, left);
        }
        any |= row != NULL;
    }
}

INLINE void forward(const bool sum, const plan *p, const float *x, float *y, float *scratch)
{
    float *phases = scratch + (p->in[1] + VL - 1) / VL * VL;
    for (size_t oy = 0; oy < p->out[0]; oy++, y += p->out[1]) {
        const float *factor = sum ? p->factor + p->rows_counted[oy] * p->out[1] : NULL;
        combine_rows(sum, p, x, oy, scratch);
        split(p, scratch, sum ? 0.0f : -__builtin_inff(), phases);
        for (size_t ox = 0; ox < p->out[1]; ox += VL) {
            size_t left = p->out[1] - ox;
            vf     v = vf_load(phases + tap_at(p, 0) + ox);
            for (size_t kx = 1; kx < p->kernel[1]; kx++) {
                vf next = vf_load(phases + tap_at(p, kx) + ox);
                v = sum ? v + next : vf_max_nan(next, v);
            }
            store_some(y + ox, sum ? v * load_some(factor + ox, left) : v, left);
        }
    }
}

static void max(const plan *p, const float *x, float *y, float *scratch)
{
    forward(false, p, x, y, scratch);
}

static void average(const plan *p, const float *x, float *y, float *scratch)
{
    forward(true, p, x, y, scratch);
}

static void average_grad(const plan *p, const float *dy, float *dx, float *scratch)
{
    size_t all = p->stride[1] * p->phase;
    memset(dx, 0, p->in[0] * p->in[1] * sizeof *dx);
    for (size_t oy = 0; oy < p->out[0]; oy++, dy += p->out[1]) {
        const float *factor = p->factor + p->rows_counted[oy] * p->out[1];
        memset(scratch, 0, all * sizeof *scratch);
        for (size_t kx = 0; kx < p->kernel[1]; kx++) {
            float *to = scratch + tap_at(p, kx);
            for (size_t ox = 0; ox < p->out[1]; ox += VL) {
                size_t left = p->out[1] - ox;
                vf     share = load_some(dy + ox, left) * load_some(factor + ox, left);
                store_some(to + ox, load_some(to + ox, left) + share, left);
            }
        }
        for (size_t ky = 0; ky < p->kernel[0]; ky++) {
            const float *row = row_at(p, dx, oy, ky);
            if (row)
                add_back(p, scratch, dx + (row - dx));
        }
    }
}

/* Every tap of VL windows in its order: where it is the greatest, it takes the gradient, and the windows that have one are
 * done. */
INLINE void give(const plan *p, const float *const *rows, const float *phases, float *grads, size_t ox, vf dy, vf greatest)
{
    size_t all = p->stride[1] * p->phase;
    vi     open = vi_all(-1);
    for (size_t ky = 0; ky < p->kernel[0]; ky++)
        for (size_t kx = 0; rows[ky] && kx < p->kernel[1]; kx++) {
            size_t at = tap_at(p, kx) + ox;
            vf     x = vf_load(phases + ky * all + at);
            vi     inside;
            memcpy(&inside, p->inside + at, sizeof inside);
            vi is = ((x == greatest) | (x != x)) & open & inside;
            open &= ~is;
            vf_store(grads + ky * all + at, vf_load(grads + ky * all + at) + vf_bits(is & vi_bits(dy)));
        }
}

static void max_grad(const plan *p, const float *dy, const float *x, float *dx, float *scratch)
{
    size_t        all = p->stride[1] * p->phase, high = p->kernel[0];
    float        *phases = scratch, *grads = scratch + high * all;
    const float **rows = (const float **)(void *)(grads + high * all);
    memset(dx, 0, p->in[0] * p->in[1] * sizeof *dx);
    for (size_t oy = 0; oy < p->out[0]; oy++, dy += p->out[1]) {
        for (size_t ky = 0; ky < high; ky++) {
            rows[ky] = row_at(p, x, oy, ky);
            if (rows[ky])
                split(p, rows[ky], -__builtin_inff(), phases + ky * all);
        }
        memset(grads, 0, high * all * sizeof *grads);
        for (size_t ox = 0; ox < p->out[1]; ox += VL) {
            vf greatest = vf_all(-__builtin_inff());
            for (size_t ky = 0; ky < high; ky++)
                for (size_t kx = 0; rows[ky] && kx < p->kernel[1]; kx++)
                    greatest = vf_max_nan(vf_load(phases + ky * all + tap_at(p, kx) + ox), greatest);
            give(p, rows, phases, grads, ox, load_some(dy + ox, p->out[1] - ox), greatest);
        }
        for (size_t ky = 0; ky < high; ky++)
            if (rows[ky])
                add_back(p, grads + ky * all, dx + (rows[ky] - x));
    }
}

const struct cpu_pooling_kernels CPU_ISA_NAME(pooling) = {
    .lanes = VL, .max = max, .average = average, .max_grad = max_grad, .average_grad = average_grad};
