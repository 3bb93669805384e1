/* Resize by whole factors, its gradient, Pad: each output row, along the last axis, by itself. */
#include <stdlib.h>

#include "backends/cpu/cpu.h"

#include "assay/banned.h"

enum { GRAIN_ELEMENTS = 16384 };

struct rows {
    int32_t leading;              /* axes before the last */
    int64_t in[ASSAY_MAX_RANK], out[ASSAY_MAX_RANK];
    int64_t width[ASSAY_MAX_RANK]; /* factors, or what Pad puts before */
    size_t  n, pieces;            /* output rows */
    float   value;
    void (*one)(const struct rows *s, const float *x, size_t row, float *y);
};

struct running {
    const struct rows *s;
    const float       *x;
    float             *y;
};

static int64_t last_of(const struct rows *s, const int64_t *dims)
{
    return dims[s->leading];
}

static void some_rows(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->n, r->s->pieces, 1, chunk, &begin, &end);
    for (size_t row = begin; row < end; row++)
        r->s->one(r->s, r->x, row, r->y + row * (size_t)last_of(r->s, r->s->out));
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct rows *s = state;
    struct running     r = {s, call->in[0], call->out[0]};
    (void)err;
    cpu_pool_run(call->engine->pool, s->pieces, some_rows, &r);
    return ASSAY_OK;
}

static void resize_row(const struct rows *s, const float *x, size_t row, float *y)
{
    int64_t at = 0, stride = 1, rest = (int64_t)row, n = last_of(s, s->in), f = s->width[s->leading];
    for (int32_t d = s->leading - 1; d >= 0; d--) {
        at += rest % s->out[d] / s->width[d] * stride;
        stride *= s->in[d];
        rest /= s->out[d];
    }
    x += at * n;
    if (f == 1)
        memcpy(y, x, (size_t)n * sizeof *y);
    else if (f == 2)
        for (int64_t i = 0; i < n; i++)
            y[2 * i] = y[2 * i + 1] = x[i];
    else
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < f; k++)
                y[i * f + k] = x[i];
}

/* Here `in` is dY, `out` dX. */
static void add_row(const struct rows *s, const float *dy, float *dx)
{
    int64_t n = last_of(s, s->out), f = s->width[s->leading];
    for (int64_t i = 0; i < n && f == 1; i++)
        dx[i] += dy[i];
    for (int64_t i = 0; i < n && f == 2; i++)
        dx[i] += dy[2 * i] + dy[2 * i + 1];
    for (int64_t i = 0; i < n && f > 2; i++) {
        float sum = dy[i * f];
        for (int64_t k = 1; k < f; k++)
            sum += dy[i * f + k];
        dx[i] += sum;
    }
}

static void resize_grad_row(const struct rows *s, const float *dy, size_t row, float *dx)
{
    int64_t block = 1, wide = last_of(s, s->in);
    for (int32_t d = 0; d < s->leading; d++)
        block *= s->width[d];
    memset(dx, 0, (size_t)last_of(s, s->out) * sizeof *dx);
    for (int64_t k = 0; k < block; k++) {
        int64_t at = 0, stride = 1, rest = (int64_t)row, in_block = k;
        for (int32_t d = s->leading - 1; d >= 0; d--) {
            at += (rest % s->out[d] * s->width[d] + in_block % s->width[d]) * stride;
            stride *= s->in[d];
            rest /= s->out[d];
            in_block /= s->width[d];
        }
        add_row(s, dy + at * wide, dx);
    }
}

static void fill(float *y, int64_t begin, int64_t end, float value)
{
    for (int64_t i = begin; i < end; i++)
        y[i] = value;
}

static void pad_row(const struct rows *s, const float *x, size_t row, float *y)
{
    int64_t at = 0, stride = 1, rest = (int64_t)row, n = last_of(s, s->in), wide = last_of(s, s->out),
        before = s->width[s->leading];
    bool    inside = n > 0;
    for (int32_t d = s->leading - 1; d >= 0; d--) {
        int64_t place = rest % s->out[d] - s->width[d];
        inside = inside && place >= 0 && place < s->in[d];
        at += place * stride;
        stride *= s->in[d];
        rest /= s->out[d];
    }
    int64_t begin = before > 0 ? before : 0, end = before + n < wide ? before + n : wide;
    if (!inside || end < begin) {
        fill(y, 0, wide, s->value);
        return;
    }
    fill(y, 0, begin, s->value);
    memcpy(y + begin, x + at * n + (begin - before), (size_t)(end - begin) * sizeof *y);
    fill(y, end, wide, s->value);
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, const char *widths,
                               void (*one)(const struct rows *, const float *, size_t, float *), struct cpu_step *step,
                               struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0], *y = &node->out[0];
    int64_t                        list[2 * ASSAY_MAX_RANK] = {0};
    struct rows                   *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    (void)cpu_attr_i64s(node, widths, list, 2 * ASSAY_MAX_RANK);
    s->leading = x->rank ? x->rank - 1 : 0;
    s->in[0] = s->out[0] = 1;
    for (int32_t i = 0; i < x->rank; i++) {
        s->in[i] = x->dims[i];
        s->out[i] = y->dims[i];
        s->width[i] = list[i];
    }
    if (!x->rank)
        s->width[0] = one == pad_row ? 0 : 1;
    s->one = one;
    s->value = (float)cpu_attr_f64(node, "value", 0);
    size_t wide = (size_t)last_of(s, s->out), more = (size_t)last_of(s, s->in);
    s->n = wide ? (size_t)y->elements / wide : 0;
    wide = wide > more ? wide : more;
    s->pieces = cpu_pool_pieces(engine->pool, s->n, GRAIN_ELEMENTS / (wide + 1) + 1, 8);
    step->state = s;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "rows of ours, %zu of %zu", s->n, wide);
    return ASSAY_OK;
}

static enum assay_code prepare_resize(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                      struct assay_error *err)
{
    return prepare(engine, node, "factors", resize_row, step, err);
}

static enum assay_code prepare_resize_grad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                           struct assay_error *err)
{
    return prepare(engine, node, "factors", resize_grad_row, step, err);
}

static enum assay_code prepare_pad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                   struct assay_error *err)
{
    return prepare(engine, node, "widths", pad_row, step, err);
}

const struct cpu_op cpu_op_resize = {
    .name = "Resize", .domain = "", .accepts = accepts, .prepare = prepare_resize, .integer_inputs = 1u << 3};
const struct cpu_op cpu_op_resize_grad = {
    .name = "ResizeGrad", .domain = "assay", .accepts = accepts, .prepare = prepare_resize_grad};
const struct cpu_op cpu_op_pad = {
    .name = "Pad", .domain = "", .accepts = accepts, .prepare = prepare_pad, .integer_inputs = 1u << 1 | 1u << 3};
