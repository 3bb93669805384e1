/* TopK, assay.TopKGrad, ArgMax, assay.ReduceExtremeGrad. */
#include <limits.h>
#include <stdlib.h>

#include "backends/cpu/choosing/choosing.h"
#include "backends/cpu/choosing/lines.h"
#include "backends/cpu/moving/scatter.h"
#include "backends/cpu/reduction/reduction.h"

#include "assay/banned.h"

enum { GRAIN = 8192, COLUMNS = CPU_CHOOSING_COLUMNS };

struct top {
    struct cpu_lines   lines; /* of the longer operand */
    size_t             k;
    bool               least, last, wide; /* last: of equals the last; wide: indices are i64 */
    struct cpu_ranked *heap;  /* TopK's, k a thread */
    size_t             heap_room;
};

struct running {
    const struct top         *t;
    const struct cpu_kernels *kernels;
    const void               *in[2];
    void                     *out[2];
    size_t                    pieces;
};

static void release(void *state)
{
    struct top *t = state;
    free(t->heap);
    free(t);
}

static struct top *top_new(struct cpu_step *step, const struct assay_value_view *whole, int64_t axis, struct assay_error *err)
{
    struct top *t = calloc(1, sizeof *t);
    if (!t) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
        return NULL;
    }
    t->lines = cpu_lines_of(whole, axis);
    step->state = t;
    step->release = release;
    return t;
}

/* Runs `work` over all lines, in pieces of some microseconds. */
static void over_lines(const struct cpu_engine *engine, struct running *r, size_t each, cpu_pool_work *work)
{
    size_t lines = r->t->lines.outer * r->t->lines.inner;
    r->kernels = engine->kernels;
    r->pieces = cpu_pool_pieces(engine->pool, lines, GRAIN / (each + 1) + 1, 4);
    if (lines)
        cpu_pool_run(engine->pool, r->pieces, work, r);
}

static size_t first_of(const struct cpu_lines *l, size_t line, size_t length)
{
    return line / l->inner * length * l->inner + line % l->inner;
}

/* ---- TopK ----------------------------------------------------------------------------------------------------- */

static void top_k_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct top     *t = r->t;
    struct cpu_ranked    *heap = t->heap + thread * t->heap_room;
    float                *values = r->out[0];
    int64_t              *indices = r->out[1];
    size_t                begin, end, inner = t->lines.inner;
    cpu_pool_piece(t->lines.outer * inner, r->pieces, 1, chunk, &begin, &end);
    for (size_t line = begin; line < end; line++) {
        const float *x = r->in[0];
        size_t       to = first_of(&t->lines, line, t->k);
        cpu_best(t->lines.length, x + first_of(&t->lines, line, t->lines.length), inner, t->least, t->k, heap);
        for (size_t i = 0; i < t->k; i++) {
            values[to + i * inner] = heap[i].value;
            if (indices)
                indices[to + i * inner] = heap[i].index;
        }
    }
}

static enum assay_code run_top_k(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct top *t = state;
    struct running    r = {.t = t, .in = {call->in[0]}, .out = {call->out[0], call->out[1]}};
    (void)err;
    over_lines(call->engine, &r, t->lines.length, top_k_piece);
    return ASSAY_OK;
}

static bool accepts_top_k(const struct cpu_node *node, struct assay_text *why_not)
{
    if (node->in[0].elements > INT32_MAX) {
        assay_text_add(why_not, "TopK of more elements than 32 bits count");
        return false;
    }
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not);
}

static enum assay_code prepare_top_k(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    int64_t     axis = cpu_attr_i64(node, "axis", -1);
    struct top *t = top_new(step, &node->in[0], axis, err);
    if (!t)
        return err->code;
    t->k = (size_t)node->out[0].dims[axis];
    t->least = !cpu_attr_i64(node, "largest", 1);
    t->heap_room = (t->k + 7) / 8 * 8;
    t->heap = cpu_block_new(t->heap_room * cpu_pool_threads(engine->pool) * sizeof *t->heap);
    if (!t->heap)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %zu best", t->k);
    step->run = run_top_k;
    (void)snprintf(step->kernel, sizeof step->kernel, "a heap of %zu, %zu lines of %zu", t->k, t->lines.outer * t->lines.inner,
                   t->lines.length);
    return ASSAY_OK;
}

/* ---- TopKGrad ------------------------------------------------------------------------------------------------- */

static void scatter_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct top     *t = r->t;
    const float          *dy = r->in[0];
    float                *dx = r->out[0];
    size_t                begin, end, inner = t->lines.inner;
    (void)thread;
    cpu_pool_piece(t->lines.outer, r->pieces, 1, chunk, &begin, &end);
    memset(dx + begin * t->lines.length * inner, 0, (end - begin) * t->lines.length * inner * sizeof *dx);
    for (size_t line = begin * inner; line < end * inner; line++) {
        size_t from = first_of(&t->lines, line, t->k), to = first_of(&t->lines, line, t->lines.length);
        for (size_t i = 0; i < t->k; i++)
            dx[to + (size_t)cpu_index_at(r->in[1], t->wide, from + i * inner) * inner] = dy[from + i * inner];
    }
}

static enum assay_code run_top_k_grad(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct top *t = state;
    struct running    r = {.t = t, .in = {call->in[0], call->in[1]}, .out = {call->out[0]}};
    size_t            indices = t->lines.outer * t->k * t->lines.inner, each = t->lines.length * t->lines.inner;
    if (cpu_index_check("index", r.in[1], t->wide, indices, 0, (int64_t)t->lines.length, err))
        return err->code;
    r.pieces = cpu_pool_pieces(call->engine->pool, t->lines.outer, GRAIN / (each + 1) + 1, 4);
    if (t->lines.outer)
        cpu_pool_run(call->engine->pool, r.pieces, scatter_piece, &r);
    return ASSAY_OK;
}

static bool accepts_top_k_grad(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && cpu_in_is(node, 1, CPU_TYPES_INDEX, why_not);
}

static enum assay_code prepare_top_k_grad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                          struct assay_error *err)
{
    int64_t     axis = cpu_attr_i64(node, "axis", -1);
    struct top *t = top_new(step, &node->out[0], axis, err);
    (void)engine;
    if (!t)
        return err->code;
    t->k = (size_t)node->in[0].dims[axis];
    t->wide = node->in[1].dtype == ASSAY_I64;
    step->run = run_top_k_grad;
    (void)snprintf(step->kernel, sizeof step->kernel, "zeros, then %zu a line put in", t->k);
    return ASSAY_OK;
}

/* ---- ArgMax --------------------------------------------------------------------------------------------------- */

/* One line: its extreme by the kernel of reductions, then where it stands. NaN is found where it stands first. */
static int64_t arg_max_line(const struct running *r, const float *x, size_t n)
{
    float  best = r->kernels->reduction->row[CPU_REDUCE_MAX](n, x);
    size_t i = 0;
    if (best != best)
        while (x[i] == x[i])
            i++;
    else if (r->t->last)
        for (i = n - 1; x[i] != best;)
            i--;
    else
        while (x[i] != best)
            i++;
    return (int64_t)i;
}

static void arg_max_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct top     *t = r->t;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(t->lines.outer * t->lines.inner, r->pieces, 1, chunk, &begin, &end);
    for (size_t line = begin, width; line < end; line += width) {
        size_t left = t->lines.inner - line % t->lines.inner;
        width = left < end - line ? left : end - line;
        width = width < COLUMNS ? width : COLUMNS;
        if (t->lines.inner == 1)
            ((int64_t *)r->out[0])[line] = arg_max_line(r, (const float *)r->in[0] + line * t->lines.length, t->lines.length);
        else
            r->kernels->choosing->arg_max(t->lines.length, t->lines.inner, width, t->last,
                                          (const float *)r->in[0] + first_of(&t->lines, line, t->lines.length),
                                          (int64_t *)r->out[0] + line);
    }
}

static enum assay_code run_arg_max(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct top *t = state;
    struct running    r = {.t = t, .in = {call->in[0]}, .out = {call->out[0]}};
    (void)err;
    over_lines(call->engine, &r, t->lines.length, arg_max_piece);
    return ASSAY_OK;
}

static bool accepts_arg_max(const struct cpu_node *node, struct assay_text *why_not)
{
    if (node->in[0].elements > INT32_MAX) {
        assay_text_add(why_not, "ArgMax of more elements than 32 bits count");
        return false;
    }
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not);
}

static enum assay_code prepare_arg_max(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    struct top *t = top_new(step, &node->in[0], cpu_attr_i64(node, "axis", 0), err);
    (void)engine;
    if (!t)
        return err->code;
    t->last = cpu_attr_i64(node, "select_last_index", 0) != 0;
    step->run = run_arg_max;
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu lines of %zu", t->lines.outer * t->lines.inner, t->lines.length);
    return ASSAY_OK;
}

/* ---- ReduceExtremeGrad ---------------------------------------------------------------------------------------- */

static void share_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct top     *t = r->t;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(t->lines.outer * t->lines.inner, r->pieces, 1, chunk, &begin, &end);
    for (size_t line = begin, width; line < end; line += width) {
        size_t left = t->lines.inner - line % t->lines.inner;
        width = left < end - line ? left : end - line;
        width = width < COLUMNS ? width : COLUMNS;
        size_t at = first_of(&t->lines, line, t->lines.length);
        r->kernels->choosing->share(t->lines.length, t->lines.inner, width, t->least, (const float *)r->in[0] + line,
                                    (const float *)r->in[1] + at, (float *)r->out[0] + at);
    }
}

static enum assay_code run_share(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct top *t = state;
    struct running    r = {.t = t, .in = {call->in[0], call->in[1]}, .out = {call->out[0]}};
    (void)err;
    over_lines(call->engine, &r, t->lines.length, share_piece);
    return ASSAY_OK;
}

/* The axes that are folded, as one; false when others that are longer than 1 stand between them. */
static bool one_axis(const struct cpu_node *node, struct cpu_lines *l)
{
    const struct assay_value_view *x = &node->in[1];
    int64_t                        axes[ASSAY_MAX_RANK];
    bool                           folded[ASSAY_MAX_RANK] = {false};
    size_t                         n = cpu_attr_i64s(node, "axes", axes, ASSAY_MAX_RANK);
    int                            part = 0; /* before, in, behind them */
    for (size_t i = 0; i < n; i++)
        folded[axes[i]] = true;
    *l = (struct cpu_lines){1, 1, 1};
    for (int32_t d = 0; d < x->rank; d++) {
        size_t length = (size_t)x->dims[d];
        if (length == 1)
            continue;
        if (part == 0 && folded[d])
            part = 1;
        if (part == 1 && !folded[d])
            part = 2;
        if (part == 2 && folded[d])
            return false;
        *(part == 0 ? &l->outer : part == 1 ? &l->length : &l->inner) *= length;
    }
    return true;
}

static bool accepts_share(const struct cpu_node *node, struct assay_text *why_not)
{
    struct cpu_lines l;
    if (!one_axis(node, &l)) {
        assay_text_add(why_not, "the gradient of an extreme over axes that are not neighbours");
        return false;
    }
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not);
}

static enum assay_code prepare_share(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    struct top *t = calloc(1, sizeof *t);
    (void)engine;
    if (!t)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    (void)one_axis(node, &t->lines);
    t->least = !cpu_attr_i64(node, "largest", 1);
    step->state = t;
    step->release = release;
    step->run = run_share;
    (void)snprintf(step->kernel, sizeof step->kernel, "shares of equals, %zu lines of %zu", t->lines.outer * t->lines.inner,
                   t->lines.length);
    return ASSAY_OK;
}

const struct cpu_op cpu_op_top_k = {.name = "TopK", .domain = "", .accepts = accepts_top_k, .prepare = prepare_top_k, .any_type = true};
const struct cpu_op cpu_op_top_k_grad = {.name = "TopKGrad", .domain = "assay", .accepts = accepts_top_k_grad,
                                         .prepare = prepare_top_k_grad, .any_type = true};
const struct cpu_op cpu_op_arg_max = {.name = "ArgMax", .domain = "", .accepts = accepts_arg_max, .prepare = prepare_arg_max,
                                      .any_type = true};
const struct cpu_op cpu_op_reduce_extreme_grad = {.name = "ReduceExtremeGrad", .domain = "assay", .accepts = accepts_share,
                                                  .prepare = prepare_share, .any_type = true};
