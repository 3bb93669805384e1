#include "backends/cpu/pooling/volume.h"

#include <math.h>
#include <stdlib.h>

#include "backends/cpu/convolution/volume.h"

#include "assay/banned.h"

struct pool {
    struct cpu_volume v;
    size_t            pad_end[3];
    bool              average, backward, padded; /* padded: the zeros of the pads count in an average */
    size_t            volumes;
};

struct running {
    const struct pool *s;
    const float       *first, *x; /* X or dY; and X of the gradient of MaxPool */
    float             *to;
};

/* A window: the taps that look into the input, from `at`, `n` of them along each axis, and what an average divides by. */
struct window {
    size_t at[3], n[3], step[3];
    size_t counted;
};

static struct window window_at(const struct pool *s, const size_t o[3])
{
    struct window w = {.counted = 1};
    for (int d = 0; d < 3; d++) {
        size_t inside = 0, counted = 0, end = s->v.in[d] + s->v.pad[d] + s->pad_end[d];
        for (size_t k = 0; k < s->v.kernel[d]; k++) {
            size_t at = cpu_volume_at(&s->v, d, o[d], k);
            counted += s->padded ? o[d] * s->v.stride[d] + k * s->v.dilation[d] < end : at < s->v.in[d];
            if (at < s->v.in[d] && inside++ == 0)
                w.at[d] = at;
        }
        w.n[d] = inside;
        w.step[d] = s->v.dilation[d];
        w.counted *= counted;
    }
    return w;
}

/* Each `offset` that a window looks at, in row-major order of its taps. */
#define EACH_TAP(s, w, offset)                                                                             \
    for (size_t z_ = 0; z_ < (w)->n[0]; z_++)                                                              \
        for (size_t y_ = 0; y_ < (w)->n[1]; y_++)                                                          \
            for (size_t x_ = 0, offset; x_ < (w)->n[2] && (offset = offset_of(s, w, z_, y_, x_), true); x_++)

static size_t offset_of(const struct pool *s, const struct window *w, size_t z, size_t y, size_t x)
{
    return ((w->at[0] + z * w->step[0]) * s->v.in[1] + w->at[1] + y * w->step[1]) * s->v.in[2] + w->at[2] + x * w->step[2];
}

/* The first of the greatest; a NaN is greater than all. */
static size_t greatest_of(const struct pool *s, const struct window *w, const float *x)
{
    size_t best = offset_of(s, w, 0, 0, 0);
    EACH_TAP(s, w, offset)
        if (x[offset] > x[best] || (isnan(x[offset]) && !isnan(x[best])))
            best = offset;
    return best;
}

static float sum_of(const struct pool *s, const struct window *w, const float *x)
{
    float sum = 0;
    EACH_TAP(s, w, offset)
        sum += x[offset];
    return sum;
}

static void one_volume(void *self, size_t volume, unsigned thread)
{
    const struct running *r = self;
    const struct pool    *s = r->s;
    size_t                in = cpu_volume_elements(s->v.in), out = cpu_volume_elements(s->v.out), o[3];
    const float          *from = r->first + volume * (s->backward ? out : in), *x = r->x + (s->backward && !s->average ? volume * in : 0);
    float                *to = r->to + volume * (s->backward ? in : out);
    (void)thread;
    if (s->backward)
        memset(to, 0, in * sizeof *to);
    for (size_t i = 0; i < out; i++) {
        o[0] = i / s->v.out[2] / s->v.out[1];
        o[1] = i / s->v.out[2] % s->v.out[1];
        o[2] = i % s->v.out[2];
        struct window w = window_at(s, o);
        if (!s->backward)
            to[i] = s->average ? sum_of(s, &w, from) / (float)w.counted : from[greatest_of(s, &w, from)];
        else if (!s->average)
            to[greatest_of(s, &w, x)] += from[i];
        else
            EACH_TAP(s, &w, offset)
                to[offset] += from[i] / (float)w.counted;
    }
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct pool *s = state;
    struct running     r = {s, call->in[0], s->backward && !s->average ? call->in[1] : call->in[0], call->out[0]};
    (void)err;
    cpu_pool_run(call->engine->pool, s->volumes, one_volume, &r);
    return ASSAY_OK;
}

enum assay_code cpu_volume_pool_prepare(const struct cpu_engine *engine, const struct cpu_node *node, bool average, bool backward,
                                        const struct assay_value_view *x, const struct assay_value_view *y, struct cpu_step *step,
                                        struct assay_error *err)
{
    int64_t      pads[6] = {0};
    struct pool *s = calloc(1, sizeof *s);
    (void)engine;
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    cpu_volume_read(node, x, y, &s->v);
    (void)cpu_attr_i64s(node, "pads", pads, 6);
    for (int d = 0; d < 3; d++)
        s->pad_end[d] = (size_t)pads[3 + d];
    s->average = average;
    s->backward = backward;
    s->padded = cpu_attr_i64(node, "count_include_pad", 0) != 0;
    s->volumes = (size_t)x->dims[0] * (size_t)x->dims[1];
    step->state = s;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "window by window, %zu volumes of %zux%zux%zu by %zux%zux%zu", s->volumes, s->v.in[0],
                   s->v.in[1], s->v.in[2], s->v.kernel[0], s->v.kernel[1], s->v.kernel[2]);
    return ASSAY_OK;
}
