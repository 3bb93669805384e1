#include "harness/model/cluster/serving_search.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

#define MOST_TP 64.0
#define MOST_DP 64.0
#define MOST_PP 16.0
#define MOST_IN_FLIGHT 1024.0
#define BUSY 0.95          /* of the time that devices for prompts may be at work: beyond it queues have no end */
#define ROUNDING (1 + 1e-9) /* devices for prompts are as busy as the limit allows, to the last bit */
#define PROMPTS_AT_ONCE 16 /* at most, of a step for prompts alone */

const char *const assay_serving_way_names[ASSAY_SERVING_WAYS] = {"shared", "split"};
const char *const assay_serving_axis_names[ASSAY_SERVING_AXES] = {"way", "tp", "dp", "pp", "ep", "in flight"};

double assay_serving_axis_value(const struct assay_serving_choice *c, enum assay_serving_axis axis)
{
    switch (axis) {
    case ASSAY_SERVING_AXIS_WAY: return c->way;
    case ASSAY_SERVING_AXIS_TP: return c->replica.plan.tp;
    case ASSAY_SERVING_AXIS_DP: return c->replica.plan.dp;
    case ASSAY_SERVING_AXIS_PP: return c->replica.plan.pp;
    case ASSAY_SERVING_AXIS_EP: return c->replica.plan.moe_ep;
    case ASSAY_SERVING_AXIS_IN_FLIGHT: return c->replica.in_flight;
    case ASSAY_SERVING_AXES: break;
    }
    return 0;
}

static void tell_plan(const struct assay_serving_plan *p, struct assay_text *out)
{
    assay_text_add(out, "tp %.0f", p->tp);
    if (p->dp > 1)
        assay_text_add(out, " dp %.0f", p->dp);
    if (p->pp > 1)
        assay_text_add(out, " pp %.0f", p->pp);
    if (p->moe_ep > 1)
        assay_text_add(out, " ep %.0f", p->moe_ep);
}

void assay_serving_choice_tell(const struct assay_serving_choice *c, struct assay_text *out)
{
    tell_plan(&c->replica.plan, out);
    assay_text_add(out, ", %.0f in flight%s", c->replica.in_flight, c->replica.plan.dp > 1 ? " a group" : "");
    if (c->way == ASSAY_SERVING_SPLIT) {
        assay_text_add(out, "; prompts on %.0f %% of the devices, ", 100 * c->prompt_share);
        tell_plan(&c->prompts.plan, out);
        assay_text_add(out, ", %.0f at once", c->prompts.in_flight);
    }
}

/* ---- prices of replicas -------------------------------------------------------------------------------------------- */

struct search {
    const struct assay_decoder_numbers *d;
    const struct assay_fabric          *f;
    const struct assay_serving_numbers *stack;
    const struct assay_serving_space   *space;
    struct assay_serving_desk          *desk;
    struct assay_serving_search        *out;
    struct assay_serving_replica        prompts; /* the best there is for prompts alone */
    struct assay_error                 *err;
};

static struct assay_serving_ask ask_of(const struct search *s, const struct assay_serving_replica *r)
{
    struct assay_serving_ask a = {.decoder = *s->d, .plan = r->plan, .prompt_tokens = s->space->prompt_tokens, .output_tokens = s->space->output_tokens,
                                  .in_flight = r->in_flight, .protocol = ASSAY_SERVING_BY_CONCURRENCY};
    (void)snprintf(a.model, sizeof a.model, "%s", s->space->model);
    (void)snprintf(a.server, sizeof a.server, "%s", s->space->server);
    return a;
}

static double request_ns(const struct search *s)
{
    return s->stack->value[ASSAY_SERVING_REQUEST_CONCURRENCY];
}

/* Is there room for what is in flight? What a rank holds is told either way. */
static bool has_room(struct search *s, struct assay_serving_replica *r)
{
    struct assay_serving_ask ask = ask_of(s, r);
    double                   seats = 0;
    bool                     crowded = true;
    r->weight_bytes = assay_serving_weight_bytes(s->d, &r->plan);
    r->cache_bytes = r->in_flight * assay_serving_token_bytes(s->d, &r->plan) * (ask.prompt_tokens + ask.output_tokens);
    return !assay_serving_seats_of(s->desk, &ask, &seats, &crowded, s->err) && !crowded && seats >= r->in_flight;
}

/* Prompts and further tokens on the same devices. A closed system: what is in flight over how long each stays. */
static void price_shared(struct search *s, struct assay_serving_choice *c)
{
    struct assay_serving_ask ask = ask_of(s, &c->replica);
    double                   ns[ASSAY_SERVING_FIGURES] = {NAN, NAN};
    c->way = ASSAY_SERVING_SHARED;
    (void)assay_serving_steady_of(s->desk, &ask, s->stack, ns, s->err);
    c->ttft_ns = ns[ASSAY_SERVING_TTFT] + request_ns(s);
    c->tpot_ns = ns[ASSAY_SERVING_TPOT];
    double stay_ns = ns[ASSAY_SERVING_TTFT] + (ask.output_tokens - 1) * c->tpot_ns;
    c->replica.per_device_s = c->replica.in_flight * c->replica.plan.dp / stay_ns * 1e9 / assay_serving_plan_ranks(&c->replica.plan);
    c->goodput_s = c->replica.per_device_s;
}

/* Event by event: who is in flight comes and goes as it does. */
static void follow_shared(struct search *s, struct assay_serving_choice *c)
{
    struct assay_serving_ask    ask = ask_of(s, &c->replica);
    struct assay_serving_answer a;
    if (assay_serving_answer_of(s->desk, &ask, &a, s->err))
        return;
    double ttft_ns = assay_serving_ns(s->stack, &a.means.ttft[ASSAY_SERVING_LATER]);
    c->tpot_ns = assay_serving_ns(s->stack, &a.means.tpot[ASSAY_SERVING_LATER]);
    c->ttft_ns = ttft_ns + request_ns(s);
    c->replica.per_device_s = c->replica.in_flight * c->replica.plan.dp / (ttft_ns + (ask.output_tokens - 1) * c->tpot_ns) * 1e9 /
                              assay_serving_plan_ranks(&c->replica.plan);
    c->goodput_s = c->replica.per_device_s;
    c->followed = true;
}

static double step_ns(struct search *s, const struct assay_serving_replica *r, const struct assay_serving_work *w)
{
    struct assay_serving_ask  ask = ask_of(s, r);
    struct assay_serving_time t;
    return assay_serving_step_of(s->desk, &ask, w, &t, s->err) ? NAN : assay_serving_ns(s->stack, &t);
}

/* Of a prompt's keys and values, from the ranks that have them to the others, by the outermost tier. */
static double transfer_ns(const struct search *s, const struct assay_serving_replica *from)
{
    const struct assay_fabric_tier *t = &s->f->tier[s->f->n_tiers - 1];
    double                          bytes = assay_serving_token_bytes(s->d, &from->plan) * s->space->prompt_tokens;
    return t->latency_ns + bytes / (t->link * t->efficiency / fmax(1, t->oversubscription)) * 1e9;
}

/* Prompts alone, so many at once, as often as their first tokens are in time when requests come by chance: a server that takes S a batch and
 * is busy rho of the time has a queue of rho S / 2 (1 - rho) (M/D/1). */
static void price_prompts(struct search *s, struct assay_serving_replica *r, double *ttft_ns)
{
    struct assay_serving_work w = {.prompts = r->in_flight, .prompt_tokens = r->in_flight * s->space->prompt_tokens};
    double batch_ns = step_ns(s, r, &w), fixed_ns = batch_ns + transfer_ns(s, r) + request_ns(s), spare_ns = s->space->ttft_ns - fixed_ns;
    double busy = spare_ns > 0 ? fmin(BUSY, 2 * spare_ns / (batch_ns + 2 * spare_ns)) : 0;
    *ttft_ns = fixed_ns + (busy > 0 ? busy * batch_ns / (2 * (1 - busy)) : 0);
    r->per_device_s = busy * r->in_flight * r->plan.dp / batch_ns * 1e9 / assay_serving_plan_ranks(&r->plan);
}

/* Further tokens alone. */
static void price_tokens(struct search *s, struct assay_serving_replica *r, double *tpot_ns)
{
    double                    further = s->space->output_tokens - 1;
    struct assay_serving_work w = {.sequences = r->in_flight, .cached_tokens = r->in_flight * (s->space->prompt_tokens + further / 2)};
    *tpot_ns = step_ns(s, r, &w);
    r->per_device_s = r->in_flight * r->plan.dp / (further * *tpot_ns) * 1e9 / assay_serving_plan_ranks(&r->plan);
}

/* Whole replicas of both kinds on the devices there are: of so many for further tokens, what all devices give. */
static double divided(const struct search *s, const struct assay_serving_choice *c, double tokens, double *prompt_share)
{
    double own = assay_serving_plan_ranks(&c->replica.plan), other = assay_serving_plan_ranks(&c->prompts.plan), all = s->space->devices;
    double prompts = floor((all - tokens * own) / other);
    if (tokens < 1 || prompts < 1)
        return 0;
    *prompt_share = prompts * other / all;
    return fmin(prompts * other * c->prompts.per_device_s, tokens * own * c->replica.per_device_s) / all;
}

/* Devices divided so that neither kind waits much for the other. */
static void price_split(struct search *s, struct assay_serving_choice *c)
{
    c->way = ASSAY_SERVING_SPLIT;
    price_tokens(s, &c->replica, &c->tpot_ns);
    price_prompts(s, &c->prompts, &c->ttft_ns);
    c->transfer_ns = transfer_ns(s, &c->prompts);
    double p = c->prompts.per_device_s, t = c->replica.per_device_s, even = p + t > 0 ? p / (p + t) : 0;
    double around = floor(even * s->space->devices / assay_serving_plan_ranks(&c->replica.plan));
    c->goodput_s = c->prompt_share = 0;
    for (int beside = -1; beside <= 1; beside++) {
        double share = 0, goodput_s = divided(s, c, around + beside, &share);
        if (goodput_s > c->goodput_s) {
            c->goodput_s = goodput_s;
            c->prompt_share = share;
        }
    }
}

/* ---- what is kept -------------------------------------------------------------------------------------------------- */

static bool within(const struct search *s, const struct assay_serving_choice *c)
{
    return c->ttft_ns <= s->space->ttft_ns * ROUNDING && c->tpot_ns <= s->space->tpot_ns * ROUNDING && c->goodput_s > 0;
}

/* How far beyond its limits, as a factor. */
static double beyond(const struct search *s, const struct assay_serving_choice *c)
{
    return fmax(c->ttft_ns / s->space->ttft_ns, c->tpot_ns / s->space->tpot_ns);
}

static bool same_plan(const struct assay_serving_choice *a, const struct assay_serving_choice *b)
{
    const struct assay_serving_plan *p = &a->replica.plan, *q = &b->replica.plan;
    return a->way == b->way && p->tp == q->tp && p->dp == q->dp && p->pp == q->pp && p->moe_ep == q->moe_ep;
}

/* Of one plan the best number in flight alone. */
static void keep_best(struct assay_serving_search *o, const struct assay_serving_choice *c)
{
    size_t at = 0;
    while (at < o->n_best && !same_plan(&o->best[at], c))
        at++;
    if (at < o->n_best && o->best[at].goodput_s >= c->goodput_s)
        return;
    if (at == o->n_best && at == ASSAY_SERVING_BEST && o->best[--at].goodput_s >= c->goodput_s)
        return;
    if (at == o->n_best)
        o->n_best++;
    for (; at > 0 && o->best[at - 1].goodput_s < c->goodput_s; at--)
        o->best[at] = o->best[at - 1];
    o->best[at] = *c;
}

static void keep_frontier(struct assay_serving_search *o, const struct assay_serving_choice *c)
{
    size_t n = 0, at;
    for (size_t i = 0; i < o->n_frontier; i++)
        if (o->frontier[i].goodput_s >= c->goodput_s && o->frontier[i].tpot_ns <= c->tpot_ns)
            return;
    for (size_t i = 0; i < o->n_frontier; i++)
        if (o->frontier[i].goodput_s > c->goodput_s || o->frontier[i].tpot_ns < c->tpot_ns)
            o->frontier[n++] = o->frontier[i];
    o->n_frontier = n < ASSAY_SERVING_FRONTIER ? n : ASSAY_SERVING_FRONTIER - 1;
    for (at = o->n_frontier++; at > 0 && o->frontier[at - 1].tpot_ns > c->tpot_ns; at--)
        o->frontier[at] = o->frontier[at - 1];
    o->frontier[at] = *c;
}

static void keep_value(struct assay_serving_search *o, const struct assay_serving_choice *c, double goodput_s)
{
    for (int a = 0; a < ASSAY_SERVING_AXES; a++) {
        double value = assay_serving_axis_value(c, (enum assay_serving_axis)a);
        size_t i = 0;
        while (i < o->n_values[a] && o->value[a][i].value != value)
            i++;
        if (i == ASSAY_SERVING_VALUES)
            continue;
        if (i == o->n_values[a]) { /* in order */
            for (o->n_values[a]++; i > 0 && o->value[a][i - 1].value > value; i--)
                o->value[a][i] = o->value[a][i - 1];
            o->value[a][i] = (struct assay_serving_value){value, 0};
        }
        o->value[a][i].goodput_s = fmax(o->value[a][i].goodput_s, goodput_s);
    }
}

static void keep(struct search *s, const struct assay_serving_choice *c)
{
    struct assay_serving_search *o = s->out;
    if (s->err->code || isnan(c->goodput_s))
        return;
    bool first = !o->priced++;
    keep_value(o, c, within(s, c) ? c->goodput_s : 0);
    if (c->goodput_s > 0 && c->ttft_ns <= s->space->ttft_ns * ROUNDING)
        keep_frontier(o, c);
    if (within(s, c)) {
        keep_best(o, c);
        return;
    }
    o->too_slow++;
    if (first || beyond(s, c) < beyond(s, &o->nearest))
        o->nearest = *c;
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

/* Numbers in flight: powers of two, as far as there is room. */
static void visit_in_flight(struct search *s, const struct assay_serving_plan *p)
{
    for (double n = 1; n <= MOST_IN_FLIGHT && !s->err->code; n *= 2) {
        struct assay_serving_choice c = {.replica = {.plan = *p, .in_flight = n}};
        if (n < p->pp) /* stages would stand idle */
            continue;
        if (!has_room(s, &c.replica)) {
            double bytes = c.replica.weight_bytes + c.replica.cache_bytes;
            s->out->least_bytes = s->out->short_of_memory++ ? fmin(s->out->least_bytes, bytes) : bytes;
            return;
        }
        price_shared(s, &c);
        keep(s, &c);
        if (!(s->prompts.per_device_s > 0))
            continue;
        c.prompts = s->prompts;
        price_split(s, &c);
        keep(s, &c);
    }
}

static void visit_prompts(struct search *s, const struct assay_serving_plan *p)
{
    for (double n = 1; n <= PROMPTS_AT_ONCE && !s->err->code; n *= 2) {
        struct assay_serving_replica r = {.plan = *p, .in_flight = n};
        double                       ttft_ns = NAN;
        if (p->pp > 1 || !has_room(s, &r))
            return;
        price_prompts(s, &r, &ttft_ns);
        if (r.per_device_s > s->prompts.per_device_s)
            s->prompts = r;
    }
}

typedef void visitor(struct search *s, const struct assay_serving_plan *p);

static void visit_experts(struct search *s, struct assay_serving_plan p, visitor *visit)
{
    double ranks = p.tp * p.dp;
    for (p.moe_ep = 1; p.moe_ep <= ranks; p.moe_ep *= 2) {
        struct assay_error none = {.code = ASSAY_OK};
        p.moe_tp = ranks / p.moe_ep;
        bool whole = s->d->experts <= 0 ? p.moe_ep == 1 : p.dp == 1 ? p.moe_ep == 1 || p.moe_ep == ranks : p.moe_ep == ranks;
        if (whole && fmod(ranks, p.moe_ep) == 0 && !assay_serving_plan_check(&p, s->d, &none))
            visit(s, &p);
    }
}

static void visit_all(struct search *s, visitor *visit)
{
    struct assay_serving_plan p = {.products = s->space->products, .experts = s->space->experts, .cache_bytes = s->space->cache_bytes};
    for (p.tp = 1; p.tp <= MOST_TP; p.tp *= 2)
        for (p.dp = 1; p.dp <= (s->d->experts > 0 ? MOST_DP : 1); p.dp *= 2)
            for (p.pp = 1; p.pp <= MOST_PP; p.pp *= 2)
                if (assay_serving_plan_ranks(&p) <= s->space->devices && fmod(s->space->devices, assay_serving_plan_ranks(&p)) == 0)
                    visit_experts(s, p, visit);
}

/* The best again, event by event, which may change their order or put one beyond its limits. */
static void settle(struct search *s)
{
    struct assay_serving_choice all[ASSAY_SERVING_BEST];
    size_t                      n = s->out->n_best;
    memcpy(all, s->out->best, sizeof all);
    s->out->n_best = 0;
    for (size_t i = 0; i < n && !s->err->code; i++) {
        if (all[i].way == ASSAY_SERVING_SHARED)
            follow_shared(s, &all[i]);
        if (within(s, &all[i]))
            keep_best(s->out, &all[i]);
        else if (!s->out->n_best && (i == 0 || beyond(s, &all[i]) < beyond(s, &s->out->nearest)))
            s->out->nearest = all[i];
    }
}

static enum assay_code check(const struct assay_serving_space *x, struct assay_error *err)
{
    if (!(x->prompt_tokens >= 1) || !(x->output_tokens >= 2))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "requests of %g and %g tokens; at least 1 of a prompt and 2 of output", x->prompt_tokens, x->output_tokens);
    if (!(x->ttft_ns > 0) || !(x->tpot_ns > 0))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "limits of %g and %g ns; they must be positive", x->ttft_ns, x->tpot_ns);
    return ASSAY_OK;
}

enum assay_code assay_serving_search(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                     const struct assay_serving_numbers *stack, const struct assay_serving_space *space, struct assay_serving_search *out,
                                     struct assay_error *err)
{
    struct search s = {.d = d, .f = f, .stack = stack, .space = space, .out = out, .err = err};
    memset(out, 0, sizeof *out);
    if (check(space, err) || assay_serving_desk_on(f, k, &s.desk, err))
        return err->code;
    visit_all(&s, visit_prompts);
    if (!err->code)
        visit_all(&s, visit_in_flight);
    if (!err->code)
        settle(&s);
    assay_serving_desk_free(s.desk);
    return err->code;
}

void assay_serving_choice_on(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                             const struct assay_serving_numbers *stack, const struct assay_serving_space *space, struct assay_serving_choice *c)
{
    struct assay_error none = {.code = ASSAY_OK};
    struct search      s = {.d = d, .f = f, .stack = stack, .space = space, .err = &none};
    if (!assay_serving_desk_on(f, k, &s.desk, &none) && has_room(&s, &c->replica) &&
        (c->way == ASSAY_SERVING_SHARED || has_room(&s, &c->prompts))) {
        if (c->way == ASSAY_SERVING_SPLIT)
            price_split(&s, c);
        else
            price_shared(&s, c);
    } else
        c->goodput_s = NAN;
    if (none.code)
        c->goodput_s = NAN;
    if (isnan(c->goodput_s))
        c->ttft_ns = c->tpot_ns = NAN;
    c->followed = false;
    assay_serving_desk_free(s.desk);
}
