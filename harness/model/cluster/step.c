#include "harness/model/cluster/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/model/cluster/layer.h"

#include "assay/banned.h"

const char *const assay_step_part_names[ASSAY_STEP_PARTS] = {"compute", "recompute", "tensor", "expert", "context", "gather", "bubble", "data",
                                                             "optimizer", "stragglers"};
const char *const assay_step_part_about[ASSAY_STEP_PARTS] = {
    "products, attention and passes over memory of the busiest stage", "the forward work that is done again",
    "exchanges of tensor parallelism that nothing hides", "tokens on their way to experts and back",
    "keys and values on their way round that attention does not hide", "weights gathered for use, gradients split again",
    "the pipeline filling, draining and waiting for transfers", "gradients added up, weights given out, that nothing hides",
    "the update of the weights", "waiting for the slowest of all devices"};

#define BYTES 2.0 /* of an activation or a weight that is sent */

/* ---- layers that were priced already ------------------------------------------------------------------------------- */

struct key {
    int64_t tp, cp, ep, micro_batch, bits;
    double  seq;
};
struct entry {
    struct key               key;
    bool                     used;
    struct assay_layer_price price[4]; /* dense, moe, first, last */
};
enum { ENTRIES = 1 << 13 };
enum which { DENSE, MOE, FIRST, LAST };

struct assay_step_model {
    const struct assay_decoder_numbers *d;
    const struct assay_fabric          *f;
    const struct assay_coefficients    *k;
    size_t                              used;
    struct entry                        entry[ENTRIES];
};

enum assay_code assay_step_model_new(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                     struct assay_step_model **out, struct assay_error *err)
{
    struct assay_step_model *m = calloc(1, sizeof *m);
    if (!m)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the prices of a training step");
    m->d = d;
    m->f = f;
    m->k = k;
    *out = m;
    return ASSAY_OK;
}

void assay_step_model_free(struct assay_step_model *m)
{
    free(m);
}

static struct key key_of(const struct assay_train_plan *p)
{
    return (struct key){p->tp, p->cp, p->ep, p->micro_batch,
                        (int64_t)p->attention << 16 | (int64_t)p->compute << 4 | (p->gradient_bytes > 2) << 1 | p->sequence_parallel, p->seq};
}

static bool same(const struct key *a, const struct key *b)
{
    return a->tp == b->tp && a->cp == b->cp && a->ep == b->ep && a->micro_batch == b->micro_batch && a->bits == b->bits && a->seq == b->seq;
}

static size_t hash_of(const struct key *key)
{
    uint64_t h = (uint64_t)key->tp;
    h = h * 0x9E3779B97F4A7C15u + (uint64_t)key->cp;
    h = h * 0x9E3779B97F4A7C15u + (uint64_t)key->ep;
    h = h * 0x9E3779B97F4A7C15u + (uint64_t)key->micro_batch;
    h = h * 0x9E3779B97F4A7C15u + (uint64_t)key->bits + (uint64_t)key->seq;
    return (size_t)((h ^ h >> 29) * 0x9E3779B97F4A7C15u >> 32) % ENTRIES;
}

static enum assay_code price_entry(struct assay_step_model *m, const struct assay_train_plan *p, struct entry *e, struct assay_error *err)
{
    const struct assay_chip *chip = &m->f->chip;
    if (assay_price_layer(chip, m->k, m->d, p, false, &e->price[DENSE], err) ||
        (m->d->experts > 0 && assay_price_layer(chip, m->k, m->d, p, true, &e->price[MOE], err)) ||
        assay_price_ends(chip, m->k, m->d, p, &e->price[FIRST], &e->price[LAST], err))
        return err->code;
    e->used = true;
    return ASSAY_OK;
}

/* As the plan's framework runs it. Attention whose weights are stored is products and passes like the rest. */
static struct assay_layer_price under(const struct assay_train_plan *p, const struct assay_layer_price *layer)
{
    struct assay_layer_price        run = *layer;
    const struct assay_framework *w = p->framework;
    if (!w)
        return run;
    bool fused = p->attention == ASSAY_ATTENTION_FUSED;
    run.core_ns *= fused ? w->attention : w->forward;
    run.core_backward_ns *= fused ? w->attention : w->backward;
    run.forward_ns = (layer->forward_ns - layer->core_ns) * w->forward + run.core_ns;
    run.backward_ns = (layer->backward_ns - layer->core_backward_ns) * w->backward + run.core_backward_ns;
    run.weight_ns *= w->backward;
    return run;
}

static enum assay_code layers_of(struct assay_step_model *m, const struct assay_train_plan *p, struct assay_layer_price out[4],
                                 struct assay_error *err)
{
    const struct key key = key_of(p);
    size_t           at = hash_of(&key);
    if (m->used > ENTRIES / 2) { /* a table that is half full is begun again */
        memset(m->entry, 0, sizeof m->entry);
        m->used = 0;
    }
    while (m->entry[at].used && !same(&m->entry[at].key, &key))
        at = (at + 1) % ENTRIES;
    if (!m->entry[at].used) {
        m->entry[at].key = key;
        if (price_entry(m, p, &m->entry[at], err))
            return err->code;
        m->used++;
    }
    for (int i = DENSE; i <= LAST; i++)
        out[i] = under(p, &m->entry[at].price[i]);
    return ASSAY_OK;
}

/* ---- what is sent -------------------------------------------------------------------------------------------------- */

struct sent {
    double                ns, compute_share;
    struct assay_link_use link[ASSAY_SYSTEM_TIERS];
};

static struct sent send(const struct assay_step_model *m, enum assay_collective_op op, double ranks, double stride, double bytes,
                        double imbalance, struct assay_error *err)
{
    const struct assay_exchange x = {.op = op, .group = {ranks, stride}, .bytes = bytes, .imbalance = imbalance};
    struct assay_exchange_price price = {.ns = 0};
    if (ranks > 1 && bytes > 0 && !err->code)
        (void)assay_price_exchange(m->f, m->k, &x, &price, err);
    struct sent sent = {.ns = price.ns, .compute_share = price.compute_share};
    assay_link_use_exchange(sent.link, &price, 1);
    return sent;
}

/* One behind the other; so many times. What they cost compute is the first one's. */
static struct sent both(const struct sent *a, const struct sent *b)
{
    struct sent sum = *a;
    sum.ns += b->ns;
    assay_link_use_add(sum.link, b->link, 1);
    return sum;
}

static struct sent repeated(const struct sent *once, double times)
{
    struct sent all = {.ns = times * once->ns, .compute_share = once->compute_share};
    assay_link_use_add(all.link, once->link, times);
    return all;
}

/* What is left of `sent` when it runs beside at most `beside` of work, and what that work loses by it. `free_ns`: the work that nothing
 * else is hidden behind yet, so that no nanosecond of it hides two. What is hidden is added to *hidden_ns. */
static double exposed(const struct sent *sent, double beside, bool overlap, double *free_ns, double *hidden_ns)
{
    if (!overlap)
        return sent->ns;
    double hidden = fmin(sent->ns, fmin(beside, *free_ns));
    *free_ns -= hidden;
    *hidden_ns += hidden;
    return sent->ns - hidden + hidden * fmin(1, sent->compute_share / (1 - sent->compute_share));
}

/* A layer's time for a micro-batch by its parts, forward and backward; recompute: the forward again, within the backward. */
struct cost {
    double forward, backward, weight, recompute;
    double free_forward, free_backward; /* of the work, what hides no traffic yet */
    double hidden;                      /* traffic that the work hides */
    double tensor_forward, tensor_backward, expert_forward, expert_backward, context_forward, context_backward, gather_forward, gather_backward;
    struct assay_link_use link[ASSAY_SYSTEM_TIERS]; /* forward and backward together */
};

static double forward_of(const struct cost *c)
{
    return c->forward + c->tensor_forward + c->expert_forward + c->context_forward + c->gather_forward;
}
static double backward_of(const struct cost *c)
{
    return c->backward + c->recompute + c->tensor_backward + c->expert_backward + c->context_backward + c->gather_backward;
}

/* Sequence parallelism gathers before and scatters after attention and the feed-forward; without it both are reduced. Backward's are
 * hidden behind the gradients of weights (Megatron-LM's asynchronous reductions). Routed experts take tokens as they are split. */
static void add_tensor(const struct assay_step_model *m, const struct assay_train_plan *p, bool moe, struct cost *c, struct assay_error *err)
{
    double      bytes = (double)p->micro_batch * p->seq / (double)p->cp * m->d->hidden * BYTES, t = (double)p->tp;
    double      pairs = moe && m->d->shared <= 0 ? 1 : 2;
    bool        again = p->recompute == ASSAY_RECOMPUTE_FULL;
    struct sent one = send(m, p->sequence_parallel ? ASSAY_ALL_GATHER : ASSAY_ALL_REDUCE, t, 1, bytes, 1, err);
    if (p->sequence_parallel) {
        struct sent scatter = send(m, ASSAY_REDUCE_SCATTER, t, 1, bytes, 1, err);
        one = both(&one, &scatter);
    }
    struct sent all = repeated(&one, pairs);
    c->tensor_forward = all.ns;
    c->tensor_backward = exposed(&all, c->weight, p->overlap, &c->free_backward, &c->hidden);
    c->tensor_backward += again ? all.ns : 0;
    assay_link_use_add(c->link, all.link, again ? 3 : 2);
}

static void add_expert(const struct assay_step_model *m, const struct assay_train_plan *p, struct cost *c, struct assay_error *err)
{
    double      tokens = (double)p->micro_batch * p->seq / (double)(p->cp * p->tp);
    struct sent there = send(m, ASSAY_ALL_TO_ALL, (double)p->ep, 1, tokens * m->d->top_k * m->d->hidden * BYTES, p->imbalance, err);
    double      back = p->recompute == ASSAY_RECOMPUTE_FULL ? 4 : 2;
    c->expert_forward = 2 * there.ns;
    c->expert_backward = back * there.ns;
    assay_link_use_add(c->link, there.link, 2 + back);
}

/* Keys and values go round the ring of cp while attention works on those that are there; backward their gradients come too. */
static void add_context(const struct assay_step_model *m, const struct assay_train_plan *p, const struct assay_layer_price *layer,
                        struct cost *c, struct assay_error *err)
{
    const struct assay_decoder_numbers *d = m->d;
    double wide = d->kv_rank > 0 ? d->heads * (d->nope_dim + d->rope_dim + d->v_dim) : fmax(d->kv_heads, (double)p->tp) * 2 * d->head_dim;
    double bytes = (double)p->micro_batch * p->seq * wide / (double)p->tp * BYTES, beside = 1 - 1 / (double)p->cp;
    struct sent once = send(m, ASSAY_ALL_GATHER, (double)p->cp, (double)p->tp, bytes, 1, err), twice = repeated(&once, 2);
    c->context_forward = exposed(&once, layer->core_ns * beside, p->overlap, &c->free_forward, &c->hidden);
    assay_link_use_add(c->link, once.link, 3);
    c->context_backward = exposed(&twice, layer->core_backward_ns * beside, p->overlap, &c->free_backward, &c->hidden);
}

/* Between the ranks that have the same weights: of those outside of experts, then of experts. */
static struct sent both_kinds(const struct assay_step_model *m, enum assay_collective_op op, const struct assay_train_plan *p, double dense_bytes,
                              double expert_bytes, struct assay_error *err)
{
    double      ranks = (double)(p->dp * p->cp), t = (double)p->tp, e = (double)p->ep;
    struct sent dense = send(m, op, ranks, t, dense_bytes, 1, err), experts = send(m, op, t * ranks / e, e, expert_bytes, 1, err);
    return both(&dense, &experts);
}

/* ZeRO 3: weights are gathered for the forward and again for the backward, whose gradients are split at once. */
static void add_gather(const struct assay_step_model *m, const struct assay_train_plan *p, bool moe, struct cost *c, struct assay_error *err)
{
    double routed = moe ? assay_decoder_expert_parameters(m->d) : 0;
    double dense = (assay_decoder_layer_parameters(m->d, moe) - routed) / (double)p->tp, experts = routed / (double)p->ep;
    struct sent weights = both_kinds(m, ASSAY_ALL_GATHER, p, dense * BYTES, experts * BYTES, err);
    struct sent gradients = both_kinds(m, ASSAY_REDUCE_SCATTER, p, dense * p->gradient_bytes, experts * p->gradient_bytes, err);
    struct sent back = both(&weights, &gradients);
    assay_link_use_add(c->link, weights.link, 1);
    assay_link_use_add(c->link, back.link, 1);
    c->gather_forward = exposed(&weights, c->forward, p->overlap, &c->free_forward, &c->hidden);
    c->gather_backward = exposed(&back, c->free_backward, p->overlap, &c->free_backward, &c->hidden);
}

static struct cost cost_of(const struct assay_step_model *m, const struct assay_train_plan *p, const struct assay_layer_price *layer, bool moe,
                           struct assay_error *err)
{
    struct cost c = {.forward = layer->forward_ns, .backward = layer->backward_ns, .weight = layer->weight_ns};
    if (p->recompute == ASSAY_RECOMPUTE_FULL)
        c.recompute = layer->forward_ns;
    else if (p->recompute == ASSAY_RECOMPUTE_SELECTIVE && p->attention == ASSAY_ATTENTION_STORED)
        c.recompute = layer->core_ns; /* fused attention computes its weights again anyway */
    c.free_forward = c.forward;
    c.free_backward = c.backward + c.weight + c.recompute;
    if (p->tp > 1)
        add_tensor(m, p, moe, &c, err);
    if (moe && p->ep > 1)
        add_expert(m, p, &c, err);
    if (p->cp > 1)
        add_context(m, p, layer, &c, err);
    if (p->zero == 3 && p->dp * p->cp > 1)
        add_gather(m, p, moe, &c, err);
    return c;
}

/* ---- the pipeline -------------------------------------------------------------------------------------------------- */

/* Layers are dealt to pieces in order, the first pieces one more where they do not divide. */
struct pieces {
    struct cost dense, moe;
    struct assay_layer_price layer[4];
    int64_t     n;
};

static void count_layers(const struct assay_decoder_numbers *d, int64_t pieces, int64_t i, double *dense, double *moe)
{
    double each = floor(d->layers / (double)pieces), more = fmod(d->layers, (double)pieces);
    double begin = each * (double)i + fmin((double)i, more), end = begin + each + ((double)i < more ? 1 : 0);
    double first = d->experts > 0 ? d->first_moe : d->layers;
    *dense = fmax(0, fmin(end, first) - begin);
    *moe = end - begin - *dense;
}

struct spans {
    double forward, backward, weight;
};

static struct spans spans_of(const struct assay_step_model *m, const struct pieces *all, int64_t i, double *dense, double *moe)
{
    struct spans s = {0};
    count_layers(m->d, all->n, i, dense, moe);
    s.forward = *dense * forward_of(&all->dense) + *moe * forward_of(&all->moe);
    s.backward = *dense * backward_of(&all->dense) + *moe * backward_of(&all->moe);
    s.weight = *dense * all->dense.weight + *moe * all->moe.weight;
    for (int end = FIRST; end <= LAST; end++)
        if (i == (end == FIRST ? 0 : all->n - 1)) {
            s.forward += all->layer[end].forward_ns;
            s.backward += all->layer[end].backward_ns;
            s.weight += all->layer[end].weight_ns;
        }
    return s;
}

/* A stage's micro-batch by parts, all its pieces. */
struct stage {
    double       dense, moe, free_forward, free_backward;
    struct spans spans;
};

static struct stage stage_of(const struct assay_step_model *m, const struct assay_train_plan *p, const struct pieces *all, int64_t stage)
{
    struct stage s = {.dense = 0};
    for (int64_t v = 0; v < p->chunks; v++) {
        double       dense = 0, moe = 0;
        struct spans piece = spans_of(m, all, v * p->pp + stage, &dense, &moe);
        s.dense += dense;
        s.moe += moe;
        s.spans.forward += piece.forward;
        s.spans.backward += piece.backward;
        s.spans.weight += piece.weight;
    }
    s.free_forward = s.dense * all->dense.free_forward + s.moe * all->moe.free_forward;
    s.free_backward = s.dense * all->dense.free_backward + s.moe * all->moe.free_backward;
    return s;
}

static double total(const struct spans *s)
{
    return s->forward + s->backward + s->weight;
}

/* From the closed forms for equal stages: fill by all stages, then the busiest one. A transfer that takes time is waited for where
 * fewer micro-batches are under way than its round trip needs (README.md, "Pipelines"). */
static double makespan_about(const struct assay_train_plan *p, const struct stage *busiest, double sum_ns, double transfer_ns)
{
    double pp = (double)p->pp, v = (double)p->chunks, n = (double)p->micro_batches, most = total(&busiest->spans), t;
    if (p->schedule == ASSAY_PIPELINE_ZERO_BUBBLE)
        t = n * most + (pp - 1) / pp * sum_ns * fmax(0, busiest->spans.forward + busiest->spans.backward - busiest->spans.weight) / most;
    else
        t = sum_ns / v + (n - 1 / v) * most;
    double under_way = pp + (p->chunks > 1 ? (pp - 1) / v : 0);
    double waits = fmax(0, (pp * most + 2 * transfer_ns * (pp * v - 1)) / under_way - most);
    return t + 2 * (pp - 1) * transfer_ns + fmax(0, n - pp) * waits;
}

static enum assay_code follow(const struct assay_step_model *m, const struct assay_train_plan *p, const struct pieces *all, double transfer_ns,
                              void (*each)(void *self, const struct assay_pipeline_event *event), void *self, double *makespan_ns,
                              struct assay_error *err)
{
    double                      *ns = malloc((size_t)all->n * 3 * sizeof *ns);
    struct assay_pipeline_result result;
    if (!ns)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the pieces of a pipeline");
    for (int64_t i = 0; i < all->n; i++) {
        double       dense = 0, moe = 0;
        struct spans s = spans_of(m, all, i, &dense, &moe);
        ns[i] = s.forward;
        ns[all->n + i] = s.backward;
        ns[2 * all->n + i] = s.weight;
    }
    const struct assay_pipeline line = {p->schedule, p->pp, p->chunks, p->micro_batches, ns, ns + all->n, ns + 2 * all->n, transfer_ns};
    if (!assay_pipeline_trace(&line, each, self, &result, err))
        *makespan_ns = result.makespan_ns;
    free(ns);
    return err->code;
}

/* ---- the step ------------------------------------------------------------------------------------------------------ */

static enum assay_code pieces_of(struct assay_step_model *m, const struct assay_train_plan *p, struct pieces *out, struct sent *transfer,
                                 struct assay_error *err)
{
    struct pieces all = {.n = p->pp * p->chunks};
    double        vectors = (double)p->micro_batch * p->seq / (double)p->cp * m->d->hidden * BYTES, t = (double)p->tp;
    if (layers_of(m, p, all.layer, err))
        return err->code;
    all.dense = cost_of(m, p, &all.layer[DENSE], false, err);
    if (m->d->experts > 0)
        all.moe = cost_of(m, p, &all.layer[MOE], true, err);
    *transfer = (struct sent){.ns = 0}; /* each rank of tp sends its share, and where the next stage needs the whole it is gathered there (arXiv 2104.04473, 4.1) */
    if (p->pp > 1)
        *transfer = send(m, ASSAY_SEND, 2, t * (double)(p->cp * p->dp), vectors / t, 1, err);
    if (p->pp > 1 && !p->sequence_parallel) {
        struct sent gather = send(m, ASSAY_ALL_GATHER, t, 1, vectors, 1, err);
        *transfer = both(transfer, &gather);
    }
    *out = all;
    return err->code;
}

/* Gradients of a stage's ranks are added up over dp, weights given out again where the optimizer's state is split. */
static double data_ns(const struct assay_step_model *m, const struct assay_train_plan *p, const struct stage *s, int64_t stage,
                      struct assay_link_use link[ASSAY_SYSTEM_TIERS], double *hidden_ns, struct assay_error *err)
{
    double experts, all = assay_rank_parameters(m->d, p, stage, 4, &experts), dense = all - experts;
    if (p->zero == 3)
        return 0; /* a layer at a time, with the gathers */
    enum assay_collective_op op = p->zero ? ASSAY_REDUCE_SCATTER : ASSAY_ALL_REDUCE;
    struct sent gradients = both_kinds(m, op, p, dense * p->gradient_bytes, experts * p->gradient_bytes, err), weights = {0};
    if (p->zero)
        weights = both_kinds(m, ASSAY_ALL_GATHER, p, dense * BYTES, experts * BYTES, err);
    assay_link_use_add(link, gradients.link, p->zero < 2 ? 1 : (double)p->micro_batches);
    assay_link_use_add(link, weights.link, 1);
    /* Interleaved, a chunk has done its last backward while a round of all stages' micro-batches still goes through each chunk after it. */
    double v = (double)p->chunks, window = (1 + (v - 1) * fmin((double)p->pp, (double)p->micro_batches)) / v;
    double forward = window * s->free_forward, backward = window * s->free_backward, again = s->free_backward;
    double once = exposed(&gradients, backward, p->overlap, &backward, hidden_ns) + exposed(&weights, forward, p->overlap, &forward, hidden_ns);
    if (p->zero < 2)
        return once;
    double others = 0, each = exposed(&gradients, again, p->overlap, &again, &others); /* split after each micro-batch */
    *hidden_ns += (double)(p->micro_batches - 1) * others;
    return once + (double)(p->micro_batches - 1) * each;
}

static void fill_parts(const struct assay_train_plan *p, const struct pieces *all, const struct stage *s, double makespan_ns, struct assay_step_price *out)
{
    double  n = (double)p->micro_batches, *part = out->part_ns;
    const struct cost *costs[] = {&all->dense, &all->moe};
    const double       layers[] = {s->dense, s->moe};
    for (int i = 0; i < 2; i++) {
        const struct cost *c = costs[i];
        part[ASSAY_STEP_RECOMPUTE] += n * layers[i] * c->recompute;
        part[ASSAY_STEP_TENSOR] += n * layers[i] * (c->tensor_forward + c->tensor_backward);
        part[ASSAY_STEP_EXPERT] += n * layers[i] * (c->expert_forward + c->expert_backward);
        part[ASSAY_STEP_CONTEXT] += n * layers[i] * (c->context_forward + c->context_backward);
        part[ASSAY_STEP_GATHER] += n * layers[i] * (c->gather_forward + c->gather_backward);
        out->hidden_ns += n * layers[i] * c->hidden;
    }
    part[ASSAY_STEP_COMPUTE] = n * total(&s->spans);
    for (int i = ASSAY_STEP_RECOMPUTE; i <= ASSAY_STEP_GATHER; i++)
        part[ASSAY_STEP_COMPUTE] -= part[i];
    part[ASSAY_STEP_BUBBLE] = makespan_ns - n * total(&s->spans);
    out->micro_batch_ns = total(&s->spans);
}

/* Micro-batches and layers, and what goes to the stages before and behind: forward of every piece but the last, back of every piece but
 * the first. */
static void fill_links(const struct assay_train_plan *p, const struct pieces *all, const struct stage *s, const struct sent *transfer, int64_t which,
                       struct assay_step_price *out)
{
    double n = (double)p->micro_batches, sends = 2 * (double)p->chunks - (which == 0) - (which == p->pp - 1);
    assay_link_use_add(out->link, all->dense.link, n * s->dense);
    assay_link_use_add(out->link, all->moe.link, n * s->moe);
    assay_link_use_add(out->link, transfer->link, n * sends);
}

static void fill_whole(const struct assay_step_model *m, const struct assay_train_plan *p, struct assay_step_price *out)
{
    const struct assay_fabric *f = m->f;
    double                     devices = (double)(p->tp * p->cp * p->dp * p->pp);
    out->tokens = (double)(p->dp * p->micro_batches * p->micro_batch) * p->seq;
    out->flops = out->tokens * assay_decoder_token_flops(m->d, p->seq);
    out->utilisation = out->flops / (out->ns * 1e-9) / (devices * assay_chip_peak(&f->chip, p->compute));
    out->watts = assay_fabric_watts(f, devices);
    out->joules = out->watts * out->ns * 1e-9;
    out->checkpoint_bytes = 14 * assay_decoder_parameters(m->d) / devices; /* weights, master weights, two moments */
    const struct assay_failures failures = {f->field[ASSAY_SYSTEM_FAILURES], devices, f->field[ASSAY_SYSTEM_RESTART],
                                            out->checkpoint_bytes / f->field[ASSAY_SYSTEM_CHECKPOINT]};
    out->goodput = assay_goodput_of(&failures);
}

double assay_step_least_ns(const struct assay_step_price *price)
{
    return price->ns * price->utilisation / ASSAY_STEP_MOST_UTILISATION;
}

/* The stage that decides, and what all stages together take. */
static struct stage busiest_of(const struct assay_step_model *m, const struct assay_train_plan *p, const struct pieces *all, double *sum_ns,
                               int64_t *which)
{
    struct stage busiest = {.dense = 0};
    *sum_ns = 0;
    *which = 0;
    for (int64_t i = 0; i < p->pp; i++) {
        struct stage s = stage_of(m, p, all, i);
        *sum_ns += total(&s.spans);
        if (i == 0 || total(&s.spans) > total(&busiest.spans)) {
            busiest = s;
            *which = i;
        }
    }
    return busiest;
}

enum assay_code assay_price_step(struct assay_step_model *m, const struct assay_train_plan *p, bool exact, struct assay_step_price *out,
                                 struct assay_error *err)
{
    struct assay_step_price price = {.exact = exact};
    struct pieces           all = {.n = 0};
    struct sent             transfer = {.ns = 0};
    double                  sum_ns, makespan_ns, experts, devices = (double)(p->tp * p->cp * p->dp * p->pp);
    int64_t                 which;
    if (pieces_of(m, p, &all, &transfer, err))
        return assay_error_in(err, "pricing a training step");
    struct stage s = busiest_of(m, p, &all, &sum_ns, &which);
    makespan_ns = makespan_about(p, &s, sum_ns, transfer.ns);
    if (exact && follow(m, p, &all, transfer.ns, NULL, NULL, &makespan_ns, err))
        return assay_error_in(err, "pricing a training step");
    fill_parts(p, &all, &s, makespan_ns, &price);
    fill_links(p, &all, &s, &transfer, which, &price);
    price.part_ns[ASSAY_STEP_DATA] = data_ns(m, p, &s, which, price.link, &price.hidden_ns, err);
    double updated = assay_rank_parameters(m->d, p, which, 1, &experts);
    struct assay_footprint held;
    assay_footprint_of(m->d, p, which, &held);
    if (err->code || assay_price_update(&m->f->chip, m->k, updated, p->gradient_bytes, held.host_bytes, &price.part_ns[ASSAY_STEP_OPTIMIZER], err))
        return assay_error_in(err, "pricing a training step");
    double slow = assay_fabric_known(m->f, ASSAY_SYSTEM_SPREAD) * (devices > 1 ? sqrt(2 * log(devices)) : 0);
    price.part_ns[ASSAY_STEP_STRAGGLERS] = slow * (price.part_ns[ASSAY_STEP_COMPUTE] + price.part_ns[ASSAY_STEP_RECOMPUTE]);
    for (int i = 0; i < ASSAY_STEP_PARTS; i++)
        price.ns += price.part_ns[i];
    fill_whole(m, p, &price);
    *out = price;
    return ASSAY_OK;
}

enum assay_code assay_step_trace(struct assay_step_model *m, const struct assay_train_plan *p,
                                 void (*each)(void *self, const struct assay_pipeline_event *event), void *self, struct assay_error *err)
{
    struct pieces all = {.n = 0};
    struct sent   transfer = {.ns = 0};
    double        makespan_ns;
    if (pieces_of(m, p, &all, &transfer, err) || follow(m, p, &all, transfer.ns, each, self, &makespan_ns, err))
        return assay_error_in(err, "following a training step");
    return ASSAY_OK;
}
