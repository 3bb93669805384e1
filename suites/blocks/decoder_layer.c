#include "suites/blocks/decoder_layer.h"

#include <math.h>
#include <stdio.h>

#include "suites/blocks/blocks.h"
#include "suites/blocks/context.h"
#include "suites/blocks/ranks.h"

#include "assay/banned.h"

#define NAME ASSAY_BLOCK_NAME_BYTES

static bool caches(const struct decoder *d)
{
    return d->how->phase != ASSAY_DECODER_TRAIN;
}

unsigned assay_decoder_row_sharers(const struct decoder *d)
{
    return ASSAY_MESH_COPIES | (d->at.mesh.sp ? ASSAY_MESH_TP : 0);
}

int32_t assay_decoder_linear(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias,
                      double gain)
{
    char                      full[NAME];
    struct assay_block_linear how = {.in = in, .out = out, .bias = bias, .gain = gain, .store = d->how->store};
    assay_block_name(full, prefix, name);
    int32_t y = assay_block_linear(d->g, full, x, &how);
    assay_ranks_declare(d->g, &d->at, full, "weight", 0, 0, assay_decoder_row_sharers(d));
    if (bias)
        assay_ranks_declare(d->g, &d->at, full, "bias", 0, 0, assay_decoder_row_sharers(d));
    return y;
}

/* The first matrices of a layer: of `out` columns each rank of tp has its own. */
int32_t assay_decoder_by_columns(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias)
{
    char                      full[NAME];
    struct assay_block_linear how = {.in = in, .out = out / d->at.mesh.tp, .bias = bias, .gain = 1, .store = d->how->store};
    assay_block_name(full, prefix, name);
    int32_t y = assay_block_linear(d->g, full, x, &how);
    assay_ranks_declare(d->g, &d->at, full, "weight", 0, ASSAY_MESH_TP, ASSAY_MESH_COPIES);
    if (bias)
        assay_ranks_declare(d->g, &d->at, full, "bias", 0, ASSAY_MESH_TP, ASSAY_MESH_COPIES);
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
    assay_ranks_declare(d->g, &d->at, full, "weight", 1, ASSAY_MESH_TP, ASSAY_MESH_COPIES);
    if (!bias)
        return y;
    if (!alone)
        y = assay_block_binary(d->g, "Add", full, "with_bias", y, assay_block_bias(d->g, full, "bias", out));
    assay_ranks_declare(d->g, &d->at, full, "bias", 0, 0, assay_decoder_row_sharers(d));
    return y;
}

int32_t assay_decoder_norm(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t n)
{
    char full[NAME];
    bool is_rms = d->shape->norm == ASSAY_NORM_RMS;
    assay_block_name(full, prefix, name);
    int32_t y = is_rms ? assay_block_rms_norm(d->g, full, x, n, d->shape->norm_epsilon)
                       : assay_block_layer_norm(d->g, full, x, n, d->shape->norm_epsilon);
    assay_ranks_declare(d->g, &d->at, full, "weight", 0, 0, assay_decoder_row_sharers(d));
    if (!is_rms)
        assay_ranks_declare(d->g, &d->at, full, "bias", 0, 0, assay_decoder_row_sharers(d));
    return y;
}

int32_t assay_decoder_sequences(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t width)
{
    return assay_block_reshape(d->g, prefix, name, x, 3, (int64_t[]){d->batch, d->length, width});
}

int32_t assay_decoder_rows(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t width)
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
    if (d->at.mesh.cp > 1)
        return assay_context_attend(d, prefix, q, k, v, heads, kv_heads, scale);
    assay_block_name(full, prefix, "attention");
    return assay_graph_op(d->g, "Attention", full, in, decode ? 7 : 3, attrs);
}

/* Packed rows over caches in blocks. */
struct paged {
    int32_t q, k, v; /* matrices; v NO_VALUE: a key begins with its value, v_head_size numbers */
    int64_t heads, kv_heads, v_head_size;
    double  scale;
};

static int32_t attend_pages(const struct decoder *d, const char *prefix, const struct paged *p)
{
    bool                        latent = p->v == ASSAY_NO_VALUE;
    const char *const           label[] = {latent ? "cache.latent" : "cache.keys", "cache.values"};
    const struct assay_decoder *how = d->how;
    char                        name[3][NAME], state[NAME];
    size_t                      caches = latent ? 1 : 2;
    int64_t                     dims[3] = {how->blocks, how->block, assay_block_length(d->g, p->k, 1)};
    int32_t in[8] = {p->q, p->k, p->v, ASSAY_NO_VALUE, ASSAY_NO_VALUE, d->table, d->starts, d->past}, out[3];
    assay_block_name(name[0], prefix, "attention");
    for (size_t i = 0; i < caches; i++) {
        assay_block_name(state, prefix, label[i]);
        (void)snprintf(name[1 + i], sizeof name[0], "%.112s:next", state);
        in[3 + i] = assay_graph_state(d->g, state, how->cache, 3, dims, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 1});
    }
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("q_num_heads", p->heads), ASSAY_ATTR_INT("kv_num_heads", p->kv_heads),
                                 ASSAY_ATTR_FLOAT("scale", p->scale), ASSAY_ATTR_INT("v_head_size", p->v_head_size), ASSAY_ATTR_END};
    if (!latent)
        attrs[3] = ASSAY_ATTR_END;
    assay_graph_op_outputs(d->g, "assay.PagedAttention", (const char *const[]){name[0], name[1], name[2]}, 1 + caches, in, 8, attrs, out);
    for (size_t i = 1; i <= caches; i++) {
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
    int32_t q = assay_decoder_sequences(d, prefix, "q", assay_decoder_by_columns(d, prefix, "q_proj", x, s->hidden, q_whole, s->attention_bias), q_width);
    int32_t k = assay_decoder_sequences(d, prefix, "k", assay_decoder_by_columns(d, prefix, "k_proj", x, s->hidden, kv_whole, s->attention_bias), kv_width);
    int32_t v = assay_decoder_sequences(d, prefix, "v", assay_decoder_by_columns(d, prefix, "v_proj", x, s->hidden, kv_whole, s->attention_bias), kv_width);
    q = rotate(d, prefix, "q_rotated", q, d->heads);
    k = rotate(d, prefix, "k_rotated", k, d->kv_heads);
    if (d->how->phase == ASSAY_DECODER_SERVE) {
        struct paged p = {.v = assay_decoder_rows(d, prefix, "v_packed", v, kv_width), .heads = d->heads, .kv_heads = d->kv_heads,
                          .scale = 1 / sqrt((double)s->head_dim)};
        p.q = assay_decoder_rows(d, prefix, "q_packed", q, q_width);
        p.k = assay_decoder_rows(d, prefix, "k_packed", k, kv_width);
        int32_t a = attend_pages(d, prefix, &p);
        return assay_decoder_linear(d, prefix, "o_proj", a, q_width, s->hidden, s->attention_bias, d->out_gain);
    }
    if (caches(d)) {
        int32_t keys = cached(d, prefix, "cache.keys", k, kv_width), values = cached(d, prefix, "cache.values", v, kv_width);
        if (d->how->phase == ASSAY_DECODER_DECODE) {
            k = keys;
            v = values;
        }
    }
    int32_t a = attend(d, prefix, q, k, v, d->heads, d->kv_heads, 1 / sqrt((double)s->head_dim));
    return by_rows(d, prefix, "o_proj", assay_decoder_rows(d, prefix, "rows", a, q_width), q_whole, s->hidden, s->attention_bias, d->out_gain);
}

/* ---- latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1) ------------------------------------------- */

/* Queries: down to q_rank, norm, up to heads of a plain and a rotated part: [batch, length, heads, nope] and [.., rope]. */
static void latent_queries(const struct decoder *d, const char *prefix, int32_t x, int32_t *nope, int32_t *rope)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_mla   *m = &s->mla;
    int64_t                         head = m->nope_dim + m->rope_dim, b = d->batch, t = d->length;
    int32_t q = assay_decoder_linear(d, prefix, "q_a_proj", x, s->hidden, m->q_rank, false, 1);
    q = assay_decoder_linear(d, prefix, "q_b_proj", assay_decoder_norm(d, prefix, "q_a_layernorm", q, m->q_rank), m->q_rank, s->heads * head, false, 1);
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
    int32_t both = assay_decoder_linear(d, prefix, "kv_a_proj_with_mqa", x, s->hidden, width, false, 1);
    *latent = assay_decoder_norm(d, prefix, "kv_a_layernorm", assay_block_slice(d->g, prefix, "kv_latent", both, 1, 0, m->kv_rank), m->kv_rank);
    *rope = assay_decoder_sequences(d, prefix, "k_rope", assay_block_slice(d->g, prefix, "k_rope_rows", both, 1, m->kv_rank, width), m->rope_dim);
    *rope = rotate(d, prefix, "k_rotated", *rope, 1);
    int32_t three = assay_decoder_sequences(d, prefix, "kv_latent_sequences", *latent, m->kv_rank);
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
    int64_t b = d->batch, t = d->length, h = s->heads, head = m->nope_dim + m->rope_dim, pair = m->nope_dim + m->v_dim;
    int32_t kv = assay_decoder_linear(d, prefix, "kv_b_proj", latent, m->kv_rank, h * pair, false, 1);
    kv = assay_block_reshape(d->g, prefix, "kv", kv, 4, (int64_t[]){b, t, h, pair});
    int32_t k_nope = assay_block_slice(d->g, prefix, "k_nope", kv, 3, 0, m->nope_dim);
    int32_t v = assay_block_slice(d->g, prefix, "v_heads", kv, 3, m->nope_dim, pair);
    int32_t shared = assay_block_reshape(d->g, prefix, "k_rope_one", k_rope, 4, (int64_t[]){b, t, 1, m->rope_dim});
    shared = expand(d, prefix, "k_rope_heads", shared, 4, (int64_t[]){b, t, h, m->rope_dim});
    int32_t k = assay_block_concat(d->g, prefix, "k_heads", (int32_t[]){k_nope, shared}, 2, 3);
    int32_t q = assay_block_concat(d->g, prefix, "q_heads", (int32_t[]){q_nope, q_rope}, 2, 3);
    q = assay_decoder_sequences(d, prefix, "q_all", q, h * head);
    k = assay_decoder_sequences(d, prefix, "k_all", k, h * head);
    v = assay_decoder_sequences(d, prefix, "v_all", v, h * m->v_dim);
    return attend(d, prefix, q, k, v, h, h, 1 / sqrt((double)head));
}

/* `q`, rows of queries into the latent and the turned part, over the latents that are cached: [rows, heads * kv_rank]. `latents`: all
 * of the cache, or of packed rows the new ones. */
static int32_t attend_latents(const struct decoder *d, const char *prefix, int32_t q, int32_t latents)
{
    const struct assay_model_mla *m = &d->shape->mla;
    int64_t                       h = d->shape->heads, width = m->kv_rank + m->rope_dim;
    double                        scale = 1 / sqrt((double)(m->nope_dim + m->rope_dim));
    if (d->how->phase == ASSAY_DECODER_SERVE) {
        struct paged p = {.q = assay_decoder_rows(d, prefix, "q_all", q, h * width), .k = assay_decoder_rows(d, prefix, "latents_packed", latents, width),
                          .v = ASSAY_NO_VALUE, .heads = h, .kv_heads = 1, .v_head_size = m->kv_rank, .scale = scale};
        return attend_pages(d, prefix, &p);
    }
    q = assay_decoder_sequences(d, prefix, "q_all", q, h * width);
    int32_t v = assay_block_slice(d->g, prefix, "cache.values", latents, 2, 0, m->kv_rank);
    return attend(d, prefix, q, latents, v, h, 1, scale);
}

/* A step: the latents themselves are keys and values of one shared head, and the unfolding is absorbed into queries and
 * outputs, so that the cache is read once and never unfolded. Returns [batch, length, heads * v]. */
static int32_t latent_absorbed(const struct decoder *d, const char *prefix, int32_t q_nope, int32_t q_rope, int32_t latents)
{
    const struct assay_model_shape *s = d->shape;
    const struct assay_model_mla   *m = &s->mla;
    struct assay_graph             *g = d->g;
    char                            name[NAME];
    int64_t b = d->batch * d->length, h = s->heads, r = m->kv_rank, pair = m->nope_dim + m->v_dim;
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
    int32_t a = attend_latents(d, prefix, q, latents);
    a = assay_block_reshape(g, prefix, "latent_out", a, 3, (int64_t[]){b, h, r});
    a = assay_block_transpose(g, prefix, "latent_out_by_head", a, 3, (int64_t[]){1, 0, 2});
    a = assay_block_binary(g, "MatMul", prefix, "v_by_head", a, assay_block_transpose(g, prefix, "kv_b_values_t", w_v, 3, (int64_t[]){0, 2, 1}));
    a = assay_block_transpose(g, prefix, "v_rows", a, 3, (int64_t[]){1, 0, 2});
    return assay_decoder_sequences(d, prefix, "v_all", a, h * m->v_dim);
}

static int32_t latent_attention(const struct decoder *d, const char *prefix, int32_t x)
{
    const struct assay_model_shape *s = d->shape;
    int64_t                         width = s->heads * s->mla.v_dim;
    enum assay_decoder_phase        phase = d->how->phase;
    int32_t                         q_nope, q_rope, latent, k_rope;
    latent_queries(d, prefix, x, &q_nope, &q_rope);
    int32_t both = latent_of(d, prefix, x, &latent, &k_rope);
    if (caches(d) && phase != ASSAY_DECODER_SERVE)
        both = cached(d, prefix, "cache.latent", both, s->mla.kv_rank + s->mla.rope_dim);
    int32_t a = phase == ASSAY_DECODER_DECODE || phase == ASSAY_DECODER_SERVE ? latent_absorbed(d, prefix, q_nope, q_rope, both)
                                                                              : latent_unfolded(d, prefix, q_nope, q_rope, latent, k_rope);
    return assay_decoder_linear(d, prefix, "o_proj", assay_decoder_rows(d, prefix, "rows", a, width), width, s->hidden, false, d->out_gain);
}

/* ---- feed-forward -------------------------------------------------------------------------------------------- */

/* x as assay_ranks_enter gives it; the result is as it is between layers. */
static int32_t dense(const struct decoder *d, const char *prefix, int32_t x, int64_t ffn)
{
    const struct assay_model_shape *s = d->shape;
    if (s->activation == ASSAY_FFN_GELU) {
        int32_t y = assay_block_unary(d->g, "Gelu", prefix, "gelu", assay_decoder_by_columns(d, prefix, "fc_in", x, s->hidden, ffn, s->ffn_bias));
        return by_rows(d, prefix, "fc_out", y, ffn, s->hidden, s->ffn_bias, 1.4 * d->out_gain);
    }
    int32_t gate = assay_block_unary(d->g, "Swish", prefix, "swish", assay_decoder_by_columns(d, prefix, "gate_proj", x, s->hidden, ffn, s->ffn_bias));
    int32_t up = assay_decoder_by_columns(d, prefix, "up_proj", x, s->hidden, ffn, s->ffn_bias);
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
    assay_ranks_declare(g, &d->at, gate_name, "weight", 0, 0, assay_decoder_row_sharers(d));
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

/* ---- a layer -------------------------------------------------------------------------------------------------- */

int32_t assay_decoder_layer(const struct decoder *d, int64_t index, int32_t x)
{
    const struct assay_model_shape *s = d->shape;
    char                            prefix[32], name[NAME];
    (void)snprintf(prefix, sizeof prefix, "model.layers.%d", (int)index);
    if (d->how->attention) {
        int32_t h = assay_decoder_norm(d, prefix, "input_layernorm", x, s->hidden);
        assay_block_name(name, prefix, "self_attn");
        h = assay_ranks_enter(d->g, &d->at, name, "entered", h);
        h = s->mla.kv_rank ? latent_attention(d, name, h) : grouped(d, name, h);
        x = assay_block_binary(d->g, "Add", prefix, "sum1", x, h);
    }
    int32_t f = assay_decoder_norm(d, prefix, "post_attention_layernorm", x, s->hidden);
    assay_block_name(name, prefix, "mlp");
    if (s->moe.experts && index >= s->moe.first_layer)
        f = mixture(d, name, f);
    else
        f = dense(d, name, assay_ranks_enter(d->g, &d->at, name, "entered", f), s->ffn);
    x = assay_block_binary(d->g, "Add", prefix, "sum2", x, f);
    assay_graph_checkpoint(d->g, x);
    return x;
}
