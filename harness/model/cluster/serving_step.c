#include "harness/model/cluster/serving_step.h"

#include <math.h>
#include <stdlib.h>

#include "harness/model/routing.h"

#include "assay/banned.h"

#define BYTES 2.0      /* activations */
#define REMEMBERED 4096 /* prices of layers by their number of tokens; one that comes to the same place replaces the other */

const char *const assay_serving_part_names[ASSAY_SERVING_PARTS] = {"products", "attention", "experts", "passes", "links"};

/* What does not depend on what stands in caches. */
struct remembered {
    double                     tokens; /* 0: nothing */
    struct assay_serving_price price;
};
struct assay_serving_model {
    const struct assay_decoder_numbers *d;
    const struct assay_fabric          *f;
    const struct assay_coefficients    *k;
    struct assay_serving_plan           p;
    struct remembered                   layers[REMEMBERED], heads[REMEMBERED];
};

/* One price being made: how often all that is added now comes, and the first thing that went wrong. */
struct pricing {
    const struct assay_serving_model *m;
    struct assay_serving_price       *to;
    struct assay_error               *err;
    double                            times;
};

/* ---- plans --------------------------------------------------------------------------------------------------------- */

double assay_serving_plan_ranks(const struct assay_serving_plan *p)
{
    return p->tp * p->dp * p->pp;
}

static enum assay_code divides(double by, double what, const char *axis, const char *of, struct assay_error *err)
{
    if (!(by >= 1) || by != floor(by))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s is %g", axis, by);
    if (fmod(what, by) != 0)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s %.0f does not divide the %.0f %s", axis, by, what, of);
    return ASSAY_OK;
}

enum assay_code assay_serving_plan_check(const struct assay_serving_plan *p, const struct assay_decoder_numbers *d, struct assay_error *err)
{
    if (divides(p->tp, d->heads, "tp", "heads", err) || divides(p->dp, p->dp, "dp", "groups", err))
        return err->code;
    if (!(p->pp >= 1) || p->pp != floor(p->pp) || p->pp > d->layers)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "pp %g stages of %.0f layers", p->pp, d->layers);
    if (!(d->experts > 0))
        return ASSAY_OK;
    if (p->moe_tp * p->moe_ep != p->tp * p->dp)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "experts over moe_tp %g x moe_ep %g are not the %.0f ranks of a stage", p->moe_tp, p->moe_ep,
                          p->tp * p->dp);
    return divides(p->moe_ep, d->experts, "moe_ep", "experts", err) ? err->code : divides(p->moe_tp, d->expert_ffn, "moe_tp", "columns of an expert", err);
}

/* ---- kernels ------------------------------------------------------------------------------------------------------- */

static void add(const struct pricing *x, enum assay_serving_part part, const struct assay_price *price)
{
    x->to->work_ns[part] += x->times * (price->ns - price->floor_ns);
    x->to->floor_ns[part] += x->times * price->floor_ns;
}

/* Bytes in and out. */
static void pass(const struct pricing *x, double read_bytes, double written_bytes)
{
    const struct assay_memory_shape s = {.read_bytes = read_bytes, .written_bytes = written_bytes, .working_set_bytes = read_bytes + written_bytes};
    struct assay_price              price = {.ns = 0};
    if (!x->err->code && !assay_price_memory(&x->m->f->chip, x->m->k, &s, &price, x->err))
        add(x, ASSAY_SERVING_PASSES, &price);
}

/* The operand comes in 16 bits; where products take fewer it is quantised in the pass before. */
static void product_in(const struct pricing *x, const struct assay_serving_format *f, double rows, double n, double k)
{
    bool                          narrow = assay_dtype_bits(f->compute) <= 8;
    const struct assay_gemm_shape s = {.batch = 1, .m = rows, .n = n, .k = k, .compute = f->compute, .a_bytes = narrow ? fmin(1, f->bytes) : BYTES,
                                       .b_bytes = f->bytes, .c_bytes = BYTES, .scaling = narrow ? f->scaling : ASSAY_SCALING_NONE};
    struct assay_price            price = {.ns = 0};
    if (narrow)
        pass(x, BYTES * rows * k, s.a_bytes * rows * k);
    if (!x->err->code && !assay_price_gemm(&x->m->f->chip, x->m->k, &s, &price, x->err))
        add(x, ASSAY_SERVING_PRODUCTS, &price);
}

static void product(const struct pricing *x, double rows, double n, double k)
{
    product_in(x, &x->m->p.products, rows, n, k);
}

static void exchange(const struct pricing *x, enum assay_collective_op op, double ranks, double stride, double bytes)
{
    const struct assay_exchange e = {.op = op, .group = {ranks, stride}, .bytes = bytes};
    struct assay_exchange_price price;
    struct assay_collective_shape least = {op, ranks, 1};
    struct assay_price            floor_of;
    if (ranks <= 1 || x->err->code || assay_price_exchange(x->m->f, x->m->k, &e, &price, x->err) ||
        assay_price_collective(&x->m->f->chip, x->m->k, &least, &floor_of, x->err))
        return;
    double floor_ns = fmin(price.ns, floor_of.floor_ns);
    x->to->floor_ns[ASSAY_SERVING_LINKS] += x->times * floor_ns;
    x->to->work_ns[ASSAY_SERVING_LINKS] += x->times * (price.ns - floor_ns);
    assay_link_use_exchange(x->to->link, &price, x->times);
}

/* ---- layers -------------------------------------------------------------------------------------------------------- */

static bool is_latent(const struct assay_decoder_numbers *d)
{
    return d->kv_rank > 0;
}

/* Products round attention, and what its keys and queries are turned by. */
static void projections(const struct pricing *x, double rows)
{
    const struct assay_decoder_numbers *d = x->m->d;
    double tp = x->m->p.tp, own = d->heads / tp, caches = fmax(1, d->kv_heads / tp), key = d->nope_dim + d->rope_dim;
    if (is_latent(d)) {
        if (d->q_rank > 0)
            product(x, rows, d->q_rank + d->kv_rank + d->rope_dim, d->hidden);
        product(x, rows, own * key, d->q_rank > 0 ? d->q_rank : d->hidden);
        product(x, rows, own * (d->nope_dim + d->v_dim), d->kv_rank);
        pass(x, rows * own * key * BYTES, rows * own * key * BYTES);
        product(x, rows, d->hidden, own * d->v_dim);
        return;
    }
    product(x, rows, (own + 2 * caches) * d->head_dim, d->hidden);
    pass(x, rows * (own + caches) * d->head_dim * BYTES, rows * (own + caches) * d->head_dim * BYTES);
    product(x, rows, d->hidden, own * d->head_dim);
}

static void dense(const struct pricing *x, double rows, double ffn)
{
    double in = x->m->d->gated || x->m->d->experts > 0 ? 2 : 1;
    product(x, rows, in * ffn, x->m->d->hidden);
    pass(x, in * rows * ffn * BYTES, rows * ffn * BYTES);
    product(x, rows, x->m->d->hidden, ffn);
}

/* Tokens of all groups that share the experts. Where there is one group every rank has them all; else they are sent and fetched back. */
static void experts(const struct pricing *x, double rows)
{
    const struct assay_decoder_numbers *d = x->m->d;
    const struct assay_serving_plan    *p = &x->m->p;
    double                              all = rows * p->dp;
    struct assay_routing                routing = assay_routing_of(p->routing, all, d->top_k, d->experts, p->moe_ep);
    const struct assay_moe_shape        s = {.tokens = all, .hidden = d->hidden, .inter = d->expert_ffn, .top_k = d->top_k, .experts = d->experts,
                                             .tp = p->moe_tp, .ep = p->moe_ep, .imbalance = routing.imbalance, .touched = p->routing > 0 ? routing.touched : 0,
                                             .compute = p->experts.compute, .weight_bytes = p->experts.bytes, .token_bytes = BYTES,
                                             .scaling = assay_dtype_bits(p->experts.compute) <= 8 ? p->experts.scaling : ASSAY_SCALING_NONE};
    const struct assay_serving_format   wide = {.compute = ASSAY_BF16, .bytes = BYTES};
    struct assay_price                  price = {.ns = 0};
    product_in(x, &wide, rows, d->experts, d->hidden); /* the router */
    if (!x->err->code && !assay_price_moe(&x->m->f->chip, x->m->k, &s, &price, x->err))
        add(x, ASSAY_SERVING_EXPERTS, &price);
    if (p->dp > 1) {
        double sent = rows / p->tp * fmin(d->top_k, p->moe_ep) * d->hidden;
        exchange(x, ASSAY_ALL_TO_ALL, p->tp * p->dp, 1, sent * fmin(BYTES, fmax(1, p->experts.bytes)));
        exchange(x, ASSAY_ALL_TO_ALL, p->tp * p->dp, 1, sent * BYTES);
    }
    if (d->shared > 0)
        dense(x, rows, d->shared * d->expert_ffn / p->tp);
}

/* All of one layer that sees only rows: norms with the residual's addition, products, experts, reductions. */
static void layer(const struct pricing *x, bool moe, double rows)
{
    const struct assay_decoder_numbers *d = x->m->d;
    double                              vector = rows * d->hidden * BYTES, tp = x->m->p.tp;
    pass(x, 2 * vector, 2 * vector);
    pass(x, 2 * vector, 2 * vector);
    projections(x, rows);
    exchange(x, ASSAY_ALL_REDUCE, tp, 1, vector);
    if (moe)
        experts(x, rows);
    else
        dense(x, rows, d->ffn / tp);
    if (!moe || x->m->p.dp <= 1)
        exchange(x, ASSAY_ALL_REDUCE, tp, 1, vector);
}

static double moe_layers(const struct assay_decoder_numbers *d)
{
    return d->experts > 0 ? d->layers - d->first_moe : 0;
}

/* Embedding, and the head for those rows whose next token is wanted, its logits gathered. */
static void ends(const struct pricing *x, double rows)
{
    const struct assay_decoder_numbers *d = x->m->d;
    const struct assay_serving_format   wide = {.compute = ASSAY_BF16, .bytes = BYTES};
    product_in(x, &wide, rows, d->vocab / x->m->p.tp, d->hidden);
    exchange(x, ASSAY_ALL_GATHER, x->m->p.tp, 1, rows * d->vocab * BYTES);
    pass(x, rows * d->vocab * 4, rows * d->vocab);
}

/* ---- attention ----------------------------------------------------------------------------------------------------- */

static struct assay_attention_shape attention_of(const struct assay_serving_model *m)
{
    const struct assay_decoder_numbers *d = m->d;
    bool                                latent = is_latent(d);
    return (struct assay_attention_shape){.heads = d->heads / m->p.tp, .kv_heads = latent ? 1 : fmax(1, d->kv_heads / m->p.tp),
                                          .head_dim = latent ? d->kv_rank + d->rope_dim : d->head_dim,
                                          .value_dim = latent ? d->kv_rank : d->head_dim, .compute = ASSAY_BF16, .q_bytes = BYTES,
                                          .kv_bytes = m->p.cache_bytes};
}

static void attention(const struct pricing *x, const struct assay_serving_work *w)
{
    const struct assay_decoder_numbers *d = x->m->d;
    struct assay_price                  price;
    if (w->sequences > 0 && !x->err->code) {
        struct assay_attention_shape s = attention_of(x->m);
        s.batch = w->sequences;
        s.query = 1;
        s.kv_tokens = w->cached_tokens + w->sequences;
        if (!assay_price_decode(&x->m->f->chip, x->m->k, &s, &price, x->err))
            add(x, ASSAY_SERVING_ATTENTION, &price);
    }
    if (w->prompts > 0 && !x->err->code) {
        struct assay_attention_shape s = attention_of(x->m);
        s.batch = w->prompts;
        s.query = w->prompt_tokens / w->prompts;
        s.past = w->prompt_past;
        s.causal = true;
        if (is_latent(d)) { /* prompts have their keys and values made whole */
            s.kv_heads = s.heads;
            s.head_dim = d->nope_dim + d->rope_dim;
            s.value_dim = d->v_dim;
        }
        if (!assay_price_prefill(&x->m->f->chip, x->m->k, &s, &price, x->err))
            add(x, ASSAY_SERVING_ATTENTION, &price);
    }
}

/* ---- the whole ----------------------------------------------------------------------------------------------------- */

enum assay_code assay_serving_model_new(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                        const struct assay_serving_plan *p, struct assay_serving_model **out, struct assay_error *err)
{
    if (assay_serving_plan_check(p, d, err))
        return err->code;
    struct assay_serving_model *m = calloc(1, sizeof *m);
    if (!m)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for prices of a serving step");
    m->d = d;
    m->f = f;
    m->k = k;
    m->p = *p;
    *out = m;
    return ASSAY_OK;
}

void assay_serving_model_free(struct assay_serving_model *m)
{
    free(m);
}

static void add_times(struct assay_serving_price *to, const struct assay_serving_price *what, double times)
{
    for (int i = 0; i < ASSAY_SERVING_PARTS; i++) {
        to->work_ns[i] += times * what->work_ns[i];
        to->floor_ns[i] += times * what->floor_ns[i];
    }
    assay_link_use_add(to->link, what->link, times);
}

/* Of so many whole rows: from what is remembered, or made now. */
static const struct assay_serving_price *price_rows(struct assay_serving_model *m, struct remembered *all, size_t rows, struct assay_error *err)
{
    struct remembered *r = &all[rows % REMEMBERED];
    if (r->tokens != (double)rows) {
        double         moe = moe_layers(m->d);
        struct pricing x = {m, &r->price, err, 1};
        *r = (struct remembered){.tokens = (double)rows};
        if (all == m->heads)
            ends(&x, r->tokens);
        else {
            x.times = m->d->layers - moe;
            if (x.times > 0)
                layer(&x, false, r->tokens);
            x.times = moe;
            if (moe > 0)
                layer(&x, true, r->tokens);
        }
        if (err->code)
            r->tokens = 0;
    }
    return &r->price;
}

/* Replicas that share sequences have parts of a row in the mean: its price lies between those of its neighbours, which are few and
 * remembered. */
static void add_rows(struct assay_serving_model *m, struct remembered *all, double rows, struct assay_serving_price *to, struct assay_error *err)
{
    size_t below = (size_t)rows;
    double part = rows - (double)below;
    add_times(to, price_rows(m, all, below, err), 1 - part);
    if (part > 0)
        add_times(to, price_rows(m, all, below + 1, err), part);
}

enum assay_code assay_price_serving_step(struct assay_serving_model *m, const struct assay_serving_work *w, struct assay_serving_price *out,
                                         struct assay_error *err)
{
    struct assay_serving_price price = {.work_ns = {0}};
    struct assay_serving_work  part = *w;
    double                     pp = m->p.pp;
    /* Stages work on different sequences at a time, so that each step has a pp-th of them and goes through all. */
    part.sequences /= pp;
    part.cached_tokens /= pp;
    double         rows = fmax(1, part.sequences + part.prompt_tokens), wanted = fmax(1, part.sequences + part.prompts);
    struct pricing x = {m, &price, err, m->d->layers};
    add_rows(m, m->layers, rows, &price, err);
    add_rows(m, m->heads, wanted, &price, err);
    attention(&x, &part);
    x.times = pp - 1;
    if (pp > 1)
        exchange(&x, ASSAY_SEND, 2, m->p.tp * m->p.dp, rows * m->d->hidden * BYTES);
    if (err->code)
        return assay_error_in(err, "pricing a step of serving");
    *out = price;
    return ASSAY_OK;
}

/* ---- memory -------------------------------------------------------------------------------------------------------- */

double assay_serving_weight_bytes(const struct assay_decoder_numbers *d, const struct assay_serving_plan *p)
{
    double moe = moe_layers(d), routed = moe * assay_decoder_expert_parameters(d);
    double ends = assay_decoder_embedding_parameters(d) + (d->tied ? 0 : d->vocab * d->hidden);
    double rest = assay_decoder_parameters(d) - routed - ends;
    return (rest * p->products.bytes / p->tp + routed * p->experts.bytes / (p->moe_tp * p->moe_ep)) / p->pp + ends * BYTES / p->tp;
}

double assay_serving_token_bytes(const struct assay_decoder_numbers *d, const struct assay_serving_plan *p)
{
    double elements = is_latent(d) ? d->kv_rank + d->rope_dim : 2 * fmax(1, d->kv_heads / p->tp) * d->head_dim;
    return elements * p->cache_bytes * d->layers / p->pp;
}
