#include "suites/blocks/decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/steps.h"
#include "suites/blocks/blocks.h"
#include "suites/blocks/ranks.h"
#include "suites/blocks/stage_order.h"

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
    struct assay_mesh_place at;
    int64_t piece, pieces;       /* of the model's layers: the one that is built, of how many; stages have them by turns */
    int64_t first_layer, layers; /* of this piece */
    int64_t heads, kv_heads;     /* of this rank */
    bool    split_vocabulary;    /* by the ranks of tp, which it divides by */
    int64_t micro, micros;       /* the micro-batch that is built, of how many */
    uint32_t built;              /* micro-batches times chunks, so far */
    double                          out_gain; /* of what is added to the residual, so that it stays near one */
};

static bool caches(const struct decoder *d)
{
    return d->how->phase != ASSAY_DECODER_TRAIN;
}

/* Ranks besides that have a share of the gradient of a param that rows between layers meet: all with rows of their own. */
static unsigned row_sharers(const struct decoder *d)
{
    return ASSAY_MESH_DP | ASSAY_MESH_EP | (d->at.mesh.sp ? ASSAY_MESH_TP : 0);
}

static int32_t linear(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias,
                      double gain)
{
    char                      full[NAME];
    struct assay_block_linear how = {.in = in, .out = out, .bias = bias, .gain = gain, .store = d->how->store};
    assay_block_name(full, prefix, name);
    int32_t y = assay_block_linear(d->g, full, x, &how);
    assay_ranks_declare(d->g, &d->at, full, "weight", 0, 0, row_sharers(d));
    if (bias)
        assay_ranks_declare(d->g, &d->at, full, "bias", 0, 0, row_sharers(d));
    return y;
}

/* The first matrices of a layer: of `out` columns each rank of tp has its own. */
static int32_t by_columns(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias)
{
    char                      full[NAME];
    struct assay_block_linear how = {.in = in, .out = out / d->at.mesh.tp, .bias = bias, .gain = 1, .store = d->how->store};
    assay_block_name(full, prefix, name);
    int32_t y = assay_block_linear(d->g, full, x, &how);
    assay_ranks_declare(d->g, &d->at, full, "weight", 0, ASSAY_MESH_TP, ASSAY_MESH_DP | ASSAY_MESH_EP);
    if (bias)
        assay_ranks_declare(d->g, &d->at, full, "bias", 0, ASSAY_MESH_TP, ASSAY_MESH_DP | ASSAY_MESH_EP);
    return y;
}

/* The last one: of `in` rows each rank of tp has its own, and the layer is left by the sum, to which the bias is added once. */
static int32_t by_rows(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias,
                       double gain)
{
    char                      full[NAME];
    bool                      alone = d->at.mesh.tp == 1;
    struct assay_block_linear how = {.in = in / d->at.mesh.tp, .out = out, .bias = bias && alone, .gain = gain, .fan_in = in,
                                     .store = d->how->store};
    assay_block_name(full, prefix, name);
    int32_t y = assay_ranks_leave(d->g, &d->at, full, "left", assay_block_linear(d->g, full, x, &how));
    assay_ranks_declare(d->g, &d->at, full, "weight", 1, ASSAY_MESH_TP, ASSAY_MESH_DP | ASSAY_MESH_EP);
    if (!bias)
        return y;
    if (!alone)
        y = assay_block_binary(d->g, "Add", full, "with_bias", y, assay_block_bias(d->g, full, "bias", out));
    assay_ranks_declare(d->g, &d->at, full, "bias", 0, 0, row_sharers(d));
    return y;
}

static int32_t norm(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t n)
{
    char full[NAME];
    bool is_rms = d->shape->norm == ASSAY_NORM_RMS;
    assay_block_name(full, prefix, name);
    int32_t y = is_rms ? assay_block_rms_norm(d->g, full, x, n, d->shape->norm_epsilon)
                       : assay_block_layer_norm(d->g, full, x, n, d->shape->norm_epsilon);
    assay_ranks_declare(d->g, &d->at, full, "weight", 0, 0, row_sharers(d));
    if (!is_rms)
        assay_ranks_declare(d->g, &d->at, full, "bias", 0, 0, row_sharers(d));
    return y;
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
    int64_t q_whole = s->heads * s->head_dim, kv_whole = s->kv_heads * s->head_dim;
    int64_t q_width = d->heads * s->head_dim, kv_width = d->kv_heads * s->head_dim; /* of this rank */
    int32_t q = sequences(d, prefix, "q", by_columns(d, prefix, "q_proj", x, s->hidden, q_whole, s->attention_bias), q_width);
    int32_t k = sequences(d, prefix, "k", by_columns(d, prefix, "k_proj", x, s->hidden, kv_whole, s->attention_bias), kv_width);
    int32_t v = sequences(d, prefix, "v", by_columns(d, prefix, "v_proj", x, s->hidden, kv_whole, s->attention_bias), kv_width);
    q = rotate(d, prefix, "q_rotated", q, d->heads);
    k = rotate(d, prefix, "k_rotated", k, d->kv_heads);
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
    int32_t a = attend(d, prefix, q, k, v, d->heads, d->kv_heads, 1 / sqrt((double)s->head_dim));
    return by_rows(d, prefix, "o_proj", rows(d, prefix, "rows", a, q_width), q_whole, s->hidden, s->attention_bias, d->out_gain);
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

/* x as assay_ranks_enter gives it; the result is as it is between layers. */
static int32_t dense(const struct decoder *d, const char *prefix, int32_t x, int64_t ffn)
{
    const struct assay_model_shape *s = d->shape;
    if (s->activation == ASSAY_FFN_GELU) {
        int32_t y = assay_block_unary(d->g, "Gelu", prefix, "gelu", by_columns(d, prefix, "fc_in", x, s->hidden, ffn, s->ffn_bias));
        return by_rows(d, prefix, "fc_out", y, ffn, s->hidden, s->ffn_bias, 1.4 * d->out_gain);
    }
    int32_t gate = assay_block_unary(d->g, "Swish", prefix, "swish", by_columns(d, prefix, "gate_proj", x, s->hidden, ffn, s->ffn_bias));
    int32_t up = by_columns(d, prefix, "up_proj", x, s->hidden, ffn, s->ffn_bias);
    int32_t y = assay_block_binary(d->g, "Mul", prefix, "gated", gate, up);
    return by_rows(d, prefix, "down_proj", y, ffn, s->hidden, s->ffn_bias, 1.7 * d->out_gain);
}

/* All experts' matrices of one kind: [experts, in, out], of which a rank has some experts (ep) and of `split` some columns or rows (tp). */
static int32_t expert_product(const struct decoder *d, const char *prefix, const char *name, const struct assay_ranks_dispatch *way, int32_t x,
                              int32_t split, int64_t in, int64_t out, double gain)
{
    char weight[NAME];
    (void)snprintf(weight, sizeof weight, "experts.%.32s", name);
    char    full[NAME];
    int64_t dims[3] = {d->shape->moe.experts / d->at.mesh.ep, in, out};
    dims[split] /= d->at.mesh.tp;
    assay_block_name(full, prefix, weight);
    int32_t w = assay_block_weight(d->g, full, "weight", d->how->store, 3, dims, in, gain);
    assay_ranks_declare_experts(d->g, &d->at, full, "weight", split);
    return assay_graph_op(d->g, "assay.GroupedMatMul", full, (int32_t[]){x, w, way->counts}, 3, NULL);
}

/* To each token its experts and their weights; equal scores go to the lower number. */
static void route(const struct decoder *d, const char *prefix, int32_t x, int32_t routed[2])
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_moe   *m = &s->moe;
    struct assay_graph             *g = d->g;
    char                            gate_name[NAME], name[2][NAME];
    int32_t                         in[2] = {0, ASSAY_NO_VALUE};
    struct assay_block_linear       gate = {.in = s->hidden, .out = m->experts};
    assay_block_name(gate_name, prefix, "gate");
    in[0] = assay_block_linear(g, gate_name, x, &gate);
    assay_ranks_declare(g, &d->at, gate_name, "weight", 0, 0, row_sharers(d));
    if (m->bias) { /* it only chooses, so no gradient reaches it; its own rule, outside of the step, moves it */
        in[1] = assay_block_bias(g, gate_name, "e_score_correction_bias", m->experts);
        assay_graph_freeze(g, in[1]);
    }
    struct assay_attr how[] = {ASSAY_ATTR_INT("k", m->top_k), ASSAY_ATTR_STRING("scoring", m->sigmoid ? "sigmoid" : "softmax"),
                               ASSAY_ATTR_INT("normalize", m->normalize), ASSAY_ATTR_FLOAT("scale", m->scale), ASSAY_ATTR_END};
    assay_block_name(name[0], prefix, "weights");
    assay_block_name(name[1], prefix, "experts.chosen");
    assay_graph_op_outputs(g, "assay.MoeRoute", (const char *const[]){name[0], name[1]}, 2, in, m->bias ? 2 : 1, how, routed);
}

/* Every token to its top_k experts, none dropped. x as it is between layers, and so is the result. */
static int32_t mixture(const struct decoder *d, const char *prefix, int32_t x)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_moe   *m = &s->moe;
    struct assay_graph             *g = d->g;
    char                            shared[NAME];
    int32_t                         routed[2];
    route(d, prefix, x, routed);
    x = assay_ranks_enter(g, &d->at, prefix, "entered", x);
    routed[0] = assay_ranks_enter(g, &d->at, prefix, "entered_weights", routed[0]);
    if (d->at.mesh.sp)
        routed[1] = assay_ranks_enter(g, &d->at, prefix, "entered_chosen", routed[1]);
    struct assay_ranks_dispatch way = assay_ranks_to_experts(g, &d->at, prefix, x, routed[1], m->experts);
    int32_t a = expert_product(d, prefix, "gate_proj", &way, way.rows, 2, s->hidden, m->expert_ffn, 1);
    int32_t b = expert_product(d, prefix, "up_proj", &way, way.rows, 2, s->hidden, m->expert_ffn, 1);
    a = assay_block_binary(g, "Mul", prefix, "experts.gated", assay_block_unary(g, "Swish", prefix, "experts.swish", a), b);
    a = expert_product(d, prefix, "down_proj", &way, a, 1, m->expert_ffn, s->hidden, 1.7 * d->out_gain);
    int32_t y = assay_ranks_leave(g, &d->at, prefix, "experts.left", assay_ranks_from_experts(g, &d->at, prefix, &way, a, routed[0]));
    if (!m->shared)
        return y;
    assay_block_name(shared, prefix, "shared_experts");
    return assay_block_binary(g, "Add", prefix, "with_shared", y, dense(d, shared, x, m->shared_ffn));
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
        h = assay_ranks_enter(d->g, &d->at, name, "entered", h);
        h = s->mla.kv_rank ? latent_attention(d, name, h) : grouped(d, name, h);
        x = assay_block_binary(d->g, "Add", prefix, "sum1", x, h);
    }
    int32_t f = norm(d, prefix, "post_attention_layernorm", x, s->hidden);
    assay_block_name(name, prefix, "mlp");
    if (s->moe.experts && index >= s->moe.first_layer)
        f = mixture(d, name, f);
    else
        f = dense(d, name, assay_ranks_enter(d->g, &d->at, name, "entered", f), s->ffn);
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

/* Of the sequences of a rank: one where there are no stages that would wait for each other, else the most that divide them and are no
 * more than four a stage, with which stages stand still for less than a fifth of the time. Interleaved, by the stages (divides() sees to
 * it that these divide the sequences). */
static int64_t micro_batches(const struct assay_mesh *m, int64_t sequences)
{
    int64_t most = m->pp == 1 ? 1 : sequences < 4 * m->pp ? sequences : 4 * m->pp;
    for (int64_t n = most; n > 1; n--)
        if (sequences % n == 0 && (m->chunks <= 1 || n % m->pp == 0))
            return n;
    return 1;
}

static void enter_piece(struct decoder *d, int64_t piece)
{
    d->piece = piece;
    d->first_layer = piece * d->layers;
}

/* Who owns which rows and blocks. Generated ones are such as a server has: sequences of uneven lengths and blocks all over the caches. */
static void paging(struct decoder *d)
{
    const struct assay_decoder *how = d->how;
    int64_t sequences = how->batch, ends = sequences + 1, table[2] = {sequences, (how->context + how->block - 1) / how->block};
    int64_t most = how->context > how->tokens ? how->context - how->tokens : 0, least = most / 2;
    d->table = assay_graph_control(d->g, "block_table", ASSAY_I32, 2, table, (struct assay_fill){ASSAY_FILL_DISTINCT, 0, (double)(how->blocks - 1)});
    d->starts = assay_graph_control(d->g, "starts", ASSAY_I32, 1, &ends, (struct assay_fill){ASSAY_FILL_RAGGED, 0, (double)how->tokens});
    d->past = assay_graph_control(d->g, "past", ASSAY_I32, 1, &sequences, (struct assay_fill){ASSAY_FILL_INTEGERS, (double)least, (double)most});
}

static void begin(struct decoder *d)
{
    const struct assay_decoder *how = d->how;
    bool                        decode = how->phase == ASSAY_DECODER_DECODE, serve = how->phase == ASSAY_DECODER_SERVE;
    d->at = assay_mesh_place(&how->mesh, how->rank);
    d->micros = micro_batches(&d->at.mesh, how->batch / (d->at.mesh.dp * d->at.mesh.ep));
    d->batch = serve ? 1 : how->batch / (d->at.mesh.dp * d->at.mesh.ep) / d->micros;
    d->pieces = d->at.mesh.pp * d->at.mesh.chunks;
    d->layers = how->layers / d->pieces;
    enter_piece(d, d->at.pp);
    d->heads = d->shape->heads / d->at.mesh.tp;
    d->kv_heads = d->shape->kv_heads / d->at.mesh.tp;
    d->split_vocabulary = d->at.mesh.tp > 1 && d->shape->vocab % d->at.mesh.tp == 0;
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

/* The rows of the tokens, of which each rank of tp has a part of the vocabulary if that divides: [batch * length, hidden]. */
static int32_t look_up(const struct decoder *d, int32_t ids, int32_t *table)
{
    const struct assay_model_shape *s = d->shape;
    int64_t                         n = s->vocab / d->at.mesh.tp, dims[2] = {n, s->hidden};
    if (!d->split_vocabulary) {
        int32_t x = assay_block_embedding(d->g, "model.embed_tokens", ids, s->vocab, s->hidden, table_format(d), table);
        assay_ranks_declare(d->g, &d->at, "model.embed_tokens", "weight", 0, 0, row_sharers(d));
        return x;
    }
    *table = assay_graph_param(d->g, "model.embed_tokens.weight", ASSAY_F32, 2, dims, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 0.02});
    assay_ranks_declare(d->g, &d->at, "model.embed_tokens", "weight", 0, ASSAY_MESH_TP, ASSAY_MESH_DP | ASSAY_MESH_EP);
    return assay_ranks_lookup(d->g, "model.embed_tokens", *table, ids, d->at.tp * n, n);
}

static int32_t embed(const struct decoder *d, int32_t *table)
{
    const struct assay_model_shape *s = d->shape;
    bool                            packed = d->how->phase == ASSAY_DECODER_SERVE;
    int64_t                         dims[2] = {d->batch, d->length};
    int32_t                         ids = assay_graph_input(d->g, "input_ids", ASSAY_I64, packed ? 1 : 2, packed ? &dims[1] : dims,
                                                            (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(s->vocab - 1)});
    assay_ranks_declare_rows(d->g, &d->at, "input_ids", ids, d->micro, d->micros);
    int32_t x = look_up(d, ids, table), p = ASSAY_NO_VALUE, other;
    if (s->positions == ASSAY_POSITIONS_LEARNED) {
        p = assay_block_embedding(d->g, "model.embed_positions", d->positions, s->context, s->hidden, ASSAY_F32, &other);
        assay_ranks_declare(d->g, &d->at, "model.embed_positions", "weight", 0, 0, row_sharers(d));
    }
    if (d->split_vocabulary) {
        x = assay_ranks_leave(d->g, &d->at, "model", "summed", rows(d, "model", "rows", x, s->hidden));
        if (p == ASSAY_NO_VALUE)
            return x;
        p = assay_ranks_own_rows(d->g, &d->at, "model", "own_positions", rows(d, "model", "position_rows", p, s->hidden));
        return assay_block_binary(d->g, "Add", "model", "embedded", x, p);
    }
    if (p != ASSAY_NO_VALUE)
        x = assay_block_binary(d->g, "Add", "model", "embedded", x, p);
    return assay_ranks_own_rows(d->g, &d->at, "model", "own_rows", rows(d, "model", "rows", x, s->hidden));
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

/* Tokens that a rank's layers have at a time. */
static int64_t step_rows(const struct assay_decoder *how)
{
    int64_t sequences = how->batch / (how->mesh.dp * how->mesh.ep);
    return sequences / micro_batches(&how->mesh, sequences) * how->tokens;
}

/* Does the model divide by its mesh? false, with the reason in the graph: it does not. */
static bool divides(struct assay_graph *g, const struct assay_decoder *how)
{
    const struct assay_model_shape *s = how->shape;
    const struct assay_mesh        *m = &how->mesh;
    struct assay_error              err = {.code = ASSAY_OK};
    const struct {
        const char *what, *axis;
        int64_t     length, by;
        bool        counts;
    } rows[] = {
        {"heads", "tp", s->heads, m->tp, how->attention}, {"kv_heads", "tp", s->kv_heads, m->tp, how->attention}, {"ffn", "tp", s->ffn, m->tp, true},
        {"expert_ffn", "tp", s->moe.expert_ffn, m->tp, s->moe.experts > 0}, {"shared_ffn", "tp", s->moe.shared_ffn, m->tp, s->moe.shared > 0},
        {"layers", m->chunks > 1 ? "pp x chunks" : "pp", how->layers, m->pp * m->chunks, true}, {"experts", "ep", s->moe.experts, m->ep, true},
        {"batch", "dp x ep", how->batch, m->dp * m->ep, true},
        {"batch of a stage", "pp", how->batch / (m->dp * m->ep), m->pp, m->chunks > 1},
        {"batch x tokens of a step", "tp", step_rows(how), m->tp, m->sp},
    };
    int64_t n;
    if (assay_mesh_ranks(m, &n, &err))
        assay_graph_refuse(g, err.code, "%s", err.message);
    else if (n > 1 && how->phase != ASSAY_DECODER_TRAIN)
        assay_graph_refuse(g, ASSAY_UNSUPPORTED, "a mesh of %lld ranks in a phase other than train, gradients and score", (long long)n);
    else if (m->tp > 1 && s->mla.kv_rank)
        assay_graph_refuse(g, ASSAY_UNSUPPORTED, "tp %lld with latent attention, which is not split", (long long)m->tp);
    else if (m->pp > 1 && s->tied)
        assay_graph_refuse(g, ASSAY_UNSUPPORTED, "pp %lld with tied embeddings, which two stages would share", (long long)m->pp);
    else if (m->ep > 1 && !s->moe.experts)
        assay_graph_refuse(g, ASSAY_CONFIG, "ep %lld; model '%s' has no experts", (long long)m->ep, s->name);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !g->first_error.code; i++)
        if (rows[i].counts && rows[i].length % rows[i].by)
            assay_graph_refuse(g, ASSAY_CONFIG, "%s %lld of '%s' does not divide by %s %lld", rows[i].what, (long long)rows[i].length, s->name,
                               rows[i].axis, (long long)rows[i].by);
    return !g->first_error.code;
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
    out->mesh = how->mesh.dp ? how->mesh : ASSAY_MESH_ONE;
    out->mesh.chunks = how->mesh.chunks ? how->mesh.chunks : 1;
    if (g->first_error.code || !divides(g, out))
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

/* Logits of the rows in which the last layer left x: all columns, or with a split vocabulary this rank's of all rows. */
static int32_t head(const struct decoder *d, int32_t x, int32_t table)
{
    const struct assay_model_shape *s = d->shape;
    x = norm(d, "model", "norm", x, s->hidden);
    if (d->split_vocabulary)
        x = assay_ranks_enter(d->g, &d->at, "lm_head", "entered", x);
    if (s->tied)
        return assay_graph_op(d->g, "Gemm", "lm_head", (int32_t[]){x, assay_block_table(d->g, "model.embed_tokens", table)}, 2,
                              (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
    return d->split_vocabulary ? by_columns(d, "", "lm_head", x, s->hidden, s->vocab, false)
                               : linear(d, "", "lm_head", x, s->hidden, s->vocab, false, 1);
}

static int32_t layers(const struct decoder *d, int32_t x)
{
    for (int64_t i = 0; i < d->layers; i++)
        x = layer(d, d->first_layer + i, x);
    return x;
}

int32_t assay_decoder_build(struct assay_graph *g, const struct assay_decoder *given)
{
    struct assay_decoder bucket;
    struct decoder       d = {.g = g, .how = &bucket, .shape = given->shape};
    int32_t              table;
    if (!complete(g, given, &bucket))
        return ASSAY_NO_VALUE;
    begin(&d);
    int32_t x = layers(&d, embed(&d, &table));
    if (d.how->phase == ASSAY_DECODER_PREFILL)
        x = last(&d, x);
    else if (d.how->phase == ASSAY_DECODER_SERVE)
        x = last_packed(&d, x);
    return head(&d, x, table);
}

/* ---- the loss of ranks ----------------------------------------------------------------------------------------- */

/* Of the last stage: this rank's share of the loss, and the ranks whose shares add up to it. */
static int32_t own_loss(const struct decoder *d, int32_t x, int32_t table, unsigned *adds)
{
    int64_t n = d->batch * d->length, of = d->micros * d->at.mesh.dp * d->at.mesh.ep * (d->at.mesh.sp && !d->split_vocabulary ? d->at.mesh.tp : 1);
    float   divisor = (float)of;
    bool    alone = d->at.mesh.dp * d->at.mesh.tp * d->at.mesh.pp * d->at.mesh.ep == 1;
    int32_t logits = head(d, x, table);
    int32_t labels = assay_graph_input(d->g, "labels", ASSAY_I64, 1, &n, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(d->shape->vocab - 1)});
    assay_ranks_declare_rows(d->g, &d->at, "labels", labels, d->micro, d->micros);
    *adds = row_sharers(d) | (d->split_vocabulary ? ASSAY_MESH_TP : 0);
    int32_t loss = d->split_vocabulary
                       ? assay_ranks_cross_entropy(d->g, &d->at, logits, labels, d->at.tp * assay_block_length(d->g, logits, 1))
                       : assay_graph_op(d->g, "SoftmaxCrossEntropyLoss", alone ? "loss" : "loss.own",
                                        (int32_t[]){logits, assay_ranks_own_rows(d->g, &d->at, "loss", "own_labels", labels)}, 2, NULL);
    return of == 1 ? loss : assay_block_binary(d->g, "Div", "loss", "own_share", loss, assay_graph_const(d->g, "loss.of_ranks", ASSAY_F32, 0, NULL, &divisor));
}

/* The rank that stands as this one does on the stage of the piece before (-1) or behind (1); the last stage's pieces lie before the
 * first one's next. */
static int64_t neighbour(const struct decoder *d, int64_t step)
{
    const struct assay_mesh *m = &d->at.mesh;
    return d->at.rank + ((d->at.pp + step + m->pp) % m->pp - d->at.pp) * m->dp * m->ep * m->tp;
}

/* What the piece before gives: rows as they are between layers. */
static int32_t from_before(const struct decoder *d)
{
    int64_t           n = d->batch * d->length / (d->at.mesh.sp ? d->at.mesh.tp : 1);
    struct assay_attr attrs[] = {{.name = "ranks", .type = ASSAY_ATTR_I64S, .list = {neighbour(d, -1), d->at.rank}, .n = 2},
                                 {.name = "shape", .type = ASSAY_ATTR_I64S, .list = {n, d->shape->hidden}, .n = 2}, ASSAY_ATTR_END};
    int32_t edge = assay_graph_input(d->g, "stage.edge", ASSAY_F32, 0, NULL, (struct assay_fill){ASSAY_FILL_CONSTANT, 0, 0});
    return assay_graph_op(d->g, "assay.Receive", "stage.rows", &edge, 1, attrs);
}

/* The share of one micro-batch on one piece: what goes to the next piece has none. */
static int32_t micro_loss(const struct decoder *d, unsigned *adds)
{
    int32_t table = ASSAY_NO_VALUE;
    int32_t x = layers(d, d->piece ? from_before(d) : embed(d, &table));
    if (d->piece + 1 == d->pieces)
        return own_loss(d, x, table, adds);
    struct assay_attr to = {.name = "ranks", .type = ASSAY_ATTR_I64S, .list = {d->at.rank, neighbour(d, 1)}, .n = 2};
    *adds = row_sharers(d) | (d->split_vocabulary ? ASSAY_MESH_TP : 0);
    return assay_graph_op(d->g, "assay.Send", "stage.sent", &x, 1, (struct assay_attr[]){to, ASSAY_ATTR_END});
}

/* Piece and micro-batch number `k` of a rank's chunks x micro-batches; the nodes are a step of the schedule. */
static int32_t share(struct decoder *d, int64_t k, const struct assay_stage_order *order, unsigned *adds)
{
    d->micro = k % d->micros;
    enter_piece(d, k / d->micros * d->at.mesh.pp + d->at.pp);
    assay_graph_repeat(d->g, d->built++);
    assay_graph_step(d->g, assay_stage_step(order, d->piece, d->micro));
    int32_t own = micro_loss(d, adds);
    assay_graph_step(d->g, 0);
    return own;
}

static struct assay_stage_order order_of(const struct decoder *d)
{
    return (struct assay_stage_order){.stages = d->at.mesh.pp, .chunks = d->at.mesh.chunks, .micro_batches = d->micros, .stage = d->at.pp};
}

/* Shares by number, in *n of them. The walk back meets last first, and gradients of the micro-batches are added up as it meets them: so
 * what a schedule takes back first is built last. */
static int32_t *shares(struct decoder *d, size_t *n, unsigned *adds)
{
    const struct assay_stage_order order = order_of(d);
    struct assay_schedule_entry   *entries = NULL;
    struct assay_error             err = {.code = ASSAY_OK};
    size_t                         n_entries = 0;
    *n = (size_t)(d->at.mesh.chunks * d->micros);
    int32_t *own = calloc(*n + 1, sizeof *own);
    if (!own)
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for %zu micro-batches", *n);
    else if (d->at.mesh.schedule == ASSAY_MESH_GPIPE)
        for (size_t k = 0; k < *n; k++)
            own[k] = share(d, (int64_t)k, &order, adds);
    else if (assay_stage_order(&order, &entries, &n_entries, &err))
        assay_graph_refuse(d->g, err.code, "%s", err.message);
    for (size_t i = n_entries; i-- > 0;) {
        int64_t at = (int64_t)(entries[i].step & ~ASSAY_STEP_BACKWARD) - 1, k = at / d->micros / d->at.mesh.pp * d->micros + at % d->micros;
        if (entries[i].step & ASSAY_STEP_BACKWARD && !entries[i].only_receives)
            own[k] = share(d, k, &order, adds);
    }
    free(entries);
    return own;
}

int32_t assay_decoder_loss(struct assay_graph *g, const struct assay_decoder *given)
{
    struct assay_decoder bucket;
    struct decoder       d = {.g = g, .how = &bucket, .shape = given->shape};
    size_t               n;
    unsigned             adds = 0;
    if (!complete(g, given, &bucket))
        return ASSAY_NO_VALUE;
    begin(&d);
    int32_t *own = shares(&d, &n, &adds), sum = own ? own[0] : ASSAY_NO_VALUE;
    for (size_t k = 1; own && k < n; k++) {
        assay_graph_repeat(g, (uint32_t)k);
        sum = assay_block_binary(g, "Add", "loss", "shares", sum, own[k]);
    }
    free(own);
    assay_graph_repeat(g, 0);
    return assay_ranks_op(g, &d.at, adds | ASSAY_MESH_PP, "assay.AllReduce", "", "loss", sum, NULL);
}

void assay_decoder_schedule(const struct assay_graph *from, const struct assay_decoder *given, struct assay_graph *to)
{
    struct assay_decoder         bucket;
    struct decoder               d = {.g = to, .how = &bucket, .shape = given->shape};
    struct assay_schedule_entry *entries = NULL;
    struct assay_error           err = {.code = ASSAY_OK};
    size_t                       n = 0;
    if (!complete(to, given, &bucket))
        return;
    d.at = assay_mesh_place(&bucket.mesh, bucket.rank);
    d.micros = micro_batches(&bucket.mesh, bucket.batch / (bucket.mesh.dp * bucket.mesh.ep));
    const struct assay_stage_order order = order_of(&d);
    if (bucket.mesh.schedule == ASSAY_MESH_GPIPE)
        assay_graph_refuse(to, ASSAY_INTERNAL, "a graph is built in the order of GPipe");
    else if (assay_stage_order(&order, &entries, &n, &err))
        assay_graph_refuse(to, err.code, "%s", err.message);
    else
        assay_graph_schedule(from, entries, n, to);
    free(entries);
}
