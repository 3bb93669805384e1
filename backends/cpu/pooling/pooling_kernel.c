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

/* A line holds a row with its padding; it has stride[1] * phase floats, and the input begins at pad[1]. */
INLINE size_t line_floats(const plan *p)
{
    return p->stride[1] * p->phase;
}

INLINE void fill_line(const plan *p, float value, float *line)
{
    for (size_t i = 0; i < line_floats(p); i++)
        line[i] = value;
}

/* A line into its phases; without a stride it is its only one. */
INLINE const float *split(const plan *p, const float *line, float *phases)
{
    size_t step = p->stride[1];
    if (step == 1)
        return line;
    for (size_t j = 0; step == 2 && j < p->phase; j += VL) {
        vf even = vf_load(line + 2 * j), odd = vf_load(line + 2 * j + VL);
        vf_unzip(&even, &odd);
        vf_store(phases + j, even);
        vf_store(phases + p->phase + j, odd);
    }
    for (size_t phase = 0; step > 2 && phase < step; phase++)
        for (size_t j = 0; j < p->phase; j++)
            phases[phase * p->phase + j] = line[j * step + phase];
    return phases;
}

/* Sum of what the taps of one phase give to VL of its columns; tap kx stands at gives + kx * apart. */
INLINE vf sum_taps(const plan *p, size_t wide, const float *gives, size_t apart, size_t phase, size_t j)
{
    vf sum = vf_all(0.0f);
    for (size_t kx = 0; kx < wide; kx++)
        if (p->tap[kx].phase == phase)
            sum += vf_load(gives + kx * apart + p->margin + j - p->tap[kx].column);
    return sum;
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
    float *line = scratch, *room = scratch + line_floats(p);
    fill_line(p, sum ? 0.0f : -__builtin_inff(), line);
    for (size_t oy = 0; oy < p->out[0]; oy++, y += p->out[1]) {
        const float *factor = sum ? p->factor + p->rows_counted[oy] * p->out[1] : NULL;
        combine_rows(sum, p, x, oy, line + p->pad[1]);
        const float *phases = split(p, line, room);
        for (size_t ox = 0; ox < p->out[1]; ox += VL) {
            size_t left = p->out[1] - ox;
            vf     v = vf_load(phases + p->tap[0].at + ox);
            for (size_t kx = 1; kx < p->kernel[1]; kx++) {
                vf next = vf_load(phases + p->tap[kx].at + ox);
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

/* What the taps of a row of windows give, as a line. */
INLINE void merge(const plan *p, size_t wide, const float *gives, size_t apart, float *line)
{
    size_t step = p->stride[1];
    for (size_t j = 0; step == 1 && j < p->phase; j += VL)
        vf_store(line + j, sum_taps(p, wide, gives, apart, 0, j));
    for (size_t j = 0; step == 2 && j < p->phase; j += VL) {
        vf even = sum_taps(p, wide, gives, apart, 0, j), odd = sum_taps(p, wide, gives, apart, 1, j);
        vf_zip(&even, &odd);
        vf_store(line + 2 * j, even);
        vf_store(line + 2 * j + VL, odd);
    }
    for (size_t phase = 0; step > 2 && phase < step; phase++)
        for (size_t j = 0; j < p->phase; j += VL) {
            vf sum = sum_taps(p, wide, gives, apart, phase, j);
            for (size_t i = 0; i < VL; i++)
                line[(j + i) * step + phase] = sum[i];
        }
}

INLINE void add_line(const plan *p, const float *line, float *row)
{
    for (size_t i = 0; i < p->in[1]; i += VL) {
        size_t left = p->in[1] - i;
        store_some(row + i, load_some(row + i, left) + load_some(line + p->pad[1] + i, left), left);
    }
}

static void average_grad(const plan *p, const float *dy, float *dx, float *scratch)
{
    float *line = scratch, *gives = scratch + line_floats(p);
    memset(dx, 0, p->in[0] * p->in[1] * sizeof *dx);
    for (size_t oy = 0; oy < p->out[0]; oy++, dy += p->out[1]) {
        const float *factor = p->factor + p->rows_counted[oy] * p->out[1];
        for (size_t ox = 0; ox < p->out[1]; ox += VL) {
            size_t left = p->out[1] - ox;
            store_some(gives + p->margin + ox, load_some(dy + ox, left) * load_some(factor + ox, left), left);
        }
        merge(p, p->kernel[1], gives, 0, line); /* every tap gives the same */
        for (size_t ky = 0; ky < p->kernel[0]; ky++) {
            const float *row = row_at(p, dx, oy, ky);
            if (row)
                add_line(p, line, dx + (row - dx));
        }
    }
}

/* VL windows. The greatest; then every tap in its order: where it is the greatest it gives the gradient, and those windows
 * are done. `high` and `wide` are the kernel's, as numbers that the compiler knows where they are usual. */
INLINE void give(const plan *p, size_t high, size_t wide, const float *const *phases, float *gives, size_t apart, size_t ox,
                 vf dy)
{
    vf greatest = vf_all(-__builtin_inff());
    vi open = vi_all(-1);
    for (size_t ky = 0; ky < high; ky++) {
        for (size_t kx = 0; phases[ky] && kx < wide; kx++)
            greatest = vf_max_nan(vf_load(phases[ky] + p->tap[kx].at + ox), greatest);
    }
    for (size_t ky = 0; ky < high; ky++) {
        for (size_t kx = 0; phases[ky] && kx < wide; kx++) {
            vf x = vf_load(phases[ky] + p->tap[kx].at + ox);
            vi inside;
            memcpy(&inside, p->inside + p->tap[kx].at + ox, sizeof inside);
            vi is = ((x == greatest) | (x != x)) & open & inside;
            open &= ~is;
            vf_store(gives + (ky * wide + kx) * apart + p->margin + ox, vf_bits(is & vi_bits(dy)));
        }
    }
}

/* Scratch: a line, then for each row of the kernel a line, its phases, and what each tap gives. */
INLINE void max_grad_of(const plan *p, size_t high, size_t wide, const float *dy, const float *x, float *dx, float *scratch)
{
    size_t        all = line_floats(p), apart = p->phase + 2 * p->margin;
    float        *line = scratch, *lines = line + all, *rooms = lines + high * all, *gives = rooms + high * all;
    const float **phases = (const float **)(void *)(gives + high * wide * apart);
    memset(dx, 0, p->in[0] * p->in[1] * sizeof *dx);
    for (size_t ky = 0; ky < high; ky++)
        fill_line(p, -__builtin_inff(), lines + ky * all);
    for (size_t oy = 0; oy < p->out[0]; oy++, dy += p->out[1]) {
        for (size_t ky = 0; ky < high; ky++) {
            const float *row = row_at(p, x, oy, ky);
            if (row)
                memcpy(lines + ky * all + p->pad[1], row, p->in[1] * sizeof *row);
            phases[ky] = row ? split(p, lines + ky * all, rooms + ky * all) : NULL;
        }
        for (size_t ox = 0; ox < p->out[1]; ox += VL)
            give(p, high, wide, phases, gives, apart, ox, load_some(dy + ox, p->out[1] - ox));
        for (size_t ky = 0; ky < high; ky++) {
            if (!phases[ky])
                continue;
            merge(p, wide, gives + ky * wide * apart, apart, line);
            add_line(p, line, dx + (row_at(p, x, oy, ky) - x));
        }
    }
}

static void max_grad(const plan *p, const float *dy, const float *x, float *dx, float *scratch)
{
    if (p->kernel[0] == 3 && p->kernel[1] == 3)
        max_grad_of(p, 3, 3, dy, x, dx, scratch);
    else if (p->kernel[0] == 2 && p->kernel[1] == 2)
        max_grad_of(p, 2, 2, dy, x, dx, scratch);
    else
        max_grad_of(p, p->kernel[0], p->kernel[1], dy, x, dx, scratch);
}

const struct cpu_pooling_kernels CPU_ISA_NAME(pooling) = {
    .lanes = VL, .max = max, .average = average, .max_grad = max_grad, .average_grad = average_grad};
