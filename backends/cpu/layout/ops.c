/* Transpose, Reshape, Copy. */
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/layout/transpose.h"
#include "backends/cpu/moving/strided.h"

#include "assay/banned.h"

enum { TILE = 64, COPY_BYTES = 64 * 1024 };

/* A transpose as loops over the output; axes that stay neighbours are one. */
struct transpose {
    int    rank;
    size_t length[ASSAY_MAX_RANK]; /* of the output's axes */
    size_t from[ASSAY_MAX_RANK];   /* stride of each in the input */
    size_t to[ASSAY_MAX_RANK];     /* and in the output */
    int    fast;                   /* the output axis along which the input is contiguous; -1: none longer than 1 */
    size_t outer;                  /* product of the axes that the kernel does not handle */
    size_t tiles_down, tiles_along; /* of the plane it handles */
};

struct running {
    const void *state;
    const char *x;
    char       *y;
    size_t      pieces;
};

static void plan(const struct cpu_node *node, struct transpose *t)
{
    const struct assay_value_view *x = &node->in[0];
    int64_t perm[ASSAY_MAX_RANK];
    size_t  stride[ASSAY_MAX_RANK] = {0}, step = 1;
    if (!cpu_attr_i64s(node, "perm", perm, ASSAY_MAX_RANK))
        for (int32_t i = 0; i < x->rank; i++)
            perm[i] = x->rank - 1 - i;
    for (int32_t i = x->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= (size_t)x->dims[i];
    }
    t->rank = 0;
    for (int32_t i = 0; i < x->rank; i++) {
        size_t n = (size_t)x->dims[perm[i]], from = stride[perm[i]];
        if (n == 1)
            continue;
        if (t->rank && t->from[t->rank - 1] == from * n) {
            t->length[t->rank - 1] *= n;
            t->from[t->rank - 1] = from;
            continue;
        }
        t->length[t->rank] = n;
        t->from[t->rank++] = from;
    }
    if (!t->rank) {
        t->length[0] = t->from[0] = 1;
        t->rank = 1;
    }
    step = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        t->to[i] = step;
        step *= t->length[i];
    }
}

static size_t tiles(size_t n)
{
    return (n + TILE - 1) / TILE;
}

/* Which plane the kernel turns: the output's last axis by the input's last; equal axes are runs to copy. */
static void choose_plane(struct transpose *t)
{
    int last = t->rank - 1;
    t->fast = last;
    for (int i = 0; i < t->rank; i++)
        if (t->from[i] == 1)
            t->fast = i;
    t->outer = 1;
    for (int i = 0; i < last; i++)
        t->outer *= i == t->fast ? 1 : t->length[i];
    t->tiles_down = t->fast == last ? 1 : tiles(t->length[last]);
    t->tiles_along = t->fast == last ? 1 : tiles(t->length[t->fast]);
}

static void outer_offsets(const struct transpose *t, size_t index, size_t *from, size_t *to)
{
    *from = *to = 0;
    for (int i = t->rank - 2; i >= 0; i--) {
        if (i == t->fast)
            continue;
        *from += index % t->length[i] * t->from[i];
        *to += index % t->length[i] * t->to[i];
        index /= t->length[i];
    }
}

struct transposing {
    const struct transpose             *t;
    const struct cpu_transpose_kernels *kernels;
    const float                        *x;
    float                              *y;
    size_t                              pieces;
};

static void transpose_tile(const struct transposing *r, size_t index)
{
    const struct transpose *t = r->t;
    int                     last = t->rank - 1;
    size_t along = index % t->tiles_along * TILE, down = index / t->tiles_along % t->tiles_down * TILE, from, to;
    outer_offsets(t, index / t->tiles_along / t->tiles_down, &from, &to);
    if (t->fast == last) {
        memcpy(r->y + to, r->x + from, t->length[last] * sizeof *r->y);
        return;
    }
    size_t rows = t->length[last] - down < TILE ? t->length[last] - down : TILE;
    size_t columns = t->length[t->fast] - along < TILE ? t->length[t->fast] - along : TILE;
    r->kernels->matrix(rows, columns, r->x + from + down * t->from[last] + along, t->from[last],
                       r->y + to + along * t->to[t->fast] + down, t->to[t->fast]);
}

static void transpose_piece(void *self, size_t chunk, unsigned thread)
{
    const struct transposing *r = self;
    size_t                    begin, end;
    (void)thread;
    cpu_pool_piece(r->t->outer * r->t->tiles_down * r->t->tiles_along, r->pieces, 1, chunk, &begin, &end);
    for (size_t i = begin; i < end; i++)
        transpose_tile(r, i);
}

static enum assay_code run_transpose(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct transpose *t = state;
    struct transposing      r = {t, call->engine->kernels->transpose, call->in[0], call->out[0], 0};
    size_t                  each = t->fast == t->rank - 1 ? t->length[t->rank - 1] : (size_t)TILE * TILE;
    (void)err;
    r.pieces = cpu_pool_pieces(call->engine->pool, t->outer * t->tiles_down * t->tiles_along,
                               each < 8192 ? 8192 / (each ? each : 1) : 1, 4);
    cpu_pool_run(call->engine->pool, r.pieces, transpose_piece, &r);
    return ASSAY_OK;
}

static bool accepts_any(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static bool accepts_transpose(const struct cpu_node *node, struct assay_text *why_not)
{
    if (assay_dtype_bits(node->in[0].dtype) % 8 == 0)
        return true;
    assay_text_add(why_not, "Transpose of elements that share a byte");
    return false;
}

/* ---- of elements that are not 32 bits: run by run ------------------------------------------------------------------ */

static void move_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running     *r = self;
    const struct cpu_strided *s = r->state;
    size_t                    begin, end;
    (void)thread;
    cpu_pool_piece(s->elements, r->pieces, CPU_CACHE_LINE, chunk, &begin, &end);
    cpu_strided_copy(s, r->x, r->y, begin, end);
}

static enum assay_code run_moves(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct cpu_strided *s = state;
    struct running r = {s, call->in[0], call->out[0], cpu_pool_pieces(call->engine->pool, s->elements, COPY_BYTES / 8, 4)};
    (void)err;
    if (s->elements)
        cpu_pool_run(call->engine->pool, r.pieces, move_piece, &r);
    return ASSAY_OK;
}

static enum assay_code prepare_moves(const struct cpu_node *node, struct cpu_step *step, struct assay_error *err)
{
    struct transpose    t;
    struct cpu_strided *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    plan(node, &t);
    cpu_strided_begin(s, node->in[0].dtype, 0, 0);
    for (int i = 0; i < t.rank; i++)
        cpu_strided_axis(s, t.length[i], (ptrdiff_t)t.from[i], (ptrdiff_t)t.to[i]);
    cpu_strided_end(s);
    step->state = s;
    step->release = free;
    step->run = run_moves;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s moved in runs of %zu", assay_dtype_name(node->in[0].dtype), s->length[s->rank - 1]);
    return ASSAY_OK;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static enum assay_code prepare_transpose(const struct cpu_engine *engine, const struct cpu_node *node,
                                         struct cpu_step *step, struct assay_error *err)
{
    (void)engine;
    if (assay_dtype_bits(node->in[0].dtype) != 32)
        return prepare_moves(node, step, err);
    struct transpose *t = calloc(1, sizeof *t);
    if (!t)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    plan(node, t);
    choose_plane(t);
    if (!node->out[0].elements)
        t->outer = 0;
    step->state = t;
    step->release = free;
    step->run = run_transpose;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s, %d merged axes",
                   t->fast == t->rank - 1 ? "runs copied" : "8x8 squares turned in registers", t->rank);
    return ASSAY_OK;
}

struct copy {
    size_t bytes;
};

static void copy_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct copy    *c = r->state;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(c->bytes, r->pieces, CPU_CACHE_LINE, chunk, &begin, &end);
    memcpy(r->y + begin, r->x + begin, end - begin);
}

static enum assay_code run_copy(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct copy *c = state;
    struct running r = {c, call->in[0], call->out[0], cpu_pool_pieces(call->engine->pool, c->bytes, COPY_BYTES, 4)};
    (void)err;
    if (r.x != r.y)
        cpu_pool_run(call->engine->pool, r.pieces, copy_piece, &r);
    return ASSAY_OK;
}

static enum assay_code prepare_copy(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    struct copy *c = calloc(1, sizeof *c);
    (void)engine;
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    c->bytes = node->out[0].bytes;
    step->state = c;
    step->release = free;
    step->run = run_copy;
    (void)snprintf(step->kernel, sizeof step->kernel, "memcpy of %zu bytes", c->bytes);
    return ASSAY_OK;
}

static bool accepts_copy(const struct cpu_node *node, struct assay_text *why_not)
{
    if (node->in[0].place == ASSAY_PLACE_PEER || node->out[0].place == ASSAY_PLACE_PEER) {
        assay_text_add(why_not, "Copy to or from a peer; this device has none");
        return false;
    }
    return true;
}

const struct cpu_op cpu_op_transpose = {.name = "Transpose", .domain = "", .accepts = accepts_transpose,
                                        .prepare = prepare_transpose, .any_type = true};
const struct cpu_op cpu_op_reshape = {.name = "Reshape", .domain = "", .in_place = true, .accepts = accepts_any,
                                      .prepare = prepare_copy, .any_type = true};
#define RENAMES(op, onnx)                                                                                         \
    const struct cpu_op cpu_op_##op = {.name = onnx, .domain = "", .in_place = true, .accepts = accepts_any,     \
                                       .prepare = prepare_copy, .any_type = true};
RENAMES(squeeze, "Squeeze")
RENAMES(unsqueeze, "Unsqueeze")
RENAMES(flatten, "Flatten")
RENAMES(identity, "Identity")
const struct cpu_op cpu_op_copy = {.name = "Copy", .domain = "assay", .in_place = true, .accepts = accepts_copy,
                                   .prepare = prepare_copy, .any_type = true};
