/* Softmax, LogSoftmax, LayerNormalization, RMSNormalization. */
#include <stdlib.h>

#include "backends/cpu/normalization/along.h"
#include "backends/cpu/normalization/normalization.h"

#include "assay/banned.h"

struct running {
    const struct cpu_along                 *s;
    const struct cpu_normalization_kernels *kernels;
    const float                            *x, *scale, *bias;
    float                                  *y, *mean, *inverse;
    size_t                                  pieces;
};

static void softmax_rows(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->outer, r->pieces, 1, chunk, &begin, &end);
    for (size_t i = begin; i < end; i++)
        (r->s->log ? r->kernels->log_softmax_row : r->kernels->softmax_row)(r->s->n, r->x + i * r->s->n, r->y + i * r->s->n);
}

static void softmax_columns(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct cpu_along *s = r->s;
    size_t blocks = (s->inner + CPU_ALONG_COLUMNS - 1) / CPU_ALONG_COLUMNS, column = chunk % blocks * CPU_ALONG_COLUMNS;
    size_t at = chunk / blocks * s->n * s->inner + column;
    (void)thread;
    (s->log ? r->kernels->log_softmax_columns : r->kernels->softmax_columns)(
        s->n, s->inner - column < CPU_ALONG_COLUMNS ? s->inner - column : CPU_ALONG_COLUMNS, s->inner, r->x + at, r->y + at);
}

static enum assay_code run_softmax(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct cpu_along *s = state;
    struct running r = {.s = s, .kernels = call->engine->kernels->normalization, .x = call->in[0], .y = call->out[0]};
    (void)err;
    if (s->inner == 1) {
        r.pieces = cpu_row_pieces(call, s);
        cpu_pool_run(call->engine->pool, r.pieces, softmax_rows, &r);
    } else {
        cpu_pool_run(call->engine->pool, s->outer * ((s->inner + CPU_ALONG_COLUMNS - 1) / CPU_ALONG_COLUMNS), softmax_columns,
                     &r);
    }
    return ASSAY_OK;
}

static bool accepts_softmax(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static enum assay_code take_state(struct cpu_along s, struct cpu_step *step, struct assay_error *err)
{
    struct cpu_along *state = calloc(1, sizeof *state);
    if (!state)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *state = s;
    if (!s.n)
        state->outer = 0; /* nothing to do */
    step->state = state;
    step->release = free;
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu x %zu x %zu along the middle", s.outer, s.n,
                   s.inner);
    return ASSAY_OK;
}

static enum assay_code prepare_along(const struct cpu_node *node, bool log, struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0];
    int32_t                        axis = x->rank ? cpu_axis_of(node) : 0;
    step->run = run_softmax;
    return take_state((struct cpu_along){.outer = cpu_product(x, 0, axis), .n = x->rank ? (size_t)x->dims[axis] : 1,
                                     .inner = cpu_product(x, axis + 1, x->rank), .log = log},
                      step, err);
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

static bool accepts_norm(const struct cpu_node *node, struct assay_text *why_not)
{
    if (cpu_attr_i64(node, "stash_type", 1) != 1) {
        assay_text_add(why_not, "%s with statistics in another type than f32", node->op);
        return false;
    }
    for (uint32_t i = 1; i < node->n_in; i++)
        if (cpu_has_in(node, i) && !cpu_fits_row(&node->in[0], cpu_axis_of(node), &node->in[i])) {
            assay_text_add(why_not, "%s with '%s' of ", node->op, node->in[i].name);
            cpu_describe_value(&node->in[i], why_not);
            assay_text_add(why_not, " for rows of ");
            cpu_describe_value(&node->in[0], why_not);
            assay_text_add(why_not, "; it must have the normalized axes, whole, and no other");
            return false;
        }
    return true;
}

static void norm_rows(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct cpu_along *s = r->s;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(s->outer, r->pieces, 1, chunk, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        struct cpu_norm_row row = {s->n, r->x + i * s->n, r->scale, r->bias, s->epsilon, r->y + i * s->n,
                                   r->mean ? r->mean + i : NULL, r->inverse ? r->inverse + i : NULL};
        if (s->mean)
            r->kernels->layer_row(&row);
        else
            r->kernels->rms_row(&row);
    }
}

static enum assay_code run_norm(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct cpu_along *s = state;
    struct running      r = {
        s, call->engine->kernels->normalization, call->in[0], call->in[1], call->in[2], call->out[0], call->out[1],
        call->out[2], cpu_row_pieces(call, s)};
    (void)err;
    cpu_pool_run(call->engine->pool, r.pieces, norm_rows, &r);
    return ASSAY_OK;
}

static enum assay_code prepare_norm(const struct cpu_node *node, bool mean, struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0];
    int32_t                        axis = cpu_axis_of(node);
    step->run = run_norm;
    return take_state((struct cpu_along){.outer = cpu_product(x, 0, axis), .n = cpu_product(x, axis, x->rank), .inner = 1,
                                     .epsilon = (float)cpu_attr_f64(node, "epsilon", 1e-5), .mean = mean},
                      step, err);
}

static enum assay_code prepare_layer(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    (void)engine;
    return prepare_norm(node, true, step, err);
}

static enum assay_code prepare_rms(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                   struct assay_error *err)
{
    (void)engine;
    return prepare_norm(node, false, step, err);
}

const struct cpu_op cpu_op_softmax = {
    .name = "Softmax", .domain = "", .in_place = true, .accepts = accepts_softmax, .prepare = prepare_softmax};
const struct cpu_op cpu_op_log_softmax = {
    .name = "LogSoftmax", .domain = "", .in_place = true, .accepts = accepts_softmax, .prepare = prepare_log_softmax};
const struct cpu_op cpu_op_layer_normalization = {
    .name = "LayerNormalization", .domain = "", .in_place = true, .accepts = accepts_norm, .prepare = prepare_layer};
const struct cpu_op cpu_op_rms_normalization = {
    .name = "RMSNormalization", .domain = "", .in_place = true, .accepts = accepts_norm, .prepare = prepare_rms};
