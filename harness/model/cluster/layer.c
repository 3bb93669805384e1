#include "harness/model/cluster/layer.h"

#include <math.h>

#include "assay/banned.h"

#define BYTES 2.0 /* activations, and weights where they are multiplied in 16 bits */
/* Fused attention's backward does five products for the forward's two, at about four fifths of its rate (Dao, FlashAttention-2,
 * arXiv 2307.08691, sections 3.1 and 4.1). */
#define FUSED_BACKWARD (2.5 / 0.8)

/* Everything a price needs, and the first thing that went wrong. */
struct pricing {
    const struct assay_chip            *chip;
    const struct assay_coefficients    *k;
    const struct assay_decoder_numbers *d;
    const struct assay_train_plan      *p;
    struct assay_error                 *err;
    double                              tokens, whole; /* of the micro-batch on this rank; those that norms and residuals see */
    double                              tp;
};

static double product(const struct pricing *x, double batch, double m, double n, double k, double out_bytes)
{
    bool                    narrow = assay_dtype_bits(x->p->compute) <= 8;
    struct assay_gemm_shape s = {.batch = batch, .m = m, .n = n, .k = k, .compute = x->p->compute, .a_bytes = narrow ? 1 : BYTES,
                                 .b_bytes = narrow ? 1 : BYTES, .c_bytes = out_bytes,
                                 .scaling = narrow ? ASSAY_SCALING_TENSOR : ASSAY_SCALING_NONE, .quantises = narrow};
    struct assay_price      price = {.ns = 0};
    if (!x->err->code)
        (void)assay_price_gemm(x->chip, x->k, &s, &price, x->err);
    return price.ns;
}

/* A pass over memory, bytes in and out. */
static double pass(const struct pricing *x, double read_bytes, double written_bytes)
{
    struct assay_memory_shape s = {.read_bytes = read_bytes, .written_bytes = written_bytes};
    struct assay_price        price = {.ns = 0};
    if (!x->err->code)
        (void)assay_price_memory(x->chip, x->k, &s, &price, x->err);
    return price.ns;
}

/* A product with weights: forward, the gradient of its input, and that of its weights, which is added to what is there. */
static void linear(const struct pricing *x, double n, double k, struct assay_layer_price *to)
{
    to->forward_ns += product(x, 1, x->tokens, n, k, BYTES);
    to->backward_ns += product(x, 1, x->tokens, k, n, BYTES);
    to->weight_ns += product(x, 1, n, k, x->tokens, 2 * x->p->gradient_bytes);
}

/* ---- attention ---------------------------------------------------------------------------------------------------- */

/* Ranks of cp take blocks from both ends of the sequence, so that each sees half of the tokens before it on average. */
static void fused_core(const struct pricing *x, struct assay_layer_price *to)
{
    const struct assay_decoder_numbers *d = x->d;
    double                              query = x->p->seq / (double)x->p->cp;
    bool                                latent = d->kv_rank > 0;
    struct assay_attention_shape s = {.batch = (double)x->p->micro_batch, .query = query, .past = (x->p->seq - query) / 2,
                                      .heads = d->heads / x->tp, .kv_heads = fmax(1, (latent ? d->heads : d->kv_heads) / x->tp),
                                      .head_dim = latent ? d->nope_dim + d->rope_dim : d->head_dim,
                                      .value_dim = latent ? d->v_dim : d->head_dim, .causal = true,
                                      .compute = assay_dtype_bits(x->p->compute) <= 8 ? ASSAY_BF16 : x->p->compute, .q_bytes = BYTES, .kv_bytes = BYTES};
    struct assay_price           price = {.ns = 0};
    if (!x->err->code)
        (void)assay_price_prefill(x->chip, x->k, &s, &price, x->err);
    to->core_ns += price.ns;
    to->core_backward_ns += price.ns * FUSED_BACKWARD;
}

/* Weights of all pairs in memory: two products with softmax and dropout between them, the full square. */
static void stored_core(const struct pricing *x, struct assay_layer_price *to)
{
    double s = x->p->seq, query = s / (double)x->p->cp, width = x->d->head_dim, batch = (double)x->p->micro_batch * x->d->heads / x->tp;
    double pairs = batch * query * s, out = 2 * BYTES * batch * query * width;
    to->core_ns += product(x, batch, query, s, width, BYTES) + pass(x, 2 * pairs, 2 * pairs) + product(x, batch, query, width, s, BYTES) +
                   pass(x, out / 2, out / 2);
    to->core_backward_ns += product(x, batch, query, s, width, BYTES) + product(x, batch, s, width, query, BYTES) +
                            pass(x, 4 * pairs, 2 * pairs) + product(x, batch, query, width, s, BYTES) +
                            product(x, batch, s, width, query, BYTES) + pass(x, out / 2, out / 2);
    if (x->d->dropout) {
        to->core_ns += pass(x, 2 * pairs, 3 * pairs);
        to->core_backward_ns += pass(x, 3 * pairs, 2 * pairs);
    }
}

static void latent_projections(const struct pricing *x, struct assay_layer_price *to)
{
    const struct assay_decoder_numbers *d = x->d;
    double                              key = d->nope_dim + d->rope_dim;
    if (d->q_rank > 0) {
        linear(x, d->q_rank, d->hidden, to);
        linear(x, d->heads * key / x->tp, d->q_rank, to);
    } else
        linear(x, d->heads * key / x->tp, d->hidden, to);
    linear(x, d->kv_rank + d->rope_dim, d->hidden, to);
    linear(x, d->heads * (d->nope_dim + d->v_dim) / x->tp, d->kv_rank, to);
    linear(x, d->hidden, d->heads * d->v_dim / x->tp, to);
}

static void attention(const struct pricing *x, struct assay_layer_price *to)
{
    const struct assay_decoder_numbers *d = x->d;
    double                              caches = fmax(1, d->kv_heads / x->tp), own = d->heads / x->tp;
    if (d->kv_rank > 0)
        latent_projections(x, to);
    else {
        linear(x, (own + 2 * caches) * d->head_dim, d->hidden, to);
        linear(x, d->hidden, own * d->head_dim, to);
    }
    if (d->positions <= 0) { /* rotation of queries and keys */
        double turned = x->tokens * (own + caches) * d->head_dim * BYTES;
        to->forward_ns += pass(x, turned, turned);
        to->backward_ns += pass(x, turned, turned);
    }
    if (x->p->attention == ASSAY_ATTENTION_STORED)
        stored_core(x, to);
    else
        fused_core(x, to);
}

/* ---- feed-forward ------------------------------------------------------------------------------------------------- */

static void activation(const struct pricing *x, double elements, struct assay_layer_price *to)
{
    double in = x->d->gated || x->d->experts > 0 ? 2 : 1;
    to->forward_ns += pass(x, in * BYTES * elements, BYTES * elements);
    to->backward_ns += pass(x, (in + 1) * BYTES * elements, in * BYTES * elements);
}

static void dense(const struct pricing *x, double ffn, struct assay_layer_price *to)
{
    linear(x, (x->d->gated || x->d->experts > 0 ? 2 : 1) * ffn / x->tp, x->d->hidden, to);
    activation(x, x->tokens * ffn / x->tp, to);
    linear(x, x->d->hidden, ffn / x->tp, to);
}

/* Routed experts: tokens of a rank are what tp splits; backward does two products for each of the forward's, half of them weights'. */
static void experts(const struct pricing *x, struct assay_layer_price *to)
{
    const struct assay_decoder_numbers *d = x->d;
    bool                                narrow = assay_dtype_bits(x->p->compute) <= 8;
    double                              ep = (double)x->p->ep, tokens = x->tokens / x->tp;
    struct assay_moe_shape s = {.tokens = tokens * ep, .hidden = d->hidden, .inter = d->expert_ffn, .top_k = d->top_k, .experts = d->experts,
                                .tp = 1, .ep = ep, .imbalance = fmax(1, x->p->imbalance), .compute = x->p->compute, .weight_bytes = narrow ? 1 : BYTES,
                                .token_bytes = BYTES, .scaling = narrow ? ASSAY_SCALING_TENSOR : ASSAY_SCALING_NONE};
    struct assay_price     price = {.ns = 0};
    if (!x->err->code)
        (void)assay_price_moe(x->chip, x->k, &s, &price, x->err);
    to->forward_ns += price.ns + product(x, 1, tokens, d->experts, d->hidden, 4);
    to->backward_ns += price.ns + product(x, 1, tokens, d->hidden, d->experts, BYTES);
    to->weight_ns += price.ns;
    if (d->shared > 0)
        dense(x, d->shared * d->expert_ffn, to);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

/* Two norms; two additions to the residual, with bias and dropout where there are such. */
static void passes_between(const struct pricing *x, struct assay_layer_price *to)
{
    double vector = x->whole * x->d->hidden, mask = x->d->dropout ? vector : 0;
    to->forward_ns += 2 * pass(x, BYTES * vector, BYTES * vector) + 2 * pass(x, 2 * BYTES * vector, BYTES * vector + mask);
    to->backward_ns += 2 * pass(x, 3 * BYTES * vector, BYTES * vector);
    if (x->d->dropout)
        to->backward_ns += 2 * pass(x, BYTES * vector + mask, BYTES * vector);
}

static struct pricing pricing_of(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_decoder_numbers *d,
                                 const struct assay_train_plan *p, struct assay_error *err)
{
    double tokens = (double)p->micro_batch * p->seq / (double)p->cp;
    return (struct pricing){chip, k, d, p, err, tokens, p->sequence_parallel ? tokens / (double)p->tp : tokens, (double)p->tp};
}

enum assay_code assay_price_layer(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_decoder_numbers *d,
                                  const struct assay_train_plan *p, bool moe, struct assay_layer_price *out, struct assay_error *err)
{
    const struct pricing     x = pricing_of(chip, k, d, p, err);
    struct assay_layer_price price = {.forward_ns = 0};
    attention(&x, &price);
    if (moe)
        experts(&x, &price);
    else
        dense(&x, d->ffn, &price);
    passes_between(&x, &price);
    price.forward_ns += price.core_ns;
    price.backward_ns += price.core_backward_ns;
    *out = price;
    return err->code ? assay_error_in(err, "pricing a layer of the decoder") : ASSAY_OK;
}

/* The loss over a split vocabulary in 32 bits: widened, its maximum, exponentials and their sum, and the gradient once back. */
#define LOGIT_READ_BYTES 18.0
#define LOGIT_WRITTEN_BYTES 14.0

enum assay_code assay_price_ends(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_decoder_numbers *d,
                                 const struct assay_train_plan *p, struct assay_layer_price *first, struct assay_layer_price *last,
                                 struct assay_error *err)
{
    const struct pricing     x = pricing_of(chip, k, d, p, err);
    struct assay_layer_price begin = {.forward_ns = 0}, end = begin;
    double                   vectors = x.tokens * d->hidden * BYTES, logits = x.tokens * d->vocab / x.tp;
    begin.forward_ns = pass(&x, vectors, vectors) + (d->dropout ? pass(&x, vectors, vectors * 1.5) : 0);
    begin.weight_ns = pass(&x, vectors + x.tokens * d->hidden * p->gradient_bytes, x.tokens * d->hidden * p->gradient_bytes);
    linear(&x, d->vocab / x.tp, d->hidden, &end);
    end.forward_ns += pass(&x, LOGIT_READ_BYTES * logits, LOGIT_WRITTEN_BYTES * logits) + pass(&x, vectors, vectors);
    *first = begin;
    *last = end;
    return err->code ? assay_error_in(err, "pricing the ends of the decoder") : ASSAY_OK;
}

/* Their norm, their scaling, then Adam: gradients, master weights and two moments in, the latter three and weights of 16 bits out. */
enum assay_code assay_price_update(const struct assay_chip *chip, const struct assay_coefficients *k, double parameters, double gradient_bytes,
                                   double host_bytes, double *ns, struct assay_error *err)
{
    struct assay_price        price;
    struct assay_memory_shape s = {.read_bytes = parameters * (3 * gradient_bytes + 12), .written_bytes = parameters * (gradient_bytes + 14)};
    if (assay_price_memory(chip, k, &s, &price, err))
        return assay_error_in(err, "pricing the optimizer");
    *ns = price.ns;
    if (host_bytes > 0) {
        double link = chip->field[ASSAY_DEVICE_HOST_LINK];
        if (isnan(link) || link <= 0)
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "host_link_bytes_per_s is not known, over which an optimizer's state in host memory goes");
        *ns += host_bytes / link * 1e9; /* both ways at once */
    }
    return ASSAY_OK;
}
