/* MaxPool, AveragePool, their gradients, GlobalAveragePool: planes shared out over the pool. One spatial axis is two with
 * a first of length 1; three are another kernel. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/pooling/pooling.h"
#include "backends/cpu/pooling/volume.h"
#include "backends/cpu/reduction/reduction.h"

#include "assay/banned.h"

enum { GRAIN_ELEMENTS = 16384 };

struct pool {
    struct cpu_pool_plan plan;
    bool   average, backward;
    size_t planes, shares;
    float *scratch; /* plan.scratch a thread */
};

struct running {
    const struct pool                *s;
    const struct cpu_pooling_kernels *kernels;
    const struct cpu_call            *call;
};

static void one_plane(const struct running *r, size_t plane, float *scratch)
{
    const struct cpu_pool_plan *p = &r->s->plan;
    size_t in = plane * p->in[0] * p->in[1], out = plane * p->out[0] * p->out[1];
    const float *first = r->call->in[0];
    float       *to = r->call->out[0];
    if (!r->s->backward && r->s->average)
        r->kernels->average(p, first + in, to + out, scratch);
    else if (!r->s->backward)
        r->kernels->max(p, first + in, to + out, scratch);
    else if (r->s->average)
        r->kernels->average_grad(p, first + out, to + in, scratch);
    else
        r->kernels->max_grad(p, first + out, (const float *)r->call->in[1] + in, to + in, scratch);
}

static void some_planes(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    cpu_pool_piece(r->s->planes, r->s->shares, 1, chunk, &begin, &end);
    for (size_t plane = begin; plane < end; plane++)
        one_plane(r, plane, r->s->scratch + thread * r->s->plan.scratch);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct pool *s = state;
    struct running     r = {s, call->engine->kernels->pooling, call};
    (void)err;
    cpu_pool_run(call->engine->pool, s->shares, some_planes, &r);
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    if (node->in[0].rank >= 3 && node->in[0].rank <= 5)
        return true;
    assay_text_add(why_not, "%s over %d spatial axes; 1 to 3 are handled", node->op, node->in[0].rank - 2);
    return false;
}

static void release(void *state)
{
    struct pool *s = state;
    free(s->plan.factor);
    free(s->plan.tap);
    free(s->plan.rows_counted);
    free(s->plan.inside);
    free(s->scratch);
    free(s);
}

static void read_plan(const struct cpu_node *node, const struct assay_value_view *x, const struct assay_value_view *y,
                      ptrdiff_t end[2], struct cpu_pool_plan *p)
{
    int     spatial = x->rank - 2;
    int64_t strides[2] = {1, 1}, dilations[2] = {1, 1}, kernel[2] = {1, 1}, pads[4] = {0};
    (void)cpu_attr_i64s(node, "strides", strides, 2);
    (void)cpu_attr_i64s(node, "dilations", dilations, 2);
    (void)cpu_attr_i64s(node, "kernel_shape", kernel, 2);
    (void)cpu_attr_i64s(node, "pads", pads, 4);
    *p = (struct cpu_pool_plan){.in = {1, 1}, .out = {1, 1}, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    for (int i = 0; i < spatial; i++) {
        int axis = i + 2 - spatial;
        p->in[axis] = (size_t)x->dims[i + 2];
        p->out[axis] = (size_t)y->dims[i + 2];
        p->kernel[axis] = (size_t)kernel[i];
        p->stride[axis] = (size_t)strides[i];
        p->dilation[axis] = (size_t)dilations[i];
        p->pad[axis] = (ptrdiff_t)pads[i];
        end[axis] = (ptrdiff_t)pads[spatial + i];
    }
}

/* Taps of window `o` along an axis that stand in the input, or in its pads too. */
static uint32_t counted(const struct cpu_pool_plan *p, int axis, size_t o, bool padded, ptrdiff_t end)
{
    uint32_t n = 0;
    for (size_t k = 0; k < p->kernel[axis]; k++) {
        ptrdiff_t at = (ptrdiff_t)(o * p->stride[axis] + k * p->dilation[axis]) - p->pad[axis];
        n += (padded || at >= 0) && at < (ptrdiff_t)p->in[axis] + (padded ? end : 0);
    }
    return n;
}

static bool count_averages(struct cpu_pool_plan *p, bool padded, const ptrdiff_t end[2])
{
    p->rows_counted = calloc(p->out[0] + 1, sizeof *p->rows_counted);
    p->factor = calloc((p->kernel[0] + 1) * p->out[1] + 1, sizeof *p->factor);
    if (!p->rows_counted || !p->factor)
        return false;
    for (size_t o = 0; o < p->out[0]; o++)
        p->rows_counted[o] = counted(p, 0, o, padded, end[0]);
    for (size_t o = 0; o < p->out[1]; o++) {
        double columns = counted(p, 1, o, padded, end[1]);
        for (size_t rows = 1; rows <= p->kernel[0]; rows++)
            p->factor[rows * p->out[1] + o] = (float)(1 / ((double)rows * columns));
    }
    return true;
}

static bool mark_inside(struct cpu_pool_plan *p)
{
    p->inside = calloc(p->stride[1] * p->phase + 1, sizeof *p->inside);
    for (size_t i = 0; p->inside && i < p->stride[1] * p->phase; i++) {
        ptrdiff_t column = (ptrdiff_t)(i % p->phase * p->stride[1] + i / p->phase) - p->pad[1];
        p->inside[i] = column >= 0 && column < (ptrdiff_t)p->in[1] ? -1 : 0;
    }
    return p->inside;
}

/* A tap reads whole vectors of windows from where it begins in its phase. */
static bool lay_out(struct cpu_pool_plan *p, size_t lanes, bool average, bool backward)
{
    size_t reach = (p->kernel[1] - 1) * p->dilation[1] / p->stride[1], whole = (p->out[1] + lanes - 1) / lanes * lanes;
    p->phase = (whole + reach + lanes) / lanes * lanes;
    p->margin = (reach + lanes) / lanes * lanes;
    size_t line = p->stride[1] * p->phase, row = p->phase + 2 * p->margin, high = p->kernel[0];
    if (!backward)
        p->scratch = 2 * line;
    else
        p->scratch = line + (average ? row : 2 * high * line + high * p->kernel[1] * row + 2 * high);
    p->scratch = (p->scratch + 31) / 16 * 16; /* cache lines */
    p->tap = calloc(p->kernel[1], sizeof *p->tap);
    for (size_t k = 0; p->tap && k < p->kernel[1]; k++) {
        size_t far = k * p->dilation[1], phase = far % p->stride[1], column = far / p->stride[1];
        p->tap[k] = (struct cpu_pool_tap){phase, column, phase * p->phase + column};
    }
    return p->tap;
}

static enum assay_code prepare_any(const struct cpu_engine *engine, const struct cpu_node *node, bool average, bool backward,
                                   struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *x = backward ? &node->out[0] : &node->in[0], *y = backward ? &node->in[0] : &node->out[0];
    ptrdiff_t    end[2] = {0, 0};
    if (x->rank == 5)
        return cpu_volume_pool_prepare(engine, node, average, backward, x, y, step, err);
    struct pool *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = run;
    s->average = average;
    s->backward = backward;
    read_plan(node, x, y, end, &s->plan);
    bool   laid = lay_out(&s->plan, engine->kernels->pooling->lanes, average, backward);
    s->planes = (size_t)x->dims[0] * (size_t)x->dims[1];
    size_t each = s->plan.in[0] * s->plan.in[1] + s->plan.out[0] * s->plan.out[1];
    s->shares = cpu_pool_pieces(engine->pool, s->planes, each >= GRAIN_ELEMENTS ? 1 : GRAIN_ELEMENTS / (each + 1) + 1, 8);
    s->scratch = cpu_block_new(cpu_pool_threads(engine->pool) * s->plan.scratch * sizeof *s->scratch);
    if (!laid || !s->scratch || (average && !count_averages(&s->plan, cpu_attr_i64(node, "count_include_pad", 0), end)) ||
        (!average && backward && !mark_inside(&s->plan)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the rows of a pool");
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu planes of %zux%zu by %zux%zu", s->planes,
                   s->plan.in[0], s->plan.in[1], s->plan.kernel[0], s->plan.kernel[1]);
    return ASSAY_OK;
}

#define PREPARE(name, average, backward)                                                                       \
    static enum assay_code prepare_##name(const struct cpu_engine *engine, const struct cpu_node *node,        \
                                          struct cpu_step *step, struct assay_error *err)                      \
    {                                                                                                          \
        return prepare_any(engine, node, average, backward, step, err);                                        \
    }
PREPARE(max, false, false)
PREPARE(max_grad, false, true)
PREPARE(average, true, false)
PREPARE(average_grad, true, true)

const struct cpu_op cpu_op_max_pool = {.name = "MaxPool", .domain = "", .accepts = accepts, .prepare = prepare_max};
const struct cpu_op cpu_op_max_pool_grad = {
    .name = "MaxPoolGrad", .domain = "assay", .accepts = accepts, .prepare = prepare_max_grad};
const struct cpu_op cpu_op_average_pool = {.name = "AveragePool", .domain = "", .accepts = accepts, .prepare = prepare_average};
const struct cpu_op cpu_op_average_pool_grad = {
    .name = "AveragePoolGrad", .domain = "assay", .accepts = accepts, .prepare = prepare_average_grad};

/* ---- GlobalAveragePool ------------------------------------------------------------------------------------------- */

struct global {
    size_t planes, each, shares;
};

struct running_global {
    const struct global               *s;
    const struct cpu_reduction_kernels *kernels;
    const float                        *x;
    float                              *y;
};

static void some_means(void *self, size_t chunk, unsigned thread)
{
    const struct running_global *r = self;
    size_t                       begin, end;
    (void)thread;
    cpu_pool_piece(r->s->planes, r->s->shares, 1, chunk, &begin, &end);
    for (size_t i = begin; i < end; i++)
        r->y[i] = r->kernels->row[CPU_REDUCE_SUM](r->s->each, r->x + i * r->s->each) / (float)r->s->each;
}

static enum assay_code run_global(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct global  *s = state;
    struct running_global r = {s, call->engine->kernels->reduction, call->in[0], call->out[0]};
    (void)err;
    cpu_pool_run(call->engine->pool, s->shares, some_means, &r);
    return ASSAY_OK;
}

static bool accepts_global(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static enum assay_code prepare_global(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                      struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0];
    struct global                 *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    s->planes = (size_t)x->dims[0] * (size_t)x->dims[1];
    s->each = 1;
    for (int32_t i = 2; i < x->rank; i++)
        s->each *= (size_t)x->dims[i];
    s->shares = cpu_pool_pieces(engine->pool, s->planes, s->each >= GRAIN_ELEMENTS ? 1 : GRAIN_ELEMENTS / s->each + 1, 8);
    step->state = s;
    step->release = free;
    step->run = run_global;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu rows of %zu", s->planes, s->each);
    return ASSAY_OK;
}

const struct cpu_op cpu_op_global_average_pool = {
    .name = "GlobalAveragePool", .domain = "", .accepts = accepts_global, .prepare = prepare_global};
