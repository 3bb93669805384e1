#include "suites/blocks/decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites/blocks/blocks.h"

#include "assay/banned.h"

#define NAME ASSAY_BLOCK_NAME_BYTES

struct decoder {
    struct assay_graph             *g;
    const struct assay_decoder     *how;
    const struct assay_model_shape *shape;
    int64_t                         batch;  /* sequences that stand side by side: of packed ones, one */
    int64_t                         length; /* tokens a sequence that this graph computes */
    int64_t                         room;   /* tokens a cache holds */
    int32_t                         positions, cosines, sines; /* of rotary positions */
    int32_t                         past, filled;              /* decode: i64[batch], and one more */
    int32_t                         table, starts;             /* serve, as `past` is: i32 */
    double                          out_gain; /* of what is added to the residual, so that it stays near one */
};

static bool caches(const struct decoder *d)
{
    return d->how->phase != ASSAY_DECODER_TRAIN;
}

static int32_t linear(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias,
                      double gain)
{
    char                      full[NAME];
    struct assay_block_linear how = {.in = in, .out = out, .bias = bias, .gain = gain, .store = d->how->store};
    assay_block_name(full, prefix, name);
    return assay_block_linear(d->g, full, x, &how);
}

static int32_t norm(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t n)
{
    char full[NAME];
    assay_block_name(full, prefix, name);
    return d->shape->norm == ASSAY_NORM_RMS ? assay_block_rms_norm(d->g, full, x, n, d->shape->norm_epsilon)
                                            : assay_block_layer_norm(d->g, full, x, n, d->shape->norm_epsilon);
}

/* x[rows, width] as [batch, length, width], and back. */
static int32_t sequences(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t width)
{
    return assay_block_reshape(d->g, prefix, name, x, 3, (int64_t[]){d->batch, d->length, width});
}

static int32_t rows(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t width)
{
    return assay_block_reshape(d->g, prefix, name, x, 2, (int64_t[]){d->batch * d->length, width});
}

static int32_t rotate(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t heads)
{
    char full[NAME];
    assay_block_name(full, prefix, name);
    if (d->shape->positions != ASSAY_POSITIONS_ROPE)
        return x;
    return assay_graph_op(d->g, "RotaryEmbedding", full, (int32_t[]){x, d->cosines, d->sines, d->positions}, 4,
                          (struct assay_attr[]){ASSAY_ATTR_INT("num_heads", heads),
                                                ASSAY_ATTR_INT("interleaved", d->shape->rope_interleaved), ASSAY_ATTR_END});
}

/* What stands in the cache afterwards: x[batch, length, width] written behind the past tokens. */
static int32_t cached(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t width)
{
    char    state[NAME], next[NAME];
    int64_t dims[3] = {d->how->batch, d->room, width};
    int32_t in[3];
    assay_block_name(state, prefix, name);
    (void)snprintf(next, sizeof next, "%.112s:next", state);
    in[0] = assay_graph_state(d->g, state, ASSAY_F32, 3, dims, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 1});
    in[1] = x;
    in[2] = d->past;
    int32_t y = assay_graph_op(d->g, "TensorScatter", next, in, d->past == ASSAY_NO_VALUE ? 2 : 3, NULL);
    assay_graph_output(d->g, y);
    assay_graph_alias(d->g, y, in[0]);
    return y;
}

static int32_t attend(const struct decoder *d, const char *prefix, int32_t q, int32_t k, int32_t v, int64_t heads, int64_t kv_heads,
                      double scale)
{
    char              full[NAME];
    bool              decode = d->how->phase == ASSAY_DECODER_DECODE;
    int32_t           in[7] = {q, k, v, ASSAY_NO_VALUE, ASSAY_NO_VALUE, ASSAY_NO_VALUE, d->filled};
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("q_num_heads", heads), ASSAY_ATTR_INT("kv_num_heads", kv_heads),
                                 ASSAY_ATTR_INT("is_causal", !decode), ASSAY_ATTR_FLOAT("scale", scale), ASSAY_ATTR_END};
    assay_block_name(full, prefix, "attention");
    return assay_graph_op(d->g, "Attention", full, in, decode ? 7 : 3, attrs);
}

/* Packed rows over caches in blocks; q, k and v are matrices. */
static int32_t attend_pages(const struct decoder *d, const char *prefix, int32_t q, int32_t k, int32_t v, int64_t width, int64_t q_width)
{
    static const char *const label[] = {"cache.keys", "cache.values"};
    const struct assay_decoder *how = d->how;
    char                        name[3][NAME], state[NAME];
    int64_t                     dims[3] = {how->blocks, how->block, width};
    int32_t in[8] = {rows(d, prefix, "q_packed", q, q_width), rows(d, prefix, "k_packed", k, width), v, 0, 0, d->table, d->starts, d->past};
    int32_t out[3];
    assay_block_name(name[0], prefix, "attention");
    for (int i = 0; i < 2; i++) {
        assay_block_name(state, prefix, label[i]);
        (void)snprintf(name[1 + i], sizeof name[0], "%.112s:next", state);
        in[3 + i] = assay_graph_state(d->g, state, how->cache, 3, dims, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 1});
    }
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("q_num_heads", d->shape->heads), ASSAY_ATTR_INT("kv_num_heads", d->shape->kv_heads),
                                 ASSAY_ATTR_FLOAT("scale", 1 / sqrt((double)d->shape->head_dim)), ASSAY_ATTR_END};
    assay_graph_op_outputs(d->g, "assay.PagedAttention", (const char *const[]){name[0], name[1], name[2]}, 3, in, 8, attrs, out);
    for (int i = 1; i < 3; i++) {
        assay_graph_output(d->g, out[i]);
        assay_graph_alias(d->g, out[i], in[2 + i]);
    }
    return out[0];
}

/* ---- grouped attention --------------------------------------------------------------------------------------- */

static int32_t grouped(const struct decoder *d, const char *prefix, int32_t x)
{
    const struct assay_model_shape *s = d->shape;
    int64_t                         q_width = s->heads * s->head_dim, kv_width = s->kv_heads * s->head_dim;
    int32_t q = sequences(d, prefix, "q", linear(d, prefix, "q_proj", x, s->hidden, q_width, s->attention_bias, 1), q_width);
    int32_t k = sequences(d, prefix, "k", linear(d, prefix, "k_proj", x, s->hidden, kv_width, s->attention_bias, 1), kv_width);
    int32_t v = sequences(d, prefix, "v", linear(d, prefix, "v_proj", x, s->hidden, kv_width, s->attention_bias, 1), kv_width);
    q = rotate(d, prefix, "q_rotated", q, s->heads);
    k = rotate(d, prefix, "k_rotated", k, s->kv_heads);
    if (d->how->phase == ASSAY_DECODER_SERVE) {
        int32_t a = attend_pages(d, prefix, q, k, rows(d, prefix, "v_packed", v, kv_width), kv_width, q_width);
        return linear(d, prefix, "o_proj", a, q_width, s->hidden, s->attention_bias, d->out_gain);
    }
    if (caches(d)) {
        int32_t keys = cached(d, prefix, "cache.keys", k, kv_width), values = cached(d, prefix, "cache.values", v, kv_width);
        if (d->how->phase == ASSAY_DECODER_DECODE) {
            k = keys;
            v = values;
        }
    }
    int32_t a = attend(d, prefix, q, k, v, s->heads, s->kv_heads, 1 / sqrt((double)s->head_dim));
    return linear(d, prefix, "o_proj", rows(d, prefix, "rows", a, q_width), q_width, s->hidden, s->attention_bias, d->out_gain);
}

/* ---- latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1) ------------------------------------------- */

/* Queries: down to q_rank, norm, up to heads of a plain and a rotated part: [batch, length, heads, nope] and [.., rope]. */
static void latent_queries(const struct decoder *d, const char *prefix, int32_t x, int32_t *nope, int32_t *rope)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_mla   *m = &s->mla;
    int64_t                         head = m->nope_dim + m->rope_dim, b = d->how->batch, t = d->length;
    int32_t q = linear(d, prefix, "q_a_proj", x, s->hidden, m->q_rank, false, 1);
    q = linear(d, prefix, "q_b_proj", norm(d, prefix, "q_a_layernorm", q, m->q_rank), m->q_rank, s->heads * head, false, 1);
    q = assay_block_reshape(d->g, prefix, "q", q, 4, (int64_t[]){b, t, s->heads, head});
    *nope = assay_block_slice(d->g, prefix, "q_nope", q, 3, 0, m->nope_dim);
    int32_t r = assay_block_slice(d->g, prefix, "q_rope", q, 3, m->nope_dim, head);
    r = assay_block_reshape(d->g, prefix, "q_rope_rows", r, 3, (int64_t[]){b, t, s->heads * m->rope_dim});
    r = rotate(d, prefix, "q_rotated", r, s->heads);
    *rope = assay_block_reshape(d->g, prefix, "q_rope_heads", r, 4, (int64_t[]){b, t, s->heads, m->rope_dim});
}

/* The latent of each token and its rotated key part: [batch, length, kv_rank + rope], what the cache holds. */
static int32_t latent_of(const struct decoder *d, const char *prefix, int32_t x, int32_t *latent, int32_t *rope)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_mla   *m = &s->mla;
    int64_t                         width = m->kv_rank + m->rope_dim;
    int32_t both = linear(d, prefix, "kv_a_proj_with_mqa", x, s->hidden, width, false, 1);
    *latent = norm(d, prefix, "kv_a_layernorm", assay_block_slice(d->g, prefix, "kv_latent", both, 1, 0, m->kv_rank), m->kv_rank);
    *rope = sequences(d, prefix, "k_rope", assay_block_slice(d->g, prefix, "k_rope_rows", both, 1, m->kv_rank, width), m->rope_dim);
    *rope = rotate(d, prefix, "k_rotated", *rope, 1);
    int32_t three = sequences(d, prefix, "kv_latent_sequences", *latent, m->kv_rank);
    return assay_block_concat(d->g, prefix, "kv_cached", (int32_t[]){three, *rope}, 2, 2);
}

static int32_t expand(const struct decoder *d, const char *prefix, const char *name, int32_t x, size_t rank, const int64_t *dims)
{
    char full[NAME], label[NAME];
    assay_block_name(full, prefix, name);
    (void)snprintf(label, sizeof label, "%.112s:shape", full);
    return assay_block_binary(d->g, "Expand", prefix, name, x, assay_graph_i64s(d->g, label, rank, dims));
}

/* A prompt or a training step: keys and values are unfolded from the latent. Returns [batch, length, heads * v]. */
static int32_t latent_unfolded(const struct decoder *d, const char *prefix, int32_t q_nope, int32_t q_rope, int32_t latent,
                               int32_t k_rope)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_mla   *m = &s->mla;
    int64_t b = d->how->batch, t = d->length, h = s->heads, head = m->nope_dim + m->rope_dim, pair = m->nope_dim + m->v_dim;
    int32_t kv = linear(d, prefix, "kv_b_proj", latent, m->kv_rank, h * pair, false, 1);
    kv = assay_block_reshape(d->g, prefix, "kv", kv, 4, (int64_t[]){b, t, h, pair});
    int32_t k_nope = assay_block_slice(d->g, prefix, "k_nope", kv, 3, 0, m->nope_dim);
    int32_t v = assay_block_slice(d->g, prefix, "v_heads", kv, 3, m->nope_dim, pair);
    int32_t shared = assay_block_reshape(d->g, prefix, "k_rope_one", k_rope, 4, (int64_t[]){b, t, 1, m->rope_dim});
    shared = expand(d, prefix, "k_rope_heads", shared, 4, (int64_t[]){b, t, h, m->rope_dim});
    int32_t k = assay_block_concat(d->g, prefix, "k_heads", (int32_t[]){k_nope, shared}, 2, 3);
    int32_t q = assay_block_concat(d->g, prefix, "q_heads", (int32_t[]){q_nope, q_rope}, 2, 3);
    q = sequences(d, prefix, "q_all", q, h * head);
    k = sequences(d, prefix, "k_all", k, h * head);
    v = sequences(d, prefix, "v_all", v, h * m->v_dim);
    return attend(d, prefix, q, k, v, h, h, 1 / sqrt((double)head));
}

/* A step: the latents themselves are keys and values of one shared head, and the unfolding is absorbed into queries and
 * outputs, so that the cache is read once and never unfolded. Returns [batch, 1, heads * v]. */
static int32_t latent_absorbed(const struct decoder *d, const char *prefix, int32_t q_nope, int32_t q_rope, int32_t cache)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_mla   *m = &s->mla;
    struct assay_graph             *g = d->g;
    char                            name[NAME];
    int64_t b = d->how->batch, h = s->heads, r = m->kv_rank, pair = m->nope_dim + m->v_dim;
    assay_block_name(name, prefix, "kv_b_proj");
    int32_t w = assay_block_weight(g, name, "weight", d->how->store, 2, (int64_t[]){h * pair, r}, r, 1);
    w = assay_block_reshape(g, prefix, "kv_b_heads", w, 3, (int64_t[]){h, pair, r});
    int32_t w_k = assay_block_slice(g, prefix, "kv_b_keys", w, 1, 0, m->nope_dim);
    int32_t w_v = assay_block_slice(g, prefix, "kv_b_values", w, 1, m->nope_dim, pair);
    int32_t q = assay_block_reshape(g, prefix, "q_nope_rows", q_nope, 3, (int64_t[]){b, h, m->nope_dim});
    q = assay_block_transpose(g, prefix, "q_nope_by_head", q, 3, (int64_t[]){1, 0, 2});
    q = assay_block_binary(g, "MatMul", prefix, "q_latent", q, w_k);
    q = assay_block_transpose(g, prefix, "q_latent_rows", q, 3, (int64_t[]){1, 0, 2});
    int32_t rope = assay_block_reshape(g, prefix, "q_rope_flat", q_rope, 3, (int64_t[]){b, h, m->rope_dim});
    q = assay_block_concat(g, prefix, "q_heads", (int32_t[]){q, rope}, 2, 2);
    q = sequences(d, prefix, "q_all", q, h * (r + m->rope_dim));
    int32_t v = assay_block_slice(g, prefix, "cache.values", cache, 2, 0, r);
    int32_t a = attend(d, prefix, q, cache, v, h, 1, 1 / sqrt((double)(m->nope_dim + m->rope_dim)));
    a = assay_block_reshape(g, prefix, "latent_out", a, 3, (int64_t[]){b, h, r});
    a = assay_block_transpose(g, prefix, "latent_out_by_head", a, 3, (int64_t[]){1, 0, 2});
    a = assay_block_binary(g, "MatMul", prefix, "v_by_head", a, assay_block_transpose(g, prefix, "kv_b_values_t", w_v, 3, (int64_t[]){0, 2, 1}));
    a = assay_block_transpose(g, prefix, "v_rows", a, 3, (int64_t[]){1, 0, 2});
    return sequences(d, prefix, "v_all", a, h * m->v_dim);
}

static int32_t latent_attention(const struct decoder *d, const char *prefix, int32_t x)
{
    const struct assay_model_shape *s = d->shape;
    int64_t                         width = s->heads * s->mla.v_dim;
    int32_t                         q_nope, q_rope, latent, k_rope, cache = ASSAY_NO_VALUE;
    latent_queries(d, prefix, x, &q_nope, &q_rope);
    int32_t both = latent_of(d, prefix, x, &latent, &k_rope);
    if (caches(d))
        cache = cached(d, prefix, "cache.latent", both, s->mla.kv_rank + s->mla.rope_dim);
    int32_t a = d->how->phase == ASSAY_DECODER_DECODE ? latent_absorbed(d, prefix, q_nope, q_rope, cache)
                                                      : latent_unfolded(d, prefix, q_nope, q_rope, latent, k_rope);
    return linear(d, prefix, "o_proj", rows(d, prefix, "rows", a, width), width, s->hidden, false, d->out_gain);
}

/* ---- feed-forward -------------------------------------------------------------------------------------------- */

static int32_t dense(const struct decoder *d, const char *prefix, int32_t x, int64_t ffn)
{
    const struct assay_model_shape *s = d->shape;
    if (s->activation == ASSAY_FFN_GELU) {
        int32_t y = assay_block_unary(d->g, "Gelu", prefix, "gelu", linear(d, prefix, "fc_in", x, s->hidden, ffn, s->ffn_bias, 1));
        return linear(d, prefix, "fc_out", y, ffn, s->hidden, s->ffn_bias, 1.4 * d->out_gain);
    }
    int32_t gate = assay_block_unary(d->g, "Swish", prefix, "swish", linear(d, prefix, "gate_proj", x, s->hidden, ffn, s->ffn_bias, 1));
    int32_t up = linear(d, prefix, "up_proj", x, s->hidden, ffn, s->ffn_bias, 1);
    int32_t y = assay_block_binary(d->g, "Mul", prefix, "gated", gate, up);
    return linear(d, prefix, "down_proj", y, ffn, s->hidden, s->ffn_bias, 1.7 * d->out_gain);
}

/* All experts' matrices of one kind: [experts, in, out]. */
static int32_t expert_product(const struct decoder *d, const char *prefix, const char *name, int32_t x, int32_t counts, int64_t in,
                              int64_t out, double gain)
{
    char weight[NAME];
    (void)snprintf(weight, sizeof weight, "experts.%.32s", name);
    char full[NAME];
    assay_block_name(full, prefix, weight);
    int32_t w = assay_block_weight(d->g, full, "weight", d->how->store, 3, (int64_t[]){d->shape->moe.experts, in, out}, in, gain);
    return assay_graph_op(d->g, "assay.GroupedMatMul", full, (int32_t[]){x, w, counts}, 3, NULL);
}

/* Every token to its top_k experts, none dropped; equal scores go to the lower number. */
static int32_t mixture(const struct decoder *d, const char *prefix, int32_t x)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_moe   *m = &s->moe;
    struct assay_graph             *g = d->g;
    char                            name[5][NAME];
    int32_t                         route[3] = {0, ASSAY_NO_VALUE}, routed[2], moved[3];
    static const char *const        label[] = {"weights", "experts.chosen", "experts.rows", "experts.counts", "experts.source"};
    for (int i = 0; i < 5; i++)
        assay_block_name(name[i], prefix, label[i]);
    struct assay_block_linear gate = {.in = s->hidden, .out = m->experts};
    char                      gate_name[NAME];
    assay_block_name(gate_name, prefix, "gate");
    route[0] = assay_block_linear(g, gate_name, x, &gate);
    if (m->bias) { /* it only chooses, so no gradient reaches it; its own rule, outside of the step, moves it */
        route[1] = assay_block_bias(g, gate_name, "e_score_correction_bias", m->experts);
        assay_graph_freeze(g, route[1]);
    }
    struct assay_attr how[] = {ASSAY_ATTR_INT("k", m->top_k), ASSAY_ATTR_STRING("scoring", m->sigmoid ? "sigmoid" : "softmax"),
                               ASSAY_ATTR_INT("normalize", m->normalize), ASSAY_ATTR_FLOAT("scale", m->scale), ASSAY_ATTR_END};
    assay_graph_op_outputs(g, "assay.MoeRoute", (const char *const[]){name[0], name[1]}, 2, route, m->bias ? 2 : 1, how, routed);
    assay_graph_op_outputs(g, "assay.MoePermute", (const char *const[]){name[2], name[3], name[4]}, 3, (int32_t[]){x, routed[1]}, 2,
                           (struct assay_attr[]){ASSAY_ATTR_INT("num_experts", m->experts), ASSAY_ATTR_END}, moved);
    int32_t a = expert_product(d, prefix, "gate_proj", moved[0], moved[1], s->hidden, m->expert_ffn, 1);
    int32_t b = expert_product(d, prefix, "up_proj", moved[0], moved[1], s->hidden, m->expert_ffn, 1);
    a = assay_block_binary(g, "Mul", prefix, "experts.gated", assay_block_unary(g, "Swish", prefix, "experts.swish", a), b);
    a = expert_product(d, prefix, "down_proj", a, moved[1], m->expert_ffn, s->hidden, 1.7 * d->out_gain);
    assay_block_name(name[0], prefix, "experts.combined");
    int32_t y = assay_graph_op(g, "assay.MoeCombine", name[0], (int32_t[]){a, routed[0], moved[2]}, 3, NULL);
    if (!m->shared)
        return y;
    assay_block_name(name[1], prefix, "shared_experts");
    return assay_block_binary(g, "Add", prefix, "with_shared", y, dense(d, name[1], x, m->shared_ffn));
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */

static int32_t layer(const struct decoder *d, int64_t index, int32_t x)
{
    const struct assay_model_shape *s = d->shape;
    char                            prefix[32], name[NAME];
    (void)snprintf(prefix, sizeof prefix, "model.layers.%d", (int)index);
    if (d->how->attention) {
        int32_t h = norm(d, prefix, "input_layernorm", x, s->hidden);
        assay_block_name(name, prefix, "self_attn");
        h = s->mla.kv_rank ? latent_attention(d, name, h) : grouped(d, name, h);
        x = assay_block_binary(d->g, "Add", prefix, "sum1", x, h);
    }
    int32_t f = norm(d, prefix, "post_attention_layernorm", x, s->hidden);
    assay_block_name(name, prefix, "mlp");
    f = s->moe.experts && index >= s->moe.first_layer ? mixture(d, name, f) : dense(d, name, f, s->ffn);
    x = assay_block_binary(d->g, "Add", prefix, "sum2", x, f);
    assay_graph_checkpoint(d->g, x);
    return x;
}

/* cos and sin of position * theta^(-2 i / width), in f32, as the tables of the public implementations are. */
static void rotary_tables(struct decoder *d)
{
    int64_t width = d->shape->mla.kv_rank ? d->shape->mla.rope_dim : d->shape->head_dim, half = width / 2, n = d->room;
    float  *table = malloc(2 * (size_t)(n * half) * sizeof *table);
    if (!table) {
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for rotary tables of %lld positions", (long long)n);
        return;
    }
    for (int64_t p = 0; p < n; p++)
        for (int64_t i = 0; i < half; i++) {
            double angle = (double)p * pow(d->shape->rope_theta, -2.0 * (double)i / (double)width);
            table[p * half + i] = (float)cos(angle);
            table[n * half + p * half + i] = (float)sin(angle);
        }
    d->cosines = assay_graph_const(d->g, "rotary.cos", ASSAY_F32, 2, (int64_t[]){n, half}, table);
    d->sines = assay_graph_const(d->g, "rotary.sin", ASSAY_F32, 2, (int64_t[]){n, half}, table + n * half);
    free(table);
}

/* i64[batch, length]: counted from 0, or where the past ends; of packed tokens, given. */
static int32_t positions(const struct decoder *d)
{
    int64_t dims[2] = {d->batch, d->length};
    if (d->how->phase == ASSAY_DECODER_SERVE) {
        int32_t ids = assay_graph_control(d->g, "position_ids", ASSAY_I64, 1, &dims[1],
                                          (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(d->how->context - 1)});
        return assay_block_reshape(d->g, "", "position_ids:sequence", ids, 2, dims);
    }
    if (d->past != ASSAY_NO_VALUE)
        return assay_block_reshape(d->g, "", "position_ids", d->past, 2, dims);
    int64_t *list = malloc((size_t)(dims[0] * dims[1]) * sizeof *list);
    if (!list) {
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for %lld x %lld positions", (long long)dims[0], (long long)dims[1]);
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < dims[0] * dims[1]; i++)
        list[i] = i % dims[1];
    int32_t v = assay_graph_const(d->g, "position_ids", ASSAY_I64, 2, dims, list);
    free(list);
    return v;
}

/* Who owns which rows and blocks. Generated ones are such as a server has: sequences of uneven lengths and blocks all over the caches. */
static void paging(struct decoder *d)
{
    const struct assay_decoder *how = d->how;
    int64_t sequences = how->batch, ends = sequences + 1, table[2] = {sequences, (how->context + how->block - 1) / how->block};
    int64_t most = how->context > how->tokens ? how->context - how->tokens : 0;
    d->table = assay_graph_control(d->g, "block_table", ASSAY_I32, 2, table, (struct assay_fill){ASSAY_FILL_DISTINCT, 0, (double)(how->blocks - 1)});
    d->starts = assay_graph_control(d->g, "starts", ASSAY_I32, 1, &ends, (struct assay_fill){ASSAY_FILL_RAGGED, 0, (double)how->tokens});
    d->past = assay_graph_control(d->g, "past", ASSAY_I32, 1, &sequences, (struct assay_fill){ASSAY_FILL_INTEGERS, (double)(most / 2), (double)most});
}

static void begin(struct decoder *d)
{
    const struct assay_decoder *how = d->how;
    bool                        decode = how->phase == ASSAY_DECODER_DECODE, serve = how->phase == ASSAY_DECODER_SERVE;
    d->batch = serve ? 1 : how->batch;
    d->length = decode ? 1 : how->tokens;
    d->room = serve ? how->context : how->tokens + (decode ? ASSAY_DECODER_ROOM : 0);
    d->past = d->filled = d->cosines = d->sines = d->table = d->starts = ASSAY_NO_VALUE;
    if (serve)
        paging(d);
    d->out_gain = 1 / sqrt(2.0 * (double)how->layers);
    if (decode) {
        int64_t one = 1;
        d->past = assay_graph_control(d->g, "past", ASSAY_I64, 1, &how->batch,
                                      (struct assay_fill){ASSAY_FILL_INTEGERS, (double)how->tokens, (double)(d->room - 1)});
        d->filled = assay_block_binary(d->g, "Add", "", "filled", d->past, assay_graph_i64s(d->g, "filled:one", 1, &one));
    }
    d->positions = positions(d);
    if (d->shape->positions == ASSAY_POSITIONS_ROPE)
        rotary_tables(d);
}

/* Tables have no scales: where matrices are whole numbers they are bf16. */
static enum assay_dtype table_format(const struct decoder *d)
{
    return d->how->store == ASSAY_I8 ? ASSAY_BF16 : d->how->store;
}

static int32_t embed(const struct decoder *d, int32_t *table)
{
    const struct assay_model_shape *s = d->shape;
    bool                            packed = d->how->phase == ASSAY_DECODER_SERVE;
    int64_t                         dims[2] = {d->batch, d->length};
    int32_t                         ids = assay_graph_input(d->g, "input_ids", ASSAY_I64, packed ? 1 : 2, packed ? &dims[1] : dims,
                                                            (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(s->vocab - 1)});
    int32_t x = assay_block_embedding(d->g, "model.embed_tokens", ids, s->vocab, s->hidden, table_format(d), table);
    if (s->positions == ASSAY_POSITIONS_LEARNED) {
        int32_t other, p = assay_block_embedding(d->g, "model.embed_positions", d->positions, s->context, s->hidden, ASSAY_F32, &other);
        x = assay_block_binary(d->g, "Add", "model", "embedded", x, p);
    }
    return rows(d, "model", "rows", x, s->hidden);
}

/* The last token of each sequence: [batch, hidden]. */
static int32_t last(const struct decoder *d, int32_t x)
{
    int64_t at = d->length - 1, dims[2] = {d->how->batch, d->shape->hidden};
    x = sequences(d, "model", "sequences", x, d->shape->hidden);
    x = assay_graph_op(d->g, "Gather", "model.last", (int32_t[]){x, assay_graph_i64s(d->g, "model.last:index", 1, &at)}, 2,
                       (struct assay_attr[]){ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END});
    return assay_block_reshape(d->g, "model", "last_rows", x, 2, dims);
}

/* The last token of each packed sequence: [batch, hidden]. Of one without tokens, some other's. */
static int32_t last_packed(const struct decoder *d, int32_t x)
{
    int64_t begin = 1, end = d->how->batch + 1, axis = 0;
    int32_t one = 1, ends[4] = {d->starts, assay_graph_i64s(d->g, "ends:begin", 1, &begin), assay_graph_i64s(d->g, "ends:end", 1, &end),
                                assay_graph_i64s(d->g, "ends:axis", 1, &axis)};
    int32_t behind = assay_graph_op(d->g, "Slice", "ends", ends, 4, NULL);
    int32_t at = assay_block_binary(d->g, "Sub", "", "last_tokens", behind, assay_graph_const(d->g, "last_tokens:one", ASSAY_I32, 0, NULL, &one));
    return assay_graph_op(d->g, "Gather", "model.last", (int32_t[]){x, at}, 2, NULL);
}

/* A bucket with what was left open filled in; false, with the reason in the graph: there is none like it. */
static bool complete(struct assay_graph *g, const struct assay_decoder *how, struct assay_decoder *out)
{
    const struct assay_model_shape *s = how->shape;
    bool                            serve = how->phase == ASSAY_DECODER_SERVE;
    int64_t                         longest = serve ? how->context : how->tokens;
    *out = *how;
    if (s->positions == ASSAY_POSITIONS_LEARNED && longest > s->context)
        assay_graph_refuse(g, ASSAY_CONFIG, "tokens %lld; the model has %lld positions", (long long)longest, (long long)s->context);
    else if (serve && s->mla.kv_rank)
        assay_graph_refuse(g, ASSAY_UNSUPPORTED, "phase serve with latent attention: PagedAttention has caches of keys and values only");
    else if (serve && (how->block < 1 || how->context < 1 || how->batch > how->tokens))
        assay_graph_refuse(g, ASSAY_CONFIG, "phase serve with %lld tokens of %lld sequences of at most %lld, in blocks of %lld",
                           (long long)how->tokens, (long long)how->batch, (long long)how->context, (long long)how->block);
    if (g->first_error.code)
        return false;
    out->cache = how->cache == ASSAY_DTYPE_NONE ? ASSAY_F32 : how->cache;
    if (serve && !how->blocks)
        out->blocks = how->batch * ((how->context + how->block - 1) / how->block);
    return true;
}

void assay_decoder_choose(struct assay_graph *g, int32_t logits)
{
    int64_t           two = 2, rows = assay_block_length(g, logits, 0);
    int32_t           best[2];
    const char *const names[] = {"best.logits", "best.tokens"};
    assay_graph_op_outputs(g, "TopK", names, 2, (int32_t[]){logits, assay_graph_i64s(g, "best:k", 1, &two)}, 2, NULL, best);
    int32_t first = assay_block_slice(g, "best", "first", best[0], 1, 0, 1), second = assay_block_slice(g, "best", "second", best[0], 1, 1, 2);
    int32_t margin = assay_block_binary(g, "Sub", "best", "apart", first, second);
    assay_graph_output(g, assay_block_reshape(g, "", "next_tokens", assay_block_slice(g, "best", "token", best[1], 1, 0, 1), 1, &rows));
    assay_graph_output(g, assay_block_reshape(g, "", "margins", margin, 1, &rows));
}

int32_t assay_decoder_build(struct assay_graph *g, const struct assay_decoder *given)
{
    const struct assay_model_shape *s = given->shape;
    struct assay_decoder            bucket;
    const struct assay_decoder     *how = &bucket;
    struct decoder                  d = {.g = g, .how = how, .shape = s};
    int32_t                         table;
    if (!complete(g, given, &bucket))
        return ASSAY_NO_VALUE;
    begin(&d);
    int32_t x = embed(&d, &table);
    for (int64_t i = 0; i < how->layers; i++)
        x = layer(&d, i, x);
    if (how->phase == ASSAY_DECODER_PREFILL)
        x = last(&d, x);
    else if (how->phase == ASSAY_DECODER_SERVE)
        x = last_packed(&d, x);
    x = norm(&d, "model", "norm", x, s->hidden);
    if (!s->tied)
        return linear(&d, "", "lm_head", x, s->hidden, s->vocab, false, 1);
    return assay_graph_op(g, "Gemm", "lm_head", (int32_t[]){x, assay_block_table(g, "model.embed_tokens", table)}, 2, (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
}
