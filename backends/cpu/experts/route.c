/* assay.MoeRoute and its gradient: tokens are rows, each done by one thread. */
#include <stdlib.h>

#include "backends/cpu/choosing/lines.h"
#include "backends/cpu/elementwise/elementwise.h"
#include "backends/cpu/moving/moving.h"
#include "backends/cpu/moving/scatter.h"
#include "backends/cpu/normalization/normalization.h"

#include "assay/banned.h"

enum { GRAIN = 2048 };

struct route {
    size_t tokens, experts, k;
    bool   softmax, normalize, wide;
    float  scale;
    float *scratch; /* room floats a thread: scores, what is ranked */
    size_t room;
    struct cpu_ranked *best; /* best_room a thread */
    size_t best_room;
};

struct running {
    const struct route       *s;
    const struct cpu_kernels *kernels;
    const float              *logits, *bias, *dw;
    const void               *chosen;
    float                    *out;
    int32_t                  *experts;
    size_t                    pieces;
};

static void scores(const struct running *r, const float *logits, float *to)
{
    if (r->s->softmax)
        r->kernels->normalization->softmax_row(r->s->experts, logits, to);
    else
        r->kernels->elementwise->unary[CPU_SIGMOID](r->s->experts, logits, 0, to);
}

static void route_token(const struct running *r, size_t token, float *score, struct cpu_ranked *best)
{
    const struct route *s = r->s;
    float              *ranked = score, sum = 0;
    scores(r, r->logits + token * s->experts, score);
    if (r->bias) {
        ranked = score + s->experts;
        for (size_t i = 0; i < s->experts; i++)
            ranked[i] = score[i] + r->bias[i];
    }
    cpu_best(s->experts, ranked, 1, false, s->k, best);
    for (size_t j = 0; j < s->k; j++)
        sum += score[best[j].index];
    for (size_t j = 0; j < s->k; j++) {
        float w = score[best[j].index];
        r->out[token * s->k + j] = (s->normalize ? w / sum : w) * s->scale;
        if (r->experts)
            r->experts[token * s->k + j] = best[j].index;
    }
}

static void route_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    cpu_pool_piece(r->s->tokens, r->pieces, 1, chunk, &begin, &end);
    for (size_t token = begin; token < end; token++)
        route_token(r, token, r->s->scratch + thread * r->s->room, r->s->best + thread * r->s->best_room);
}

/* Normalized softmax weights are a softmax of the chosen logits alone, so the other logits get nothing. */
static void grad_token(const struct running *r, size_t token, float *score)
{
    const struct route *s = r->s;
    const float        *dw = r->dw + token * s->k;
    float              *dx = r->out + token * s->experts, sum = 0, through = 0;
    scores(r, r->logits + token * s->experts, score);
    memset(dx, 0, s->experts * sizeof *dx);
    for (size_t j = 0; j < s->k; j++) {
        float p = score[cpu_index_at(r->chosen, s->wide, token * s->k + j)];
        sum += p;
        through += p * dw[j];
    }
    float inverse = s->normalize ? 1.0f / sum : 1.0f, shared = s->normalize ? through * inverse : 0.0f;
    for (size_t j = 0; j < s->k; j++) {
        int64_t i = cpu_index_at(r->chosen, s->wide, token * s->k + j);
        float   ds = s->scale * (dw[j] - shared) * inverse;
        dx[i] += s->softmax ? score[i] * ds : ds * score[i] * (1.0f - score[i]);
    }
    if (s->softmax && !s->normalize)
        r->kernels->moving->add_scaled(s->experts, -s->scale * through, score, dx);
}

static void grad_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    cpu_pool_piece(r->s->tokens, r->pieces, 1, chunk, &begin, &end);
    for (size_t token = begin; token < end; token++)
        grad_token(r, token, r->s->scratch + thread * r->s->room);
}

static void over_tokens(const struct cpu_engine *engine, struct running *r, cpu_pool_work *work)
{
    r->kernels = engine->kernels;
    r->pieces = cpu_pool_pieces(engine->pool, r->s->tokens, GRAIN / (r->s->experts + 1) + 1, 4);
    if (r->s->tokens)
        cpu_pool_run(engine->pool, r->pieces, work, r);
}

static enum assay_code run_route(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    struct running r = {.s = state, .logits = call->in[0], .bias = call->in[1], .out = call->out[0], .experts = call->out[1]};
    (void)err;
    over_tokens(call->engine, &r, route_piece);
    return ASSAY_OK;
}

static enum assay_code run_grad(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct route *s = state;
    struct running      r = {.s = s, .dw = call->in[0], .logits = call->in[1], .chosen = call->in[2], .out = call->out[0]};
    if (cpu_index_check("expert", r.chosen, s->wide, s->tokens * s->k, 0, (int64_t)s->experts, err))
        return err->code;
    over_tokens(call->engine, &r, grad_piece);
    return ASSAY_OK;
}

static void release(void *state)
{
    struct route *s = state;
    free(s->scratch);
    free(s->best);
    free(s);
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, const struct assay_value_view *logits,
                               size_t k, struct cpu_step *step, struct assay_error *err)
{
    struct route *s = calloc(1, sizeof *s);
    size_t        threads = cpu_pool_threads(engine->pool);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *s = (struct route){.tokens = (size_t)logits->dims[0], .experts = (size_t)logits->dims[1], .k = k,
                        .softmax = !strcmp(cpu_attr_text(node, "scoring", "softmax"), "softmax"),
                        .normalize = cpu_attr_i64(node, "normalize", 1) != 0, .scale = (float)cpu_attr_f64(node, "scale", 1.0)};
    s->room = (2 * s->experts + 15) / 16 * 16;
    s->best_room = (k + 7) / 8 * 8;
    step->state = s;
    step->release = release;
    s->scratch = cpu_block_new(threads * s->room * sizeof *s->scratch);
    s->best = cpu_block_new(threads * s->best_room * sizeof *s->best);
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu of %zu experts, %zu tokens", k, s->experts, s->tokens);
    return s->scratch && s->best ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the scores of %zu experts", s->experts);
}

static enum assay_code prepare_route(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    step->run = run_route;
    return prepare(engine, node, &node->in[0], (size_t)node->out[0].dims[1], step, err);
}

static enum assay_code prepare_grad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    step->run = run_grad;
    if (prepare(engine, node, &node->in[1], (size_t)node->in[0].dims[1], step, err))
        return err->code;
    ((struct route *)step->state)->wide = node->in[2].dtype == ASSAY_I64;
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && cpu_in_is(node, 2, CPU_TYPES_INDEX, why_not);
}

const struct cpu_op cpu_op_moe_route = {.name = "MoeRoute", .domain = "assay", .accepts = accepts, .prepare = prepare_route,
                                        .any_type = true};
const struct cpu_op cpu_op_moe_route_grad = {.name = "MoeRouteGrad", .domain = "assay", .accepts = accepts, .prepare = prepare_grad,
                                             .any_type = true};
