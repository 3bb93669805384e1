/* The element-wise ops: one row each. */
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/elementwise/broadcast.h"
#include "backends/cpu/elementwise/elementwise.h"
#include "backends/cpu/elementwise/numbers.h"

#include "assay/banned.h"

/* A piece is at least this long: some microseconds of the cheapest kernel. */
enum { GRAIN = 8192 };

struct unary {
    cpu_unary_fn *kernel;
    float         alpha;
    size_t        n;
};

struct pair {
    cpu_pair_fn *kernel;
    float        alpha;
    size_t       n;
};

struct binary {
    cpu_binary_fn       *kernel;
    struct cpu_broadcast plan;
    size_t               n;
};

struct running {
    const void  *state;
    const float *a, *b;
    float       *out;
    size_t       pieces;
};

static bool accepts_any(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static bool accepts_numbers(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_out_is(node, 0, CPU_TYPE(F32) | CPU_TYPES_NUMBERS, why_not);
}

static void unary_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct unary   *u = r->state;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(u->n, r->pieces, 16, chunk, &begin, &end);
    u->kernel(end - begin, r->a + begin, u->alpha, r->out + begin);
}

static enum assay_code run_unary(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct unary *u = state;
    struct running r = {u, call->in[0], NULL, call->out[0], cpu_pool_pieces(call->engine->pool, u->n, GRAIN, 4)};
    (void)err;
    cpu_pool_run(call->engine->pool, r.pieces, unary_piece, &r);
    return ASSAY_OK;
}

static void pair_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct pair    *p = r->state;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(p->n, r->pieces, 16, chunk, &begin, &end);
    p->kernel(end - begin, r->a + begin, r->b + begin, p->alpha, r->out + begin);
}

static enum assay_code run_pair(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct pair *p = state;
    struct running r = {p, call->in[0], call->in[1], call->out[0], cpu_pool_pieces(call->engine->pool, p->n, GRAIN, 4)};
    (void)err;
    cpu_pool_run(call->engine->pool, r.pieces, pair_piece, &r);
    return ASSAY_OK;
}

/* Walks [begin, end) of the result in runs of its last merged axis. */
static void binary_range(const struct binary *s, const struct running *r, size_t begin, size_t end)
{
    const struct cpu_broadcast *p = &s->plan;
    int                         last = p->rank - 1;
    size_t                      index[ASSAY_MAX_RANK], rest = begin, a = 0, b = 0;
    for (int i = last; i >= 0; i--) {
        index[i] = rest % p->dims[i];
        rest /= p->dims[i];
        a += index[i] * p->step_a[i];
        b += index[i] * p->step_b[i];
    }
    while (begin < end) {
        size_t n = p->dims[last] - index[last] < end - begin ? p->dims[last] - index[last] : end - begin;
        s->kernel(n, r->a + a, p->step_a[last], r->b + b, p->step_b[last], r->out + begin);
        begin += n;
        a += n * p->step_a[last];
        b += n * p->step_b[last];
        index[last] += n;
        for (int i = last; i > 0 && index[i] == p->dims[i]; i--) {
            index[i] = 0;
            a += p->step_a[i - 1] - p->dims[i] * p->step_a[i];
            b += p->step_b[i - 1] - p->dims[i] * p->step_b[i];
            index[i - 1]++;
        }
    }
}

static void binary_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct binary  *s = r->state;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(s->n, r->pieces, 16, chunk, &begin, &end);
    binary_range(s, r, begin, end);
}

static enum assay_code run_binary(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct binary *s = state;
    struct running r = {s, call->in[0], call->in[1], call->out[0], cpu_pool_pieces(call->engine->pool, s->n, GRAIN, 4)};
    (void)err;
    cpu_pool_run(call->engine->pool, r.pieces, binary_piece, &r);
    return ASSAY_OK;
}

static enum assay_code prepare_unary(const struct cpu_engine *engine, const struct cpu_node *node, enum cpu_unary which,
                                     float alpha, struct cpu_step *step, struct assay_error *err)
{
    struct unary *u = calloc(1, sizeof *u);
    if (!u)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *u = (struct unary){engine->kernels->elementwise->unary[which], alpha, node->out[0].elements};
    step->state = u;
    step->release = free;
    step->run = run_unary;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu elements", u->n);
    return ASSAY_OK;
}

static enum assay_code prepare_pair(const struct cpu_engine *engine, const struct cpu_node *node, enum cpu_pair which,
                                    float alpha, struct cpu_step *step, struct assay_error *err)
{
    struct pair *p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *p = (struct pair){engine->kernels->elementwise->pair[which], alpha, node->out[0].elements};
    step->state = p;
    step->release = free;
    step->run = run_pair;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu elements", p->n);
    return ASSAY_OK;
}

static enum assay_code prepare_binary(const struct cpu_engine *engine, const struct cpu_node *node,
                                      enum cpu_binary which, struct cpu_step *step, struct assay_error *err)
{
    struct binary *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    s->kernel = engine->kernels->elementwise->binary[which];
    s->n = node->out[0].elements;
    cpu_broadcast_plan(&node->in[0], &node->in[1], &node->out[0], &s->plan);
    step->state = s;
    step->release = free;
    step->run = run_binary;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu elements in runs of %zu", s->n,
                   s->plan.dims[s->plan.rank - 1]);
    return ASSAY_OK;
}

#define BINARY(op, onnx, id)                                                                                    \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node,            \
                                        struct cpu_step *step, struct assay_error *err)                          \
    {                                                                                                             \
        return node->out[0].dtype == ASSAY_F32 ? prepare_binary(engine, node, id, step, err)                     \
                                               : cpu_numbers_prepare(node, id, step, err);                      \
    }                                                                                                             \
    const struct cpu_op cpu_op_##op = {.name = onnx, .domain = "", .in_place = true, .any_type = true,           \
                                       .accepts = accepts_numbers, .prepare = prepare_##op};

#define UNARY(op, onnx, id, factor)                                                                               \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node,            \
                                        struct cpu_step *step, struct assay_error *err)                          \
    {                                                                                                             \
        return prepare_unary(engine, node, id, factor, step, err);                                                \
    }                                                                                                             \
    const struct cpu_op cpu_op_##op = {                                                                           \
        .name = onnx, .domain = "", .in_place = true, .accepts = accepts_any, .prepare = prepare_##op};

#define PAIR(op, own, id, factor)                                                                                 \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node,            \
                                        struct cpu_step *step, struct assay_error *err)                          \
    {                                                                                                             \
        return prepare_pair(engine, node, id, factor, step, err);                                                 \
    }                                                                                                             \
    const struct cpu_op cpu_op_##op = {                                                                           \
        .name = own, .domain = "assay", .in_place = true, .accepts = accepts_any, .prepare = prepare_##op};

BINARY(add, "Add", CPU_ADD)
BINARY(sub, "Sub", CPU_SUB)
BINARY(mul, "Mul", CPU_MUL)
BINARY(div, "Div", CPU_DIV)
BINARY(max, "Max", CPU_MAX)
BINARY(min, "Min", CPU_MIN)
UNARY(neg, "Neg", CPU_NEG, 0)
UNARY(abs, "Abs", CPU_ABS, 0)
UNARY(sqrt, "Sqrt", CPU_SQRT, 0)
UNARY(exp, "Exp", CPU_EXP, 0)
UNARY(log, "Log", CPU_LOG, 0)
UNARY(erf, "Erf", CPU_ERF, 0)
UNARY(tanh, "Tanh", CPU_TANH, 0)
UNARY(sigmoid, "Sigmoid", CPU_SIGMOID, 0)
UNARY(relu, "Relu", CPU_RELU, 0)
UNARY(gelu, "Gelu", strcmp(cpu_attr_text(node, "approximate", "none"), "tanh") ? CPU_GELU : CPU_GELU_TANH, 0)
UNARY(swish, "Swish", CPU_SWISH, (float)cpu_attr_f64(node, "alpha", 1.0))
UNARY(sign, "Sign", CPU_SIGN, 0)
PAIR(relu_grad, "ReluGrad", CPU_RELU_GRAD, 0)
PAIR(tanh_grad, "TanhGrad", CPU_TANH_GRAD, 0)
PAIR(sigmoid_grad, "SigmoidGrad", CPU_SIGMOID_GRAD, 0)
PAIR(gelu_grad, "GeluGrad", strcmp(cpu_attr_text(node, "approximate", "none"), "tanh") ? CPU_GELU_GRAD : CPU_GELU_TANH_GRAD, 0)
PAIR(swish_grad, "SwishGrad", CPU_SWISH_GRAD, (float)cpu_attr_f64(node, "alpha", 1.0))
