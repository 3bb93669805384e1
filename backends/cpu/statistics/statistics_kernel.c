#include "backends/cpu/statistics/statistics.h"

#include <stdbool.h>

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

#define INLINE static inline __attribute__((always_inline))

/* A block of x and one of dy together fill half of a first-level cache of 32 KiB. Independent sums: as many as an
 * addition's latency needs. */
enum { BLOCK = 2048, SUMS = 4 };

struct sums {
    vf line[SUMS];
};

INLINE float total(const struct sums *s)
{
    return vf_sum((s->line[0] + s->line[1]) + (s->line[2] + s->line[3]));
}

static void join(struct cpu_moments *m, const struct cpu_moments *o)
{
    float n = m->n + o->n, apart = o->mean - m->mean, share = o->n / n, mean = m->mean + apart * share;
    if (o->n == 0.0f)
        return;
    m->dy_x += o->dy_x + m->dy * (m->mean - mean) + o->dy * (o->mean - mean);
    m->dy += o->dy;
    m->squares += o->squares + apart * apart * share * m->n;
    m->mean = mean;
    m->n = n;
}

/* The runs' sum of x. */
INLINE float sum_runs(const struct cpu_runs *r, const float *x)
{
    struct sums s = {{{0}}};
    for (size_t k = 0; k < r->count; k++, x += r->stride) {
        size_t i = 0;
        for (; i + SUMS * VL <= r->length; i += SUMS * VL) {
            CPU_UNROLL(4)
            for (int l = 0; l < SUMS; l++)
                s.line[l] += vf_load(x + i + (size_t)l * VL);
        }
        for (; i + VL <= r->length; i += VL)
            s.line[0] += vf_load(x + i);
        if (i < r->length)
            s.line[1] += vf_load_part(x + i, r->length - i);
    }
    return total(&s);
}

/* x - mean in the first n lanes, zero beyond, whatever the mean. */
INLINE vf part_minus(const float *x, size_t n, vf mean)
{
    return vf_bits(vi_bits(vf_load_part(x, n) - mean) & vi_first(n));
}

/* The lines of SUMS vectors. */
INLINE void fetch(const float *p)
{
    for (size_t i = 0; i < SUMS * VL; i += 16)
        __builtin_prefetch(p + i);
}

/* Sums around the mean that stands in *m: of squares if asked, of dy and dy (x - mean) if asked. Meanwhile the memory brings
 * what stands `ahead` floats further on. */
INLINE void sum_around(const bool squares, const bool both, const struct cpu_runs *r, size_t ahead, const float *x,
                       const float *dy, struct cpu_moments *m)
{
    struct sums s = {{{0}}}, u = {{{0}}}, p = {{{0}}};
    vf mean = vf_all(m->mean);
    for (size_t k = 0; k < r->count; k++, x += r->stride, dy += both ? r->stride : 0) {
        size_t i = 0;
        for (; i + SUMS * VL <= r->length; i += SUMS * VL) {
            if (ahead)
                fetch(x + i + ahead);
            if (ahead && both)
                fetch(dy + i + ahead);
            CPU_UNROLL(4)
            for (int l = 0; l < SUMS; l++) {
                vf d = vf_load(x + i + (size_t)l * VL) - mean, e = both ? vf_load(dy + i + (size_t)l * VL) : d;
                if (squares)
                    s.line[l] += d * d;
                if (both) {
                    u.line[l] += e;
                    p.line[l] += e * d;
                }
            }
        }
        for (size_t left = r->length - i; left; left -= left < VL ? left : VL, i += VL) {
            __builtin_prefetch(x + i + ahead);
            if (both)
                __builtin_prefetch(dy + i + ahead);
            vf d = left < VL ? part_minus(x + i, left, mean) : vf_load(x + i) - mean;
            vf e = !both ? d : left < VL ? vf_load_part(dy + i, left) : vf_load(dy + i);
            if (squares)
                s.line[0] += d * d;
            if (both) {
                u.line[0] += e;
                p.line[0] += e * d;
            }
        }
    }
    if (squares)
        m->squares += total(&s);
    if (both) {
        m->dy += total(&u);
        m->dy_x += total(&p);
    }
}

INLINE void add_block(const bool both, const struct cpu_runs *r, size_t ahead, const float *x, const float *dy,
                      struct cpu_moments *m)
{
    struct cpu_moments block = {.n = (float)(r->count * r->length)};
    block.mean = sum_runs(r, x) / block.n;
    sum_around(true, both, r, ahead, x, dy, &block);
    join(m, &block);
}

/* Blocks are pieces of long runs, or several short ones; behind a short one stands that of the next set. */
INLINE void add_blocks(const bool both, const struct cpu_runs *r, const float *x, const float *dy, struct cpu_moments *m)
{
    if (!r->length)
        return;
    size_t several = r->length >= BLOCK ? 1 : BLOCK / r->length;
    for (size_t k = 0; k < r->count; k += several)
        for (size_t i = 0; i < r->length; i += BLOCK) {
            struct cpu_runs block = {r->count - k < several ? r->count - k : several,
                                     r->length - i < BLOCK ? r->length - i : BLOCK, r->stride};
            size_t at = k * r->stride + i, ahead = several > 1 ? r->length : r->count - k > 1 ? r->stride - i : 0;
            add_block(both, &block, r->length - i > BLOCK ? BLOCK : ahead, x + at, both ? dy + at : x, m);
        }
}

static void add(const struct cpu_runs *r, const float *x, struct cpu_moments *m)
{
    add_blocks(false, r, x, x, m);
}

static void add_both(const struct cpu_runs *r, const float *x, const float *dy, struct cpu_moments *m)
{
    add_blocks(true, r, x, dy, m);
}

static void add_dy(const struct cpu_runs *r, const float *x, const float *dy, struct cpu_moments *m)
{
    sum_around(false, true, r, 0, x, dy, m);
}

static void shift(const struct cpu_runs *r, const float *x, float mean, float factor, float by, float *y)
{
    vf m = vf_all(mean), f = vf_all(factor), b = vf_all(by);
    for (size_t k = 0; k < r->count; k++, x += r->stride, y += r->stride) {
        size_t i = 0;
        for (; i + VL <= r->length; i += VL)
            vf_store(y + i, (vf_load(x + i) - m) * f + b);
        if (i < r->length)
            vf_store_part(y + i, (vf_load_part(x + i, r->length - i) - m) * f + b, r->length - i);
    }
}

static void project(const struct cpu_runs *r, const float *x, const float *dy, const struct cpu_projection *p, float *dx)
{
    vf scale = vf_all(p->scale), mean = vf_all(p->mean), m1 = vf_all(p->m1), m2 = vf_all(p->m2), factor = vf_all(p->factor);
    for (size_t k = 0; k < r->count; k++, x += r->stride, dy += r->stride, dx += r->stride) {
        size_t i = 0;
        for (; i + VL <= r->length; i += VL)
            vf_store(dx + i, (scale * vf_load(dy + i) - m1 - (vf_load(x + i) - mean) * m2) * factor);
        if (i < r->length) {
            vf d = vf_load_part(x + i, r->length - i) - mean, e = vf_load_part(dy + i, r->length - i);
            vf_store_part(dx + i, (scale * e - m1 - d * m2) * factor, r->length - i);
        }
    }
}

const struct cpu_statistics_kernels CPU_ISA_NAME(statistics) = {
    .add = add, .add_both = add_both, .add_dy = add_dy, .join = join, .shift = shift, .project = project};
