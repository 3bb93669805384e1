/* Expand, Concat, Split, Slice, assay.SliceGrad: copies of parts, of any type whose elements are whole bytes. */
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/moving/strided.h"

#include "assay/banned.h"

/* Elements worth a piece of their own. */
enum { GRAIN = 16384 };

/* Part i is a copy of input i (or the only one) into output i (or the only one). */
struct parts {
    bool               inputs_differ, outputs_differ;
    size_t             zero_bytes; /* of the output, written before; 0: none */
    size_t             elements;   /* of all parts */
    uint32_t           n;
    struct cpu_strided part[];
};

struct running {
    const struct parts    *p;
    const struct cpu_call *call;
    size_t                 pieces;
};

static void copy_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end, first = 0;
    (void)thread;
    cpu_pool_piece(r->p->elements, r->pieces, 64, chunk, &begin, &end);
    for (uint32_t i = 0; i < r->p->n && first < end; first += r->p->part[i++].elements) {
        const struct cpu_strided *s = &r->p->part[i];
        size_t                    from = begin > first ? begin - first : 0, to = end - first < s->elements ? end - first : s->elements;
        char                     *out = r->call->out[r->p->outputs_differ ? i : 0];
        if (from < to && out)
            cpu_strided_copy(s, r->call->in[r->p->inputs_differ ? i : 0], out, from, to);
    }
}

static void zero_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->p->zero_bytes, r->pieces, CPU_CACHE_LINE, chunk, &begin, &end);
    memset((char *)r->call->out[0] + begin, 0, end - begin);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct parts *p = state;
    struct running      r = {p, call, 0};
    (void)err;
    if (p->zero_bytes) {
        r.pieces = cpu_pool_pieces(call->engine->pool, p->zero_bytes, 4 * GRAIN, 4);
        cpu_pool_run(call->engine->pool, r.pieces, zero_piece, &r);
    }
    r.pieces = cpu_pool_pieces(call->engine->pool, p->elements, GRAIN, 4);
    if (p->elements)
        cpu_pool_run(call->engine->pool, r.pieces, copy_piece, &r);
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    if (assay_dtype_bits(node->in[0].dtype) % 8 == 0)
        return true;
    assay_text_add(why_not, "%s of ", node->op);
    cpu_describe_value(&node->in[0], why_not);
    assay_text_add(why_not, ": elements that share a byte are not moved one by one");
    return false;
}

static struct parts *parts_new(struct cpu_step *step, uint32_t n, const char *what, struct assay_error *err)
{
    struct parts *p = calloc(1, sizeof *p + n * sizeof *p->part);
    if (!p) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
        return NULL;
    }
    p->n = n;
    step->state = p;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s", what);
    return p;
}

static enum assay_code finish(struct parts *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        cpu_strided_end(&p->part[i]);
        p->elements += p->part[i].elements;
    }
    return ASSAY_OK;
}

/* Elements between neighbours along each axis. */
static void strides_of(const struct assay_value_view *v, ptrdiff_t stride[ASSAY_MAX_RANK])
{
    ptrdiff_t step = 1;
    for (int32_t d = v->rank - 1; d >= 0; step *= (ptrdiff_t)v->dims[d--])
        stride[d] = step;
}

static enum assay_code prepare_expand(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                      struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0], *y = &node->out[0];
    ptrdiff_t                      from[ASSAY_MAX_RANK] = {0}, to[ASSAY_MAX_RANK] = {0};
    struct parts                  *p = parts_new(step, 1, "runs repeated", err);
    (void)engine;
    if (!p)
        return err->code;
    strides_of(x, from);
    strides_of(y, to);
    cpu_strided_begin(&p->part[0], x->dtype, 0, 0);
    for (int32_t d = 0; d < y->rank; d++) {
        int32_t own = d - (y->rank - x->rank);
        cpu_strided_axis(&p->part[0], (size_t)y->dims[d], own < 0 || x->dims[own] == 1 ? 0 : from[own], to[d]);
    }
    return finish(p);
}

/* Part i of `whole` along the axis is `piece`, which begins there at `at`; joining writes the whole, cutting reads it. */
static void plan_piece(struct cpu_strided *s, const struct assay_value_view *whole, const struct assay_value_view *piece,
                       int64_t axis, int64_t at, bool joining)
{
    ptrdiff_t in_whole[ASSAY_MAX_RANK] = {0}, in_piece[ASSAY_MAX_RANK] = {0};
    strides_of(whole, in_whole);
    strides_of(piece, in_piece);
    ptrdiff_t begin = (ptrdiff_t)at * in_whole[axis];
    cpu_strided_begin(s, whole->dtype, joining ? 0 : begin, joining ? begin : 0);
    for (int32_t d = 0; d < whole->rank; d++)
        cpu_strided_axis(s, (size_t)piece->dims[d], joining ? in_piece[d] : in_whole[d], joining ? in_whole[d] : in_piece[d]);
}

static enum assay_code prepare_concat(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                      struct assay_error *err)
{
    int64_t       axis = cpu_attr_i64(node, "axis", 0), at = 0;
    struct parts *p = parts_new(step, node->n_in, "parts copied side by side", err);
    (void)engine;
    if (!p)
        return err->code;
    p->inputs_differ = true;
    for (uint32_t i = 0; i < node->n_in; at += node->in[i++].dims[axis])
        plan_piece(&p->part[i], &node->out[0], &node->in[i], axis, at, true);
    return finish(p);
}

static enum assay_code prepare_split(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    int64_t       axis = cpu_attr_i64(node, "axis", 0), at = 0, sizes[CPU_MAX_OUTPUTS];
    struct parts *p = parts_new(step, node->n_out, "parts copied apart", err);
    (void)engine;
    if (!p)
        return err->code;
    p->outputs_differ = true;
    (void)cpu_attr_i64s(node, "sizes", sizes, CPU_MAX_OUTPUTS);
    for (uint32_t i = 0; i < node->n_out; at += sizes[i++]) {
        if (cpu_has_out(node, i))
            plan_piece(&p->part[i], &node->in[0], &node->out[i], axis, at, false);
        else
            cpu_strided_begin(&p->part[i], node->in[0].dtype, 0, 0);
    }
    for (uint32_t i = 0; i < node->n_out; i++)
        p->part[i].elements = cpu_has_out(node, i) ? p->part[i].elements : 0;
    return finish(p);
}

/* A start as ONNX has it: from the end if negative, and cut off. */
static int64_t start_of(int64_t start, int64_t step, int64_t length)
{
    int64_t last = step > 0 ? length : length - 1;
    start += start < 0 ? length : 0;
    return start < 0 ? 0 : start > last ? last : start;
}

static enum assay_code prepare_slice(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0], *y = &node->out[0];
    const int64_t *starts = node->known[1], *axes = node->known[3], *steps = node->known[4];
    ptrdiff_t      stride[ASSAY_MAX_RANK] = {0}, from[ASSAY_MAX_RANK], to[ASSAY_MAX_RANK] = {0}, begin = 0;
    struct parts  *p = parts_new(step, 1, "parts copied out", err);
    (void)engine;
    if (!p)
        return err->code;
    strides_of(x, stride);
    strides_of(y, to);
    memcpy(from, stride, sizeof from);
    for (size_t i = 0; y->elements && i < node->in[1].elements; i++) {
        int64_t axis = axes ? axes[i] : (int64_t)i, by = steps ? steps[i] : 1;
        axis += axis < 0 ? x->rank : 0;
        begin += (ptrdiff_t)start_of(starts[i], by, x->dims[axis]) * stride[axis];
        from[axis] = y->dims[axis] > 1 ? (ptrdiff_t)by * stride[axis] : 0;
    }
    cpu_strided_begin(&p->part[0], x->dtype, begin, 0);
    for (int32_t d = 0; d < y->rank; d++)
        cpu_strided_axis(&p->part[0], (size_t)y->dims[d], from[d], to[d]);
    return finish(p);
}

static enum assay_code prepare_slice_grad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                          struct assay_error *err)
{
    const struct assay_value_view *dy = &node->in[0], *dx = &node->out[0];
    int64_t       starts[ASSAY_MAX_RANK] = {0}, steps[ASSAY_MAX_RANK] = {0};
    ptrdiff_t     stride[ASSAY_MAX_RANK] = {0}, from[ASSAY_MAX_RANK] = {0}, begin = 0;
    struct parts *p = parts_new(step, 1, "zeros, then the part copied in", err);
    (void)engine;
    if (!p)
        return err->code;
    (void)cpu_attr_i64s(node, "starts", starts, ASSAY_MAX_RANK);
    (void)cpu_attr_i64s(node, "steps", steps, ASSAY_MAX_RANK);
    strides_of(dy, from);
    strides_of(dx, stride);
    for (int32_t d = 0; dy->elements && d < dx->rank; d++)
        begin += (ptrdiff_t)starts[d] * stride[d];
    cpu_strided_begin(&p->part[0], dy->dtype, 0, begin);
    for (int32_t d = 0; d < dx->rank; d++)
        cpu_strided_axis(&p->part[0], (size_t)dy->dims[d], from[d], dy->dims[d] > 1 ? (ptrdiff_t)steps[d] * stride[d] : 0);
    p->zero_bytes = dx->elements == dy->elements ? 0 : dx->bytes;
    return finish(p);
}

#define PART(op, onnx, of_domain)                                                                          \
    const struct cpu_op cpu_op_##op = {.name = onnx, .domain = of_domain, .accepts = accepts,              \
                                       .prepare = prepare_##op, .any_type = true};
PART(expand, "Expand", "")
PART(concat, "Concat", "")
PART(split, "Split", "")
PART(slice, "Slice", "")
PART(slice_grad, "SliceGrad", "assay")
