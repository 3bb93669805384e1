/* AttentionGrad: a thread takes a key head, whose gradients are sums over all its queries; where there are fewer of them
 * than threads, a share of its queries, with sums of its own that are joined. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/attention/gradient.h"
#include "backends/cpu/cpu.h"

#include "assay/banned.h"

enum { DY, Q, K, V, MASK };

/* Where element [batch][head][position][..] of an operand is, in floats. */
struct operand {
    size_t batch, head, position;
};

struct gradient {
    size_t         batches, q_heads, kv_heads, group; /* group: query heads of one key head */
    size_t         queries, keys, width, v_width;
    struct operand dy, q, k, v;
    float          scale, softcap;
    bool           causal, mask_is_bool;
    size_t         mask[4]; /* strides over batch, head, query, key; 0 where it is stretched */
    size_t         parts;   /* of the queries of one key head */
    float         *scratch;
    size_t         scratch_floats; /* of one thread */
    float         *part_k, *part_v; /* [head][part][key][width] when parts > 1 */
};

struct running {
    const struct gradient   *s;
    const struct cpu_engine *engine;
    const float             *dy, *q, *k, *v;
    const void              *mask;
    float                   *dq, *dk, *dv;
};

static struct operand operand_of(const struct assay_value_view *v, size_t heads)
{
    if (v->rank == 4)
        return (struct operand){(size_t)(v->dims[1] * v->dims[2] * v->dims[3]), (size_t)(v->dims[2] * v->dims[3]),
                                (size_t)v->dims[3]};
    return (struct operand){(size_t)(v->dims[1] * v->dims[2]), (size_t)v->dims[2] / heads, (size_t)v->dims[2]};
}

static size_t at(const struct operand *o, size_t batch, size_t head, size_t position)
{
    return batch * o->batch + head * o->head + position * o->position;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    const struct assay_value_view *m = &node->in[MASK];
    int64_t precision = cpu_attr_i64(node, "softmax_precision", 1);
    if (precision != 1) {
        assay_text_add(why_not, "AttentionGrad with softmax_precision %lld; f32 (1) is handled", (long long)precision);
        return false;
    }
    if (!cpu_has_in(node, MASK))
        return true;
    if (m->dtype != ASSAY_F32 && m->dtype != ASSAY_BOOL) {
        assay_text_add(why_not, "AttentionGrad with a mask of %s; f32 and bool are handled", assay_dtype_name(m->dtype));
        return false;
    }
    if (m->dims[m->rank - 1] != node->in[K].dims[node->in[K].rank - 2]) {
        assay_text_add(why_not, "AttentionGrad with a mask of ");
        cpu_describe_value(m, why_not);
        assay_text_add(why_not, " that does not reach all keys");
        return false;
    }
    return true;
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static void describe_query(const struct running *r, size_t batch, size_t head, size_t position,
                           struct cpu_attention_gradient_query *out)
{
    const struct gradient *s = r->s;
    size_t                 mask = batch * s->mask[0] + head * s->mask[1] + position * s->mask[2];
    *out = (struct cpu_attention_gradient_query){
        .q = r->q + at(&s->q, batch, head, position),
        .dy = r->dy + at(&s->dy, batch, head, position),
        .dq = r->dq + at(&s->q, batch, head, position),
        .sees = s->causal && position + 1 < s->keys ? position + 1 : s->keys,
        .added = r->mask && !s->mask_is_bool ? (const float *)r->mask + mask : NULL,
        .allowed = r->mask && s->mask_is_bool ? (const uint8_t *)r->mask + mask : NULL,
    };
}

/* Where the sums of one part of a key head go, cleared. */
static float *sums_of(const struct running *r, float *out, const struct operand *o, float *parts, size_t chunk, size_t width,
                      size_t *row)
{
    const struct gradient *s = r->s;
    size_t                 whole = chunk / s->parts;
    if (!out)
        return NULL;
    float *to = out + at(o, whole / s->kv_heads, whole % s->kv_heads, 0);
    *row = o->position;
    if (s->parts > 1) {
        to = parts + chunk * s->keys * width;
        *row = width;
    }
    for (size_t j = 0; j < s->keys; j++)
        memset(to + j * *row, 0, width * sizeof *to);
    return to;
}

static void run_chunk(void *self, size_t chunk, unsigned thread)
{
    const struct running  *r = self;
    const struct gradient *s = r->s;
    size_t whole = chunk / s->parts, head = whole % s->kv_heads, batch = whole / s->kv_heads, begin, end;
    struct cpu_attention_gradient_block b = {
        .tile = r->engine->kernels->tile,
        .width = s->width,
        .v_width = s->v_width,
        .scale = s->scale,
        .softcap = s->softcap,
        .k = r->k + at(&s->k, batch, head, 0),
        .v = r->v + at(&s->v, batch, head, 0),
        .k_row = s->k.position,
        .v_row = s->v.position,
        .scratch = s->scratch + thread * s->scratch_floats,
    };
    b.dk = sums_of(r, r->dk, &s->k, s->part_k, chunk, s->width, &b.dk_row);
    b.dv = sums_of(r, r->dv, &s->v, s->part_v, chunk, s->v_width, &b.dv_row);
    cpu_pool_piece(s->group * s->queries, s->parts, CPU_ATTENTION_GRADIENT_QUERIES, chunk % s->parts, &begin, &end);
    while (begin < end) {
        b.queries = end - begin < CPU_ATTENTION_GRADIENT_QUERIES ? end - begin : CPU_ATTENTION_GRADIENT_QUERIES;
        for (size_t i = 0; i < b.queries; i++)
            describe_query(r, batch, head * s->group + (begin + i) / s->queries, (begin + i) % s->queries, &b.query[i]);
        r->engine->kernels->attention_gradient->block(&b);
        begin += b.queries;
    }
}

static void join(const struct running *r, size_t whole, float *out, const struct operand *o, const float *parts, size_t width)
{
    const struct gradient *s = r->s;
    size_t                 each = s->keys * width;
    for (size_t i = 0; out && i < each; i++) {
        float sum = 0.0f;
        for (size_t p = 0; p < s->parts; p++)
            sum += parts[(whole * s->parts + p) * each + i];
        out[at(o, whole / s->kv_heads, whole % s->kv_heads, i / width) + i % width] = sum;
    }
}

static void join_parts(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    (void)thread;
    if (chunk % 2)
        join(r, chunk / 2, r->dk, &r->s->k, r->s->part_k, r->s->width);
    else
        join(r, chunk / 2, r->dv, &r->s->v, r->s->part_v, r->s->v_width);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct gradient *s = state;
    struct running r = {s, call->engine, call->in[DY], call->in[Q], call->in[K], call->in[V], call->in[MASK], call->out[0],
                        call->out[1], call->out[2]};
    size_t heads = s->batches * s->kv_heads;
    (void)err;
    cpu_pool_run(call->engine->pool, heads * s->parts, run_chunk, &r);
    if (s->parts > 1)
        cpu_pool_run(call->engine->pool, 2 * heads, join_parts, &r);
    return ASSAY_OK;
}

/* ---- preparing ------------------------------------------------------------------------------------------------- */

static void read_mask(const struct cpu_node *node, struct gradient *s)
{
    const struct assay_value_view *m = &node->in[MASK];
    size_t                         stride = 1;
    s->mask_is_bool = m->dtype == ASSAY_BOOL;
    for (int32_t d = m->rank - 1, axis = 3; d >= 0; d--, axis--) {
        s->mask[axis] = m->dims[d] == 1 && axis < 3 ? 0 : stride;
        stride *= (size_t)m->dims[d];
    }
}

static void read_node(const struct cpu_node *node, struct gradient *s)
{
    const struct assay_value_view *q = &node->in[Q], *k = &node->in[K], *v = &node->in[V];
    bool                           packed = q->rank == 3;
    s->batches = (size_t)q->dims[0];
    s->q_heads = packed ? (size_t)cpu_attr_i64(node, "q_num_heads", 1) : (size_t)q->dims[1];
    s->kv_heads = packed ? (size_t)cpu_attr_i64(node, "kv_num_heads", 1) : (size_t)k->dims[1];
    s->group = s->q_heads / s->kv_heads;
    s->queries = (size_t)q->dims[q->rank - 2];
    s->keys = (size_t)k->dims[k->rank - 2];
    s->width = packed ? (size_t)q->dims[2] / s->q_heads : (size_t)q->dims[3];
    s->v_width = packed ? (size_t)v->dims[2] / s->kv_heads : (size_t)v->dims[3];
    s->dy = operand_of(&node->in[DY], s->q_heads);
    s->q = operand_of(q, s->q_heads);
    s->k = operand_of(k, s->kv_heads);
    s->v = operand_of(v, s->kv_heads);
    s->scale = (float)cpu_attr_f64(node, "scale", 1.0 / sqrt((double)(s->width ? s->width : 1)));
    s->softcap = (float)cpu_attr_f64(node, "softcap", 0.0);
    s->causal = cpu_attr_i64(node, "is_causal", 0) != 0;
    if (cpu_has_in(node, MASK))
        read_mask(node, s);
}

static void plan(struct gradient *s, size_t threads)
{
    size_t heads = s->batches * s->kv_heads;
    size_t blocks = (s->group * s->queries + CPU_ATTENTION_GRADIENT_QUERIES - 1) / CPU_ATTENTION_GRADIENT_QUERIES;
    s->parts = 1;
    if (heads && heads < threads && blocks > 1) {
        size_t wanted = (2 * threads + heads - 1) / heads;
        s->parts = wanted < blocks ? wanted : blocks;
    }
}

static void release(void *state)
{
    struct gradient *s = state;
    free(s->scratch);
    free(s->part_k);
    free(s->part_v);
    free(s);
}

static enum assay_code reserve(struct gradient *s, size_t threads, struct assay_error *err)
{
    size_t parts = s->parts > 1 ? s->batches * s->kv_heads * s->parts * s->keys : 0;
    s->scratch_floats = (cpu_attention_gradient_scratch(s->width, s->v_width, s->keys, s->softcap > 0.0f) + 15) / 16 * 16;
    s->scratch = cpu_block_new(threads * s->scratch_floats * sizeof *s->scratch);
    s->part_k = cpu_block_new(parts * s->width * sizeof *s->part_k);
    s->part_v = cpu_block_new(parts * s->v_width * sizeof *s->part_v);
    if (!s->scratch || !s->part_k || !s->part_v)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the scratch of attention's gradient");
    return ASSAY_OK;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err)
{
    struct gradient *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = run;
    read_node(node, s);
    plan(s, cpu_pool_threads(engine->pool));
    (void)snprintf(step->kernel, sizeof step->kernel, "tiles of ours, %zu keys against %d queries at a time, in %zu parts a head",
                   s->keys, CPU_ATTENTION_GRADIENT_QUERIES, s->parts);
    return reserve(s, cpu_pool_threads(engine->pool), err);
}

const struct cpu_op cpu_op_attention_grad = {
    .name = "AttentionGrad", .domain = "assay", .accepts = accepts, .prepare = prepare, .integer_inputs = 1u << MASK};
