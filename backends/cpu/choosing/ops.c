/* Comparisons, And, Not, Where, Clip, Reciprocal, Pow, Sin, Cos: one row each, on operands that stretch. */
#include <stdlib.h>

#include "backends/cpu/choosing/choosing.h"
#include "backends/cpu/choosing/numbers.h"
#include "backends/cpu/cpu.h"

#include "assay/banned.h"

/* A piece is at least this long: some microseconds of the cheapest kernel. */
enum { GRAIN = 8192, OPERANDS = 3 };

/* The result's axes, neighbours along which all operands go on alike merged; the last is the run. */
struct choosing {
    cpu_choosing_fn *kernel;
    int              rank, operands;
    size_t           dims[ASSAY_MAX_RANK];
    size_t           step[OPERANDS][ASSAY_MAX_RANK]; /* in elements, 0 where repeated */
    size_t           bytes[OPERANDS], out_bytes, elements;
    float            low, high; /* Clip's ends where they are absent */
};

struct running {
    const struct choosing *s;
    const char            *in[OPERANDS];
    char                  *out;
    size_t                 pieces;
};

/* Elements to move in v for one step along axis `axis` of the result; 0 where v is repeated. */
static size_t step_of(const struct assay_value_view *v, const struct assay_value_view *out, int axis)
{
    int    own = axis - (out->rank - v->rank);
    size_t step = 1;
    if (own < 0 || v->dims[own] == 1)
        return 0;
    for (int i = own + 1; i < v->rank; i++)
        step *= (size_t)v->dims[i];
    return step;
}

static void plan(const struct cpu_node *node, struct choosing *s)
{
    const struct assay_value_view *out = &node->out[0];
    for (int axis = 0; axis < out->rank; axis++) {
        size_t n = (size_t)out->dims[axis], step[OPERANDS] = {0};
        int    last = s->rank - 1;
        bool   joins = last >= 0;
        if (n == 1)
            continue;
        for (int k = 0; k < s->operands; k++) {
            step[k] = cpu_has_in(node, (uint32_t)k) ? step_of(&node->in[k], out, axis) : 0;
            joins = joins && s->step[k][last] == step[k] * n;
        }
        int at = joins ? last : s->rank++;
        s->dims[at] = joins ? s->dims[at] * n : n;
        for (int k = 0; k < s->operands; k++)
            s->step[k][at] = step[k];
    }
    if (!s->rank) {
        s->dims[0] = 1;
        s->rank = 1;
    }
}

/* Walks [begin, end) of the result in runs of its last merged axis. */
static void range(const struct running *r, size_t begin, size_t end)
{
    const struct choosing *s = r->s;
    int                    last = s->rank - 1;
    size_t                 index[ASSAY_MAX_RANK], rest = begin, at[OPERANDS] = {0}, step[OPERANDS];
    for (int i = last; i >= 0; i--) {
        index[i] = rest % s->dims[i];
        rest /= s->dims[i];
        for (int k = 0; k < OPERANDS; k++)
            at[k] += index[i] * s->step[k][i];
    }
    for (int k = 0; k < OPERANDS; k++)
        step[k] = s->step[k][last];
    while (begin < end) {
        size_t      left = s->dims[last] - index[last], n = left < end - begin ? left : end - begin;
        const void *in[OPERANDS];
        for (int k = 0; k < OPERANDS; k++) {
            in[k] = r->in[k] + at[k] * s->bytes[k];
            at[k] += n * step[k];
        }
        s->kernel(n, in, step, r->out + begin * s->out_bytes);
        begin += n;
        index[last] += n;
        for (int i = last; i > 0 && index[i] == s->dims[i]; i--) {
            index[i] = 0;
            index[i - 1]++;
            for (int k = 0; k < OPERANDS; k++)
                at[k] += s->step[k][i - 1] - s->dims[i] * s->step[k][i];
        }
    }
}

static void piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->elements, r->pieces, 64, chunk, &begin, &end);
    range(r, begin, end);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct choosing *s = state;
    struct running r = {.s = s, .out = call->out[0], .pieces = cpu_pool_pieces(call->engine->pool, s->elements, GRAIN, 4)};
    (void)err;
    for (int k = 0; k < OPERANDS; k++)
        r.in[k] = k < s->operands && call->in[k] ? call->in[k] : k == 1 ? (const void *)&s->low : (const void *)&s->high;
    if (s->elements)
        cpu_pool_run(call->engine->pool, r.pieces, piece, &r);
    return ASSAY_OK;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, enum cpu_choosing which, int operands,
                               struct cpu_step *step, struct assay_error *err)
{
    struct choosing *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    s->kernel = engine->kernels->choosing->of[which];
    s->operands = operands;
    s->elements = node->out[0].elements;
    s->out_bytes = assay_dtype_bits(node->out[0].dtype) / 8;
    s->low = -__builtin_inff();
    s->high = __builtin_inff();
    for (int k = 0; k < operands; k++)
        s->bytes[k] = cpu_has_in(node, (uint32_t)k) ? assay_dtype_bits(node->in[k].dtype) / 8 : 0;
    plan(node, s);
    step->state = s;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu elements in runs of %zu", s->elements,
                   s->dims[s->rank - 1]);
    return ASSAY_OK;
}

/* The kernel for the operands' type, by the place of f32's in the enumeration. */
static enum cpu_choosing by_type(enum cpu_choosing f32, enum assay_dtype dtype)
{
    return f32 + (dtype == ASSAY_I32 ? 1u : dtype == ASSAY_I64 ? 2u : dtype == ASSAY_BOOL ? 3u : 0u);
}

static bool accepts_ordered(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32) | CPU_TYPES_INDEX, why_not);
}

static bool accepts_equal(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32) | CPU_TYPES_INDEX | CPU_TYPE(BOOL), why_not);
}

static bool accepts_bool(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(BOOL), why_not);
}

static bool accepts_where(const struct cpu_node *node, struct assay_text *why_not)
{
    if (assay_dtype_bits(node->in[1].dtype) % 8 == 0)
        return true;
    assay_text_add(why_not, "Where of elements that share a byte");
    return false;
}

static bool accepts_f32(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && cpu_in_is(node, 1, CPU_TYPE(F32), why_not);
}

static enum cpu_choosing where_of(enum assay_dtype dtype)
{
    switch (assay_dtype_bits(dtype)) {
    case 8: return CPU_WHERE_8;
    case 16: return CPU_WHERE_16;
    case 32: return CPU_WHERE_32;
    default: return CPU_WHERE_64;
    }
}

#define CHOOSING(op, onnx, operands, check, which)                                                                \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node,            \
                                        struct cpu_step *step, struct assay_error *err)                          \
    {                                                                                                             \
        return prepare(engine, node, which, operands, step, err);                                                 \
    }                                                                                                             \
    const struct cpu_op cpu_op_##op = {                                                                           \
        .name = onnx, .domain = "", .in_place = true, .accepts = check, .prepare = prepare_##op, .any_type = true};

CHOOSING(equal, "Equal", 2, accepts_equal, by_type(CPU_EQUAL_F32, node->in[0].dtype))
CHOOSING(less, "Less", 2, accepts_ordered, by_type(CPU_LESS_F32, node->in[0].dtype))
CHOOSING(less_or_equal, "LessOrEqual", 2, accepts_ordered, by_type(CPU_LESS_OR_EQUAL_F32, node->in[0].dtype))
CHOOSING(and, "And", 2, accepts_bool, CPU_AND)
CHOOSING(not, "Not", 1, accepts_bool, CPU_NOT)
CHOOSING(where, "Where", 3, accepts_where, where_of(node->in[1].dtype))
CHOOSING(reciprocal, "Reciprocal", 1, accepts_f32, CPU_RECIPROCAL)
CHOOSING(sin, "Sin", 1, accepts_f32, CPU_SIN)
CHOOSING(cos, "Cos", 1, accepts_f32, CPU_COS)

static bool accepts_numbers(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPES_CHOSEN, why_not) && cpu_in_is(node, 1, CPU_TYPES_CHOSEN, why_not);
}

static bool all_f32(const struct cpu_node *node)
{
    return node->in[0].dtype == ASSAY_F32 && (!cpu_has_in(node, 1) || node->in[1].dtype == ASSAY_F32);
}

/* Of f32 by vectors, of all else number by number. */
#define CHOOSING_OR_NUMBERS(op, onnx, operands, which, otherwise)                                                 \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node,            \
                                        struct cpu_step *step, struct assay_error *err)                          \
    {                                                                                                             \
        return all_f32(node) ? prepare(engine, node, which, operands, step, err) : otherwise(node, step, err);    \
    }                                                                                                             \
    const struct cpu_op cpu_op_##op = {                                                                           \
        .name = onnx, .domain = "", .in_place = true, .accepts = accepts_numbers, .prepare = prepare_##op, .any_type = true};

CHOOSING_OR_NUMBERS(clip, "Clip", 3, CPU_CLIP, cpu_numbers_clip)
CHOOSING_OR_NUMBERS(pow, "Pow", 2, CPU_POW, cpu_numbers_power)

/* A > B is B < A: the operands change places when they are planned and when they are read. */
static enum assay_code run_turned(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    struct cpu_call turned = *call;
    turned.in[0] = call->in[1];
    turned.in[1] = call->in[0];
    return run(state, &turned, err);
}

static enum assay_code prepare_turned(const struct cpu_engine *engine, const struct cpu_node *node, enum cpu_choosing which,
                                      struct cpu_step *step, struct assay_error *err)
{
    struct cpu_node turned = *node;
    turned.in[0] = node->in[1];
    turned.in[1] = node->in[0];
    enum assay_code code = prepare(engine, &turned, which, 2, step, err);
    step->run = run_turned;
    return code;
}

#define TURNED(op, onnx, which)                                                                                   \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node,            \
                                        struct cpu_step *step, struct assay_error *err)                          \
    {                                                                                                             \
        return prepare_turned(engine, node, by_type(which, node->in[0].dtype), step, err);                        \
    }                                                                                                             \
    const struct cpu_op cpu_op_##op = {                                                                           \
        .name = onnx, .domain = "", .accepts = accepts_ordered, .prepare = prepare_##op, .any_type = true};

TURNED(greater, "Greater", CPU_LESS_F32)
TURNED(greater_or_equal, "GreaterOrEqual", CPU_LESS_OR_EQUAL_F32)
