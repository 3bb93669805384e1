/* ReduceSum, ReduceMean, ReduceSumSquare, ReduceL2, ReduceMax, ReduceMin over any set of axes. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/reduction/reduction.h"

#include "assay/banned.h"

enum { GRAIN_ELEMENTS = 16384, COLUMN_BLOCK = 1024 };

/* A list of loops around the kernel: lengths and strides. */
struct loops {
    int    n;
    size_t length[ASSAY_MAX_RANK], stride[ASSAY_MAX_RANK], count;
};

struct reduce {
    enum cpu_reduce how, joins; /* joins: how results of pieces come together */
    bool            mean, root; /* divided by how many they are; the root taken */
    bool            across; /* the last axis is kept: the kernel works on columns of it */
    struct loops    kept, reduced; /* outside the kernel */
    size_t          n, stride;     /* what the kernel reduces */
    size_t          columns;       /* results it gives at once; 1 along a row */
    size_t          outputs, factor; /* factor: how many numbers make one */
    size_t          blocks;        /* of columns */
    size_t          pieces;        /* of the reduction itself, when there are too few results to share out */
    float          *partial;       /* [pieces][outputs] if pieces > 1 */
};

struct running {
    const struct reduce                *s;
    const struct cpu_reduction_kernels *kernels;
    const float                        *x;
    float                              *y;
    size_t                              shares;
};

static void add_loop(struct loops *l, size_t length, size_t stride)
{
    l->length[l->n] = length;
    l->stride[l->n++] = stride;
    l->count *= length;
}

static size_t offset_of(const struct loops *l, size_t index)
{
    size_t at = 0;
    for (int i = l->n - 1; i >= 0; i--) {
        at += index % l->length[i] * l->stride[i];
        index /= l->length[i];
    }
    return at;
}

/* One result (or block of columns) from a share of the reduction. */
static void reduce_one(const struct running *r, size_t result, size_t piece, float *y)
{
    const struct reduce *s = r->s;
    size_t outer_begin = 0, outer_end = s->reduced.count, begin = 0, end = s->n;
    if (s->reduced.count > 1)
        cpu_pool_piece(s->reduced.count, s->pieces, 1, piece, &outer_begin, &outer_end);
    else
        cpu_pool_piece(s->n, s->pieces, 64, piece, &begin, &end);
    size_t       column = result % s->blocks * COLUMN_BLOCK, row = result / s->blocks;
    size_t       width = s->columns - column < COLUMN_BLOCK ? s->columns - column : COLUMN_BLOCK;
    const float *x = r->x + offset_of(&s->kept, row) + begin * s->stride + column;
    y += row * s->columns + column;
    for (size_t j = 0; j < width; j++)
        y[j] = s->joins == CPU_REDUCE_SUM ? 0.0f : s->how == CPU_REDUCE_MAX ? -__builtin_inff() : __builtin_inff();
    for (size_t i = outer_begin; i < outer_end; i++) {
        const float *from = x + offset_of(&s->reduced, i);
        float        one;
        if (s->across) {
            r->kernels->columns[s->how](end - begin, s->stride, width, from, y);
        } else {
            one = r->kernels->row[s->how](end - begin, from);
            r->kernels->columns[s->joins](1, 1, 1, &one, y);
        }
    }
}

static void run_share(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct reduce  *s = r->s;
    size_t                results = s->kept.count * s->blocks, begin, end;
    (void)thread;
    if (s->pieces > 1) {
        for (size_t i = 0; i < results; i++)
            reduce_one(r, i, chunk, s->partial + chunk * s->outputs);
        return;
    }
    cpu_pool_piece(results, r->shares, 1, chunk, &begin, &end);
    for (size_t i = begin; i < end; i++)
        reduce_one(r, i, 0, r->y);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct reduce *s = state;
    struct running       r = {s, call->engine->kernels->reduction, call->in[0], call->out[0], 0};
    size_t results = s->kept.count * s->blocks, each = s->factor * (s->columns < COLUMN_BLOCK ? s->columns : COLUMN_BLOCK);
    (void)err;
    if (!s->outputs)
        return ASSAY_OK;
    r.shares = cpu_pool_pieces(call->engine->pool, results, each < GRAIN_ELEMENTS ? GRAIN_ELEMENTS / (each ? each : 1) : 1, 4);
    cpu_pool_run(call->engine->pool, s->pieces > 1 ? s->pieces : r.shares, run_share, &r);
    if (s->pieces > 1) {
        memcpy(r.y, s->partial, s->outputs * sizeof *r.y);
        r.kernels->columns[s->joins](s->pieces - 1, s->outputs, s->outputs, s->partial + s->outputs, r.y);
    }
    if (s->mean)
        for (size_t i = 0; i < s->outputs; i++)
            r.y[i] /= (float)s->factor;
    if (s->root)
        for (size_t i = 0; i < s->outputs; i++)
            r.y[i] = sqrtf(r.y[i]);
    return ASSAY_OK;
}

/* Which axes are reduced; false with a reason if that is not known now. */
static bool read_axes(const struct cpu_node *node, bool *reduced, struct assay_text *why_not)
{
    int32_t rank = node->in[0].rank;
    bool    has_axes = cpu_has_in(node, 1) && node->in[1].elements > 0;
    for (int32_t i = 0; i < rank; i++)
        reduced[i] = !has_axes && !cpu_attr_i64(node, "noop_with_empty_axes", 0);
    if (!has_axes)
        return true;
    if (node->in[1].dtype != ASSAY_I64 || !node->known[1]) {
        assay_text_add(why_not, "%s with axes '%s' that are not int64 numbers of the graph", node->op, node->in[1].name);
        return false;
    }
    for (uint64_t i = 0; i < node->in[1].elements; i++) {
        int64_t axis;
        memcpy(&axis, (const char *)node->known[1] + i * sizeof axis, sizeof axis);
        axis += axis < 0 ? rank : 0;
        if (axis < 0 || axis >= rank) {
            assay_text_add(why_not, "%s over axis %lld of a tensor of rank %d", node->op, (long long)axis, rank);
            return false;
        }
        reduced[axis] = true;
    }
    return true;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    bool reduced[ASSAY_MAX_RANK];
    return read_axes(node, reduced, why_not);
}

/* Merges neighbours that are treated alike and gives the innermost to the kernel. */
static void plan(const struct assay_value_view *x, const bool *reduced, struct reduce *s)
{
    size_t length[ASSAY_MAX_RANK] = {0};
    bool   is_reduced[ASSAY_MAX_RANK] = {false};
    int    n = 0;
    for (int32_t i = 0; i < x->rank; i++) {
        if (x->dims[i] == 1)
            continue;
        if (n && is_reduced[n - 1] == reduced[i]) {
            length[n - 1] *= (size_t)x->dims[i];
            continue;
        }
        length[n] = (size_t)x->dims[i];
        is_reduced[n++] = reduced[i];
    }
    s->n = s->stride = s->columns = s->factor = s->kept.count = s->reduced.count = 1;
    int    last = n - 1;
    size_t stride = 1;
    if (last >= 0 && !is_reduced[last]) {
        s->across = true;
        s->columns = length[last];
        stride *= length[last--];
    }
    s->stride = stride;
    if (last >= 0) {
        s->n = s->factor = length[last];
        stride *= length[last--];
    }
    for (; last >= 0; stride *= length[last--]) {
        add_loop(is_reduced[last] ? &s->reduced : &s->kept, length[last], stride);
        s->factor *= is_reduced[last] ? length[last] : 1;
    }
    s->blocks = (s->columns + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
}

/* Loops are found from the inside; results are numbered from the outside. */
static void turn_round(struct loops *l)
{
    for (int i = 0, j = l->n - 1; i < j; i++, j--) {
        size_t length = l->length[i], stride = l->stride[i];
        l->length[i] = l->length[j];
        l->stride[i] = l->stride[j];
        l->length[j] = length;
        l->stride[j] = stride;
    }
}

static void release(void *state)
{
    struct reduce *s = state;
    free(s->partial);
    free(s);
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, enum cpu_reduce how, bool mean,
                               bool root, struct cpu_step *step, struct assay_error *err)
{
    bool              reduced[ASSAY_MAX_RANK];
    char              why[200];
    struct assay_text why_not = ASSAY_TEXT(why);
    struct reduce    *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = run;
    s->how = how;
    s->joins = how == CPU_REDUCE_SQUARES ? CPU_REDUCE_SUM : how;
    s->mean = mean;
    s->root = root;
    s->outputs = node->out[0].elements;
    s->pieces = 1;
    if (!read_axes(node, reduced, &why_not))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s", why);
    plan(&node->in[0], reduced, s);
    turn_round(&s->kept);
    turn_round(&s->reduced);
    size_t threads = cpu_pool_threads(engine->pool), along = s->reduced.count > 1 ? s->reduced.count : (s->n + 63) / 64;
    if (s->kept.count * s->blocks < threads && s->outputs && node->in[0].elements >= 2 * GRAIN_ELEMENTS)
        s->pieces = along < 4 * threads ? along : 4 * threads;
    if (s->pieces > 1)
        s->partial = cpu_block_new(s->pieces * s->outputs * sizeof *s->partial);
    if (s->pieces > 1 && !s->partial)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for partial results");
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours %s the last axis, %zu results of %zu",
                   s->across ? "across" : "along", s->outputs, s->factor);
    return ASSAY_OK;
}

#define REDUCE(op, onnx, how, mean, root)                                                                    \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node, \
                                        struct cpu_step *step, struct assay_error *err)               \
    {                                                                                                  \
        return prepare(engine, node, how, mean, root, step, err);                                            \
    }                                                                                                  \
    const struct cpu_op cpu_op_##op = {                                                                \
        .name = onnx, .domain = "", .accepts = accepts, .prepare = prepare_##op, .integer_inputs = 1u << 1};

REDUCE(reduce_sum, "ReduceSum", CPU_REDUCE_SUM, false, false)
REDUCE(reduce_mean, "ReduceMean", CPU_REDUCE_SUM, true, false)
REDUCE(reduce_max, "ReduceMax", CPU_REDUCE_MAX, false, false)
REDUCE(reduce_min, "ReduceMin", CPU_REDUCE_MIN, false, false)
REDUCE(reduce_sum_square, "ReduceSumSquare", CPU_REDUCE_SQUARES, false, false)
REDUCE(reduce_l2, "ReduceL2", CPU_REDUCE_SQUARES, false, true)
