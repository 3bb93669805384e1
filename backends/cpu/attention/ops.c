/* Attention: heads, groups and caches laid out as blocks of queries for the kernels. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/attention/attention.h"
#include "backends/cpu/cpu.h"

#include "assay/banned.h"

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTHS };
enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };

/* Up to this many queries of one key head a vector along the width does more than vectors across queries. */
#define FEW 8
/* Keys in a part are at least this many, when one head's keys are shared out among threads. */
#define LEAST_KEYS 512

/* Where element [batch][head][position][..] of an operand is, in floats. */
struct operand {
    size_t batch, head, position;
};

struct attention {
    size_t         batches, q_heads, kv_heads, group; /* group: query heads of one key head */
    size_t         queries, fresh, past, keys, width, v_width;
    struct operand q, k, v, y, past_k, past_v;
    float          scale, softcap;
    bool           causal;
    size_t         mask[4];        /* strides over batch, head, query, key; 0 where it is stretched */
    bool           mask_is_bool;
    size_t         blocks, block;  /* of the queries of one key head */
    size_t         parts;          /* of its keys */
    bool           few;            /* queries are taken one by one */
    float         *scratch;
    size_t         scratch_floats; /* of one thread */
    float         *part_y, *part_largest, *part_sum; /* [chunk][part][query] when parts > 1 */
};

struct running {
    const struct attention  *s;
    const struct cpu_engine *engine;
    const float             *q, *k, *v, *past_k, *past_v;
    const void              *mask;
    const int64_t           *lengths; /* nonpad_kv_seqlen, or NULL */
    float                   *y, *present_k, *present_v;
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

static bool accepts_mask(const struct cpu_node *node, size_t keys, struct assay_text *why_not)
{
    const struct assay_value_view *m = &node->in[MASK];
    if (m->dtype != ASSAY_F32 && m->dtype != ASSAY_BOOL) {
        assay_text_add(why_not, "Attention with a mask of %s; f32 and bool are handled", assay_dtype_name(m->dtype));
        return false;
    }
    if (m->rank < 1 || m->rank > 4 || (size_t)m->dims[m->rank - 1] != keys) {
        assay_text_add(why_not, "Attention with a mask of ");
        cpu_describe_value(m, why_not);
        assay_text_add(why_not, " that does not reach all %zu keys", keys);
        return false;
    }
    return true;
}

static size_t count_keys(const struct cpu_node *node)
{
    size_t past = cpu_has_in(node, PAST_KEY) ? (size_t)node->in[PAST_KEY].dims[2] : 0;
    return past + (size_t)node->in[K].dims[node->in[K].rank - 2];
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    int64_t precision = cpu_attr_i64(node, "softmax_precision", 1);
    if (cpu_has_out(node, SCORES)) {
        assay_text_add(why_not, "Attention with its scores as an output; they are never stored here");
        return false;
    }
    if (precision != 1) {
        assay_text_add(why_not, "Attention with softmax_precision %lld; f32 (1) is handled", (long long)precision);
        return false;
    }
    return !cpu_has_in(node, MASK) || accepts_mask(node, count_keys(node), why_not);
}

/* ---- one chunk: some queries of one key head, some of its keys ----------------------------------------------- */

/* Keys [0, n) that a query may see before any mask. */
static size_t seen_by(const struct running *r, size_t batch, size_t position)
{
    const struct attention *s = r->s;
    size_t                  keys = s->keys, before = s->past;
    if (r->lengths) {
        int64_t length = r->lengths[batch];
        keys = length <= 0 ? 0 : (size_t)length < keys ? (size_t)length : keys;
        if (s->causal && length + (int64_t)position < (int64_t)s->queries)
            return 0;
        before = length <= 0 ? 0 : (size_t)length - s->queries; /* may wrap: the sum below does not */
    }
    return s->causal && position + before + 1 < keys ? position + before + 1 : keys;
}

static void describe_query(const struct running *r, size_t batch, size_t head, size_t position,
                           struct cpu_attention_query *out)
{
    const struct attention *s = r->s;
    size_t                  mask = batch * s->mask[0] + head * s->mask[1] + position * s->mask[2];
    *out = (struct cpu_attention_query){
        .q = r->q + at(&s->q, batch, head, position),
        .y = r->y + at(&s->y, batch, head, position),
        .sees = seen_by(r, batch, position),
        .added = r->mask && !s->mask_is_bool ? (const float *)r->mask + mask : NULL,
        .allowed = r->mask && s->mask_is_bool ? (const uint8_t *)r->mask + mask : NULL,
    };
}

static void describe_keys(const struct running *r, size_t batch, size_t head, struct cpu_attention_block *b)
{
    const struct attention *s = r->s;
    if (s->past)
        b->keys[0] = (struct cpu_attention_keys){s->past, r->past_k + at(&s->past_k, batch, head, 0),
                                                 r->past_v + at(&s->past_v, batch, head, 0), s->past_k.position,
                                                 s->past_v.position};
    b->keys[1] = (struct cpu_attention_keys){s->fresh, r->k + at(&s->k, batch, head, 0), r->v + at(&s->v, batch, head, 0),
                                             s->k.position, s->v.position};
}

static void run_chunk(void *self, size_t chunk, unsigned thread)
{
    const struct running   *r = self;
    const struct attention *s = r->s;
    size_t part = chunk % s->parts, whole = chunk / s->parts, block = whole % s->blocks;
    size_t head = whole / s->blocks % s->kv_heads, batch = whole / s->blocks / s->kv_heads;
    size_t first = block * s->block, all = s->group * s->queries;
    struct cpu_attention_block b = {
        .tile = r->engine->kernels->tile,
        .gemv = r->engine->kernels->gemv,
        .width = s->width,
        .v_width = s->v_width,
        .queries = all - first < s->block ? all - first : s->block,
        .scale = s->scale,
        .softcap = s->softcap,
        .scratch = s->scratch + thread * s->scratch_floats,
    };
    cpu_pool_piece(s->keys, s->parts, CPU_ATTENTION_KEYS, part, &b.begin, &b.end);
    describe_keys(r, batch, head, &b);
    for (size_t i = 0; i < b.queries; i++) {
        size_t index = first + i;
        describe_query(r, batch, head * s->group + index / s->queries, index % s->queries, &b.query[i]);
        if (s->parts > 1)
            b.query[i].y = s->part_y + (chunk * s->block + i) * s->v_width;
    }
    if (s->parts > 1) {
        b.largest = s->part_largest + chunk * s->block;
        b.sum = s->part_sum + chunk * s->block;
    }
    if (s->few)
        r->engine->kernels->attention->few(&b);
    else
        r->engine->kernels->attention->many(&b);
}

/* Joins the parts of one block's queries: each part's sum shrinks to the largest score of all. */
static void join_parts(void *self, size_t whole, unsigned thread)
{
    const struct running   *r = self;
    const struct attention *s = r->s;
    size_t block = whole % s->blocks, head = whole / s->blocks % s->kv_heads, batch = whole / s->blocks / s->kv_heads;
    (void)thread;
    for (size_t i = 0; i < s->block && block * s->block + i < s->group * s->queries; i++) {
        size_t index = block * s->block + i;
        float *y = r->y + at(&s->y, batch, head * s->group + index / s->queries, index % s->queries);
        float  top = -INFINITY, sum = 0.0f;
        for (size_t part = 0; part < s->parts; part++)
            top = fmaxf(top, s->part_largest[(whole * s->parts + part) * s->block + i]);
        memset(y, 0, s->v_width * sizeof *y);
        for (size_t part = 0; part < s->parts; part++) {
            size_t at_part = (whole * s->parts + part) * s->block + i;
            float  shrink = s->part_largest[at_part] == -INFINITY ? 0.0f : expf(s->part_largest[at_part] - top);
            sum += s->part_sum[at_part] * shrink;
            for (size_t e = 0; e < s->v_width; e++)
                y[e] += s->part_y[at_part * s->v_width + e] * shrink;
        }
        for (size_t e = 0; e < s->v_width; e++)
            y[e] /= sum;
    }
}

/* Cache and new rows of one (batch, head), joined. */
static void join_cache(const struct running *r, size_t index, const float *past, const struct operand *past_at,
                       const float *fresh, const struct operand *fresh_at, size_t width, float *to)
{
    const struct attention *s = r->s;
    size_t                  batch = index / s->kv_heads, head = index % s->kv_heads;
    to += index * s->keys * width;
    if (s->past)
        memcpy(to, past + at(past_at, batch, head, 0), s->past * width * sizeof *to);
    for (size_t i = 0; i < s->fresh; i++)
        memcpy(to + (s->past + i) * width, fresh + at(fresh_at, batch, head, i), width * sizeof *to);
}

static void write_present(void *self, size_t chunk, unsigned thread)
{
    const struct running   *r = self;
    const struct attention *s = r->s;
    (void)thread;
    if (chunk % 2 == 0 && r->present_k)
        join_cache(r, chunk / 2, r->past_k, &s->past_k, r->k, &s->k, s->width, r->present_k);
    if (chunk % 2 == 1 && r->present_v)
        join_cache(r, chunk / 2, r->past_v, &s->past_v, r->v, &s->v, s->v_width, r->present_v);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct attention *s = state;
    struct running r = {s, call->engine, call->in[Q], call->in[K], call->in[V], call->in[PAST_KEY], call->in[PAST_VALUE],
                        call->in[MASK], call->in[LENGTHS], call->out[Y], call->out[PRESENT_KEY], call->out[PRESENT_VALUE]};
    size_t chunks = s->batches * s->kv_heads * s->blocks;
    (void)err;
    if (r.present_k || r.present_v)
        cpu_pool_run(call->engine->pool, 2 * s->batches * s->kv_heads, write_present, &r);
    cpu_pool_run(call->engine->pool, chunks * s->parts, run_chunk, &r);
    if (s->parts > 1)
        cpu_pool_run(call->engine->pool, chunks, join_parts, &r);
    return ASSAY_OK;
}

/* ---- preparing ----------------------------------------------------------------------------------------------- */

static void read_mask(const struct cpu_node *node, struct attention *s)
{
    const struct assay_value_view *m = &node->in[MASK];
    size_t                         stride = 1;
    s->mask_is_bool = m->dtype == ASSAY_BOOL;
    for (int32_t d = m->rank - 1, axis = 3; d >= 0; d--, axis--) {
        s->mask[axis] = m->dims[d] == 1 && axis < 3 ? 0 : stride;
        stride *= (size_t)m->dims[d];
    }
}

static void read_node(const struct cpu_node *node, struct attention *s)
{
    const struct assay_value_view *q = &node->in[Q], *k = &node->in[K], *v = &node->in[V];
    bool                           packed = q->rank == 3;
    s->batches = (size_t)q->dims[0];
    s->q_heads = packed ? (size_t)cpu_attr_i64(node, "q_num_heads", 1) : (size_t)q->dims[1];
    s->kv_heads = packed ? (size_t)cpu_attr_i64(node, "kv_num_heads", 1) : (size_t)k->dims[1];
    s->group = s->q_heads / s->kv_heads;
    s->queries = (size_t)q->dims[q->rank - 2];
    s->fresh = (size_t)k->dims[k->rank - 2];
    s->past = cpu_has_in(node, PAST_KEY) ? (size_t)node->in[PAST_KEY].dims[2] : 0;
    s->keys = s->past + s->fresh;
    s->width = packed ? (size_t)q->dims[2] / s->q_heads : (size_t)q->dims[3];
    s->v_width = packed ? (size_t)v->dims[2] / s->kv_heads : (size_t)v->dims[3];
    s->q = operand_of(q, s->q_heads);
    s->k = operand_of(k, s->kv_heads);
    s->v = operand_of(v, s->kv_heads);
    s->y = operand_of(&node->out[Y], s->q_heads);
    if (s->past) {
        s->past_k = operand_of(&node->in[PAST_KEY], s->kv_heads);
        s->past_v = operand_of(&node->in[PAST_VALUE], s->kv_heads);
    }
    s->scale = (float)cpu_attr_f64(node, "scale", 1.0 / sqrt((double)(s->width ? s->width : 1)));
    s->softcap = (float)cpu_attr_f64(node, "softcap", 0.0);
    s->causal = cpu_attr_i64(node, "is_causal", 0) != 0;
    if (cpu_has_in(node, MASK))
        read_mask(node, s);
}

/* That a query's sums do not tell what stands beside it: taken alone, over all its keys in order. */
static void plan(struct attention *s, const struct cpu_engine *engine)
{
    size_t threads = cpu_pool_threads(engine->pool);
    size_t all = s->group * s->queries, heads = s->batches * s->kv_heads;
    s->block = all < CPU_ATTENTION_QUERIES ? all : CPU_ATTENTION_QUERIES;
    s->blocks = s->block ? (all + s->block - 1) / s->block : 0;
    s->parts = 1;
    s->few = engine->batch_invariant || all <= FEW;
    size_t chunks = heads * s->blocks;
    if (!engine->batch_invariant && chunks && chunks < 2 * threads && threads > 1 && s->keys >= 2 * LEAST_KEYS) {
        size_t wanted = (2 * threads + chunks - 1) / chunks, most = s->keys / LEAST_KEYS;
        s->parts = wanted < most ? wanted : most;
    }
}

static void release(void *state)
{
    struct attention *s = state;
    free(s->scratch);
    free(s->part_y);
    free(s->part_largest);
    free(s->part_sum);
    free(s);
}

static enum assay_code reserve(struct attention *s, size_t threads, struct assay_error *err)
{
    size_t parts = s->batches * s->kv_heads * s->blocks * s->parts * s->block;
    s->scratch_floats = (cpu_attention_scratch(s->width, s->v_width) + 15) / 16 * 16;
    s->scratch = cpu_block_new(threads * s->scratch_floats * sizeof *s->scratch);
    if (s->parts > 1) {
        s->part_y = cpu_block_new(parts * s->v_width * sizeof *s->part_y);
        s->part_largest = cpu_block_new(parts * sizeof *s->part_largest);
        s->part_sum = cpu_block_new(parts * sizeof *s->part_sum);
    }
    if (!s->scratch || (s->parts > 1 && (!s->part_y || !s->part_largest || !s->part_sum)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for attention's scratch");
    return ASSAY_OK;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err)
{
    struct attention *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = run;
    read_node(node, s);
    plan(s, engine);
    (void)snprintf(step->kernel, sizeof step->kernel, "%s of ours, %zu keys in %zu parts, %zu queries at a time",
                   s->few ? "dot products" : "online softmax over tiles", s->keys, s->parts, s->block);
    return reserve(s, cpu_pool_threads(engine->pool), err);
}

const struct cpu_op cpu_op_attention = {
    .name = "Attention", .domain = "", .accepts = accepts, .prepare = prepare, .integer_inputs = 1u << MASK | 1u << LENGTHS};
