/* Sgd, AdamW and LAMB's halves: one pass over the param and its states, at the speed of memory. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/optimizers/optimizers.h"

#include "assay/banned.h"

/* A piece is at least this long: four streams or more of 32 KiB each. */
enum { GRAIN = 8192 };

struct optimizer {
    size_t            n;
    double            beta1, beta2;
    struct cpu_update update; /* what does not change from step to step */
    void (*of)(const struct cpu_kernels *kernels, const struct cpu_update *u, size_t begin, size_t end);
};

struct running {
    const struct optimizer   *s;
    const struct cpu_kernels *kernels;
    struct cpu_update         u;
    size_t                    pieces;
};

static void of_sgd(const struct cpu_kernels *kernels, const struct cpu_update *u, size_t begin, size_t end)
{
    kernels->optimizers->sgd(u, begin, end);
}

static void of_adam(const struct cpu_kernels *kernels, const struct cpu_update *u, size_t begin, size_t end)
{
    kernels->optimizers->adam(u, begin, end);
}

static void of_apply(const struct cpu_kernels *kernels, const struct cpu_update *u, size_t begin, size_t end)
{
    kernels->optimizers->apply(u, begin, end);
}

static void run_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->n, r->pieces, 16, chunk, &begin, &end);
    r->s->of(r->kernels, &r->u, begin, end);
}

static enum assay_code run_pieces(const struct optimizer *s, const struct cpu_call *call, const struct cpu_update *u)
{
    struct running r = {s, call->engine->kernels, *u, cpu_pool_pieces(call->engine->pool, s->n, GRAIN, 4)};
    cpu_pool_run(call->engine->pool, r.pieces, run_piece, &r);
    return ASSAY_OK;
}

static float number(const void *at, float absent)
{
    return at ? *(const float *)at : absent;
}

static enum assay_code run_sgd(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct optimizer *s = state;
    struct cpu_update       u = s->update;
    (void)err;
    u.rate = number(call->in[0], 0.0f);
    u.p = call->in[1];
    u.g = call->in[2];
    u.m = call->in[3];
    u.scale = number(call->in[4], 1.0f);
    u.p_next = call->out[0];
    u.m_next = call->out[1];
    return run_pieces(s, call, &u);
}

/* From T on the operands of AdamW and LambUpdate are the same. */
static enum assay_code run_adam(const struct optimizer *s, const struct cpu_call *call, struct cpu_update *u,
                                const void *const *in)
{
    double step = (double)*(const int64_t *)in[0];
    u->p = in[1];
    u->g = in[2];
    u->m = in[3];
    u->v = in[4];
    u->scale = number(in[5], 1.0f);
    u->correct1 = (float)(1 / (1 - pow(s->beta1, step)));
    u->correct2 = (float)(1 / (1 - pow(s->beta2, step)));
    u->p_next = call->out[0];
    u->m_next = call->out[1];
    u->v_next = call->out[2];
    return run_pieces(s, call, u);
}

static enum assay_code run_adam_w(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct optimizer *s = state;
    struct cpu_update       u = s->update;
    (void)err;
    u.rate = number(call->in[0], 0.0f);
    return run_adam(s, call, &u, call->in + 1);
}

static enum assay_code run_lamb_update(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct optimizer *s = state;
    struct cpu_update       u = s->update;
    (void)err;
    u.direction = true;
    return run_adam(s, call, &u, call->in);
}

static enum assay_code run_lamb_apply(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct optimizer *s = state;
    struct cpu_update       u = s->update;
    float                   norm_p = number(call->in[3], 0.0f), norm_u = number(call->in[4], 0.0f);
    (void)err;
    u.rate = number(call->in[0], 0.0f) * (norm_p > 0.0f && norm_u > 0.0f ? norm_p / norm_u : 1.0f);
    u.p = call->in[1];
    u.g = call->in[2];
    u.p_next = call->out[0];
    return run_pieces(s, call, &u);
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static enum assay_code prepare(const struct cpu_node *node, struct cpu_step *step, struct assay_error *err)
{
    struct optimizer *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    s->n = node->out[0].elements;
    s->beta1 = cpu_attr_f64(node, "beta1", 0.9);
    s->beta2 = cpu_attr_f64(node, "beta2", 0.999);
    s->update = (struct cpu_update){
        .decay = (float)cpu_attr_f64(node, "weight_decay", 0.0),
        .momentum = (float)cpu_attr_f64(node, "momentum", 0.0),
        .beta1 = (float)s->beta1,
        .rest1 = (float)(1 - s->beta1),
        .beta2 = (float)s->beta2,
        .rest2 = (float)(1 - s->beta2),
        .epsilon = (float)cpu_attr_f64(node, "epsilon", 1e-8),
    };
    step->state = s;
    step->release = free;
    (void)snprintf(step->kernel, sizeof step->kernel, "one pass of vectors of ours, %zu elements", s->n);
    return ASSAY_OK;
}

#define OPTIMIZER(op, own, kernel, integers)                                                                      \
    static enum assay_code prepare_##op(const struct cpu_engine *engine, const struct cpu_node *node,            \
                                        struct cpu_step *step, struct assay_error *err)                          \
    {                                                                                                             \
        enum assay_code code = prepare(node, step, err);                                                          \
        (void)engine;                                                                                             \
        step->run = run_##op;                                                                                     \
        if (!code)                                                                                                \
            ((struct optimizer *)step->state)->of = kernel;                                                       \
        return code;                                                                                              \
    }                                                                                                             \
    const struct cpu_op cpu_op_##op = {.name = own, .domain = "assay", .in_place = true, .accepts = accepts,      \
                                       .prepare = prepare_##op, .integer_inputs = integers};

OPTIMIZER(sgd, "Sgd", of_sgd, 0)
OPTIMIZER(adam_w, "AdamW", of_adam, 1u << 1)
OPTIMIZER(lamb_update, "LambUpdate", of_adam, 1u << 0)
OPTIMIZER(lamb_apply, "LambApply", of_apply, 0)
