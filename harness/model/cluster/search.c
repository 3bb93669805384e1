#include "harness/model/cluster/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

const char *const assay_search_axis_names[ASSAY_SEARCH_AXES] = {"tp", "cp", "pp", "ep", "chunks", "micro-batch", "zero", "recompute", "schedule", "offload"};

#define MOST_TP 64
#define MOST_CP 64
#define MOST_CHUNKS 8
#define MOST_MICRO_BATCH 16

int64_t assay_search_axis_value(const struct assay_train_plan *p, enum assay_search_axis axis)
{
    switch (axis) {
    case ASSAY_AXIS_TP: return p->tp;
    case ASSAY_AXIS_CP: return p->cp;
    case ASSAY_AXIS_PP: return p->pp;
    case ASSAY_AXIS_EP: return p->ep;
    case ASSAY_AXIS_CHUNKS: return p->chunks;
    case ASSAY_AXIS_MICRO_BATCH: return p->micro_batch;
    case ASSAY_AXIS_ZERO: return p->zero;
    case ASSAY_AXIS_RECOMPUTE: return p->recompute;
    case ASSAY_AXIS_SCHEDULE: return p->schedule;
    case ASSAY_AXIS_OFFLOAD: return p->offload;
    case ASSAY_SEARCH_AXES: break;
    }
    return 0;
}

void assay_train_plan_tell(const struct assay_train_plan *p, struct assay_text *out)
{
    assay_text_add(out, "tp %lld cp %lld dp %lld pp %lld", (long long)p->tp, (long long)p->cp, (long long)p->dp, (long long)p->pp);
    if (p->ep > 1)
        assay_text_add(out, " ep %lld", (long long)p->ep);
    if (p->chunks > 1)
        assay_text_add(out, " chunks %lld", (long long)p->chunks);
    assay_text_add(out, ", %lld x %lld sequences, zero %d, recompute %s", (long long)p->micro_batches, (long long)p->micro_batch, p->zero,
                   assay_recompute_names[p->recompute]);
    if (p->pp > 1)
        assay_text_add(out, ", %s", assay_pipeline_schedule_names[p->schedule]);
    if (p->offload)
        assay_text_add(out, ", optimizer on hosts");
}

struct search {
    const struct assay_decoder_numbers *d;
    const struct assay_fabric          *f;
    const struct assay_search_space    *space;
    struct assay_step_model            *model;
    struct assay_search                *out;
    double                              memory_bytes;
    struct assay_error                  why; /* of the last combination that does not divide */
    struct assay_error                 *err;
};

/* ---- what is kept of a plan ---------------------------------------------------------------------------------------- */

static void keep_best(struct assay_search *s, const struct assay_search_plan *plan)
{
    size_t at = s->n_best;
    if (at == ASSAY_SEARCH_BEST && plan->kept_ns >= s->best[at - 1].kept_ns)
        return;
    at = at == ASSAY_SEARCH_BEST ? at - 1 : s->n_best++;
    while (at > 0 && s->best[at - 1].kept_ns > plan->kept_ns) {
        s->best[at] = s->best[at - 1];
        at--;
    }
    s->best[at] = *plan;
}

/* The frontier is short; where it would be longer than there is room its slowest end, which needs least memory, stays. */
static void keep_frontier(struct assay_search *s, const struct assay_search_plan *plan)
{
    size_t n = 0, at;
    double bytes = plan->footprint.total_bytes;
    for (size_t i = 0; i < s->n_frontier; i++)
        if (s->frontier[i].kept_ns <= plan->kept_ns && s->frontier[i].footprint.total_bytes <= bytes)
            return;
    for (size_t i = 0; i < s->n_frontier; i++)
        if (s->frontier[i].kept_ns < plan->kept_ns || s->frontier[i].footprint.total_bytes < bytes)
            s->frontier[n++] = s->frontier[i];
    s->n_frontier = n < ASSAY_SEARCH_FRONTIER ? n : ASSAY_SEARCH_FRONTIER - 1;
    for (at = s->n_frontier++; at > 0 && s->frontier[at - 1].footprint.total_bytes > bytes; at--)
        s->frontier[at] = s->frontier[at - 1];
    s->frontier[at] = *plan;
}

static void keep_values(struct assay_search *s, const struct assay_train_plan *p, double kept_ns)
{
    for (int a = 0; a < ASSAY_SEARCH_AXES; a++) {
        int64_t value = assay_search_axis_value(p, (enum assay_search_axis)a);
        size_t  i = 0;
        while (i < s->n_values[a] && s->value[a][i].value != value)
            i++;
        if (i == ASSAY_SEARCH_VALUES)
            continue;
        if (i == s->n_values[a])
            s->value[a][s->n_values[a]++] = (struct assay_search_value){value, NAN};
        s->value[a][i].kept_ns = fmin(s->value[a][i].kept_ns, kept_ns); /* fmin leaves a NaN alone */
    }
}

/* ---- one plan ------------------------------------------------------------------------------------------------------ */

static void visit(struct search *s, const struct assay_train_plan *p)
{
    struct assay_search_plan plan = {.plan = *p};
    struct assay_search     *out = s->out;
    struct assay_error       why = {.code = ASSAY_OK};
    if (s->err->code)
        return;
    if (assay_train_plan_check(p, s->d, s->space->devices, &why)) {
        s->why = why;
        out->refused++;
        return;
    }
    assay_footprint_largest(s->d, p, &plan.footprint);
    if (plan.footprint.total_bytes > s->memory_bytes) {
        if (!out->short_of_memory++ || plan.footprint.total_bytes < out->nearest.footprint.total_bytes)
            out->nearest = plan;
        keep_values(out, p, NAN);
        return;
    }
    if (assay_price_step(s->model, p, false, &plan.price, s->err))
        return;
    plan.kept_ns = plan.price.ns / (isnan(plan.price.goodput.share) ? 1 : plan.price.goodput.share);
    out->priced++;
    keep_values(out, p, plan.kept_ns);
    keep_best(out, &plan);
    keep_frontier(out, &plan);
}

/* ---- all plans ----------------------------------------------------------------------------------------------------- */

static void visit_state(struct search *s, struct assay_train_plan p)
{
    bool splits = p.dp * p.cp > 1 || p.ep < p.tp * p.cp * p.dp;
    int  offloads = s->space->offload ? 1 : 0;
    for (p.zero = 0; p.zero <= (splits ? 3 : 0); p.zero++)
        for (int recompute = ASSAY_RECOMPUTE_NONE; recompute <= ASSAY_RECOMPUTE_FULL; recompute++)
            for (int offload = 0; offload <= offloads; offload++) {
                if (recompute == ASSAY_RECOMPUTE_SELECTIVE && p.attention == ASSAY_ATTENTION_FUSED)
                    continue; /* fused attention is its own selective recomputation */
                p.recompute = (enum assay_recompute)recompute;
                p.offload = offload;
                visit(s, &p);
            }
}

static void visit_pipeline(struct search *s, struct assay_train_plan p)
{
    int64_t per_rank = s->space->batch / p.dp;
    for (p.micro_batch = 1; p.micro_batch <= MOST_MICRO_BATCH && p.micro_batch <= per_rank; p.micro_batch *= 2) {
        if (per_rank % p.micro_batch)
            continue;
        p.micro_batches = per_rank / p.micro_batch;
        for (p.chunks = 1; p.chunks <= (p.pp > 1 ? MOST_CHUNKS : 1); p.chunks++) {
            p.schedule = ASSAY_PIPELINE_1F1B;
            visit_state(s, p);
            if (p.chunks == 1 && p.pp > 1) {
                p.schedule = ASSAY_PIPELINE_ZERO_BUBBLE;
                visit_state(s, p);
            }
        }
    }
}

static void visit_experts(struct search *s, struct assay_train_plan p)
{
    int64_t ranks = p.tp * p.cp * p.dp, most = s->d->experts > 0 ? (int64_t)s->d->experts : 1;
    for (p.ep = 1; p.ep <= most && p.ep <= ranks; p.ep++)
        if (ranks % p.ep == 0 && most % p.ep == 0)
            visit_pipeline(s, p);
}

static void visit_all(struct search *s)
{
    const struct assay_search_space *x = s->space;
    struct assay_train_plan          p = {.seq = x->seq, .overlap = true, .attention = x->attention, .moments = x->moments, .compute = x->compute,
                                          .gradient_bytes = x->gradient_bytes, .imbalance = x->imbalance, .framework = x->framework};
    for (p.tp = 1; p.tp <= MOST_TP; p.tp++)
        for (p.cp = 1; p.cp <= MOST_CP; p.cp *= 2)
            for (p.pp = 1; (double)p.pp <= s->d->layers; p.pp++) {
                int64_t model = p.tp * p.cp * p.pp;
                if (x->devices % model || x->batch % (x->devices / model) || fmod(s->d->heads, (double)p.tp) != 0)
                    continue;
                p.dp = x->devices / model;
                p.sequence_parallel = p.tp > 1 && fmod(x->seq / (double)p.cp, (double)p.tp) == 0;
                visit_experts(s, p);
            }
}

/* The best again, event by event, which may change their order. */
static void settle(struct search *s)
{
    struct assay_search *found = calloc(1, sizeof *found);
    if (!found) {
        (void)ASSAY_FAIL(s->err, ASSAY_MEMORY, "no memory for the best plans");
        return;
    }
    for (size_t i = 0; i < s->out->n_best && !s->err->code; i++) {
        struct assay_search_plan plan = s->out->best[i];
        double                   share = isnan(plan.price.goodput.share) ? 1 : plan.price.goodput.share;
        if (!assay_price_step(s->model, &plan.plan, true, &plan.price, s->err)) {
            plan.kept_ns = plan.price.ns / share;
            keep_best(found, &plan);
        }
    }
    memcpy(s->out->best, found->best, sizeof found->best);
    free(found);
}

enum assay_code assay_search_plans(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                   const struct assay_search_space *space, struct assay_search *out, struct assay_error *err)
{
    struct search s = {.d = d, .f = f, .space = space, .out = out, .memory_bytes = f->chip.field[ASSAY_DEVICE_MEMORY], .err = err};
    memset(out, 0, sizeof *out);
    if (isnan(s.memory_bytes) || s.memory_bytes <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "memory_bytes of the device is not known, so that no plan can be said to fit");
    if (assay_step_model_new(d, f, k, &s.model, err))
        return err->code;
    visit_all(&s);
    if (!err->code && !out->priced && !out->short_of_memory) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "no plan divides %lld devices and a batch of %lld", (long long)space->devices, (long long)space->batch);
        (void)assay_error_hint(err, "%s", s.why.code ? s.why.message : "a batch has a sequence for each data-parallel rank at least");
    }
    if (!err->code)
        settle(&s);
    assay_step_model_free(s.model);
    return err->code;
}
