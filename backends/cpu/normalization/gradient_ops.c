/* The gradients of Softmax, LogSoftmax, LayerNormalization, RMSNormalization. */
#include "backends/cpu/normalization/along.h"
#include "backends/cpu/normalization/gradient.h"

#include "assay/banned.h"

enum { DY, X, SCALE };

struct gradient {
    struct cpu_along along;
    size_t           pieces; /* of the rows; each adds up its own part of dscale and dbias */
    float           *part;   /* [piece][2][n] */
};

struct running {
    const struct gradient                           *s;
    const struct cpu_normalization_gradient_kernels *kernels;
    const float                                     *dy, *x, *scale;
    float                                           *dx, *dscale, *dbias;
    size_t                                           pieces;
};

static void release(void *state)
{
    struct gradient *s = state;
    free(s->part);
    free(s);
}

static struct gradient *take_state(struct cpu_along along, struct cpu_step *step)
{
    struct gradient *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->along = along;
    step->state = s;
    step->release = release;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu x %zu x %zu along the middle", along.outer, along.n,
                   along.inner);
    return s;
}

/* ---- softmax --------------------------------------------------------------------------------------------------- */

static void softmax_rows(void *self, size_t chunk, unsigned thread)
{
    const struct running   *r = self;
    const struct cpu_along *s = &r->s->along;
    size_t                  begin, end;
    (void)thread;
    cpu_pool_piece(s->outer, r->pieces, 1, chunk, &begin, &end);
    for (size_t i = begin; i < end; i++)
        (s->log ? r->kernels->log_softmax_row : r->kernels->softmax_row)(s->n, r->dy + i * s->n, r->x + i * s->n,
                                                                         r->dx + i * s->n);
}

static void softmax_columns(void *self, size_t chunk, unsigned thread)
{
    const struct running   *r = self;
    const struct cpu_along *s = &r->s->along;
    size_t blocks = (s->inner + CPU_ALONG_COLUMNS - 1) / CPU_ALONG_COLUMNS, column = chunk % blocks * CPU_ALONG_COLUMNS;
    size_t at = chunk / blocks * s->n * s->inner + column;
    size_t width = s->inner - column < CPU_ALONG_COLUMNS ? s->inner - column : CPU_ALONG_COLUMNS;
    (void)thread;
    (s->log ? r->kernels->log_softmax_columns : r->kernels->softmax_columns)(s->n, width, s->inner, r->dy + at, r->x + at,
                                                                             r->dx + at);
}

static enum assay_code run_softmax(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct gradient  *s = state;
    const struct cpu_along *along = &s->along;
    struct running r = {.s = s, .kernels = call->engine->kernels->normalization_gradient, .dy = call->in[DY],
                        .x = call->in[X], .dx = call->out[0], .pieces = cpu_row_pieces(call, along)};
    (void)err;
    if (!along->n)
        return ASSAY_OK;
    if (along->inner == 1)
        cpu_pool_run(call->engine->pool, r.pieces, softmax_rows, &r);
    else
        cpu_pool_run(call->engine->pool, along->outer * ((along->inner + CPU_ALONG_COLUMNS - 1) / CPU_ALONG_COLUMNS),
                     softmax_columns, &r);
    return ASSAY_OK;
}

static bool accepts_any(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static enum assay_code prepare_along(const struct cpu_node *node, bool log, struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[DY];
    int32_t                        axis = cpu_axis_of(node);
    step->run = run_softmax;
    if (!take_state((struct cpu_along){.outer = cpu_product(x, 0, axis), .n = (size_t)x->dims[axis],
                                       .inner = cpu_product(x, axis + 1, x->rank), .log = log},
                    step))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    return ASSAY_OK;
}

static enum assay_code prepare_softmax(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    (void)engine;
    return prepare_along(node, false, step, err);
}

static enum assay_code prepare_log_softmax(const struct cpu_engine *engine, const struct cpu_node *node,
                                           struct cpu_step *step, struct assay_error *err)
{
    (void)engine;
    return prepare_along(node, true, step, err);
}

/* ---- the norms ------------------------------------------------------------------------------------------------- */

static void norm_rows(void *self, size_t chunk, unsigned thread)
{
    const struct running   *r = self;
    const struct cpu_along *s = &r->s->along;
    float                  *part = r->s->part ? r->s->part + chunk * 2 * s->n : NULL;
    size_t                  begin, end;
    (void)thread;
    if (part)
        memset(part, 0, 2 * s->n * sizeof *part);
    cpu_pool_piece(s->outer, r->s->pieces, 1, chunk, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        struct cpu_norm_gradient_row row = {s->n, r->dy + i * s->n, r->x + i * s->n, r->scale, s->epsilon,
                                            r->dx + i * s->n, r->dscale ? part : NULL, r->dbias ? part + s->n : NULL};
        if (s->mean)
            r->kernels->layer_row(&row);
        else
            r->kernels->rms_row(&row);
    }
}

static void join(const struct gradient *s, size_t which, float *to)
{
    size_t n = s->along.n;
    memset(to, 0, n * sizeof *to);
    for (size_t p = 0; p < s->pieces; p++)
        for (size_t k = 0; k < n; k++)
            to[k] += s->part[(2 * p + which) * n + k];
}

static enum assay_code run_norm(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct gradient *s = state;
    struct running r = {s, call->engine->kernels->normalization_gradient, call->in[DY], call->in[X], call->in[SCALE],
                        call->out[0], call->out[1], call->out[2], s->pieces};
    (void)err;
    cpu_pool_run(call->engine->pool, s->pieces, norm_rows, &r);
    if (r.dscale)
        join(s, 0, r.dscale);
    if (r.dbias)
        join(s, 1, r.dbias);
    return ASSAY_OK;
}

static bool accepts_norm(const struct cpu_node *node, struct assay_text *why_not)
{
    for (uint32_t o = 1; o < node->n_out; o++)
        for (uint32_t i = 0; cpu_has_out(node, o) && i < node->n_in; i++)
            if (node->out[o].alias_of != ASSAY_NO_VALUE && node->out[o].alias_of == node->in_id[i] && i != SCALE) {
                assay_text_add(why_not, "%s cannot write '%s' over what other rows still read", node->op, node->out[o].name);
                return false;
            }
    if (cpu_has_out(node, 0) && node->out[0].alias_of != ASSAY_NO_VALUE && node->out[0].alias_of == node->in_id[SCALE]) {
        assay_text_add(why_not, "%s cannot write '%s' over its scale", node->op, node->out[0].name);
        return false;
    }
    if (cpu_fits_row(&node->in[X], cpu_axis_of(node), &node->in[SCALE]))
        return true;
    assay_text_add(why_not, "%s with a scale '%s' that has not the normalized axes, whole, and no other", node->op,
                   node->in[SCALE].name);
    return false;
}

static enum assay_code prepare_norm(const struct cpu_engine *engine, const struct cpu_node *node, bool mean,
                                    struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[X];
    int32_t                        axis = cpu_axis_of(node);
    struct gradient *s = take_state((struct cpu_along){.outer = cpu_product(x, 0, axis), .n = cpu_product(x, axis, x->rank),
                                                       .inner = 1, .epsilon = (float)cpu_attr_f64(node, "epsilon", 1e-5),
                                                       .mean = mean},
                                    step);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->run = run_norm;
    size_t rows = s->along.n >= CPU_ALONG_GRAIN ? 1 : CPU_ALONG_GRAIN / s->along.n;
    s->pieces = cpu_pool_pieces(engine->pool, s->along.outer, rows, 2);
    if (!cpu_has_out(node, 1) && !cpu_has_out(node, 2))
        return ASSAY_OK;
    s->part = cpu_block_new(s->pieces * 2 * s->along.n * sizeof *s->part);
    return s->part ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu partial sums", s->pieces);
}

static enum assay_code prepare_layer(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    return prepare_norm(engine, node, true, step, err);
}

static enum assay_code prepare_rms(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                   struct assay_error *err)
{
    return prepare_norm(engine, node, false, step, err);
}

const struct cpu_op cpu_op_softmax_grad = {
    .name = "SoftmaxGrad", .domain = "assay", .in_place = true, .accepts = accepts_any, .prepare = prepare_softmax};
const struct cpu_op cpu_op_log_softmax_grad = {
    .name = "LogSoftmaxGrad", .domain = "assay", .in_place = true, .accepts = accepts_any, .prepare = prepare_log_softmax};
const struct cpu_op cpu_op_layer_normalization_grad = {
    .name = "LayerNormalizationGrad", .domain = "assay", .in_place = true, .accepts = accepts_norm, .prepare = prepare_layer};
const struct cpu_op cpu_op_rms_normalization_grad = {
    .name = "RMSNormalizationGrad", .domain = "assay", .in_place = true, .accepts = accepts_norm, .prepare = prepare_rms};
