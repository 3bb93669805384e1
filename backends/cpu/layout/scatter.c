/* TensorScatter and its gradient. An output that takes over the cache's memory leaves the cache where it is: only the update
 * moves. */
#include <stdlib.h>

#include "backends/cpu/cpu.h"

#include "assay/banned.h"

struct scatter {
    size_t outer, per_batch, cache, update, inner; /* inner: bytes; cache, update: lengths along the axis */
    bool   circular;
};

struct running {
    const struct scatter *s;
    const int64_t        *indices; /* or NULL */
    const char           *cache, *update;
    char                 *out, *back; /* back: of the gradient, dUpdate, or NULL */
};

/* Where the update begins, kept inside the cache whatever the index says. */
static size_t begin_of(const struct running *r, size_t outer)
{
    const struct scatter *s = r->s;
    int64_t               begin = r->indices ? r->indices[outer / s->per_batch] : 0, most = (int64_t)(s->cache - s->update);
    if (s->circular && s->cache)
        return (size_t)((begin % (int64_t)s->cache + (int64_t)s->cache) % (int64_t)s->cache);
    return begin < 0 ? 0 : begin > most ? (size_t)most : (size_t)begin;
}

static void forward(void *self, size_t outer, unsigned thread)
{
    const struct running *r = self;
    const struct scatter *s = r->s;
    size_t      begin = begin_of(r, outer), whole = s->cache * s->inner, left = s->cache - begin;
    size_t      first = left < s->update ? left : s->update;
    const char *update = r->update + outer * s->update * s->inner;
    char       *out = r->out + outer * whole;
    (void)thread;
    if (r->out != r->cache)
        memcpy(out, r->cache + outer * whole, whole);
    memcpy(out + begin * s->inner, update, first * s->inner);
    memcpy(out, update + first * s->inner, (s->update - first) * s->inner);
}

static void backward(void *self, size_t outer, unsigned thread)
{
    const struct running *r = self;
    const struct scatter *s = r->s;
    size_t      begin = begin_of(r, outer), whole = s->cache * s->inner, left = s->cache - begin;
    size_t      first = left < s->update ? left : s->update;
    const char *dy = r->cache + outer * whole;
    char       *out = r->out + outer * whole;
    (void)thread;
    if (r->back) {
        char *back = r->back + outer * s->update * s->inner;
        memcpy(back, dy + begin * s->inner, first * s->inner);
        memcpy(back + first * s->inner, dy, (s->update - first) * s->inner);
    }
    if (out != dy)
        memcpy(out, dy, whole);
    memset(out + begin * s->inner, 0, first * s->inner);
    memset(out, 0, (s->update - first) * s->inner);
}

static enum assay_code run_forward(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct scatter *s = state;
    struct running        r = {s, call->in[2], call->in[0], call->in[1], call->out[0], NULL};
    (void)err;
    cpu_pool_run(call->engine->pool, s->outer, forward, &r);
    return ASSAY_OK;
}

static enum assay_code run_backward(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct scatter *s = state;
    struct running        r = {s, call->in[1], call->in[0], NULL, call->out[0], call->out[1]};
    (void)err;
    cpu_pool_run(call->engine->pool, s->outer, backward, &r);
    return ASSAY_OK;
}

static bool accepts_forward(const struct cpu_node *node, struct assay_text *why_not)
{
    if (assay_dtype_bits(node->in[0].dtype) % 8) {
        assay_text_add(why_not, "TensorScatter of %s, whose elements share bytes", assay_dtype_name(node->in[0].dtype));
        return false;
    }
    if (node->out[0].alias_of != ASSAY_NO_VALUE && node->out[0].alias_of == node->in_id[1]) {
        assay_text_add(why_not, "TensorScatter cannot write '%s' over its update", node->out[0].name);
        return false;
    }
    return true;
}

static bool accepts_backward(const struct cpu_node *node, struct assay_text *why_not)
{
    if (!cpu_has_out(node, 1) || node->out[1].alias_of == ASSAY_NO_VALUE || node->out[1].alias_of != node->in_id[0])
        return true;
    assay_text_add(why_not, "TensorScatterGrad cannot write '%s' over what it still reads", node->out[1].name);
    return false;
}

static enum assay_code prepare(const struct cpu_node *node, size_t update, struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *cache = &node->in[0];
    int64_t         axis = cpu_attr_i64(node, "axis", -2);
    struct scatter *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    axis += axis < 0 ? cache->rank : 0;
    *s = (struct scatter){.outer = 1, .cache = (size_t)cache->dims[axis], .update = update,
                          .inner = assay_dtype_bits(cache->dtype) / 8,
                          .circular = !strcmp(cpu_attr_text(node, "mode", "linear"), "circular")};
    for (int32_t i = 0; i < cache->rank; i++)
        *(i < axis ? &s->outer : &s->inner) *= i == axis ? 1 : (size_t)cache->dims[i];
    s->per_batch = cache->dims[0] ? s->outer / (size_t)cache->dims[0] : 1;
    if (!cache->elements)
        s->outer = 0;
    step->state = s;
    step->release = free;
    (void)snprintf(step->kernel, sizeof step->kernel, "runs of bytes, %zu times %zu of %zu", s->outer, s->update, s->cache);
    return ASSAY_OK;
}

static enum assay_code prepare_forward(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    int64_t axis = cpu_attr_i64(node, "axis", -2);
    (void)engine;
    step->run = run_forward;
    return prepare(node, (size_t)node->in[1].dims[axis < 0 ? axis + node->in[1].rank : axis], step, err);
}

static enum assay_code prepare_backward(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                        struct assay_error *err)
{
    (void)engine;
    step->run = run_backward;
    return prepare(node, (size_t)cpu_attr_i64(node, "length", 0), step, err);
}

const struct cpu_op cpu_op_tensor_scatter = {
    .name = "TensorScatter", .domain = "", .in_place = true, .accepts = accepts_forward, .prepare = prepare_forward,
    .any_type = true};
const struct cpu_op cpu_op_tensor_scatter_grad = {
    .name = "TensorScatterGrad", .domain = "assay", .in_place = true, .accepts = accepts_backward, .prepare = prepare_backward,
    .integer_inputs = 1u << 1};
