/* Kernels of norms over channels: sums over elements that stand in runs, and what is made of them. One pass over memory
 * gives mean, variance and what the gradients need: blocks that stay in the first-level cache are looked at twice, first
 * for their mean, then for what is taken around it, and joined as Chan, Golub and LeVeque do (1983). */
#ifndef CPU_STATISTICS_STATISTICS_H
#define CPU_STATISTICS_STATISTICS_H

#include <stddef.h>

/* Elements r * stride + i, r < count, i < length. */
struct cpu_runs {
    size_t count, length, stride;
};

/* Of a set of elements x, and of dy at the same places. */
struct cpu_moments {
    float n, mean, squares;  /* squares: sum of (x - mean)^2 */
    float dy, dy_x;          /* sums of dy and of dy (x - mean) */
};

struct cpu_projection {
    float scale, mean, m1, m2, factor; /* factor * (scale dy - m1 - (x - mean) m2) */
};

struct cpu_statistics_kernels {
    /* Adds the runs' elements to what *m knows; all zeros is nothing. */
    void (*add)(const struct cpu_runs *runs, const float *x, struct cpu_moments *m);
    void (*add_both)(const struct cpu_runs *runs, const float *x, const float *dy, struct cpu_moments *m);
    /* Adds to m->dy and m->dy_x around the mean that stands in *m. */
    void (*add_dy)(const struct cpu_runs *runs, const float *x, const float *dy, struct cpu_moments *m);
    void (*join)(struct cpu_moments *m, const struct cpu_moments *other);
    /* y = (x - mean) * factor + shift. y may be x. */
    void (*shift)(const struct cpu_runs *runs, const float *x, float mean, float factor, float shift, float *y);
    /* dx may be x or dy. */
    void (*project)(const struct cpu_runs *runs, const float *x, const float *dy, const struct cpu_projection *p, float *dx);
};

#endif
