#include "harness/model/cluster/footprint.h"

#include <math.h>

#include "assay/banned.h"

const char *const assay_footprint_names[ASSAY_FOOTPRINT_GROUPS] = {"weights", "gradients", "master weights", "moments", "activations",
                                                                   "one layer's working set", "logits", "gathered weights", "libraries"};

#define WEIGHT_BYTES 2.0
#define MASTER_BYTES 4.0
#define LIBRARIES_BYTES 1.5e9 /* contexts, workspaces and buffers of communication: 1 to 2 GB beside an empty framework */

static double moments_bytes(enum assay_moments m)
{
    return m == ASSAY_MOMENTS_F32 ? 8 : m == ASSAY_MOMENTS_BF16 ? 4 : 2.06; /* 8 bits: and a scale of 4 bytes to each 128 (arXiv 2110.02861) */
}

/* ---- activations -------------------------------------------------------------------------------------------------- */

/* Per token and layer: what every rank of tp has whole (norms' and products' inputs, masks), and what tp splits. */
struct kept {
    double whole, split, pairs; /* pairs: per pair of tokens and head */
};

static struct kept kept_of(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, bool moe)
{
    bool        latent = d->kv_rank > 0, stored = p->attention == ASSAY_ATTENTION_STORED && p->recompute == ASSAY_RECOMPUTE_NONE;
    double      key = latent ? d->nope_dim + d->rope_dim : d->head_dim, value = latent ? d->v_dim : d->head_dim;
    double      caches = latent ? d->heads : d->kv_heads;
    struct kept k = {.whole = 8 * d->hidden + (d->dropout ? 2 * d->hidden : 0) + (latent ? 2 * (d->q_rank + d->kv_rank) : 0)};
    k.split = 2 * (d->heads * key + caches * (key + value) + d->heads * value);
    k.split += p->attention == ASSAY_ATTENTION_FUSED ? 4 * d->heads : 0; /* one sum of exponentials a row */
    k.pairs = stored ? (d->dropout ? 5 : 2) * d->heads : 0;
    if (!moe)
        k.split += (d->gated ? 3 : 2) * 2 * d->ffn;
    else { /* routed copies of the tokens, their three vectors inside the expert, and the outputs that are combined */
        double copies = d->top_k * 2 * (2 * d->hidden + 3 * d->expert_ffn);
        k.split += copies + d->shared * 3 * 2 * d->expert_ffn;
    }
    return k;
}

/* Experts are not split by tp but spread over the ranks of their group, which divides the copies of tokens alike. */
double assay_layer_activation_bytes(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, bool moe)
{
    double tokens = (double)p->micro_batch * p->seq / (double)p->cp, t = (double)p->tp, whole = p->sequence_parallel ? t : 1;
    if (p->recompute == ASSAY_RECOMPUTE_FULL)
        return 2 * tokens * d->hidden / whole;
    struct kept k = kept_of(d, p, moe);
    return tokens * (k.whole / whole + k.split / t + k.pairs * p->seq / t);
}

/* Layer-equivalents of micro-batches that a stage keeps: 1F1B min(p - r, m); interleaved by chunks (README.md). */
static double kept_layers(const struct assay_train_plan *p, int64_t stage, double layers)
{
    double all = (double)(p->micro_batches * p->chunks), pp = (double)p->pp, v = (double)p->chunks, r = (double)stage;
    double pieces = p->chunks == 1 ? pp - r : 2 * (pp - 1 - r) + (v - 1) * pp + 1;
    return fmin(all, pieces) * layers / v;
}

double assay_kv_cache_bytes(const struct assay_decoder_numbers *d, double tokens, double tp, double element_bytes)
{
    if (d->kv_rank > 0)
        return d->layers * tokens * (d->kv_rank + d->rope_dim) * element_bytes;
    return d->layers * tokens * 2 * ceil(d->kv_heads / tp) * d->head_dim * element_bytes;
}

/* ---- a rank ------------------------------------------------------------------------------------------------------- */

/* Parameters of a rank: those that all of dp have alike, and experts, of which fewer ranks have the same. */
struct held {
    double dense, experts, layers, moe_share;
};

static struct held held_by(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, int64_t stage)
{
    double      t = (double)p->tp, pieces = (double)(p->pp * p->chunks), moe = d->experts > 0 ? (d->layers - d->first_moe) / d->layers : 0;
    struct held h = {.layers = ceil(d->layers / pieces) * (double)p->chunks, .moe_share = moe};
    double      experts = assay_decoder_expert_parameters(d), moe_rest = assay_decoder_layer_parameters(d, true) - experts;
    h.dense = h.layers * ((1 - moe) * assay_decoder_layer_parameters(d, false) + moe * moe_rest) / t;
    h.experts = h.layers * moe * experts / (double)p->ep;
    if (stage == 0)
        h.dense += assay_decoder_embedding_parameters(d) / t;
    if (stage == p->pp - 1 && (!d->tied || p->pp > 1)) /* a tied head on another stage is a copy */
        h.dense += d->vocab * d->hidden / t;
    return h;
}

static double split(const struct held *h, const struct assay_train_plan *p, int from_zero, double *experts)
{
    double ranks = (double)(p->dp * p->cp), same = (double)(p->tp * p->cp * p->dp) / (double)p->ep;
    bool   is_split = p->zero >= from_zero;
    *experts = is_split ? h->experts / same : h->experts;
    return *experts + (is_split ? h->dense / ranks : h->dense);
}

double assay_rank_parameters(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, int64_t stage, int from_zero, double *experts)
{
    const struct held h = held_by(d, p, stage);
    return split(&h, p, from_zero, experts);
}

static void add_activations(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, int64_t stage, const struct held *h,
                            struct assay_footprint *f)
{
    struct assay_train_plan whole = *p;
    double tokens = (double)p->micro_batch * p->seq / (double)p->cp, t = (double)p->tp;
    double layer = (1 - h->moe_share) * assay_layer_activation_bytes(d, p, false) + h->moe_share * assay_layer_activation_bytes(d, p, true);
    f->bytes[ASSAY_FOOTPRINT_ACTIVATIONS] = layer * kept_layers(p, stage, h->layers);
    if (p->recompute != ASSAY_RECOMPUTE_NONE) { /* what is computed again is there again, one layer at a time */
        whole.recompute = ASSAY_RECOMPUTE_NONE;
        f->bytes[ASSAY_FOOTPRINT_WORKING] = fmax(assay_layer_activation_bytes(d, &whole, false),
                                                 h->moe_share > 0 ? assay_layer_activation_bytes(d, &whole, true) : 0) - layer;
    }
    if (stage == p->pp - 1)
        f->bytes[ASSAY_FOOTPRINT_LOGITS] = tokens * d->vocab / t * (2 + 4) + 4 * tokens * d->hidden / (p->sequence_parallel ? t : 1);
}

void assay_footprint_of(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, int64_t stage, struct assay_footprint *out)
{
    struct assay_footprint f = {.total_bytes = 0};
    const struct held      h = held_by(d, p, stage);
    double                 routed, optimizer = split(&h, p, 1, &routed), master = MASTER_BYTES * optimizer, moments = moments_bytes(p->moments) * optimizer;
    f.bytes[ASSAY_FOOTPRINT_WEIGHTS] = WEIGHT_BYTES * split(&h, p, 3, &routed);
    f.bytes[ASSAY_FOOTPRINT_GRADIENTS] = p->gradient_bytes * split(&h, p, 2, &routed);
    f.bytes[ASSAY_FOOTPRINT_MASTER] = p->offload ? 0 : master;
    f.bytes[ASSAY_FOOTPRINT_MOMENTS] = p->offload ? 0 : moments;
    f.host_bytes = p->offload ? master + moments : 0;
    f.bytes[ASSAY_FOOTPRINT_LIBRARIES] = LIBRARIES_BYTES;
    if (p->zero == 3) /* the layer that runs and the next one */
        f.bytes[ASSAY_FOOTPRINT_GATHERED] = 2 * WEIGHT_BYTES * (h.dense + h.experts) / h.layers;
    add_activations(d, p, stage, &h, &f);
    for (int g = 0; g < ASSAY_FOOTPRINT_GROUPS; g++)
        f.total_bytes += f.bytes[g];
    *out = f;
}

void assay_footprint_largest(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, struct assay_footprint *out)
{
    struct assay_footprint last;
    assay_footprint_of(d, p, 0, out);
    assay_footprint_of(d, p, p->pp - 1, &last);
    if (last.total_bytes > out->total_bytes)
        *out = last;
}

/* ---- in words ----------------------------------------------------------------------------------------------------- */

static bool fits(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, double memory_bytes)
{
    struct assay_footprint f;
    assay_footprint_largest(d, p, &f);
    return f.total_bytes <= memory_bytes;
}

/* Changes from the one that costs least time; each is tried alone, then on top of those before it. */
struct cure {
    const char *what;
    bool (*change)(struct assay_train_plan *p);
};
static bool shard_moments(struct assay_train_plan *p)
{
    bool can = p->zero < 1 && p->dp * p->cp > 1;
    p->zero = can ? 1 : p->zero;
    return can;
}
static bool select_recompute(struct assay_train_plan *p)
{
    bool can = p->recompute == ASSAY_RECOMPUTE_NONE;
    p->recompute = can ? ASSAY_RECOMPUTE_SELECTIVE : p->recompute;
    return can;
}
static bool sequences(struct assay_train_plan *p)
{
    bool can = !p->sequence_parallel && p->tp > 1;
    p->sequence_parallel = true;
    return can;
}
static bool smaller(struct assay_train_plan *p)
{
    bool can = p->micro_batch > 1;
    p->micro_batches *= p->micro_batch;
    p->micro_batch = 1;
    return can;
}
static bool full_recompute(struct assay_train_plan *p)
{
    bool can = p->recompute != ASSAY_RECOMPUTE_FULL;
    p->recompute = ASSAY_RECOMPUTE_FULL;
    return can;
}
static bool shard_gradients(struct assay_train_plan *p)
{
    bool can = p->zero < 2 && p->dp * p->cp > 1;
    p->zero = can ? 2 : p->zero;
    return can;
}
static bool shard_weights(struct assay_train_plan *p)
{
    bool can = p->zero < 3 && p->dp * p->cp > 1;
    p->zero = can ? 3 : p->zero;
    return can;
}
static bool narrow_gradients(struct assay_train_plan *p)
{
    bool can = p->gradient_bytes > 2;
    p->gradient_bytes = 2;
    return can;
}
static bool narrow_moments(struct assay_train_plan *p)
{
    bool can = p->moments != ASSAY_MOMENTS_8BIT;
    p->moments = ASSAY_MOMENTS_8BIT;
    return can;
}
static bool to_host(struct assay_train_plan *p)
{
    bool can = !p->offload;
    p->offload = true;
    return can;
}

static const struct cure cures[] = {
    {"the optimizer's state split over data-parallel ranks (zero 1)", shard_moments}, {"selective recomputation", select_recompute},
    {"sequence parallelism", sequences}, {"micro-batches of one", smaller}, {"full recomputation", full_recompute},
    {"gradients split too (zero 2)", shard_gradients}, {"weights split too (zero 3)", shard_weights}, {"gradients in 16 bits", narrow_gradients},
    {"moments in 8 bits", narrow_moments}, {"the optimizer's state in host memory", to_host},
};

static void add_cure(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, double memory_bytes, struct assay_text *out)
{
    struct assay_train_plan together = *p;
    char                    list[400];
    struct assay_text       so_far = ASSAY_TEXT(list);
    for (size_t i = 0; i < sizeof cures / sizeof *cures; i++) {
        struct assay_train_plan alone = *p;
        if (cures[i].change(&alone) && fits(d, &alone, memory_bytes)) {
            assay_text_add(out, "; would fit with %s", cures[i].what);
            return;
        }
        if (cures[i].change(&together))
            assay_text_add(&so_far, "%s%s", so_far.length ? " and " : "", cures[i].what);
        if (fits(d, &together, memory_bytes)) {
            assay_text_add(out, "; would fit with %s", list);
            return;
        }
    }
    assay_text_add(out, "; nothing short of more devices or more memory makes it fit");
}

void assay_footprint_explain(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, double memory_bytes, struct assay_text *out)
{
    struct assay_footprint f;
    bool                   told[ASSAY_FOOTPRINT_GROUPS] = {false};
    assay_footprint_largest(d, p, &f);
    double over = f.total_bytes - memory_bytes;
    assay_text_add(out, "needs %.1f GB of %.1f GB, %.1f %s:", f.total_bytes / 1e9, memory_bytes / 1e9, fabs(over) / 1e9, over > 0 ? "too many" : "to spare");
    for (int n = 0; n < 4; n++) { /* the largest four */
        int most = -1;
        for (int g = 0; g < ASSAY_FOOTPRINT_GROUPS; g++)
            if (!told[g] && f.bytes[g] > 0 && (most < 0 || f.bytes[g] > f.bytes[most]))
                most = g;
        if (most < 0)
            break;
        told[most] = true;
        assay_text_add(out, "%s %s %.1f", n ? "," : "", assay_footprint_names[most], f.bytes[most] / 1e9);
    }
    if (over > 0)
        add_cure(d, p, memory_bytes, out);
}
